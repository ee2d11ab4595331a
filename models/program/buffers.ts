import { present } from '../base/assert.js';
import type { CallDescription } from '../ioctls/description.js';
import { writeNumber, writeWord } from '../base/bytes.js';
import type { ArrayElement, Field } from '../layout/field.js';
import { PAGE_SIZE, alignUp } from '../base/u64.js';
import { IOVA_RANGE } from '../layout/iova_range.js';
import { type Member, writeMember } from '../layout/struct.js';
import { ARENA, ARGS, EDGE, GUARD_BYTE, HOLE, HUGE, type Region, SEALED } from './arena.js';
import {
  type ArrayOperand,
  type ArrayPlace,
  type IoctlStep,
  type Reference,
  type Scalar,
  type StructPlace,
  isReference,
} from './program.js';
import type { PatchSource, RawBuffer, RawFd, RawPatch } from './raw.js';

/** Untouched bytes on either side of each buffer. */
export const GUARD_BYTES = 64n;

/** More than any struct of the uAPI has. */
const STRUCT_BYTES_MAX = 512;

/** The longest tail that a program can put behind a struct, in bytes. */
const TAIL_BYTES_MAX = 8192;

/** Memory of the argument region that a call can have: lanes have each their own. */
export interface ArgsRoom {
  readonly structs: Pick<Region, 'start' | 'bytes'>;
  readonly arrays: Pick<Region, 'start' | 'bytes'>;
}

/** Half of the region is for structs, the other one for arrays. */
const HALF_BYTES = ARGS.bytes / 2n;

/** The first half of the sealed region is for structs, the other one for arrays. */
const SEALED_HALF = SEALED.bytes / 2n;

/** A power of two that is no less than the number of lanes. */
const LANE_ROOMS = 4;

const WHOLE_ROOM = roomAt(ARGS.start, HALF_BYTES);

const ROOMS_OF_LANES = Array.from({ length: LANE_ROOMS }, (_, lane) => {
  const bytes = HALF_BYTES / BigInt(LANE_ROOMS);
  return roomAt(ARGS.start + BigInt(lane) * bytes, bytes);
});

function roomAt(start: bigint, bytes: bigint): ArgsRoom {
  return { structs: { start, bytes }, arrays: { start: start + HALF_BYTES, bytes } };
}

/** The room of a lane; without one, the whole region. */
export function argsRoom(lane: number | undefined): ArgsRoom {
  return lane === undefined ? WHOLE_ROOM : present(ROOMS_OF_LANES[lane], 'room for a lane');
}

/** Reports what is wrong with the step under assembly. */
export type Fail = (problem: string) => never;

/** One struct at a time is built, and here: a view for each would cost more than the rest. */
const BUILT = new Uint8Array(STRUCT_BYTES_MAX + TAIL_BYTES_MAX);
const VIEW = new DataView(BUILT.buffer);

/** The bytes of a struct and its tail. The next one is begun when this one is placed. */
export class StructBuilder {
  readonly patches: RawPatch[] = [];
  readonly #length: number;

