import {
  PAGE_SIZE,
  U64_MAX,
  alignUp,
  isAligned,
  lowestSetBit,
  maxU64,
  minU64,
  pageIndex,
  pageOffset,
  roundUpToPowerOfTwo,
  wrapU64,
} from '../../base/u64.js';
import {
  type Area,
  type Device,
  type Domain,
  type Ioas,
  type IoptPages,
  type Machine,
  type TierContext,
  type TierFailure,
  areasIn,
} from './state.js';
import { fillDomain, unfillDomain } from './fill.js';
import { spanOfArea, unmapDomainRange } from './tiers.js';

/** Where both devices have their interrupts, so that no mapping may be there. */
const MSI = { start: 0xfee0_0000n, last: 0xfeef_ffffn } as const;

export function isReserved({ reserved }: Ioas, start: bigint, last: bigint): boolean {
  return reserved.some((range) => range.start <= last && range.last >= start);
}

/** Whether an area keeps to an alignment, its place in the page included. */
export function isAreaAligned({ iova, last, pageOffset: offset }: Area, alignment: bigint): boolean {
  return isAreaRangeAligned({ iova, last }, alignment) && isAligned(offset, alignment);
}

export function isAreaRangeAligned({ iova, last }: Pick<Area, 'iova' | 'last'>, alignment: bigint): boolean {
  return isAligned(iova, alignment) && isAligned(last - iova + 1n, alignment);
}

/** A range of IOVAs that nothing has and nothing may not have. */
interface Hole {
  readonly start: bigint;
  readonly last: bigint;
}

/** The holes between areas and reservations, without the first page and the last. Source: io_pagetable.c:iopt_alloc_iova. */
function holesOf({ areas, reserved }: Ioas): Hole[] {
  const taken = [...areas.map(({ iova: start, last }) => ({ start, last })), ...reserved].sort((one, two) =>
    one.start < two.start ? -1 : 1,
  );
  const holes: Hole[] = [];
  const end = U64_MAX - PAGE_SIZE;
  let from = PAGE_SIZE;
  for (const { start, last } of taken) {
    if (start > from) holes.push({ start: from, last: minU64(start - 1n, end) });
    from = maxU64(from, last + 1n);
  }
  if (from <= end) holes.push({ start: from, last: end });
  return holes.filter((hole) => hole.start <= hole.last);
}

/** Finds room for a mapping. Source: io_pagetable.c:iopt_alloc_iova. */
export function allocateIova(
  c: TierContext,
  ioas: Ioas,
  address: bigint,
  length: bigint,
): bigint | 'EINVAL.alignment' | 'ENOSPC.iova' | 'EOVERFLOW.length' {
  if (length >= U64_MAX / 2n) return 'EOVERFLOW.length';
  const wide = roundUpToPowerOfTwo(length);
  const alignment = address === 0n ? wide : minU64(wide, lowestSetBit(address));
  if (alignment < ioas.alignment) return 'EINVAL.alignment';
  for (const hole of holesOf(ioas)) {
    const aligned = alignUp(hole.start, alignment);
    if (aligned > U64_MAX && !c.has('D2.35')) continue;
    const start = wrapU64(aligned) | pageOffset(address);
    if (start <= hole.last && hole.last - start >= length - 1n) return start;
  }
  return 'ENOSPC.iova';
}

/** Drops a reference on pages; the last one frees them. Source: pages.c:iopt_release_pages. */
export function putPages(c: TierContext, pages: IoptPages): void {
  pages.references -= 1;
  if (pages.references > 0) return;
  if (pages.users.length > 0 || pages.npinned !== 0) {
    c.prints('WARNING: pages are freed and somebody still holds some');
  }
  c.state.pages.splice(c.state.pages.indexOf(pages), 1);
}

