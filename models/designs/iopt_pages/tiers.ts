import { PAGE_SIZE, U64_MAX } from '../../base/u64.js';
import type { PfnBatch } from './batch.js';
import { NO_PFN } from './memory.js';
import {
  type Area,
  type Domain,
  type IoptPages,
  type TierContext,
  type TierFailure,
  fails,
  iovaOfIndex,
} from './state.js';

/** Indexes of pages that are all in the same place. */
export interface Span {
  readonly start: number;
  readonly last: number;
}

export function spanOfArea({ firstIndex, lastIndex }: Area): Span {
  return { start: firstIndex, last: lastIndex };
}

export function isUsed({ users }: IoptPages, index: number): boolean {
  return users.some(({ start, last }) => start <= index && index <= last);
}

/** The area whose domain has a page. */
export function domainAreaAt({ domainAreas }: IoptPages, index: number): Area | undefined {
  return [...domainAreas].find(({ firstIndex, lastIndex }) => firstIndex <= index && index <= lastIndex);
}

/** Whether a user in the kernel or a domain keeps a page pinned. */
export function isHeld(pages: IoptPages, index: number): boolean {
  return isUsed(pages, index) || domainAreaAt(pages, index) !== undefined;
}

/** The runs of indexes for which something is the case. */
export function spansWhere({ start, last }: Span, isSo: (index: number) => boolean): Span[] {
  const spans: Span[] = [];
  for (let index = start; index <= last; index++) {
    if (!isSo(index)) continue;
    const before = spans.at(-1);
    if (before?.last === index - 1) spans[spans.length - 1] = { start: before.start, last: index };
    else spans.push({ start: index, last: index });
  }
  return spans;
}

/** Source: pages.c:batch_from_xarray. */
export function batchFromXarray(
  c: TierContext,
  batch: PfnBatch,
  pages: IoptPages,
  { start, last }: Span,
): void {
  for (let index = start; index <= last; index++) {
    if (!batch.add(pages.pinnedPfns.get(index) ?? NO_PFN, c.has)) return;
  }
}

/** Source: pages.c:batch_from_domain. */
export function batchFromDomain(
  c: TierContext,
  batch: PfnBatch,
  { area, domain, span }: { readonly area: Area; readonly domain: Domain; readonly span: Span },
): void {
  if (batch.total > 0 && c.has('D2.2')) batch.clear();
  for (let index = span.start; index <= span.last; index++) {
    if (!batch.add(domain.translations.get(iovaOfIndex(area, index)) ?? NO_PFN, c.has)) return;
  }
}

/** Enters the pages of a batch into a domain, a run at a time; nothing stays of a failure. Source: pages.c:batch_to_domain. */
export function batchToDomain(
  c: TierContext,
  batch: PfnBatch,
  { area, domain, start }: { readonly area: Area; readonly domain: Domain; readonly start: number },
): TierFailure | undefined {
  const entered: bigint[] = [];
  let index = start;
  for (const { pfn, count } of batch.runs) {
    if (fails(c.state)) {
      for (const iova of entered) domain.translations.delete(iova);
      return 'ENOMEM.allocation';
    }
    const isAtTop = area.last === U64_MAX && batch.runs.length > 1 && index === start;
    // The end of the area is 0 in D2.11, which is the smaller one: the first run is mapped up to there.
    const pieces = isAtTop && c.has('D2.11') ? area.lastIndex - start + 1 : count;
    for (let at = 0; at < pieces && index + at <= area.lastIndex; at++) {
      const iova = iovaOfIndex(area, index + at);
      domain.translations.set(iova, pfn + at);
      entered.push(iova);
    }
    if (pieces !== count) return undefined;
    index += count;
  }
  return undefined;
}

/** Source: pages.c:batch_to_xarray. */
export function batchToXarray(
  c: TierContext,
  batch: PfnBatch,
  pages: IoptPages,
  start: number,
): TierFailure | undefined {
  if (fails(c.state)) return 'ENOMEM.allocation';
  for (const [at, pfn] of batch.pfns().entries()) pages.pinnedPfns.set(start + at, pfn);
  return undefined;
}