  constructor(
    call: CallDescription,
    tail: IoctlStep['tail'],
    private readonly fail: Fail,
  ) {
    const structBytes = call.layout.bytes;
    const tailBytes = tail?.bytes ?? 0;
    if (tailBytes > TAIL_BYTES_MAX) fail(`the tail is longer than ${String(TAIL_BYTES_MAX)} bytes`);
    this.#length = structBytes + tailBytes;
    BUILT.fill(0, 0, structBytes).fill(tail?.value ?? 0, structBytes, this.#length);
    if (call.protocol !== 'plain') this.#setOwn(sizeMember(call), this.#length);
    if (call.op !== undefined) this.#setOwn(call.layout.memberOf('op'), call.op);
  }

  set(member: Member, operand: Scalar, source?: PatchSource): void {
    const { field, offset } = member;
    if (isReference(operand)) {
      const from = present(source, 'source of a reference');
      this.patches.push({ buffer: 0, offset, bytes: field.bytes, from, plus: operand.plus ?? 0n });
      return;
    }
    if (!fitsField(operand, field)) this.fail(`${member.name} is ${String(operand)}, which does not fit it`);
    writeMember(member, operand, VIEW);
  }

  /** The struct's address, and those of its bytes that lie in memory. */
  place(at: StructPlace, room: ArgsRoom): RawBuffer {
    return placeBytes(at, BUILT.slice(0, this.#length), room, this.fail);
  }

  #setOwn(member: Member | undefined, value: number): void {
    writeMember(present(member, 'a member of the frame'), value, VIEW);
  }
}

/** The member in which user space says how long the struct is: `size` or `argsz`. */
function sizeMember({ layout }: CallDescription): Member | undefined {
  return layout.members.find(({ field }) => field.role.is === 'size');
}

const NO_BYTES = new Uint8Array();

/** The address of a struct or of data, and those of its bytes that lie in memory. */
export function placeBytes(at: StructPlace, bytes: Uint8Array, { structs }: ArgsRoom, fail: Fail): RawBuffer {
  switch (at) {
    case 'args':
      if (BigInt(bytes.length) + 2n * GUARD_BYTES > structs.bytes)
        fail('the struct does not fit the argument region');
      return { address: structs.start + GUARD_BYTES, bytes };
    case 'sealed':
      if (BigInt(bytes.length) + GUARD_BYTES > SEALED_HALF) fail('the struct does not fit the sealed region');
      return { address: SEALED.start + GUARD_BYTES, bytes };
    case 'null':
      return { address: 0n, bytes: NO_BYTES };
    case 'hole':
      return { address: HOLE, bytes: NO_BYTES };
    default: {
      if (at.edge < 0 || at.edge > bytes.length)
        fail(`a struct of ${String(bytes.length)} bytes has no edge at ${String(at.edge)}`);
      requireEdgeInPage(at.edge, fail);
      return { address: endOf(EDGE) - BigInt(at.edge), bytes: bytes.slice(0, at.edge) };
    }
  }
}

/** Before the edge of memory there is one page. */
function requireEdgeInPage(bytes: number, fail: Fail): void {
  if (BigInt(bytes) > EDGE.bytes)
    fail(`memory ends a page after it begins, and not ${String(bytes)} bytes after it`);
}

/** A descriptor that a struct passes. */
export interface PassedFd {
  readonly member: Member;
  readonly slot: number;
}

/** Where descriptors of the program's files are passed in the visible part of a struct. */
export function fdsIn(passed: readonly PassedFd[], visibleBytes: number): RawFd[] {
  return passed
    .filter(({ member: { offset, field } }) => offset + field.bytes <= visibleBytes)
    .map(({ member: { offset }, slot }) => ({ direction: 'in', buffer: 0, offset, slot }));
}

/**
 * What is patched in the visible part of a struct, and in arrays: in the order of memory, so that it does not matter in which order
 * arguments are named.
 * @param structs how many buffers there are before those of arrays
 */
export function patchesOf(
  ofStruct: readonly RawPatch[],
  visibleBytes: number,
  ofArrays: readonly RawPatch[],
  structs: number,
): RawPatch[] {
  const patches = ofStruct.filter(({ offset, bytes }) => offset + bytes <= visibleBytes);
  if (patches.length > 1) patches.sort((one, two) => one.offset - two.offset);
  for (const patch of ofArrays) patches.push({ ...patch, buffer: patch.buffer + structs });
  return patches;
}

/** Where a reference reads from; undefined for a scalar that is none. */
type SourceOf = (scalar: Scalar) => PatchSource | undefined;

/** What `room` and `edge` count. Driver data and bitmaps are bytes to the kernel. */
const ELEMENT_BYTES: Readonly<Record<ArrayElement, number>> = {
  iommu_iova_range: IOVA_RANGE.bytes,
  word: 1,
  bitmap_word: 1,
};

/** The arrays that pointer members lead to; at most one in each region but `args`. */
export class ArrayBuilder {
  readonly buffers: RawBuffer[] = [];
  patches: RawPatch[] = [];
  #next: bigint;

  constructor(
    private readonly room: ArgsRoom['arrays'],
    private readonly fail: Fail,
  ) {
    this.#next = room.start;
  }

  /** Places an array and returns its address. */
  add(member: Member, operand: ArrayOperand, sourceOf: SourceOf): bigint {
    const { role } = member.field;
    if (role.is !== 'array') this.fail(`${member.name} does not lead to an array`);
    const elementBytes = ELEMENT_BYTES[role.element];
    const bytes = this.#bytesOf(member.name, role.element, operand, sourceOf);
    const { address, visible } = this.#place(operand.in ?? 'args', bytes.length, elementBytes);
    // What lies in a hole cannot be filled in beforehand.
    this.#dropHiddenPatches(visible);
    if (visible > 0)
      this.buffers.push({ address, bytes: visible < bytes.length ? bytes.slice(0, visible) : bytes });
    return address;
  }

  #bytesOf(name: string, element: ArrayElement, operand: ArrayOperand, sourceOf: SourceOf): Uint8Array {
    if ('room' in operand) return new Uint8Array(operand.room * ELEMENT_BYTES[element]).fill(GUARD_BYTE);
    const hasRanges = 'ranges' in operand;
    if (hasRanges !== (element === 'iommu_iova_range')) this.fail(`${name} takes ${element}s`);
    return hasRanges
      ? this.#encode(operand.ranges.flat(), 8, sourceOf)
      : this.#encode(operand.words, 4, sourceOf);
  }

  #dropHiddenPatches(visible: number): void {
    if (this.patches.length === 0) return;
    const current = this.buffers.length;
    this.patches = this.patches.filter(({ buffer, offset }) => buffer !== current || offset < visible);
  }

