import { PAGE_SIZE, isAligned } from '../../base/u64.js';
import { choice, handle, u64, wideHandle } from '../framework/argument.js';
import { type DesignCall, decidedInEffect } from '../framework/call.js';
import { FD, NO_FD, contextOf, onMachine } from './files.js';
import { freeMemory, insertRegion, removeRegion } from './regions.js';
import { contextAt, regionAt, viommuAt } from './state.js';
import { regionName } from './view.js';

const ALLOC = 'v2 13/22, iommufd_ctx_alloc_mmap';
const FREE = 'v2 13/22, iommufd_ctx_free_mmap';
const ALLOC_MERGED = 'driver.c:_iommufd_alloc_mmap';
const FREE_MERGED = 'driver.c:_iommufd_destroy_mmap';

const TOP_PAGE = 0xffff_ffff_ffff_f000n;

const BASE = u64('physical address of the MMIO', { usual: 0xfe00_0000n, values: [TOP_PAGE, 0xfe00_0010n] });
const SIZE = u64('bytes of it', {
  usual: 2n * PAGE_SIZE,
  values: [PAGE_SIZE, 16n * PAGE_SIZE, 0n, 0x1800n, 1n << 32n],
});

const MISALIGNED = {
  id: 'EINVAL.base',
  says: 'the address is not that of a page',
  cite: ALLOC,
  when: ({ args }: { readonly args: { readonly base: bigint } }) => !isAligned(args.base, PAGE_SIZE),
} as const;

const BAD_SIZE = {
  id: 'EINVAL.size',
  says: 'it is empty, or does not end with a page',
  cite: ALLOC,
  when: ({ args: { size } }: { readonly args: { readonly size: bigint } }) =>
    size === 0n || !isAligned(size, PAGE_SIZE),
} as const;

const TREE_FULL = {
  id: 'EBUSY.tree',
  says: 'there is no room for so many offsets',
  cite: 'lib/maple_tree.c:mtree_alloc_range',
  when: decidedInEffect,
} as const;

export const allocMmap = onMachine({
  name: 'iommufd_ctx_alloc_mmap',
  isKernel: true,
  doc: 'A driver makes MMIO mappable, and gets a cookie for user space. The proposal knows no owner; that of the driver is named here so that it can be told who frees what.',
  source: ALLOC,
  makes: [{ kind: 'cookie', output: 'immap_id' }],
  args: {
    fd: FD,
    viommu: handle('the vIOMMU whose driver calls; 0 for a driver that has none', ['viommu'], { usual: 0 }),
    base: BASE,
    size: SIZE,
    out: choice('where the cookie goes', { there: 0, NULL: 1 }, 'there'),
  },
  rules: [
    NO_FD,
    {
      id: 'ENOENT.viommu',
      says: 'programs name a vIOMMU that is there (no rule of the kernel)',
      cite: ALLOC,
      when: ({ state, args: { fd, viommu } }) => viommu !== 0 && viommuAt(state, fd, viommu) === undefined,
    },
    {
      id: 'EINVAL.out',
      says: 'there is no place for the cookie; the first time, it warns',
      cite: ALLOC,
      when: ({ args }) => args.out === 1,
    },
    MISALIGNED,
    BAD_SIZE,
    TREE_FULL,
  ],
  effect: (c) => {
    const { base, size, fd, viommu: owner } = c.args;
    if (base + size - 1n > TOP_PAGE + PAGE_SIZE - 1n) {
      return c.undefined('D0.7', 'overflow', 'the last page of the region lies before its first');
    }
    const region = insertRegion(c, contextOf(c), { size, owner, of: 'MMIO' });
    const viommu = viommuAt(c.state, fd, owner);
    viommu?.cookies.push(region.cookie);
    viommu?.memories.push(region.memory);
    return { immap_id: region.cookie };
  },
});