/** Removes a range of an area from a domain. Source: pages.c:iopt_area_unmap_domain_range, iommu_unmap_nofail. */
export function unmapDomainRange(c: TierContext, area: Area, domain: Domain, { start, last }: Span): void {
  let isExact = true;
  for (let index = start; index <= last; index++) {
    isExact = domain.translations.delete(iovaOfIndex(area, index)) && isExact;
  }
  if (!isExact) c.prints('WARNING: iommu_unmap() has removed less than it was told');
}

/** Drops the references of pages of a batch. Source: pages.c:batch_unpin. */
function batchUnpin(c: TierContext, batch: PfnBatch, pages: IoptPages, offset: number, count: number): void {
  for (let at = offset; at < offset + count; at++) unpinFrame(c, batch.at(at));
  subtractPinned(c, pages, count);
}

/** A page that the batch has lost keeps its reference. */
export function unpinFrame({ state }: TierContext, pfn: number | undefined): void {
  const frame = pfn === undefined ? undefined : state.memory.frames.get(pfn);
  if (frame !== undefined) frame.pins -= 1;
}

/** Source: pages.c:iopt_pages_sub_npinned. */
export function subtractPinned(c: TierContext, pages: IoptPages, count: number): void {
  if (count > pages.npinned && !c.has('D2.12')) c.prints('WARNING: fewer pages are pinned than are unpinned');
  pages.npinned -= count;
}

/**
 * Unpins those pages of a batch that nobody holds any more.
 * @param index the index of the first page of the batch
 */
export function unpinUnheld(c: TierContext, pages: IoptPages, batch: PfnBatch, { start, last }: Span): void {
  const below = spansWhere({ start: 0, last: start - 1 }, (at) => !isHeld(pages, at));
  if (below.length > 0 && c.has('D2.5')) {
    c.undefined('D2.5', 'out of bounds', 'pages before the batch are looked for in front of its first run');
  }
  for (const hole of spansWhere({ start, last }, (at) => !isHeld(pages, at))) {
    batchUnpin(c, batch, pages, hole.start - start, hole.last - hole.start + 1);
  }
}

/** Charges pages that have been pinned since the last time. Source: pages.c:iopt_pages_update_pinned. */
export function chargePinned(c: TierContext, pages: IoptPages, limit: number): TierFailure | undefined {
  const added = pages.npinned - pages.lastNpinned;
  if (added < 0) {
    dischargeUnpinned(c, pages);
    return undefined;
  }
  if (!pages.hasIpcLock) {
    if (added > 0 && c.state.lockedVm + added > limit) return 'ENOMEM.limit';
    c.state.lockedVm += added;
  }
  charge(c, pages, added);
  return undefined;
}

/** Source: pages.c:update_unpinned. */
export function dischargeUnpinned(c: TierContext, pages: IoptPages): void {
  const removed = pages.lastNpinned - pages.npinned;
  if (removed < 0) {
    c.prints('WARNING: pages were unpinned and more are pinned than before');
    return;
  }
  if (!pages.hasIpcLock) c.state.lockedVm -= removed;
  charge(c, pages, -removed);
}

function charge(c: TierContext, pages: IoptPages, change: number): void {
  if (!pages.hasIpcLock || !c.has('D2.7')) c.state.pinnedVm += change;
  pages.lastNpinned = pages.npinned;
}

/** The address of a page of some pages. */
export function addressOf({ uptr }: IoptPages, index: number): bigint {
  return uptr + BigInt(index) * PAGE_SIZE;
}

/** Whether a range of pages goes beyond the last address. */
export function wraps(pages: IoptPages, { start, last }: Span): boolean {
  return addressOf(pages, start) <= U64_MAX && addressOf(pages, last) > U64_MAX;
}
