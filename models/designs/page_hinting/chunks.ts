import type { DesignContext } from '../framework/call.js';
import { PAUSE, type Pause } from '../framework/locks.js';
import { pageOf, pagesFrom } from './container_calls.js';
import { type Domain, iommuMap, iommuUnmap, leafAt, physOf, translatedOf } from './page_table.js';
import { type DmaEntry, type Host, entryTouching, notifyMdev, pin, unpinFrom } from './state.js';

/** What the patch calls a page: a range of the device’s addresses. */
export interface Chunk {
  readonly page: number;
  /** In bytes, as it was passed. */
  readonly size: bigint;
}

type HostContext = DesignContext<Host, unknown>;

/** Pages that a chunk covers, as page tables see it: of 100 bytes, none. */
function pagesIn({ size }: Chunk): number {
  return pageOf(size);
}

/** The mapping that a chunk overlaps. A size below a page still lies in one. */
export function entryOf(host: Host, chunk: Chunk): DmaEntry | undefined {
  return entryTouching(host, chunk.page, Math.max(1, Math.ceil(Number(chunk.size) / 4096)));
}

function isWithin(entry: DmaEntry, chunk: Chunk): boolean {
  return chunk.page >= entry.iova && chunk.page + pagesIn(chunk) <= entry.iova + entry.count;
}

/** Whether an IOMMU could have a page of that size. */
export function isPageSize(size: bigint): boolean {
  return size >= 4096n && size <= 1n << 30n && (size & (size - 1n)) === 0n;
}

/**
 * What munmap_pages does to a container, under its mutex.
 * @returns why it fails; undefined for 0
 */
export function dropChunk(c: HostContext, chunk: Chunk, entry: DmaEntry): 'ENOENT' | undefined {
  const [first] = c.state.domains;
  if (first === undefined) {
    return c.undefined('D3.17', 'wild pointer', 'the first domain of an empty list is the head of the list');
  }
  if (c.state.domains.length > 1) c.has('D3.3');
  // The correct code would leave this to whoever owns the mapping.
  c.has('D3.19');
  noteOverreach(c, chunk, entry);
  const pfn = physOf(first, chunk.page);
  if (pfn === undefined) {
    if (!c.has('D3.18')) return 'ENOENT';
    c.contradicts('munmap_pages answers 0 for a chunk that is not mapped');
    return undefined;
  }
  const pages = translatedIn(c.state, chunk);
  const removed = takeFromFirst(c, chunk, entry, pfn);
  c.state.locked -= removed.uncharged;
  if (removed.pages < pagesIn(chunk) || removed.pages === 0) {
    c.has('D3.9');
    c.contradicts('munmap_pages answers 0 although not all of the chunk is unmapped');
  }
  for (const page of pages) c.state.revoked.add(page);
  if (pages.some((page) => entry.pinnedByMdev.has(page)) && !c.has('D3.12')) notifyMdev(c.state, entry);
  return undefined;
}

/** Pages of a chunk that some device reaches. */
function translatedIn({ domains }: Host, chunk: Chunk): number[] {
  const end = chunk.page + pagesIn(chunk);
  const reached = domains.flatMap(({ leaves }) =>
    leaves.flatMap(({ iova, count }) => pagesFrom(iova, count)),
  );
  return [...new Set(reached)].filter((page) => page >= chunk.page && page < end);
}

/**
 * The chunk leaves the first domain, and what lies in the same large page with it. As many pages as were removed are unpinned,
 * as if they followed the first one in the host.
 */
function takeFromFirst(
  c: HostContext,
  chunk: Chunk,
  entry: DmaEntry,
  pfn: number,
): { readonly pages: number; readonly uncharged: number } {
  const [first] = c.state.domains;
  if (first === undefined) return { pages: 0, uncharged: 0 };
  if (isCut(first, chunk) && c.has('D3.8')) {
    c.contradicts('an IOMMU page that is larger than the chunk goes as a whole');
  }
  const before = { name: first.name, leaves: first.leaves };
  const pages = iommuUnmap(first, chunk.page, chunk.size);
  const isScattered = pagesFrom(0, pages).some((at) => physOf(before, chunk.page + at) !== pfn + at);
  if (isScattered) c.has('D3.8');
  return { pages, uncharged: unpinFrom(c.state, entry, chunk.page, pfn, pages) };
}

/** Whether the chunk begins or ends within an entry of the page table. */
function isCut(domain: Domain, chunk: Chunk): boolean {
  const end = chunk.page + pagesIn(chunk);
  const [first, last] = [leafAt(domain, chunk.page), leafAt(domain, end - 1)];
  if (pagesIn(chunk) === 0) return false;
  return (
    (first !== undefined && first.iova < chunk.page) || (last !== undefined && last.iova + last.count > end)
  );
}

function noteOverreach(c: HostContext, chunk: Chunk, entry: DmaEntry): void {
  if (!isPageSize(chunk.size)) c.has('D3.5');
  else if (!isWithin(entry, chunk)) c.has('D3.6');
}

/**
 * What mmap_pages does to a container with a domain, under its mutex: what was there is dropped, and the page of the
 * host that the caller names takes its place.
 */
export function* replaceChunk(
  c: HostContext,
  chunk: Chunk,
  entry: DmaEntry,
  frame: { readonly pfn: number; readonly prot: number },
): Generator<Pause, 'EEXIST' | 'EFAULT' | 'EINVAL' | undefined> {
  const { state } = c;
  const [first] = state.domains;
  if (first === undefined) return undefined;
  c.has('D3.19');
  noteOverreach(c, chunk, entry);
  const count = pagesIn(chunk);
  const before = translatedOf(first, chunk.page, count);
  const old = physOf(first, chunk.page);
  if (old !== undefined) takeFromFirst(c, chunk, entry, old);
  yield PAUSE;
  const problem = mapEverywhere(state, chunk, frame);
  if (problem !== undefined) {
    if (state.domains.length > 1) c.has('D3.4');
    if (before > 0 && before < count && isWithin(entry, chunk)) c.has('D3.11');
    c.prints('the map of a chunk failed');
    return problem;
  }
  if ((frame.prot & ~entry.rights) !== 0) c.has('D3.10');
  for (let at = 0; at < count; at++) if (!c.has('D3.1')) pin(state, frame.pfn + at);
  if (before < count && !c.has('D3.2')) state.locked += count - before;
  for (const page of pagesFrom(chunk.page, count)) state.revoked.delete(page);
  return undefined;
}

/** All domains, or none. */
function mapEverywhere(
  { domains }: Host,
  chunk: Chunk,
  { pfn, prot }: { readonly pfn: number; readonly prot: number },
): 'EEXIST' | 'EFAULT' | 'EINVAL' | undefined {
  const run = { iova: chunk.page, pfn, count: pagesIn(chunk), rights: prot };
  const kept = domains.map(({ leaves }) => leaves);
  for (const domain of domains) {
    const problem = iommuMap(domain, run);
    if (problem === undefined) continue;
    for (const [at, other] of domains.entries()) other.leaves = kept[at] ?? [];
    return problem;
  }
  return undefined;
}
