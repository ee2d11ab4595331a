import type { Range } from '../base/ranges.js';
import { lowestSetBit, minU64 } from '../base/u64.js';
import { type Leaf, isKnownLeaf } from '../hardware/leaves.js';
import type { MockDomain } from '../hardware/mock_domain.js';
import type { IoPagetable } from './io_pagetable.js';
import type { IovaBitmap } from './iova_bitmap.js';

/** The part of a range that areas cover without a gap from its start on. Source: io_pagetable.c:iopt_area_contig_init. */
export function contiguousPart(table: IoPagetable, range: Range): Range | undefined {
  let next = range.start;
  for (const { iova, last } of table.areasIntersecting(range)) {
    if (iova > next) break;
    next = last + 1n;
  }
  return next === range.start ? undefined : { start: range.start, last: minU64(next - 1n, range.last) };
}

/** Reports dirty leaves. A leaf is reported and cleaned as a whole. Source: iommu_pt.h:record_dirty. */
export function reportDirty(
  domain: MockDomain,
  leaves: readonly Leaf[],
  bitmap: IovaBitmap,
  keepsBits: boolean,
): void {
  for (const { smallest, largest } of leaves) {
    bitmap.set(smallest);
    if (!keepsBits) domain.cleanRange(largest);
  }
}

/**
 * Whether the answer is the same whatever is behind a leaf whose size the model does not know: all it may map lies in the range,
 * and has the same bits.
 */
export function reportsAlike(leaf: Leaf, range: Range, pageSize: bigint): boolean {
  if (isKnownLeaf(leaf)) return true;
  const { smallest, largest } = leaf;
  if (largest.start < range.start || largest.last > range.last) return false;
  const bytesPerBit = lowestSetBit(pageSize);
  const bitOf = (iova: bigint) => (iova - range.start) / bytesPerBit;
  return bitOf(smallest.start) === bitOf(largest.start) && bitOf(smallest.last) === bitOf(largest.last);
}
