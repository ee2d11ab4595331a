import type { Range } from '../base/ranges.js';
import { PAGE_SIZE, minU64 } from '../base/u64.js';

/** What is mapped with one call of a driver after another, as far as it decides the sizes of leaves. */
export interface MappedRange extends Range {
  /** Offset of the first byte inside the first frame. */
  readonly frameOffset: bigint;
  /** Whether each page was mapped by itself: large pages were disabled at that time. */
  readonly isPageByPage: boolean;
}

/**
 * A leaf of a page table, as well as it is known. Pages that lie side by side in physical memory share a leaf where their IOVAs
 * allow it; the model does not know which do.
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
    const physicalOffset = mapped.frameOffset + block.start - mapped.start;
    const fits = block.start >= request.start && block.last <= request.last;
    if (!fits || physicalOffset % minU64(bytes, PAGE_SIZE) !== 0n) break;
    largest = block;
    if (bytes <= PAGE_SIZE) smallest = block;
  }
  return { smallest, largest };
}

/** Whether the model knows what a leaf maps. */
export function isKnownLeaf({ smallest, largest }: Leaf): boolean {
  return smallest.start === largest.start && smallest.last === largest.last;
}

function blockAt(iova: bigint, bytes: bigint): Range {
  const start = iova & -bytes;
  return { start, last: start + bytes - 1n };
}
