import { openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { assert, present } from '../../models/base/assert.js';

/** What is written together. */
const BLOCK_BYTES = 1 << 20;

/** Blocks that stay in memory: as many as the programs of a campaign of some minutes take. */
const BLOCKS_IN_MEMORY = 32;

/**
 * Bytes that are put down once and looked at often: in memory, or, when there are too many, in a file without a name, which is gone
 * with the process. What cannot be written there, because the disk is full, stays in memory.
 */
export class Shelf {
  /** Undefined for those that are in the file. */
  readonly #blocks: (Uint8Array | undefined)[] = [];
  #end = 0;
  /** The oldest block that has not been written. */
  #oldest = 0;
  #file: number | undefined;

  /** @param directory where the file is made */
  constructor(private readonly directory: string) {}

  /** How much is in the file. */
  get bytesOnDisk(): number {
    return this.#oldest * BLOCK_BYTES;
  }

  /** Keeps bytes, and says where they begin. */
  put(bytes: Uint8Array): number {
    const start = this.#end;
    for (let at = 0; at < bytes.length;) {
      const offset = this.#end % BLOCK_BYTES;
      if (offset === 0) this.#addBlock();
      const piece = bytes.subarray(at, at + BLOCK_BYTES - offset);
      present(this.#blocks.at(-1), 'a block').set(piece, offset);
      at += piece.length;
      this.#end += piece.length;
    }
    return start;
  }

  /** So many bytes from where they begin. */
  get(start: number, count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const offset = (start + at) % BLOCK_BYTES;
      const piece = bytes.subarray(at, at + BLOCK_BYTES - offset);
      const block = this.#blocks[(start + at - offset) / BLOCK_BYTES];
      if (block === undefined) this.#read(start + at, piece);
      else piece.set(block.subarray(offset, offset + piece.length));
      at += piece.length;
    }
    return bytes;
  }

  #read(start: number, into: Uint8Array): void {
    const count = readSync(present(this.#file, 'a file'), into, 0, into.length, start);
    assert(count === into.length, 'what was written is there');
  }

  /** The memory of a new block is that of the oldest one, if that could be written. */
  #addBlock(): void {
    const isFull = this.#blocks.length - this.#oldest >= BLOCKS_IN_MEMORY;
    const spare = isFull ? this.#writeOldest() : undefined;
    this.#blocks.push(spare ?? new Uint8Array(BLOCK_BYTES));
  }

  #writeOldest(): Uint8Array | undefined {
    const block = present(this.#blocks[this.#oldest], 'a block in memory');
    try {
      this.#file ??= openNameless(this.directory);
      const written = writeSync(this.#file, block, 0, BLOCK_BYTES, this.#oldest * BLOCK_BYTES);
      if (written < BLOCK_BYTES) return undefined;
    } catch {
      return undefined;
    }
    this.#blocks[this.#oldest] = undefined;
    this.#oldest += 1;
    return block;
  }
}

function openNameless(directory: string): number {
  const path = join(directory, `shelf.${String(process.pid)}.${String(process.hrtime.bigint())}`);
  const file = openSync(path, 'wx+');
  unlinkSync(path);
  return file;
}
