import type { CallDescription } from '../../models/ioctls/description.js';
import { DRIVER_STRUCTS } from '../../models/layout/driver_data.js';
import type { Direction, FdKind, Field, Role } from '../../models/layout/field.js';
import type { Member } from '../../models/layout/struct.js';
import type { IoctlStep, Operand, Scalar } from '../../models/program/program.js';
import { EDGE_BYTES_MAX, HOLE } from '../../models/program/arena.js';
import type { IoPagetable } from '../../models/state/io_pagetable.js';
import type { GeneratorState } from './state.js';
import type { Picks } from './picks.js';
import { PAGE_SIZE, lowestSetBit, wrapU64 } from '../../models/base/u64.js';
import { ENTRY_BYTES } from '../../models/hardware/mock_domain.js';
import {
  GIANT_LENGTHS,
  GIANT_STARTS,
  anyGranule,
  anyIova,
  anyLength,
  anyOffset,
  anyRange,
  anyUserAddress,
  lengthOfAreaAt,
  wrappingLength,
} from './values.js';

/** Ids first, then places, then lengths: what is drawn later can fit what was drawn before, wherever it lies in the struct. */
const DRAWING_ORDER: readonly Role['is'][] = [
  'fd',
  'id',
  'count',
  'iova',
  'user_va',
  'offset',
  'length',
  'granule',
  'array',
];

/** The most elements of a generated array. */
const ELEMENTS_MAX = 4;

/** Counts beyond what calls take, or the kernel allocates. Source: hw_pagetable.c:IOMMU_HWPT_INVALIDATE_ENTRY_NUM_MAX. */
const COUNT_EDGES = [0xffff_ffff, 1 << 19, (1 << 19) + 1, 400_000] as const;

/** A call with arguments drawn for the roles that its description gives its members. */
export function drawCall(call: CallDescription, state: GeneratorState, picks: Picks): IoctlStep {
  const { members, traits } = manner(call);
  const isCompat = isOfCompatibility(call);
  const table = isCompat ? state.compatTable : undefined;
  const draw = new ArgumentDraw(state, picks, traits, table);
  const args: Record<string, Operand> = {};
  for (const member of members) {
    const operand = draw.operand(member);
    if (operand !== undefined) args[member.name] = operand;
  }
  const file = picks.unusual('otherFile') ? state.drawFile(picks) : fileFor(call, state, picks);
  const step: IoctlStep = { do: 'ioctl', file, call: call.name, args };
  if (call.argument === 'value')
    return picks.unusual('otherCommand') ? { ...step, command: otherCommand(call, picks) } : step;
  const framed = isCompat ? { ...step, ...roomBehind(picks) } : step;
  return draw.usesEdge || !picks.unusual('disturbedFrame') ? framed : disturbFrame(framed, call, picks);
}

/** What a call is made on: the file at hand, or one of VFIO if it is a call on such files. */
function fileFor({ on }: CallDescription, state: GeneratorState, picks: Picks): string {
  return (on === 'iommufd' ? undefined : state.labelOfKind(on, picks)) ?? state.file;
}

/** Whether a call of VFIO works on the compatible IOAS of an iommufd. */
export function isOfCompatibility({ on, protocol }: CallDescription): boolean {
  return on === 'iommufd' && protocol === 'vfio';
}

/** Calls of VFIO may answer behind their struct, or do not mind what lies there. */
function roomBehind(picks: Picks): Pick<IoctlStep, 'tail'> {
  return picks.rarely(3) ? { tail: { bytes: picks.below(ROOM_MAX), value: 0xaa } } : {};
}

/** More than two capabilities and a few ranges take. */
const ROOM_MAX = 100;

function otherCommand(call: CallDescription, picks: Picks): number {
  return picks.one([0x3b7f, 0x3b96, 0x3ba1, 0x3c81, call.command | 0x8000_0000]) >>> 0;
}

/** What is special about the arguments of a call. */
interface CallTraits {
  readonly hasBitmap: boolean;
  readonly copies: boolean;
}

/** How a call is drawn, which is the same each time. */
interface Manner {
  /** In the order of drawing. */
  readonly members: readonly Member[];
  readonly traits: CallTraits;
}

const manners = new Map<CallDescription, Manner>();

function manner(call: CallDescription): Manner {
  const known = manners.get(call);
  if (known !== undefined) return known;
  const { members } = call.layout;
  const made = {
    members: orderMembers(call),
    traits: {
      hasBitmap: members.some(({ field }) => field.role.is === 'granule'),
      copies: members.some(({ field }) => isAnyData(field.role)),
    },
  };
  manners.set(call, made);
  return made;
}

