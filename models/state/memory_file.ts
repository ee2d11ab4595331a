import { PAGE_SIZE, pageIndex, pageOffset } from '../base/u64.js';
import { HUGE_PAGE_BYTES } from '../program/arena.js';
import type { MemoryFilePages } from '../program/raw.js';
import type { OpenFileBase } from './open_file.js';
import type { Frame, PhysicalMemory } from './physical_memory.js';

/** A file of memory: memfd_create(). Its pages are there from the start. */
export class MemoryFile implements OpenFileBase {
  readonly kind = 'memfd';
  references = 0;
  /** Frames of the pages from the start of the file on. */
  #frames: Frame[] = [];
  #bytes = 0n;
  /** Bytes that it has physically in one piece; with huge pages, its size is a multiple. */
  readonly pageBytes: bigint;

  constructor(
    bytes: bigint,
    private readonly physical: PhysicalMemory,
    { isHuge, isFallocated }: MemoryFilePages,
  ) {
    this.pageBytes = isHuge ? HUGE_PAGE_BYTES : PAGE_SIZE;
    this.truncate(bytes);
    if (isFallocated && !isHuge) for (const frame of this.#frames) physical.contents.leaveUncleared(frame);
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

  /** Says that pages from an index on can be looked at as those of a file, by an address. */
  expose(first: number, count: number): void {
    for (const frame of this.#frames.slice(first, first + count)) this.physical.contents.expose(frame);
  }

  /**
   * ftruncate(): pages beyond the new end are gone for the file; new ones come with it. Where the end was, or comes to be, within a
   * page, what lies behind is zero. Source: mm/shmem.c:shmem_undo_range.
   */
  truncate(bytes: bigint): void {
    if (bytes > this.#bytes) this.#growTo(bytes);
    else this.#cutTo(bytes);
    this.#bytes = bytes;
  }

  /** The program's process writes zeros to what is new. */
  #growTo(bytes: bigint): void {
    const { contents } = this.physical;
    const last = this.#frames.at(-1);
    const offset = Number(pageOffset(this.#bytes));
    if (last !== undefined && offset > 0) {
      const isPageEnd = pageIndex(bytes) > pageIndex(this.#bytes);
      contents.clear(last);
      contents.zero(last, offset, isPageEnd ? Number(PAGE_SIZE) : Number(pageOffset(bytes)));
    }
    while (this.#frames.length < pageIndex(bytes + PAGE_SIZE - 1n)) this.#addPage();
  }

  #cutTo(bytes: bigint): void {
    this.#frames = this.#frames.slice(0, pageIndex(bytes + PAGE_SIZE - 1n));
    const last = this.#frames.at(-1);
    const offset = Number(pageOffset(bytes));
    if (last !== undefined && offset > 0) this.physical.contents.zero(last, offset, Number(PAGE_SIZE));
  }

  #addPage(): void {
    const isHuge = this.pageBytes > PAGE_SIZE;
    const first = isHuge
      ? this.physical.takeHugeFrames(this.pageBytes)
      : this.physical.takeFrames(this.pageBytes);
    for (let index = 0; index < pageIndex(this.pageBytes); index++) this.#frames.push(first + index);
  }
}
