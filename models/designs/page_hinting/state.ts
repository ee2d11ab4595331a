import { present } from '../../base/assert.js';
import { hex } from '../../base/u64.js';
import { type Domain, iommuMap, iommuUnmap, physOf, runsOf } from './page_table.js';

/** What the user has mapped by one call, and what VFIO keeps of it; numbers are of pages. */
export interface DmaEntry {
  readonly iova: number;
  readonly count: number;
  /** READ and WRITE. */
  readonly rights: number;
  /** The user’s pages, in order. */
  readonly pfns: readonly number[];
  /** Pages that a mediated device has pinned: page of the IOVA → how often. */
  readonly pinnedByMdev: Map<number, number>;
}

/** Groups of devices by the names that programs use. */
export const GROUPS = { gpu: 0, nic: 1, mdev: 2 } as const;
export const MDEV = GROUPS.mdev;

/** Memory of the user: pages that are nowhere consecutive, or all. */
export const MEMORY = { scattered: 0, contiguous: 1 } as const;

/** The first page of each memory, how many there are, and the step from one to the next. */
const MEMORIES = [
  { pfn: 0x101, pages: 32, stride: 2 },
  { pfn: 0x400, pages: 1024, stride: 1 },
] as const;

/** A page of the host that is nobody’s memory yet; those that KVM takes follow it. */
export const SPARE_PFN = 0x1003;

/** Pages that may be locked unless the limit is set. */
const LIMIT_PAGES = 4096;

/** A host with one container of type1 (version 2), and a guest with its devices: a GPU and a mediated one. */
export interface Host {
  /** Groups in the container, in the order of their coming. */
  readonly groups: number[];
  /** IOMMU domains of the container, in the order of their coming. */
  readonly domains: Domain[];
  entries: DmaEntry[];
  /** Pins on physical pages. */
  readonly pins: Map<number, number>;
  /** Pages that their owner has given up; freed when nobody pins them. */
  readonly givenUp: Set<number>;
  /** Locked pages that the user is charged with. */
  locked: number;
  limit: number;
  /** Pages of IOVAs that somebody was told to be unmapped, and not told to be mapped since. */
  readonly revoked: Set<number>;
  /** Whether a call that waits holds the mutex of the container. */
  isMutexHeld: boolean;
  readonly guest: Guest;
}

/** What KVM knows of the guest: its physical pages are those of the device’s addresses. */
export interface Guest {
  /** Page of the guest → page of the host. */
  readonly ept: Map<number, number>;
  readonly discarded: Set<number>;
  /** The next page that the host gives it. */
  nextPfn: number;
  /** Ranges that user space was told of. */
  readonly hints: { readonly page: number; readonly count: number }[];
}

export function newHost(): Host {
  return {
    groups: [GROUPS.gpu, MDEV],
    domains: [{ name: 'the domain of gpu', leaves: [] }],
    entries: [],
    pins: new Map(),
    givenUp: new Set(),
    locked: 0,
    limit: LIMIT_PAGES,
    revoked: new Set(),
    isMutexHeld: false,
    guest: { ept: new Map(), discarded: new Set(), nextPfn: SPARE_PFN + 1, hints: [] },
  };
}

/** Pages of a memory from its beginning; undefined if it is too short, or the user has given one up. */
export function userPages({ givenUp }: Host, memory: number, count: number): number[] | undefined {
  const { pfn, pages, stride } = present(MEMORIES[memory], 'a memory');
  if (count > pages) return undefined;
  const pfns = Array.from({ length: count }, (_, at) => pfn + at * stride);
  return pfns.some((page) => givenUp.has(page)) ? undefined : pfns;
}

/** The entry that a range of pages touches, the lowest if there are several. */
export function entryTouching({ entries }: Host, iova: number, count: number): DmaEntry | undefined {
  return entries.find((entry) => entry.iova < iova + count && iova < entry.iova + entry.count);
}

export function entryAt(host: Host, iova: number): DmaEntry | undefined {
  return entryTouching(host, iova, 1);
}

