import { choice, flags, s32, u64 } from '../framework/argument.js';
import { type DesignContext, decidedInEffect, take } from '../framework/call.js';
import { type Chunk, dropChunk, entryOf, isPageSize, replaceChunk } from './chunks.js';
import { IOMMU_LOCK, READ_WRITE, onHost } from './container_calls.js';
import { PAGES_MAX } from './mdev_calls.js';
import { physOf } from './page_table.js';
import { GROUPS, type Host, SPARE_PFN, entryAt, entryName } from './state.js';

const CORE = 'PATCH 1/2, drivers/vfio/vfio.c';
const TYPE1 = 'PATCH 1/2, drivers/vfio/vfio_iommu_type1.c';

/** What a caller in the kernel may pass: devices in the container or out of it, and others. */
const DEVICES = { ...GROUPS, none: 3, no_group: 4, noiommu: 5, spapr: 6, type1_v1: 7 } as const;

const DEVICE = choice('the device', DEVICES, 'gpu');

const USER_PFN = u64('the first page of the device’s addresses', {
  usual: 0x10n,
  values: [0x11n, 0x17n, 0x18n, 0x400n, 0x401n, 0xfn, 0n],
});

const PAGE_SIZE_ARGUMENT = u64('bytes', {
  usual: 0x1000n,
  values: [0x2000n, 0x8000n, 0x10000n, 0n, 100n, 6144n, 1n << 40n],
  isUnknown: (size) => size !== 0n && !isPageSize(size),
});

interface Target {
  readonly dev: number;
  readonly user_pfn: bigint;
}

type TargetContext = DesignContext<Host, Target>;

/** Rules of the core, in the order in which the three functions have them. */
const CORE_RULES = [
  {
    id: 'ENODEV.group',
    says: 'the device has no group of VFIO',
    cite: `${CORE}:vfio_group_get_from_dev`,
    when: ({ args }: TargetContext) => args.dev === DEVICES.no_group,
  },
  {
    id: 'EINVAL.container',
    says: 'the group is in no container',
    cite: `${CORE}:vfio_group_add_container_user`,
    when: ({ state, args }: TargetContext) => args.dev <= GROUPS.mdev && !state.groups.includes(args.dev),
  },
  {
    id: 'EPERM.noiommu',
    says: 'the group has no IOMMU at all',
    cite: `${CORE}:vfio_group_add_container_user`,
    when: ({ args }: TargetContext) => args.dev === DEVICES.noiommu,
  },
  {
    id: 'ENOTTY.driver',
    says: 'the IOMMU driver of the container does not have the operation',
    cite: CORE,
    when: ({ args }: TargetContext) => args.dev === DEVICES.spapr,
  },
  {
    id: 'EACCES.version',
    says: 'the container is of type1, version 1',
    cite: TYPE1,
    when: ({ args }: TargetContext) => args.dev === DEVICES.type1_v1,
  },
] as const;

/** Page 0 is refused by a test for "none"; everything else about the call may be right. */
function zeroRefused(c: TargetContext, hasOtherReason: boolean): string | undefined {
  const isOnlyZero = c.args.dev !== DEVICES.none && c.args.user_pfn === 0n && !hasOtherReason;
  return isOnlyZero && entryAt(c.state, 0) !== undefined
    ? 'page 0 is mapped like any other, and refused'
    : undefined;
}

export const munmapPages = onHost({
  name: 'vfio_munmap_pages',
  isKernel: true,
  doc: 'Another module takes a chunk out of what the user has mapped.',
  source: `${CORE}:vfio_munmap_pages`,
  args: { dev: DEVICE, user_pfn: USER_PFN, page_size: PAGE_SIZE_ARGUMENT },
  rules: [
    {
      id: 'EINVAL.zero',
      says: 'there is no device, the page is 0, or the size is 0',
      cite: `${CORE}:vfio_munmap_pages`,
      when: (c) =>
        c.args.dev === DEVICES.none || c.args.page_size === 0n || (c.args.user_pfn === 0n && c.has('D3.7')),
      contradicts: (c) => zeroRefused(c, c.args.page_size === 0n),
    },
    ...CORE_RULES,
    take(IOMMU_LOCK),
    {
      id: 'EINVAL.overlap',
      says: 'no mapping of the user overlaps the chunk',
      cite: `${TYPE1}:vfio_find_dma`,
      when: ({ state, args }) => entryOf(state, chunkOf(args)) === undefined,
    },
    {
      id: 'ENOENT.chunk',
      says: 'the chunk is not mapped',
      cite: 'what was asked for: a chunk dies once',
      when: decidedInEffect,
    },
  ],
  destroys: (args, state) => {
    const entry = entryOf(state, chunkOf(args));
    return entry === undefined ? undefined : entryName(entry);
  },
  effect: (c) => {
    const chunk = chunkOf(c.args);
    const entry = entryOf(c.state, chunk);
    if (entry === undefined) return c.fail('EINVAL.overlap');
    if (dropChunk(c, chunk, entry) !== undefined) c.fail('ENOENT.chunk');
    return 0;
  },
});

