import { PAGE_SIZE, isAligned, rangeWraps } from '../../base/u64.js';
import { choice, flags, u64 } from '../framework/argument.js';
import { callsOn, decidedInEffect, take } from '../framework/call.js';
import type { DesignCall } from '../framework/call.js';
import { APERTURE_PAGES, type Domain, iommuMap, physOf, translatedOf } from './page_table.js';
import {
  type DmaEntry,
  GROUPS,
  type Host,
  MDEV,
  MEMORY,
  entryAt,
  entryTouching,
  isOverLimit,
  notifyMdev,
  pinAndMap,
  removeEntry,
  unmapAndUnpin,
  userPages,
} from './state.js';

export const onHost = callsOn<Host>();

/** The mutex that all calls on a container take. */
export const IOMMU_LOCK = 'the mutex of the container';

const TYPE1 = 'drivers/vfio/vfio_iommu_type1.c';

/** Where most programs map: page 0x10. */
const USUAL_IOVA = 0x10000n;

const IOVA = u64('where the device sees it', {
  usual: USUAL_IOVA,
  values: [0x18000n, 0n, 0x40_0000n, 0x10001n],
});

const SIZE = u64('bytes', {
  usual: 0x8000n,
  values: [0x1000n, 0x2000n, 0x40_0000n, 0n, 0x1001n, (1n << 64n) - PAGE_SIZE],
});

/** READ and WRITE, as VFIO and IOMMU drivers number them. */
export const READ_WRITE = { READ: 1, WRITE: 2 } as const;

const GROUP = choice('the group', GROUPS, 'nic');

const NO_DRIVER = {
  id: 'EINVAL.driver',
  says: 'the container has no group, and with it no IOMMU driver',
  cite: 'drivers/vfio/vfio.c:vfio_fops_unl_ioctl',
  when: ({ state }: { readonly state: Host }) => state.groups.length === 0,
} as const;

/** What MAP_DMA differs in. */
interface Mapping {
  readonly source: string;
  /** The errno of a range that wraps. */
  readonly wrap: 'EINVAL' | 'EOVERFLOW';
  /** Pages that are pinned and mapped as one, at most. */
  readonly longestRun: number;
}

export function mapDmaCall({ source, wrap, longestRun }: Mapping): DesignCall {
  return onHost({
    name: 'VFIO_IOMMU_MAP_DMA',
    doc: 'The user maps memory of its own, in pieces of its choice.',
    source,
    args: {
      flags: flags('access', READ_WRITE, 3),
      vaddr: choice('the memory, from its beginning', MEMORY, 'scattered'),
      iova: IOVA,
      size: SIZE,
    },
    rules: [
      {
        id: 'EINVAL.flags',
        says: 'a flag is unknown, or access is none',
        cite: `${TYPE1}:vfio_dma_do_map`,
        when: ({ args }) => args.flags === 0 || args.flags > 3,
      },
      {
        id: 'EINVAL.aligned',
        says: 'address or size is not of whole pages, or the size is 0',
        cite: `${TYPE1}:vfio_dma_do_map`,
        when: ({ args }) =>
          args.size === 0n || !isAligned(args.size, PAGE_SIZE) || !isAligned(args.iova, PAGE_SIZE),
      },
      {
        id: `${wrap}.wrap`,
        says: 'the range of addresses wraps',
        cite: `${TYPE1}:vfio_dma_do_map`,
        when: ({ args }) => rangeWraps(args.iova, args.size),
      },
      NO_DRIVER,
      take(IOMMU_LOCK),
      {
        id: 'EEXIST.iova',
        says: 'a part of the range is mapped already',
        cite: `${TYPE1}:vfio_dma_do_map`,
        when: ({ state, args }) => entryTouching(state, pageOf(args.iova), pageOf(args.size)) !== undefined,
      },
      {
        id: 'EINVAL.aperture',
        says: 'an IOMMU of the container does not reach the range',
        cite: `${TYPE1}:vfio_iommu_iova_dma_valid`,
        when: ({ args }) => pageOf(args.iova) + pageOf(args.size) > APERTURE_PAGES,
      },
      {
        id: 'EFAULT.vaddr',
        says: 'the user has no such memory',
        cite: `${TYPE1}:vfio_pin_pages_remote`,
        when: ({ state, args }) => userPages(state, args.vaddr, pageOf(args.size)) === undefined,
      },
      {
        id: 'ENOMEM.limit',
        says: 'the limit of locked memory is reached; what was pinned is unpinned',
        cite: `${TYPE1}:vfio_pin_pages_remote`,
        when: decidedInEffect,
      },
      {
        id: 'EEXIST.domain',
        says: 'a page table translates a part of the range, though nobody has mapped it',
        cite: `${TYPE1}:vfio_iommu_map`,
        when: decidedInEffect,
      },
    ],
    effect: (c) => {
      const { state, args } = c;
      const [iova, count] = [pageOf(args.iova), pageOf(args.size)];
      const pfns = userPages(state, args.vaddr, count) ?? [];
      const entry: DmaEntry = { iova, count, rights: args.flags, pfns, pinnedByMdev: new Map() };
      if (state.domains.length > 0) {
        if (isOverLimit(state, entry)) c.fail('ENOMEM.limit');
        if (state.domains.some((domain) => translatedOf(domain, iova, count) > 0)) c.fail('EEXIST.domain');
        pinAndMap(state, entry, longestRun);
      }
      state.entries = [...state.entries, entry].sort((one, two) => one.iova - two.iova);
      for (const page of pagesFrom(iova, count)) state.revoked.delete(page);
    },
  });
}

