import { assert } from '../base/assert.js';
import { readU32 } from '../base/bytes.js';
import { GUARDED_REGIONS, GUARD_BYTE } from '../program/arena.js';
import type { RawBuffer } from '../program/raw.js';
import type { UserMemory } from './user_memory.js';

const U32_BYTES = 4;

/**
 * User memory as one call sees it: the buffers that user space filled for it, guard bytes around them, and holes. Writes go to
 * copies, so that what was handed over can be compared with what came back.
 */
export class CallMemory {
  /** Of buffers that have been written to. */
  readonly #written: (Uint8Array | undefined)[] = [];

  constructor(
    private readonly memory: UserMemory,
    private readonly buffers: readonly RawBuffer[],
  ) {}

  /** Whether copy_from_user of a range succeeds. */
  isReadable(address: bigint, count: number): boolean {
    return this.memory.allows(address, BigInt(count), false);
  }

  /** Whether copy_to_user of a range succeeds. */
  isWritable(address: bigint, count: number): boolean {
    return this.memory.allows(address, BigInt(count), true);
  }

  /** How many bytes can be read before the first fault, at most `count`. */
  readableBytes(address: bigint, count: number): number {
    return Number(this.memory.bytesAllowed(address, BigInt(count), false));
  }

  /** How many bytes can be written before the first fault, at most `count`. */
  writableBytes(address: bigint, count: number): number {
    return Number(this.memory.bytesAllowed(address, BigInt(count), true));
  }

  /** Reads a readable range. */
  read(address: bigint, count: number): Uint8Array {
    const at = this.#bufferOf(address, count);
    if (at !== undefined) return this.#current(at.index).slice(at.offset, at.offset + count);
    const bytes = new Uint8Array(count);
    for (let offset = 0; offset < count; offset++) bytes[offset] = this.byteAt(address + BigInt(offset));
    return bytes;
  }

  /** Reads a readable u32. */
  readU32(address: bigint): number {
    const at = this.#bufferOf(address, U32_BYTES);
    if (at === undefined) return readU32(this.read(address, U32_BYTES), 0);
    return readU32(this.#current(at.index), at.offset);
  }

  /** Copies a readable range as it was handed over, without what the call has written since. */
  copyGiven(address: bigint, count: number, into: Uint8Array): void {
    const at = this.#bufferOf(address, count);
    if (at === undefined) {
      into.set(this.read(address, count));
      return;
    }
    const bytes = this.buffers[at.index]?.bytes as Uint8Array;
    for (let index = 0; index < count; index++) into[index] = bytes[at.offset + index] as number;
  }

  /** Reads one readable byte. */
  byteAt(address: bigint): number {
    const at = this.#bufferOf(address, 1);
    if (at !== undefined) return this.#current(at.index)[at.offset] ?? 0;
    const isGuarded = GUARDED_REGIONS.some(({ start, bytes }) => address >= start && address < start + bytes);
    assert(isGuarded, 'pointers of a program lead to its buffers, to guard bytes or to holes');
    return GUARD_BYTE;
  }

  /** Writes a writable range, of which the bytes are handed over; where user space will not look, they are what the pages hold. */
  write(address: bigint, bytes: Uint8Array): void {
    const at = this.#bufferOf(address, Math.min(bytes.length, 1));
    if (at === undefined) {
      this.memory.store(address, bytes);
      return;
    }
    const current = this.#current(at.index);
    if (at.offset + bytes.length > current.length) {
      this.write(address, bytes.subarray(0, current.length - at.offset));
      return;
    }
    if (current.length === bytes.length) {
      this.#written[at.index] = bytes;
      return;
    }
    const copy = this.#written[at.index] ?? current.slice();
    copy.set(bytes, at.offset);
    this.#written[at.index] = copy;
  }

  /** Each buffer's bytes after the call; null where nothing was written. */
  results(): (Uint8Array | null)[] {
    return this.buffers.map((_, index) => this.#written[index] ?? null);
  }

  #current(index: number): Uint8Array {
    return this.#written[index] ?? (this.buffers[index]?.bytes as Uint8Array);
  }

  #bufferOf(address: bigint, count: number): { index: number; offset: number } | undefined {
    for (let index = 0; index < this.buffers.length; index++) {
      const { address: start, bytes } = this.buffers[index] as RawBuffer;
      if (address < start) continue;
      const offset = address === start ? 0 : Number(address - start);
      if (offset + count <= bytes.length) return { index, offset };
    }
    return undefined;
  }
}
