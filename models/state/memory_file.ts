import { PAGE_SIZE, pageIndex } from '../base/u64.js';
import type { OpenFileBase } from './open_file.js';
import type { Frame } from './physical_memory.js';

/** A file of memory: memfd_create(). Its pages are there from the start. */
export class MemoryFile implements OpenFileBase {
  readonly kind = 'memfd';
  references = 0;
  /** Frames of the pages from the start of the file on. */
  #frames: Frame[];
  #bytes: bigint;

  /** @param takeFrames hands out frames for so many bytes and returns the first */
  constructor(
    bytes: bigint,
    private readonly takeFrames: (bytes: bigint) => Frame,
    /** Bytes that it has physically in one piece; with huge pages, its size is a multiple. */
    readonly pageBytes = PAGE_SIZE,
  ) {
    this.#frames = [];
    this.#bytes = 0n;
    this.truncate(bytes);
  }

  /** i_size. */
  get bytes(): bigint {
    return this.#bytes;
  }

  /** Pages that lie at least partly below the end of the file. */
  get pageCount(): number {
    return this.#frames.length;
  }

  /** The frame of a page that lies at least partly below the end of the file. */
  frameAt(index: number): Frame | undefined {
    return this.#frames[index];
  }

  /** ftruncate(): pages beyond the new end are gone for the file; new ones come with it. */
  truncate(bytes: bigint): void {
    const pages = pageIndex(bytes + PAGE_SIZE - 1n);
    this.#frames = this.#frames.slice(0, pages);
    while (this.#frames.length < pages) {
      const first = this.takeFrames(this.pageBytes);
      for (let index = 0; index < pageIndex(this.pageBytes); index++) this.#frames.push(first + index);
    }
    this.#bytes = bytes;
  }
}