export const unmapDma = onHost({
  name: 'VFIO_IOMMU_UNMAP_DMA',
  doc: 'The user unmaps whole mappings; one that is not there is no error. Returns the bytes that were mapped.',
  source: `${TYPE1}:vfio_dma_do_unmap`,
  args: { flags: flags('must be 0', {}), iova: IOVA, size: SIZE },
  rules: [
    { id: 'EINVAL.flags', says: 'a flag is set', cite: TYPE1, when: ({ args }) => args.flags !== 0 },
    {
      id: 'EINVAL.aligned',
      says: 'address or size is not of whole pages, or the size is 0',
      cite: `${TYPE1}:vfio_dma_do_unmap`,
      when: ({ args }) =>
        args.size === 0n || !isAligned(args.size, PAGE_SIZE) || !isAligned(args.iova, PAGE_SIZE),
    },
    {
      id: 'EINVAL.wrap',
      says: 'the range of addresses wraps',
      cite: `${TYPE1}:vfio_dma_do_unmap`,
      when: ({ args }) => rangeWraps(args.iova, args.size),
    },
    NO_DRIVER,
    take(IOMMU_LOCK),
    {
      id: 'EINVAL.bisects',
      says: 'the range begins or ends within a mapping',
      cite: `${TYPE1}:vfio_dma_do_unmap`,
      when: ({ state, args }) => {
        const [start, end] = [pageOf(args.iova), pageOf(args.iova + args.size)];
        const last = entryAt(state, end - 1);
        const first = entryAt(state, start);
        return (first !== undefined && first.iova !== start) || (last !== undefined && endOf(last) !== end);
      },
    },
  ],
  effect: (c) => {
    const { state, args } = c;
    const [iova, count] = [pageOf(args.iova), pageOf(args.size)];
    const entries = state.entries.filter((entry) => entry.iova >= iova && endOf(entry) <= iova + count);
    const sum = entries.reduce((pages, entry) => pages + entry.count, 0);
    const removed = entries.reduce((pages, entry) => pages + translatedByFirst(state, entry), 0);
    if (removed < sum && c.has('D3.18')) {
      c.contradicts(`UNMAP_DMA reports ${String(sum)} pages, and unmaps ${String(removed)}`);
    }
    for (const entry of entries) {
      removeEntry(state, entry);
      for (const page of pagesFrom(entry.iova, entry.count)) state.revoked.add(page);
    }
    if (state.locked < 0 && c.has('D3.2')) c.prints('more locked pages are uncharged than charged');
    return sum * Number(PAGE_SIZE);
  },
});

/** Pages of an entry that the first domain translates; all where nothing needs to. */
function translatedByFirst({ domains: [first] }: Host, { iova, count }: DmaEntry): number {
  return first === undefined ? count : translatedOf(first, iova, count);
}