export const mmapPages = onHost({
  name: 'vfio_mmap_pages',
  isKernel: true,
  doc: 'Another module puts pages of the host into what the user has mapped, over what is there.',
  source: `${CORE}:vfio_mmap_pages`,
  args: {
    dev: DEVICE,
    user_pfn: USER_PFN,
    page_size: PAGE_SIZE_ARGUMENT,
    prot: flags('access', READ_WRITE, 3),
    pfn: u64('the first page of the host', { usual: BigInt(SPARE_PFN), values: [BigInt(SPARE_PFN + 1), 0n] }),
  },
  rules: [
    {
      id: 'EINVAL.zero',
      says: 'there is no device, the page is 0, or the size is 0',
      cite: `${CORE}:vfio_mmap_pages`,
      when: (c) =>
        c.args.dev === DEVICES.none || c.args.page_size === 0n || (c.args.user_pfn === 0n && c.has('D3.7')),
      contradicts: (c) => zeroRefused(c, c.args.page_size === 0n),
    },
    ...CORE_RULES.slice(0, -1),
    {
      id: 'EINVAL.frame',
      says: 'the page of the host is 0',
      cite: `${TYPE1}:vfio_iommu_type1_mmap_pages`,
      when: (c) => c.args.pfn === 0n && c.has('D3.7'),
      contradicts: () => 'page 0 of the host is a page like any other, and refused',
    },
    ...CORE_RULES.slice(-1),
    take(IOMMU_LOCK),
    {
      id: 'EACCES.domain',
      says: 'the container has no IOMMU domain',
      cite: `${TYPE1}:vfio_iommu_type1_mmap_pages`,
      when: ({ state }) => state.domains.length === 0,
    },
    {
      id: 'EINVAL.overlap',
      says: 'no mapping of the user overlaps the chunk',
      cite: `${TYPE1}:vfio_find_dma`,
      when: ({ state, args }) => entryOf(state, chunkOf(args)) === undefined,
    },
    {
      id: 'EEXIST.domain',
      says: 'a domain still translates a part of the chunk',
      cite: `${TYPE1}:vfio_iommu_map`,
      when: decidedInEffect,
    },
    {
      id: 'EFAULT.domain',
      says: 'the chunk ends beyond what the IOMMU translates',
      cite: `${TYPE1}:vfio_iommu_map`,
      when: decidedInEffect,
    },
  ],
  *effect(c) {
    const chunk = chunkOf(c.args);
    const entry = entryOf(c.state, chunk);
    if (entry === undefined) return c.fail('EINVAL.overlap');
    c.state.isMutexHeld = true;
    const frame = { pfn: Number(c.args.pfn), prot: c.args.prot };
    const problem = yield* replaceChunk(c, chunk, entry, frame);
    c.state.isMutexHeld = false;
    if (problem !== undefined) c.fail(`${problem}.domain`);
    return 0;
  },
});

export const dmaFind = onHost({
  name: 'vfio_dma_find',
  isKernel: true,
  doc: 'Tells another module where pages of a device’s addresses are in the host; returns how many it found.',
  source: `${CORE}:vfio_dma_find`,
  args: {
    dev: DEVICE,
    user_pfn: USER_PFN,
    npage: s32('pages', {
      usual: 1,
      values: [2, 8, -1, 0, PAGES_MAX, PAGES_MAX + 1],
      isUnknown: (n) => n < 0,
    }),
    phys_pfn: choice('where the answer goes', { buffer: 0, none: 1 }, 'buffer'),
  },
  rules: [
    {
      id: 'EINVAL.zero',
      says: 'there is no device or buffer, or the page or their number is 0',
      cite: `${CORE}:vfio_dma_find`,
      when: (c) =>
        c.args.dev === DEVICES.none ||
        c.args.npage === 0 ||
        c.args.phys_pfn === 1 ||
        (c.args.user_pfn === 0n && c.has('D3.7')),
      contradicts: (c) => zeroRefused(c, c.args.npage === 0 || c.args.phys_pfn === 1),
    },
    {
      id: 'E2BIG.npage',
      says: 'they are more than 512',
      cite: `${CORE}:vfio_dma_find`,
      when: ({ args }) => args.npage > PAGES_MAX,
    },
    ...CORE_RULES,
    take(IOMMU_LOCK),
  ],
  effect: (c) => {
    const { state, args } = c;
    const first = pageOfUser(args.user_pfn);
    if (args.npage < 0) c.has('D3.13');
    const entry = entryAt(state, first);
    if (entry === undefined || first + args.npage > entry.iova + entry.count) {
      return c.unset('D3.13', 'it returns 0, as for success, and has not written the page');
    }
    if (c.has('D3.13')) for (const lie of liesOf(state, first, args.npage)) c.contradicts(lie);
    return { found: args.npage, phys_pfn: whereIs(state, first) ?? 0 };
  },
});

/** What the answer of dma_find says of pages that it has not looked at. */
function liesOf(host: Host, first: number, count: number): string[] {
  const start = whereIs(host, first);
  if (start === undefined) return ['a page that is not mapped is found at page 0'];
  const others = Array.from({ length: Math.max(0, count - 1) }, (_, at) => at + 1);
  const isScattered = others.some((at) => whereIs(host, first + at) !== start + at);
  return isScattered ? ['pages are found, and only the first one is where the answer says'] : [];
}

/** The first domain that translates a page tells. */
function whereIs({ domains }: Host, page: number): number | undefined {
  return domains.map((domain) => physOf(domain, page)).find((pfn) => pfn !== undefined);
}

function chunkOf({ user_pfn, page_size }: { readonly user_pfn: bigint; readonly page_size: bigint }): Chunk {
  return { page: pageOfUser(user_pfn), size: page_size };
}

/** The kernel shifts the number to an address, and its highest bits out of the word. */
function pageOfUser(pfn: bigint): number {
  return Number(BigInt.asUintN(52, pfn));
}
