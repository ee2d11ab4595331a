import { hex } from '../../base/u64.js';
import type { DesignObject, Space, View } from '../framework/view.js';
import type { Domain, Leaf } from './page_table.js';
import { leafAt, translatedOf } from './page_table.js';
import { type DmaEntry, type Host, addressName, entryAt, entryName } from './state.js';

const MDEV_NAME = 'the mediated device';

export function viewOfHost(host: Host): View {
  const { domains, givenUp, pins } = host;
  const translated = translatedPages(domains);
  return {
    pages: [...givenUp].map((pfn) => ({ page: pageName(pfn), isFreed: (pins.get(pfn) ?? 0) <= 0 })),
    // Pages whose owner has them cannot be freed, so that nobody looks at who maps them.
    mappings: domains.flatMap(({ name, leaves }) =>
      leaves
        .flatMap(pagesOf)
        .flatMap(({ pfn }) => (givenUp.has(pfn) ? [{ by: name, page: pageName(pfn) }] : [])),
    ),
    pins: pinRuns(host, translated),
    accounts: [{ of: 'the user', actual: host.locked, expected: pagesHeld(host, translated) }],
    objects: host.entries.map((entry) => objectOf(host, entry)),
    spaces: [spaceOf(host)],
    grants: domains.flatMap((domain) => domain.leaves.map((leaf) => grantOf(host, domain, leaf))),
    revocations: [...host.revoked]
      .map((iova) => ({ of: addressName(iova), isRevoked: true, mappedBy: whoReaches(host, iova) }))
      .filter(({ mappedBy }) => mappedBy.length > 0),
    released: host.groups.length === 0 ? [{ of: 'the container', left: leftBehind(host) }] : [],
  };
}

function pageName(pfn: number): string {
  return `page ${hex(pfn)}`;
}

function pagesOf(leaf: Leaf): { readonly iova: number; readonly pfn: number }[] {
  return Array.from({ length: leaf.count }, (_, at) => ({ iova: leaf.iova + at, pfn: leaf.pfn + at }));
}

/** What any domain translates: page of the IOVA → pages of the host. */
function translatedPages(domains: readonly Domain[]): Map<number, Set<number>> {
  const translated = new Map<number, Set<number>>();
  for (const { iova, pfn } of domains.flatMap(({ leaves }) => leaves.flatMap(pagesOf))) {
    const known = translated.get(iova);
    if (known === undefined) translated.set(iova, new Set([pfn]));
    else known.add(pfn);
  }
  return translated;
}

/** A page needs one pin for each address at which a device reaches it, and one for each that a mediated device holds. */
function pinsNeeded(
  { entries }: Host,
  translated: ReadonlyMap<number, ReadonlySet<number>>,
): Map<number, number> {
  const needed = new Map<number, number>();
  const need = (pfn: number): void => {
    needed.set(pfn, (needed.get(pfn) ?? 0) + 1);
  };
  for (const pfns of translated.values()) for (const pfn of pfns) need(pfn);
  for (const { iova: start, pfns, pinnedByMdev } of entries) {
    for (const iova of pinnedByMdev.keys()) need(pfns[iova - start] ?? 0);
  }
  return needed;
}

/** Balances of pages, consecutive ones with the same numbers as one. */
function pinRuns(
  host: Host,
  translated: ReadonlyMap<number, ReadonlySet<number>>,
): NonNullable<View['pins']> {
  const needed = pinsNeeded(host, translated);
  const pfns = [...new Set([...host.pins.keys(), ...needed.keys()])].sort((one, two) => one - two);
  const runs: { first: number; last: number; actual: number; expected: number }[] = [];
  for (const pfn of pfns) {
    const [actual, expected] = [host.pins.get(pfn) ?? 0, needed.get(pfn) ?? 0];
    const run = runs.at(-1);
    if (run?.last === pfn - 1 && run.actual === actual && run.expected === expected) run.last = pfn;
    else if (actual !== 0 || expected !== 0) runs.push({ first: pfn, last: pfn, actual, expected });
  }
  return runs.map(({ first, last, actual, expected }) => ({
    of: first === last ? pageName(first) : `each of the pages ${hex(first)} to ${hex(last)}`,
    actual,
    expected,
  }));
}

/** Addresses at which pages are held for the user; one that an IOMMU and a mediated device hold is one. */
function pagesHeld({ entries }: Host, translated: ReadonlyMap<number, unknown>): number {
  const onlyByMdev = entries.flatMap(({ pinnedByMdev }) =>
    [...pinnedByMdev.keys()].filter((iova) => !translated.has(iova)),
  );
  return translated.size + onlyByMdev.length;
}

function objectOf({ domains }: Host, entry: DmaEntry): DesignObject {
  const states = domains.map((domain) => String(translatedOf(domain, entry.iova, entry.count)));
  return {
    name: entryName(entry),
    handle: 1,
    isReachable: true,
    isComplete: true,
    state: `${states.join(' and ')} pages translated`,
  };
}

function spaceOf({ entries, domains }: Host): Space {
  const recorded = entries.flatMap(({ iova, pfns }) => pfns.map((pfn, at) => ({ iova: iova + at, pfn })));
  return {
    of: 'the container',
    recorded: translationsOf(recorded.sort((one, two) => one.iova - two.iova)),
    domains: domains.map(({ name, leaves }) => ({
      name,
      translations: translationsOf(leaves.flatMap(pagesOf)),
    })),
  };
}

/** Consecutive pages as one: whether an IOMMU has large entries or small ones makes no difference. */
function translationsOf(
  pages: readonly { readonly iova: number; readonly pfn: number }[],
): Record<string, string> {
  const runs: { iova: number; pfn: number; count: number }[] = [];
  for (const { iova, pfn } of pages) {
    const run = runs.at(-1);
    const follows = run !== undefined && iova === run.iova + run.count && pfn === run.pfn + run.count;
    if (follows) run.count += 1;
    else runs.push({ iova, pfn, count: 1 });
  }
  return Object.fromEntries(runs.map(({ iova, pfn, count }) => [addressName(iova), runName(pfn, count)]));
}

function runName(pfn: number, count: number): string {
  return count === 1 ? pageName(pfn) : `${String(count)} pages from ${hex(pfn)}`;
}

function grantOf(host: Host, { name }: Domain, leaf: Leaf): NonNullable<View['grants']>[number] {
  const granted = pagesOf(leaf).reduce((rights, { iova }) => rights & (entryAt(host, iova)?.rights ?? 0), 3);
  return {
    by: `${name} at ${addressName(leaf.iova)}`,
    granted: rightsText(granted),
    used: rightsText(leaf.rights),
  };
}

function rightsText(rights: number): string {
  return `${(rights & 1) === 0 ? '' : 'r'}${(rights & 2) === 0 ? '' : 'w'}`;
}

function whoReaches(host: Host, iova: number): string[] {
  const domains = host.domains.filter((domain) => leafAt(domain, iova) !== undefined).map(({ name }) => name);
  return entryAt(host, iova)?.pinnedByMdev.has(iova) === true ? [...domains, MDEV_NAME] : domains;
}

/** What a container without groups still has. */
function leftBehind({ entries, locked, pins }: Host): string[] {
  const pinned = [...pins].filter(([, count]) => count > 0).map(([pfn]) => `a pin on ${pageName(pfn)}`);
  return [
    ...entries.map(entryName),
    ...(locked === 0 ? [] : [`a charge of ${String(locked)} pages`]),
    ...pinned,
  ];
}