export function newPages(
  machine: Machine,
  { address, length }: { readonly address: bigint; readonly length: bigint },
  { isWritable, hasIpcLock }: Pick<IoptPages, 'isWritable' | 'hasIpcLock'>,
): IoptPages {
  const number = machine.pages.reduce((most, { name }) => Math.max(most, Number(name.split(' ')[1])), 0) + 1;
  return {
    name: `pages ${String(number)}`,
    uptr: address - pageOffset(address),
    npages: pageIndex(pageOffset(address) + length - 1n) + 1,
    isWritable,
    hasIpcLock,
    isOrphan: false,
    npinned: 0,
    lastNpinned: 0,
    pinnedPfns: new Map(),
    users: [],
    domainAreas: new Set(),
    references: 0,
  };
}

/** Takes an area out of its space. Source: io_pagetable.c:iopt_abort_area. */
export function removeArea({ areas }: Ioas, area: Area): void {
  areas.splice(areas.indexOf(area), 1);
}

/** The ranges that a device keeps free, and those outside the aperture of its domain. */
export function reservationsFor(c: TierContext, ioas: Ioas, device: Device): Ioas['reserved'] {
  const { name, aperture } = device;
  const outside =
    aperture.start === 0n ? [] : [{ start: 0n, last: aperture.start - 1n, owner: `domain of ${name}` }];
  const isThere = ioas.reserved.some(({ start }) => start === MSI.start);
  if (isThere && c.has('D2.30')) return outside;
  return [...outside, { ...MSI, owner: name }];
}

export function removeReservations(c: TierContext, ioas: Ioas, device: Device): void {
  const { name } = device;
  const isShared = c.state.devices.some((other) => other !== device && other.ioas === ioas);
  ioas.reserved = ioas.reserved.filter(({ owner, start }) => {
    if (owner === `domain of ${name}`) return false;
    if (start !== MSI.start || owner === 'test') return true;
    return owner !== name ? isShared : isShared && c.has('D2.30');
  });
}

/** Fills a domain with all that a space maps; nothing stays of a failure. Source: io_pagetable.c:iopt_fill_domain. */
export function addDomain(c: TierContext, ioas: Ioas, domain: Domain): TierFailure | undefined {
  const filled: Area[] = [];
  for (const area of areasIn(ioas, 0n, U64_MAX)) {
    if (area.pages === undefined) continue;
    const failure = fillDomain(c, area, domain);
    if (failure !== undefined) {
      for (const each of filled) undoFill(c, ioas, each, domain);
      return failure;
    }
    filled.push(area);
    if (area.storage === undefined) {
      area.storage = domain;
      area.pages.domainAreas.add(area);
    }
  }
  ioas.domains.push(domain);
  return undefined;
}

function undoFill(c: TierContext, { domains }: Ioas, area: Area, domain: Domain): void {
  const { pages } = area;
  if (pages === undefined) return;
  if (domains.length === 0) {
    pages.domainAreas.delete(area);
    area.storage = undefined;
  }
  unfillDomain(c, { area, pages, domain });
}

/** Empties a domain that leaves a space. Source: io_pagetable.c:iopt_unfill_domain. */
export function removeDomain(c: TierContext, ioas: Ioas, domain: Domain): void {
  const { domains } = ioas;
  const at = domains.indexOf(domain);
  const tail = domains.pop();
  if (tail !== undefined && tail !== domain) domains[at] = tail;
  for (const area of areasIn(ioas, 0n, U64_MAX)) {
    const { pages } = area;
    if (pages === undefined) {
      if (domains.length > 0 && c.has('D2.25')) unmapDomainRange(c, area, domain, spanOfArea(area));
    } else if (domains.length > 0) {
      if (area.storage === domain) area.storage = domains[0];
      unmapDomainRange(c, area, domain, spanOfArea(area));
    } else {
      pages.domainAreas.delete(area);
      area.storage = undefined;
      unfillDomain(c, { area, pages, domain });
    }
  }
  c.state.freedDomains.push(domain);
}
