import type { Range } from '../base/ranges.js';
import { present } from '../base/assert.js';
import { PAGE_SIZE, minU64, pageIndex } from '../base/u64.js';
import { type Frame, HUGE_PAGE_FRAMES, isHugeFrame, mayFollow } from '../state/physical_memory.js';

/** What is mapped with one call of a driver after another, as far as it decides the sizes of leaves. */
export interface MappedRange extends Range {
  /** Offset of the first byte inside the first frame. */
  readonly frameOffset: bigint;
  /** Whether each page was mapped by itself: large pages were disabled at that time. */
  readonly isPageByPage: boolean;
  readonly frames: readonly Frame[];
}

/**
 * A leaf of a page table, as well as it is known. Pages that lie side by side in physical memory share a leaf where their IOVAs
 * allow it; the model knows which do of huge pages alone.
 */
export interface Leaf {
  /** What the leaf maps if no two pages lie side by side. */
  readonly smallest: Range;
  /** What the leaf maps if all pages do. */
  readonly largest: Range;
}

/**
 * The leaf behind a mapped IOVA. The driver takes the largest page that divides IOVA and physical address, and that fits what is
 * left to map. Source: pt_iter.h:pt_compute_best_pgsize, iommu.c:iommu_pgsize.
 * @param pageSizes of the page table, ascending; the first divides every mapping
 */
export function leafAt(mapped: MappedRange, pageSizes: readonly bigint[], iova: bigint): Leaf {
  const request = mapped.isPageByPage ? blockAt(iova, PAGE_SIZE) : mapped;
  let smallest = blockAt(iova, pageSizes[0] ?? PAGE_SIZE);
  let largest = smallest;
  for (const bytes of pageSizes.slice(1)) {
    const block = blockAt(iova, bytes);
    if (block.start < request.start || block.last > request.last) break;
    const placement = placementOf(mapped, block.start, bytes);
    if (placement === 'askew') break;
    largest = block;
    if (placement === 'aligned') smallest = block;
  }
  return { smallest, largest };
}

/**
 * Whether what is mapped from an IOVA on, a power of two of bytes, is one piece of physical memory at a multiple of its size.
 * Known of parts of a page and of a huge page.
 */
function placementOf(
  { frames, frameOffset, start }: MappedRange,
  iova: bigint,
  bytes: bigint,
): 'aligned' | 'askew' | 'unknown' {
  const offset = frameOffset + iova - start;
  if (offset % minU64(bytes, PAGE_SIZE) !== 0n) return 'askew';
  if (bytes <= PAGE_SIZE) return 'aligned';
  const first = pageIndex(offset);
  const count = pageIndex(bytes);
  let isKnown = count <= HUGE_PAGE_FRAMES;
  for (let index = 0; index < count; index++) {
    const frame = present(frames[first + index], 'frame of a mapped IOVA');
    const isHuge = isHugeFrame(frame);
    if (isHuge && (frame - index) % Math.min(count, HUGE_PAGE_FRAMES) !== 0) return 'askew';
    if (index > 0 && !mayFollow(frames[first + index - 1] ?? 0, frame)) return 'askew';
    isKnown &&= isHuge;
  }
  return isKnown ? 'aligned' : 'unknown';
}

/** Whether the model knows what a leaf maps. */
export function isKnownLeaf({ smallest, largest }: Leaf): boolean {
  return smallest.start === largest.start && smallest.last === largest.last;
}

function blockAt(iova: bigint, bytes: bigint): Range {
  const start = iova & -bytes;
  return { start, last: start + bytes - 1n };
}