/** How views and messages name a page of the device’s addresses. */
export function addressName(iova: number): string {
  return hex(iova * 0x1000);
}

/** How views name what the user has mapped by one call. */
export function entryName({ iova }: DmaEntry): string {
  return `the mapping at ${addressName(iova)}`;
}

/** Adds to the pins of a page, or takes from them. */
export function pin({ pins }: Host, pfn: number, by = 1): void {
  pins.set(pfn, (pins.get(pfn) ?? 0) + by);
}

/** Charges of pages that a mediated device does not hold besides. */
function chargesOf(entry: DmaEntry, iova: number, count: number): number {
  const pages = Array.from({ length: count }, (_, at) => iova + at);
  return pages.filter((page) => !entry.pinnedByMdev.has(page)).length;
}

/** Whether pinning an entry would exceed the limit of its user. */
export function isOverLimit(host: Host, entry: DmaEntry): boolean {
  return host.locked + chargesOf(entry, entry.iova, entry.count) > host.limit;
}

/** Pins the pages of an entry and enters them into all domains. */
export function pinAndMap(host: Host, entry: DmaEntry, longestRun: number): void {
  for (const { at, count } of runsOf(entry.pfns, longestRun)) {
    const run = {
      iova: entry.iova + at,
      pfn: present(entry.pfns[at], 'a page'),
      count,
      rights: entry.rights,
    };
    for (const domain of host.domains) iommuMap(domain, run);
  }
  for (const pfn of entry.pfns) pin(host, pfn);
  host.locked += chargesOf(entry, entry.iova, entry.count);
}

/**
 * Drops pins from a page on, page by page, whatever is there.
 * @returns pages that are to be uncharged
 */
export function unpinFrom(host: Host, entry: DmaEntry, iova: number, pfn: number, count: number): number {
  for (let at = 0; at < count; at++) pin(host, pfn + at, -1);
  return chargesOf(entry, iova, count);
}

/**
 * Empties all domains where an entry is, and drops its pins: by what the first domain translates.
 * @returns pages that are to be uncharged
 */
export function unmapAndUnpin(host: Host, entry: DmaEntry): number {
  const [first, ...others] = host.domains;
  if (first === undefined) return 0;
  for (const domain of others) iommuUnmap(domain, entry.iova, BigInt(entry.count) << 12n);
  let uncharged = 0;
  let at = 0;
  while (at < entry.count) {
    const iova = entry.iova + at;
    const pfn = physOf(first, iova);
    const removed = pfn === undefined ? 0 : iommuUnmap(first, iova, 0x1000n);
    if (pfn !== undefined) uncharged += unpinFrom(host, entry, iova, pfn, removed);
    at += Math.max(removed, 1);
  }
  return uncharged;
}

/** Drops a pin of the mediated device; the last one of a page counts. */
export function unpinOfMdev(host: Host, entry: DmaEntry, iova: number): void {
  const held = entry.pinnedByMdev.get(iova) ?? 0;
  if (held > 1) {
    entry.pinnedByMdev.set(iova, held - 1);
    return;
  }
  entry.pinnedByMdev.delete(iova);
  pin(host, present(entry.pfns[iova - entry.iova], 'a page of the entry'), -1);
  // Where an IOMMU has all of the entry pinned, its page stays charged.
  if (host.domains.length === 0) host.locked -= 1;
}

/** Tells the mediated device that an entry goes: it lets go of all that it has pinned there. */
export function notifyMdev(host: Host, entry: DmaEntry): void {
  for (const [iova, held] of [...entry.pinnedByMdev]) {
    for (let at = 0; at < held; at++) unpinOfMdev(host, entry, iova);
  }
}

/** Removes an entry from all that knows it. */
export function removeEntry(host: Host, entry: DmaEntry): void {
  notifyMdev(host, entry);
  host.locked -= unmapAndUnpin(host, entry);
  host.entries = host.entries.filter((other) => other !== entry);
}