/** The operation of a multiplexed command is the call's own. */
function orderMembers(call: CallDescription): Member[] {
  const rank = ({ field }: Member) => DRAWING_ORDER.indexOf(field.role.is);
  return call.layout.members
    .filter(({ name, field }) => field.direction !== 'out' && !(name === 'op' && call.op !== undefined))
    .sort((one, two) => (rank(one) >>> 0) - (rank(two) >>> 0));
}

/** Now and then a struct is longer, shorter, lies badly, or goes to another command. */
export function disturbFrame(step: IoctlStep, call: CallDescription, picks: Picks): IoctlStep {
  const { bytes } = call.layout;
  const disturbances: readonly [Disturbance, ...Disturbance[]] = [
    { at: 'sealed' },
    { at: 'sealed' },
    { at: 'sealed' },
    { tail: { bytes: 8, value: 0 } },
    { tail: { bytes: 8, value: 1 } },
    { tail: { bytes: 16, value: 0 }, at: { edge: bytes + 8 } },
    { tail: { bytes: 16, value: 0xff }, at: { edge: bytes + picks.below(2) * 8 } },
    { at: { edge: picks.below(bytes) } },
    { at: 'null' },
    { size: picks.below(bytes) },
    { command: otherCommand(call, picks) },
  ];
  const { size, ...frame } = picks.one(disturbances);
  const sizeName = call.layout.members.find(({ field }) => field.role.is === 'size')?.name;
  if (size === undefined || sizeName === undefined) return { ...step, ...frame };
  return { ...step, ...frame, args: { ...step.args, [sizeName]: size } };
}

type Disturbance = Pick<IoctlStep, 'tail' | 'at' | 'command'> & { readonly size?: number };

/** Draws the members of one call in order; later members fit the earlier ones more often than not. */
class ArgumentDraw {
  #iova: bigint | undefined;
  #lengthDrawn = 0n;
  #granule = 1n;
  #elements = 0;
  #dataBytes = 0;
  #dataBytesMax = 20;
  /** Some kernels take no data where others do. */
  #goesWithoutData = false;
  /** Whether there are more elements than a program has. */
  #isUncounted = false;
  /** Whether the call is about nearly all of the address space. */
  readonly #isGiant: boolean;
  /** sizeof the struct that the data is meant to be. */
  #structBytes = 0;
  /** Whether an array lies before the hole: a call has only one buffer there. */
  usesEdge = false;

  constructor(
    private readonly state: GeneratorState,
    private readonly picks: Picks,
    private readonly call: CallTraits,
    /** Of the IOAS that the call is about. */
    private table: IoPagetable | undefined,
  ) {
    this.#isGiant = !call.copies && !call.hasBitmap && picks.unusual('giantRange');
  }

