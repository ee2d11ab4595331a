import { present } from '../../base/assert.js';
import { PfnBatch } from './batch.js';
import { PfnReader } from './reader.js';
import {
  type Area,
  type Domain,
  type Ioas,
  type IoptPages,
  LOCKED_MAX,
  type TierContext,
  type TierFailure,
} from './state.js';
import {
  type Span,
  batchFromDomain,
  batchFromXarray,
  batchToDomain,
  batchToXarray,
  dischargeUnpinned,
  domainAreaAt,
  isHeld,
  isUsed,
  chargePinned,
  spanOfArea,
  spansWhere,
  unmapDomainRange,
  unpinUnheld,
} from './tiers.js';

/** Enters an area that is mapped into a domain that is added. Source: pages.c:iopt_area_fill_domain. */
export function fillDomain(c: TierContext, area: Area, domain: Domain): TierFailure | undefined {
  const pages = present(area.pages, 'pages of an area');
  const reader = new PfnReader(c, pages, spanOfArea(area));
  let failure = reader.first();
  if (failure !== undefined) return failure;
  let doneEnd = area.firstIndex;
  while (failure === undefined && !reader.isDone) {
    failure = batchToDomain(c, reader.batch, { area, domain, start: reader.batchStart });
    if (failure !== undefined) break;
    doneEnd = reader.batchEnd;
    failure = reader.next();
  }
  failure ??= chargePinned(c, pages, LOCKED_MAX);
  if (failure !== undefined) {
    releaseBeforeUndo(c, reader);
    unfillPart(c, { area, pages, domain }, doneEnd);
  }
  reader.destroy();
  return failure;
}

/** Pages that only the reader holds are given back before domains are emptied. */
function releaseBeforeUndo(c: TierContext, reader: PfnReader): void {
  if (reader.batchStart !== reader.batchEnd && c.has('D2.27')) return;
  reader.releasePins();
}

/** Enters an area that is being mapped into the domains of its space. Source: pages.c:iopt_area_fill_domains. */
export function fillDomains(
  c: TierContext,
  { domains }: Ioas,
  area: Area,
  pages: IoptPages,
): TierFailure | undefined {
  if (domains.length === 0) return undefined;
  const reader = new PfnReader(c, pages, spanOfArea(area));
  let failure = reader.first();
  if (failure !== undefined) return failure;
  let doneFirst = area.firstIndex;
  let doneAll = area.firstIndex;
  let failing = 0;
  while (failure === undefined && !reader.isDone) {
    doneFirst = reader.batchEnd;
    doneAll = reader.batchStart;
    for (failing = 0; failing < domains.length; failing++) {
      const domain = present(domains[failing], 'a domain');
      failure = batchToDomain(c, reader.batch, { area, domain, start: reader.batchStart });
      if (failure !== undefined) break;
    }
    if (failure !== undefined) break;
    doneAll = doneFirst;
    failure = reader.next();
  }
  failure ??= chargePinned(c, pages, LOCKED_MAX);
  if (failure === undefined) {
    area.storage = domains[0];
    pages.domainAreas.add(area);
  } else {
    releaseBeforeUndo(c, reader);
    for (const [at, domain] of domains.entries()) {
      const isDone = at < failing || (at === failing && doneFirst !== doneAll && c.has('D2.27'));
      undoDomain(c, { area, pages, domain }, isDone ? doneFirst : doneAll, at === domains.length - 1);
    }
  }
  reader.destroy();
  return failure;
}

/** What an area has in a domain. */
interface Filled {
  readonly area: Area;
  readonly pages: IoptPages;
  readonly domain: Domain;
}

/** The last domain unpins, the others are only emptied. */
function undoDomain(c: TierContext, filled: Filled, end: number, isLast: boolean): void {
  const { area, domain } = filled;
  if (isLast) unfillPart(c, filled, end);
  else if (end !== area.firstIndex) {
    unmapDomainRange(c, area, domain, { start: area.firstIndex, last: end - 1 });
  }
}

