import { present } from '../base/assert.js';
import type { CallDescription } from '../ioctls/description.js';
import { writeNumber } from '../base/bytes.js';
import type { ArrayElement, Field } from '../layout/field.js';
import { PAGE_SIZE, alignUp } from '../base/u64.js';
import { IOVA_RANGE } from '../layout/iova_range.js';
import { type Member, writeMember } from '../layout/struct.js';
import { ARENA, ARGS, EDGE, GUARD_BYTE, HOLE, HUGE, type Region, SEALED } from './arena.js';
import {
  type ArrayOperand,
  type ArrayPlace,
  type IoctlStep,
  type Scalar,
  type StructPlace,
  isReference,
} from './program.js';
import type { PatchSource, RawBuffer, RawPatch } from './raw.js';

/** Untouched bytes on either side of each buffer. */
export const GUARD_BYTES = 64n;

/** The longest tail that a program can put behind a struct, in bytes. */
const TAIL_BYTES_MAX = 8192;

/** Memory of the argument region that a call can have: lanes have each their own. */
export interface ArgsRoom {
  readonly structs: Pick<Region, 'start' | 'bytes'>;
  readonly arrays: Pick<Region, 'start' | 'bytes'>;
}

/** The room of a lane; without one, the whole region. */
export function argsRoom(lane: number | undefined): ArgsRoom {
  const half = ARGS.bytes / 2n;
  if (lane === undefined) {
    return { structs: { start: ARGS.start, bytes: half }, arrays: { start: ARGS.start + half, bytes: half } };
  }
  const bytes = half / LANE_ROOMS;
  const start = ARGS.start + BigInt(lane) * bytes;
  return { structs: { start, bytes }, arrays: { start: start + half, bytes } };
}

/** A power of two that is no less than the number of lanes. */
const LANE_ROOMS = 4n;

/** Reports what is wrong with the step under assembly. */
export type Fail = (problem: string) => never;

/** The bytes of a struct and its tail. */
export class StructBuilder {
  readonly patches: RawPatch[] = [];
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(
    call: CallDescription,
    tail: IoctlStep['tail'],
    private readonly fail: Fail,
  ) {
    const structBytes = call.layout.bytes;
    const tailBytes = tail?.bytes ?? 0;
    if (tailBytes > TAIL_BYTES_MAX) fail(`the tail is longer than ${String(TAIL_BYTES_MAX)} bytes`);
    this.#bytes = new Uint8Array(structBytes + tailBytes).fill(tail?.value ?? 0, structBytes);
    this.#view = new DataView(this.#bytes.buffer);
    if (call.protocol !== 'plain') this.#setOwn(sizeMember(call), this.#bytes.length);
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
    writeMember(member, operand, this.#view);
  }

  /** The struct's address, and those of its bytes that lie in memory. */
  place(at: StructPlace, room: ArgsRoom): RawBuffer {
    return placeBytes(at, this.#bytes, room, this.fail);
  }

  #setOwn(member: Member | undefined, value: number): void {
    writeMember(present(member, 'a member of the frame'), value, this.#view);
  }
}

/** The member in which user space says how long the struct is: `size` or `argsz`. */
function sizeMember({ layout }: CallDescription): Member | undefined {
  return layout.members.find(({ field }) => field.role.is === 'size');
}

/** The address of a struct or of data, and those of its bytes that lie in memory. */
export function placeBytes(at: StructPlace, bytes: Uint8Array, { structs }: ArgsRoom, fail: Fail): RawBuffer {
  switch (at) {
    case 'args':
      if (BigInt(bytes.length) + 2n * GUARD_BYTES > structs.bytes)
        fail('the struct does not fit the argument region');
      return { address: structs.start + GUARD_BYTES, bytes };
    case 'sealed':
      return { address: SEALED.start + GUARD_BYTES, bytes };
    case 'null':
      return { address: 0n, bytes: bytes.subarray(0, 0) };
    case 'hole':
      return { address: HOLE, bytes: bytes.subarray(0, 0) };
    default: {
      if (at.edge < 0 || at.edge > bytes.length)
        fail(`a struct of ${String(bytes.length)} bytes has no edge at ${String(at.edge)}`);
      return { address: endOf(EDGE) - BigInt(at.edge), bytes: bytes.subarray(0, at.edge) };
    }
  }
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
    if (visible > 0) this.buffers.push({ address, bytes: bytes.subarray(0, visible) });
    return address;
  }

  #bytesOf(name: string, element: ArrayElement, operand: ArrayOperand, sourceOf: SourceOf): Uint8Array {
    if ('room' in operand) return new Uint8Array(operand.room * ELEMENT_BYTES[element]).fill(GUARD_BYTE);
    const hasRanges = 'ranges' in operand;
    if (hasRanges !== (element === 'iommu_iova_range')) this.fail(`${name} takes ${element}s`);
    const numbers = hasRanges ? operand.ranges.flat() : operand.words;
    return this.#encode(numbers, hasRanges ? 8 : 4, sourceOf);
  }

  #dropHiddenPatches(visible: number): void {
    const current = this.buffers.length;
    this.patches = this.patches.filter(({ buffer, offset }) => buffer !== current || offset < visible);
  }

  #encode(numbers: readonly Scalar[], width: 4 | 8, sourceOf: SourceOf): Uint8Array {
    const bytes = new Uint8Array(numbers.length * width);
    for (const [index, scalar] of numbers.entries()) {
      const offset = index * width;
      const from = sourceOf(scalar);
      if (from !== undefined && isReference(scalar)) {
        const buffer = this.buffers.length;
        this.patches.push({ buffer, offset, bytes: width, from, plus: scalar.plus ?? 0n });
      } else if (!isReference(scalar)) {
        if (!fitsWord(scalar, width)) this.fail(`${String(scalar)} is no word of ${String(width * 8)} bits`);
        writeNumber(bytes, offset, width, BigInt(scalar));
      }
    }
    return bytes;
  }

  #place(place: ArrayPlace, byteCount: number, elementBytes: number): { address: bigint; visible: number } {
    if (typeof place === 'object' && 'edge' in place) {
      const visible = Math.min(byteCount, place.edge * elementBytes);
      return { address: endOf(EDGE) - BigInt(place.edge * elementBytes), visible };
    }
    if (place === 'sealed') return { address: SEALED.start + SEALED.bytes / 2n, visible: byteCount };
    const address =
      typeof place === 'object' ? alignUp(this.#next, PAGE_SIZE) + BigInt(place.page_offset) : this.#next;
    this.#next = address + BigInt(Math.ceil(byteCount / 8) * 8) + GUARD_BYTES;
    if (this.#next > endOf(this.room)) this.fail('the arrays do not fit the argument region');
    return { address, visible: byteCount };
  }
}

/** Whether a pointer leads to memory: only the arrays of a program may, because their contents are known. */
export function liesInArena(address: bigint): boolean {
  return [...ARENA, HUGE].some((region) => address >= region.start && address < endOf(region));
}

function endOf({ start, bytes }: Pick<Region, 'start' | 'bytes'>): bigint {
  return start + bytes;
}

function fitsWord(value: number | bigint, bytes: 4 | 8): boolean {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return false;
  return BigInt.asUintN(bytes * 8, BigInt(value)) === BigInt(value);
}

export function fitsField(value: number | bigint, { bytes, signed }: Field<number> | Field<bigint>): boolean {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return false;
  const wide = BigInt(value);
  const bits = bytes * 8;
  return (signed ? BigInt.asIntN(bits, wide) : BigInt.asUintN(bits, wide)) === wide;
}