  #encode(numbers: readonly Scalar[], width: 4 | 8, sourceOf: SourceOf): Uint8Array {
    const bytes = new Uint8Array(numbers.length * width);
    let offset = 0;
    for (const scalar of numbers) {
      if (typeof scalar === 'object') this.#addPatch(scalar, offset, width, sourceOf(scalar));
      else {
        if (!fitsWord(scalar, width)) this.fail(`${String(scalar)} is no word of ${String(width * 8)} bits`);
        if (width === 4) writeWord(bytes, offset, Number(scalar));
        else writeNumber(bytes, offset, width, BigInt(scalar));
      }
      offset += width;
    }
    return bytes;
  }

  #addPatch({ plus = 0n }: Reference, offset: number, bytes: 4 | 8, from: PatchSource | undefined): void {
    const buffer = this.buffers.length;
    this.patches.push({ buffer, offset, bytes, from: present(from, 'source of a reference'), plus });
  }

  #place(place: ArrayPlace, byteCount: number, elementBytes: number): { address: bigint; visible: number } {
    if (typeof place === 'object' && 'edge' in place) {
      const visible = Math.min(byteCount, place.edge * elementBytes);
      requireEdgeInPage(place.edge * elementBytes, this.fail);
      return { address: endOf(EDGE) - BigInt(place.edge * elementBytes), visible };
    }
    if (place === 'sealed') {
      if (BigInt(byteCount) > SEALED_HALF) this.fail('the array does not fit the sealed region');
      return { address: SEALED.start + SEALED_HALF, visible: byteCount };
    }
    const address =
      typeof place === 'object' ? alignUp(this.#next, PAGE_SIZE) + BigInt(place.page_offset) : this.#next;
    this.#next = address + BigInt(Math.ceil(byteCount / 8) * 8) + GUARD_BYTES;
    if (this.#next > endOf(this.room)) this.fail('the arrays do not fit the argument region');
    return { address, visible: byteCount };
  }
}

/** Whether a pointer leads to memory: only the arrays of a program may, because their contents are known. */
export function liesInArena(address: bigint): boolean {
  return FILLED.some((region) => address >= region.start && address < endOf(region));
}

const FILLED = [...ARENA, HUGE];

function endOf({ start, bytes }: Pick<Region, 'start' | 'bytes'>): bigint {
  return start + bytes;
}

function fitsWord(value: number | bigint, bytes: 4 | 8): boolean {
  return fits(value, bytes * 8, false);
}

export function fitsField(value: number | bigint, { bytes, signed }: Field<number> | Field<bigint>): boolean {
  return fits(value, bytes * 8, signed);
}

/** 2^0 to 2^64. Numbers are held against them so often that working them out is felt. */
const POWERS_OF_TWO: readonly number[] = Array.from({ length: 65 }, (_, exponent) => 2 ** exponent);

/** Whether so many bits hold a number. */
function fits(value: number | bigint, bits: number, signed: boolean): boolean {
  if (typeof value === 'bigint')
    return (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value;
  const limit = present(POWERS_OF_TWO[signed ? bits - 1 : bits], 'a limit');
  return Number.isSafeInteger(value) && value < limit && value >= (signed ? -limit : 0);
}
