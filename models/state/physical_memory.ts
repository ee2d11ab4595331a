import { assert } from '../base/assert.js';
import { pageIndex } from '../base/u64.js';

/** Identifies one physical page for as long as anything holds it. Never 0. */
export type Frame = number;

/** Source: pages.c: TEMP_MEMORY_LIMIT; selftest.c: iommufd_test_memory_limit. */
export const TEMPORARY_BYTES_DEFAULT = 65536;

/** The pages of the machine: numbers for new ones, and how often each is pinned. Common to all processes. */
export class PhysicalMemory {
  /** The most bytes that a temporary array of the kernel takes. Source: pages.c:temp_kmalloc. */
  temporaryBytesMax = TEMPORARY_BYTES_DEFAULT;
  #nextFrame: Frame = 1;
  readonly #pins = new Map<Frame, number>();

  /** Numbers for so many bytes of new pages; returns the first. */
  takeFrames(bytes: bigint): Frame {
    const first = this.#nextFrame;
    this.#nextFrame += pageIndex(bytes);
    return first;
  }

  /** pin_user_pages: holds a page until it is unpinned as often. */
  pin(frame: Frame): void {
    this.#pins.set(frame, this.pinsOf(frame) + 1);
  }

  unpin(frame: Frame): void {
    const left = this.pinsOf(frame) - 1;
    assert(left >= 0, 'only pinned pages are unpinned');
    if (left === 0) this.#pins.delete(frame);
    else this.#pins.set(frame, left);
  }

  pinsOf(frame: Frame): number {
    return this.#pins.get(frame) ?? 0;
  }

  /** Each pinned page with the number of its pins. */
  get pins(): ReadonlyMap<Frame, number> {
    return this.#pins;
  }
}