export const freeMmap = onMachine({
  name: 'iommufd_ctx_free_mmap',
  isKernel: true,
  doc: 'A driver ends what it has made mappable. It returns nothing, so that it cannot fail.',
  source: FREE,
  args: {
    fd: FD,
    viommu: handle('the vIOMMU whose driver calls; 0 for a driver that has none', ['viommu'], { usual: 0 }),
    immap_id: wideHandle('the cookie', ['cookie'], { values: [0n, 2n * PAGE_SIZE, 1n << 20n] }),
  },
  destroys: ({ fd, viommu, immap_id: cookie }, state) => {
    const context = contextAt(state, fd);
    return context === undefined ? undefined : regionName(context, cookie, viommu);
  },
  rules: [NO_FD],
  effect: (c) => {
    const { viommu, immap_id: cookie } = c.args;
    const region = regionAt(contextOf(c), cookie);
    const isOwn = region?.cookie === cookie && region.owner === viommu;
    if (!isOwn && !c.has('D0.8')) return;
    if (region === undefined) return;
    const isMapped = [...c.state.vmas.values()].some((vma) => vma.region === region);
    if (isMapped && !c.has('D0.1')) return;
    removeRegion(region);
    // The memory of a vIOMMU goes with the vIOMMU.
    if (region.owner === 0) freeMemory(c.state, region.memory);
  },
});

const viommuArgument = handle('the vIOMMU that owns the region', ['viommu'], { values: [0, 5] });

export const allocMmapMerged: DesignCall = onMachine({
  name: 'iommufd_viommu_alloc_mmap',
  isKernel: true,
  doc: 'A driver makes MMIO of one of its vIOMMUs mappable. It is trusted to name MMIO that there is.',
  source: ALLOC_MERGED,
  makes: [{ kind: 'cookie', output: 'offset' }],
  args: { fd: FD, viommu: viommuArgument, base: BASE, size: SIZE },
  rules: [
    NO_FD,
    {
      id: 'ENOENT.viommu',
      says: 'programs name a vIOMMU that is there (no rule of the kernel)',
      cite: ALLOC_MERGED,
      when: ({ state, args: { fd, viommu } }) => viommuAt(state, fd, viommu) === undefined,
    },
    { ...MISALIGNED, cite: ALLOC_MERGED },
    { ...BAD_SIZE, cite: ALLOC_MERGED },
    TREE_FULL,
  ],
  effect: (c) => {
    const { fd, base, size, viommu: owner } = c.args;
    if (base + size - 1n > TOP_PAGE + PAGE_SIZE - 1n && c.has('D0.7')) {
      return c.undefined('D0.7', 'overflow', 'the last page of the region lies before its first');
    }
    const region = insertRegion(c, contextOf(c), { size, owner, of: 'MMIO' });
    const viommu = viommuAt(c.state, fd, owner);
    viommu?.cookies.push(region.cookie);
    viommu?.memories.push(region.memory);
    return { offset: region.cookie };
  },
});

/** Only what is still open in 7.3.4 lets programs call it: drivers call it when a vIOMMU goes. */
export const destroyMmapMerged: DesignCall = onMachine({
  name: 'iommufd_viommu_destroy_mmap',
  isKernel: true,
  doc: 'A driver ends what it has made mappable.',
  source: FREE_MERGED,
  args: {
    fd: FD,
    viommu: viommuArgument,
    offset: wideHandle('the cookie', ['cookie'], { values: [PAGE_SIZE, 2n * PAGE_SIZE, 1n << 20n] }),
  },
  destroys: ({ fd, viommu, offset }, state) => {
    const context = contextAt(state, fd);
    return context === undefined ? undefined : regionName(context, offset, viommu);
  },
  rules: [NO_FD],
  effect: (c) => {
    const { viommu, offset } = c.args;
    const region = regionAt(contextOf(c), offset);
    if (region?.owner !== viommu) c.prints('WARNING in _iommufd_destroy_mmap');
    if (region?.cookie !== offset || region.owner !== viommu) c.has('D0.8');
    if (region !== undefined) removeRegion(region);
  },
});