export const attachGroup = onHost({
  name: 'VFIO_GROUP_SET_CONTAINER',
  doc: 'A group joins the container. Its IOMMU domain is given all that is mapped; a mediated device has none.',
  source: `${TYPE1}:vfio_iommu_type1_attach_group`,
  args: { group: GROUP },
  rules: [
    {
      id: 'EINVAL.attached',
      says: 'the group has a container',
      cite: 'drivers/vfio/vfio.c:vfio_group_set_container',
      when: ({ state, args }) => state.groups.includes(args.group),
    },
    take(IOMMU_LOCK),
    {
      id: 'ENOMEM.limit',
      says: 'pinning what is mapped would exceed the limit of locked memory',
      cite: `${TYPE1}:vfio_iommu_replay`,
      when: ({ state, args }) => isFirstDomain(state, args.group) && isReplayOverLimit(state),
    },
    {
      id: 'EFAULT.vaddr',
      says: 'the user has given up memory that is mapped and not pinned yet',
      cite: `${TYPE1}:vfio_iommu_replay`,
      when: ({ state, args }) =>
        isFirstDomain(state, args.group) &&
        state.entries.some(({ pfns }) => pfns.some((pfn) => state.givenUp.has(pfn))),
    },
  ],
  effect: (c) => {
    const { state, args } = c;
    state.groups.push(args.group);
    if (args.group === MDEV) return;
    const name = `the domain of ${args.group === GROUPS.gpu ? 'gpu' : 'nic'}`;
    const domain: Domain = { name, leaves: [] };
    const [first] = state.domains;
    state.domains.push(domain);
    for (const entry of state.entries) {
      if (first === undefined) {
        pinAndMap(state, entry, Infinity);
        continue;
      }
      const holes = replay(first, domain, entry);
      if (holes > 0 && c.has('D3.11')) c.prints(`${String(holes)} mapped pages are not there to be replayed`);
    }
  },
});

/** Enters into a new domain what the first one translates; returns the pages of the entry that it does not. */
function replay(first: Domain, domain: Domain, { iova, count, rights }: DmaEntry): number {
  let holes = 0;
  for (const page of pagesFrom(iova, count)) {
    const pfn = physOf(first, page);
    if (pfn === undefined) holes += 1;
    else iommuMap(domain, { iova: page, pfn, count: 1, rights });
  }
  return holes;
}

function isFirstDomain({ domains }: Host, group: number): boolean {
  return domains.length === 0 && group !== MDEV;
}

function isReplayOverLimit(state: Host): boolean {
  const pages = state.entries.reduce((sum, { count }) => sum + count, 0);
  return pages > state.limit;
}

export const detachGroup = onHost({
  name: 'VFIO_GROUP_UNSET_CONTAINER',
  doc: 'A group leaves the container; with the last IOMMU domain pins go, with the last group all mappings.',
  source: `${TYPE1}:vfio_iommu_type1_detach_group`,
  args: { group: choice('the group', GROUPS, 'gpu') },
  rules: [
    {
      id: 'EINVAL.detached',
      says: 'the group is not in the container',
      cite: 'drivers/vfio/vfio.c:vfio_group_unset_container',
      when: ({ state, args }) => !state.groups.includes(args.group),
    },
    take(IOMMU_LOCK),
  ],
  effect: ({ state, args }) => {
    state.groups.splice(state.groups.indexOf(args.group), 1);
    const isMdev = args.group === MDEV;
    if (isMdev) for (const entry of state.entries) notifyMdev(state, entry);
    const name = `the domain of ${args.group === GROUPS.gpu ? 'gpu' : 'nic'}`;
    const own = isMdev ? -1 : state.domains.findIndex((domain) => domain.name === name);
    if (own !== -1 && state.domains.length === 1) {
      for (const entry of state.entries) state.locked -= unmapAndUnpin(state, entry);
    }
    if (own !== -1) state.domains.splice(own, 1);
    // The next domain is given all that the user has mapped, whatever the last one had.
    if (state.domains.length === 0) state.revoked.clear();
    if (state.groups.length === 0) for (const entry of state.entries) removeEntry(state, entry);
  },
});

/** The number of the page that an address lies in. */
export function pageOf(address: bigint): number {
  return Number(address >> 12n);
}

export function pagesFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}

function endOf({ iova, count }: DmaEntry): number {
  return iova + count;
}