  operand({ field }: Member): Operand | undefined {
    const { picks } = this;
    switch (field.role.is) {
      case 'size':
        return undefined;
      case 'reserved':
        return picks.unusual('reserved') ? 1 : undefined;
      case 'flags':
        return drawFlags(Object.values(field.role.bits), picks);
      case 'choice':
        return this.#goesWithoutData && 'NONE' in field.role.values
          ? field.role.values.NONE
          : drawChoice(field.role.values, picks);
      case 'id':
        return this.#id(field.role.of);
      case 'iova':
        return (this.#iova = this.#anyIova(field.direction));
      case 'length':
        this.#lengthDrawn = this.#length();
        return field.bytes === 4 ? Number(this.#lengthDrawn & 0xffff_ffffn) : this.#lengthDrawn;
      case 'granule':
        return (this.#granule = anyGranule(picks, this.#iova ?? 0n, this.#lengthDrawn));
      case 'user_va':
        return this.#userAddress();
      case 'offset':
        return this.#isGiant ? picks.one(GIANT_STARTS) : anyOffset(picks);
      case 'count':
        return this.#count();
      case 'array':
        return this.#pointer(field.role);
      case 'array_bytes':
        // More than there is room for would be written over what lies behind.
        return picks.unusual('shortBuffer') ? picks.below(this.#dataBytesMax + 1) : this.#dataBytes;
      case 'element_bytes':
        return picks.unusual('oddElements') ? picks.below(2 * this.#structBytes) : this.#structBytes;
      case 'number':
        return picks.any(field.role.likely ?? []) ?? drawNumber(field, picks);
      case 'fd':
        return this.#fd(field.role.of);
    }
  }

  #id(types: readonly string[]): Scalar {
    const { operand, table } = this.state.drawId(types, this.picks);
    this.table = table ?? this.table;
    return operand;
  }

  /** More elements than there is room for would be read from, or written over, what lies behind. */
  #count(): number {
    const { picks } = this;
    this.#isUncounted = picks.unusual('edgeOfCount');
    this.#elements = this.#isUncounted ? 1 : picks.below(ELEMENTS_MAX);
    return this.#isUncounted ? picks.one(COUNT_EDGES) : this.#elements;
  }

  /** A bitmap is about what is mapped, and so is what a call does not choose itself. */
  #anyIova(direction: Direction): bigint {
    const { picks } = this;
    if (this.#isGiant) return picks.one(GIANT_STARTS);
    const { hasBitmap, copies } = this.call;
    const isInside = hasBitmap || copies ? !picks.rarely(4) : direction === 'in' && picks.rarely(2);
    const area = isInside ? picks.any(this.table?.areas ?? []) : undefined;
    if (area === undefined) return anyIova(picks, this.table);
    const offsets = copies ? COPY_OFFSETS : ([0n, 0n, 0n, 0n, ENTRY_BYTES, PAGE_SIZE] as const);
    return wrapU64(area.iova + picks.one(offsets));
  }

  #fd(kinds: readonly FdKind[]): Operand {
    const { operand, table } = this.state.drawFd(kinds, this.picks);
    this.table = table ?? this.table;
    return operand;
  }

  /** What is behind the IOVA, where there is something: calls that compare want it, and others lose nothing. */
  #userAddress(): bigint {
    if (this.#isGiant) return this.picks.one(GIANT_STARTS);
    const area = this.#iova === undefined ? undefined : this.table?.areaAt(this.#iova);
    if (area?.pages.source.kind !== 'user' || this.#iova === undefined || this.picks.rarely(3))
      return anyUserAddress(this.picks);
    if (this.picks.rarely(4)) return 0n;
    return area.pages.origin + area.startByte + (this.#iova - area.iova);
  }

  #length(): bigint {
    if (this.#isGiant) return this.picks.any(GIANT_LENGTHS) ?? 0n;
    if (this.picks.unusual('emptyRange')) return 0n;
    if (this.#iova !== undefined && !this.call.copies && this.picks.unusual('wrappingLength'))
      return wrappingLength(this.#iova, this.picks);
    if (this.call.copies && !this.picks.rarely(8)) return this.picks.one(COPY_LENGTHS);
    const whole = this.#iova === undefined ? undefined : lengthOfAreaAt(this.table, this.#iova);
    // Without large pages VFIO takes pieces of areas.
    const piecesOneIn = this.table?.disableLargePages === true ? 2 : 3;
    return whole !== undefined && !this.picks.rarely(piecesOneIn) ? whole : anyLength(this.picks);
  }

  #pointer(role: ArrayRole): Operand | undefined {
    if (this.#isUncounted) return this.#uncounted();
    switch (role.element) {
      case 'word':
        return this.#data(role);
      case 'bitmap_word':
        return this.#bitmap(role.direction);
      case 'iommu_iova_range':
        return this.#array(role.direction);
    }
  }

  /** No memory at all, where elements are more than any. */
  #uncounted(): Operand {
    this.#structBytes = WORD_BYTES;
    return HOLE;
  }

  /** Room for each bit of the range, and for those that a leaf behind it has; what the kernel is to fill in is mostly clean. */
  #bitmap(direction: Direction): Operand {
    const { picks } = this;
    const words = bitmapWords(this.#lengthDrawn, this.#granule, direction);
    if (picks.unusual('noBuffer')) return picks.one(NO_BUFFER);
    if (words > BITMAP_WORDS_MAX) return HOLE;
    const isFilled = direction === 'in' || picks.rarely(8);
    const place = picks.rarely(3) ? { in: { page_offset: picks.one([0, 0x800, 0xff1]) } } : {};
    return { words: Array.from({ length: words }, () => (isFilled ? drawBits(picks) : 0)), ...place };
  }

  /** Bytes to copy, or room for them; more of them than a program should hold go to where there is no memory. */
  #copied(): Operand {
    const { picks } = this;
    const length = Number(this.#lengthDrawn);
    if (length > COPY_BYTES_MAX || picks.unusual('noBuffer')) return HOLE;
    const first = 1 + picks.below(0xffff);
    this.usesEdge = length > 1 && picks.unusual('bufferAtEdge');
    const place = this.usesEdge
      ? { in: { edge: 1 + picks.below(Math.min(length, EDGE_BYTES_MAX) - 1) } }
      : {};
    return { words: Array.from({ length: Math.ceil(length / WORD_BYTES) }, (_, at) => first + at), ...place };
  }

  /** Words that the driver may make sense of: one of its structs, cut short or too long now and then, or a list of them. */
  #data({ direction, structs }: ArrayRole): Operand | undefined {
    const { picks } = this;
    if (this.call.copies) return this.#copied();
    const struct = picks.rarely(3) ? picks.any(structs) : structs[0];
    this.#structBytes = struct === undefined ? WORD_BYTES : DRIVER_STRUCTS[struct].bytes;
    this.#goesWithoutData = direction === 'in' && this.#elements === 0 && picks.rarely(3);
    if (this.#goesWithoutData) return undefined;
    if (picks.unusual('noBuffer')) {
      this.#dataBytes = this.#structBytes;
      return picks.one(NO_BUFFER);
    }
    if (direction === 'out') {
      this.#dataBytes = picks.below(2 * this.#structBytes + WORD_BYTES);
      this.#dataBytesMax = this.#dataBytes;
      return { room: this.#dataBytes };
    }
    const words = this.#structBytes / WORD_BYTES;
    const whole = this.#elements > 0 ? words * this.#elements : 1 + picks.below(words);
    const count = picks.rarely(8) ? picks.below(words + 2) : whole;
    this.#dataBytes = WORD_BYTES * count;
    if (direction === 'inout') this.#dataBytesMax = this.#dataBytes;
    return {
      words: Array.from({ length: count }, () => (picks.rarely(16) ? picks.below(8) : picks.below(3))),
    };
  }

  #array(direction: Direction): Operand {
    const { picks } = this;
    if (picks.unusual('noBuffer')) return picks.one(NO_BUFFER);
    this.usesEdge = picks.unusual('bufferAtEdge');
    const place = this.usesEdge ? { in: { edge: picks.below(3) } } : {};
    if (direction === 'out') return { room: this.#elements, ...place };
    const ranges = Array.from({ length: this.#elements }, () => anyRange(picks, this.table));
    return { ranges, ...place };
  }
}

/** Few places and lengths, so that what is read has been written before; around the border of pages for the most part. */
const COPY_OFFSETS = [0n, 0n, 0n, 0xffcn, 0xffcn, 0xff9n, 0x1000n, 0x1ffcn] as const;
const COPY_LENGTHS = [4n, 4n, 8n, 8n, 7n, 64n, 0x1000n, 0x1004n] as const;

/** The most that accesses of programs copy. */
export const COPY_BYTES_MAX = 0x2000;

/** Whether a pointer leads to bytes that mean nothing to anybody. */
export function isAnyData(role: Role): boolean {
  return role.is === 'array' && role.element === 'word' && role.structs.length === 0;
}

/** Where no array is. */
const NO_BUFFER = [HOLE, HOLE, 0n] as const;

/** Driver data is drawn in words of 32 bits. */
const WORD_BYTES = 4;

type ArrayRole = Role & { readonly is: 'array' };

/** Words of the longest bitmap; the kernel's answer to a longer one is that of a bad pointer. */
const BITMAP_WORDS_MAX = 8192 / 32 + 1 + 4096 / 32;

/** Words that a bitmap of a range takes, with those that the kernel may write behind it. */
export function bitmapWords(length: bigint, granule: bigint, direction: Direction): number {
  const bits = granule === 0n ? 0n : length / lowestSetBit(granule);
  return Number(bits / 32n) + (direction === 'in' ? 1 : 1 + LEAF_WORDS);
}

/** Words behind a bitmap that the bits of a page can reach: one for each byte. */
const LEAF_WORDS = 4096 / 32;

/** Few pages are dirty, or all. */
function drawBits(picks: Picks): number {
  return picks.one([1, 1, 2, 3, 4, 0x80, 0x8000_0001, 0x5555_5555, 0xffff_ffff, 0xffff_ffff]);
}

/** The hardware is the mock: its own kind of data is the one that leads anywhere. */
function drawChoice({ SELFTEST: own, ...others }: Readonly<Record<string, number>>, picks: Picks): number {
  if (picks.unusual('unknownChoice')) return picks.below(4);
  if (own !== undefined && !picks.rarely(3)) return own;
  return picks.any(Object.values(others)) ?? 0;
}

/** Where there are many flags, most calls want few of them. */
const FEW_FLAGS = 3;

function chooseBits(bits: readonly number[], picks: Picks): number[] {
  if (bits.length > FEW_FLAGS && !picks.rarely(3)) return picks.below(3) === 0 ? [] : [picks.any(bits) ?? 0];
  return bits.filter(() => picks.below(3) > 0);
}

function drawFlags(bits: readonly number[], picks: Picks): number {
  const chosen = chooseBits(bits, picks).reduce((flags, bit) => flags | bit, 0);
  return picks.unusual('unknownFlag') ? (chosen | (1 << picks.below(31))) >>> 0 : chosen;
}

/** Small numbers: values of options, numbers of pins. */
function drawNumber({ bytes }: Field<number> | Field<bigint>, picks: Picks): number | bigint {
  const value = picks.below(3);
  return bytes === 8 ? BigInt(value) : value;
}
