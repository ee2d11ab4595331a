import { assert } from '../base/assert.js';
import { pageIndex } from '../base/u64.js';
import { PageContents } from './page_contents.js';

/** Identifies one physical page for as long as anything holds it. Never 0. */
export type Frame = number;

/** Pages with consecutive numbers; `end` is exclusive. */
export interface FrameRange {
  readonly first: Frame;
  readonly end: Frame;
}

/** Source: pages.c: TEMP_MEMORY_LIMIT; selftest.c: iommufd_test_memory_limit. */
export const TEMPORARY_BYTES_DEFAULT = 65536;
/** Frames of huge pages have numbers from here on; a huge page is as many, from a multiple of that many on. */
const HUGE_FRAMES_START: Frame = 2 ** 52;

/** Pages that a huge page counts as. */
export const HUGE_PAGE_FRAMES = 512;

/** Whether a page is part of a huge one. */
export function isHugeFrame(frame: Frame): boolean {
  return frame >= HUGE_FRAMES_START;
}

/** Whether two pages are parts of the same huge one. */
export function isSameHugePage(one: Frame, other: Frame): boolean {
  return isHugeFrame(one) && Math.floor(one / HUGE_PAGE_FRAMES) === Math.floor(other / HUGE_PAGE_FRAMES);
}

/**
 * Whether a page may lie behind another in physical memory. Those of a huge page lie in their order; where huge pages and others
 * lie, nobody knows.
 */
export function mayFollow(one: Frame, other: Frame): boolean {
  if (isSameHugePage(one, other)) return other === one + 1;
  const isEnd = !isHugeFrame(one) || one % HUGE_PAGE_FRAMES === HUGE_PAGE_FRAMES - 1;
  const isStart = !isHugeFrame(other) || other % HUGE_PAGE_FRAMES === 0;
  return isEnd && isStart;
}

/** The pages of the machine: numbers for new ones, and how often each is pinned. Common to all processes. */
export class PhysicalMemory {
  /** The most bytes that a temporary array of the kernel takes. Source: pages.c:temp_kmalloc. */
  temporaryBytesMax = TEMPORARY_BYTES_DEFAULT;
  /** What the pages hold. */
  readonly contents = new PageContents();
  /** Pages that hold structs and arrays of calls. */
  readonly #guarded: FrameRange[] = [];
  #nextFrame: Frame = 1;
  #nextHugeFrame: Frame = HUGE_FRAMES_START;
  readonly #pins = new Map<Frame, number>();

  /** Numbers for so many bytes of new pages; returns the first. */
  takeFrames(bytes: bigint): Frame {
    const first = this.#nextFrame;
    this.#nextFrame += pageIndex(bytes);
    return first;
  }

  /** The same in huge pages. */
  takeHugeFrames(bytes: bigint): Frame {
    const first = this.#nextHugeFrame;
    this.#nextHugeFrame += pageIndex(bytes);
    return first;
  }

  /** Sets pages apart for structs and arrays of calls. */
  guard(pages: FrameRange): void {
    this.#guarded.push(pages);
  }

  isGuarded(frame: Frame): boolean {
    return this.#guarded.some(({ first, end }) => frame >= first && frame < end);
  }

  /** Whether nobody has taken a page yet. */
  get isUntouched(): boolean {
    return this.#nextFrame === 1;
  }

  /** The pages that there are until now hold what other programs have left. */
  forgetContents(): void {
    this.contents.forgetBelow(this.#nextFrame);
  }

  /** Whether temporary arrays are smaller than they are by default. */
  get hasSmallArrays(): boolean {
    return this.temporaryBytesMax < TEMPORARY_BYTES_DEFAULT;
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