function unfillPart(c: TierContext, filled: Filled, end: number): void {
  const { firstIndex } = filled.area;
  if (end !== firstIndex) unfill(c, filled, { start: firstIndex, last: end - 1 });
}

/**
 * Removes an area from a domain and unpins what nobody else holds; the area is not among those that domains hold any more.
 * Source: pages.c:iopt_area_unfill_domain.
 */
export function unfillDomain(c: TierContext, filled: Filled): void {
  unfill(c, filled, spanOfArea(filled.area));
}

function unfill(c: TierContext, { area, pages, domain }: Filled, { start, last }: Span): void {
  const batch = new PfnBatch();
  let unmapped = start;
  for (const hole of spansWhere({ start, last }, (at) => !isHeld(pages, at))) {
    let index = hole.start;
    while (index <= hole.last) {
      batch.clear();
      batchFromDomain(c, batch, { area, domain, span: { start: index, last: hole.last } });
      const from = unmapped < index && c.has('D2.34') ? unmapped : index;
      const end = from + batch.total;
      unmapDomainRange(c, area, domain, { start: unmapped, last: end - 1 });
      unpinUnheld(c, pages, batch, { start: index, last: index + batch.total - 1 });
      unmapped = end;
      index = end > index ? end : index + 1;
    }
  }
  if (unmapped <= last) unmapDomainRange(c, area, domain, { start: unmapped, last });
  dischargeUnpinned(c, pages);
}

/** Removes an area from all domains. Source: pages.c:iopt_area_unfill_domains. */
export function unfillDomains(c: TierContext, { domains }: Ioas, area: Area, pages: IoptPages): void {
  const { storage } = area;
  if (storage === undefined) return;
  for (const domain of domains) {
    if (domain !== storage) unmapDomainRange(c, area, domain, spanOfArea(area));
  }
  pages.domainAreas.delete(area);
  area.storage = undefined;
  unfillDomain(c, { area, pages, domain: storage });
}

/** Pins pages for a user in the kernel. Source: pages.c:iopt_pages_fill_xarray. */
export function fillXarray(
  c: TierContext,
  pages: IoptPages,
  { start, last }: Span,
  out: number[],
): TierFailure | undefined {
  let xaEnd = start;
  const holes = spansWhere({ start, last }, (at) => !isUsed(pages, at));
  for (const hole of holes) {
    const reader = new PfnReader(c, pages, hole, true);
    let failure = reader.next();
    while (failure === undefined && !reader.isDone) {
      failure = batchToXarray(c, reader.batch, pages, reader.batchStart);
      if (failure !== undefined) break;
      xaEnd = reader.batchEnd;
      failure = reader.next();
    }
    if (failure === undefined && hole === holes.at(-1)) failure = chargePinned(c, pages, LOCKED_MAX);
    reader.releasePins();
    if (failure !== undefined) {
      if (xaEnd !== start) unfillXarray(c, pages, { start, last: xaEnd - 1 });
      return failure;
    }
  }
  for (let index = start; index <= last; index++) out.push(pages.pinnedPfns.get(index) ?? 0);
  return undefined;
}

/** Takes pages that no user in the kernel holds out of the xarray. Source: pages.c:iopt_pages_unfill_xarray. */
export function unfillXarray(c: TierContext, pages: IoptPages, range: Span): void {
  const batch = new PfnBatch();
  const isCovered = spansWhere(range, (at) => domainAreaAt(pages, at) === undefined).length === 0;
  for (const hole of spansWhere(range, (at) => !isUsed(pages, at))) {
    let index = hole.start;
    while (index <= hole.last && !isCovered) {
      batch.clear();
      batchFromXarray(c, batch, pages, { start: index, last: hole.last });
      unpinUnheld(c, pages, batch, { start: index, last: index + batch.total - 1 });
      index += batch.total;
      if (index <= hole.last && c.has('D2.28')) break;
    }
    for (let at = hole.start; at <= hole.last; at++) pages.pinnedPfns.delete(at);
  }
  dischargeUnpinned(c, pages);
}
