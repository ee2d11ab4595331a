import type { Row } from './row.js';
import {
  FIND,
  MAP,
  MAP_NEXT,
  MMAP,
  MUNMAP,
  PATCH,
  PIN,
  REMOVE_GPU,
  REVIEW,
  UNMAP,
  dmaOf,
} from './seed3_steps.js';

const SPARE = 0x1003n;

/** Rows about single chunks: what is refused, and what is not. */
export const seed3Chunks: readonly Row[] = [
  {
    id: 'S3-01',
    title: 'frame 0',
    source: REVIEW,
    defects: ['D3.7'],
    proposal: {
      steps: [
        { ...MAP, args: { iova: 0n } },
        { ...MUNMAP, args: { user_pfn: 0n }, gives: 'EINVAL' },
        { ...MMAP, args: { user_pfn: 0n }, gives: 'EINVAL' },
        { ...FIND, args: { user_pfn: 0n }, gives: 'EINVAL' },
        { ...MMAP, args: { user_pfn: 1n, pfn: 0n }, gives: 'EINVAL' },
      ],
    },
    merged: {
      steps: [
        { ...MAP, args: { iova: 0n } },
        dmaOf('gpu', 0n, { pfn: 0x101 }),
        { ...PIN, args: { user_pfn: 0n }, gives: 1 },
        { ...UNMAP, args: { iova: 0n }, gives: 0x8000 },
      ],
    },
  },
  {
    id: 'S3-02',
    title: 'check order',
    noKernel: 'only the proposal is about this: what was merged has nothing like it',
    source: PATCH,
    defects: ['D3.17'],
    proposal: {
      steps: [
        MAP,
        { ...MUNMAP, args: { dev: 'none' }, gives: 'EINVAL' },
        { ...MUNMAP, args: { dev: 'no_group', page_size: 0n }, gives: 'EINVAL' },
        { ...MMAP, args: { dev: 'no_group', user_pfn: 0n }, gives: 'EINVAL' },
        { ...FIND, args: { dev: 'no_group', npage: 0 }, gives: 'EINVAL' },
        { ...FIND, args: { dev: 'none', npage: 513 }, gives: 'EINVAL' },
        { ...FIND, args: { dev: 'no_group', npage: 513 }, gives: 'E2BIG' },
        { ...MUNMAP, args: { dev: 'no_group' }, gives: 'ENODEV' },
        { ...MUNMAP, args: { dev: 'nic' }, gives: 'EINVAL' },
        { ...MUNMAP, args: { dev: 'noiommu' }, gives: 'EPERM' },
        { ...MMAP, args: { dev: 'spapr', pfn: 0n }, gives: 'ENOTTY' },
        { ...MMAP, args: { dev: 'type1_v1', pfn: 0n }, gives: 'EINVAL' },
        { ...MMAP, args: { dev: 'type1_v1' }, gives: 'EACCES' },
        { ...FIND, args: { dev: 'type1_v1' }, gives: 'EACCES' },
        REMOVE_GPU,
        { ...MMAP, args: { dev: 'mdev' }, gives: 'EACCES' },
        { ...MUNMAP, args: { dev: 'mdev', user_pfn: 0x20n }, gives: 'EINVAL' },
        { ...MUNMAP, args: { dev: 'mdev' }, gives: 'wild pointer' },
      ],
      // Page 0 of the host is refused on the way.
      breaks: ['D3.7', 'D3.17'],
    },
    merged: {
      steps: [
        MAP,
        { ...PIN, args: { dev: 'none', npage: 513 }, gives: 'EINVAL' },
        { ...PIN, args: { npage: 0 }, gives: 'EINVAL' },
        { ...PIN, args: { npage: 513 }, gives: 'E2BIG' },
        { ...PIN, args: { user_pfn: 0x20n }, gives: 'EINVAL' },
        REMOVE_GPU,
        { ...PIN, gives: 1 },
        { ...UNMAP, gives: 0x8000 },
      ],
    },
  },
  {
    id: 'S3-03',
    title: 'overlap against containment',
    source: 'derived from PATCH 1/2',
    defects: ['D3.6'],
    proposal: {
      steps: [
        MAP,
        MAP_NEXT,
        { ...MUNMAP, args: { user_pfn: 0x17n, page_size: 0x4000n }, gives: 0 },
        dmaOf('gpu', 0x17n, 'EFAULT'),
        dmaOf('gpu', 0x18n, 'EFAULT'),
      ],
      // The neighbour’s pages are unpinned as if they followed the last one.
      breaks: ['D3.6', 'D3.8'],
    },
    merged: {
      steps: [
        { ...MAP, args: { vaddr: 'contiguous' } },
        MAP_NEXT,
        { ...UNMAP, args: { iova: 0x17000n, size: 0x4000n }, gives: 'EINVAL' },
        dmaOf('gpu', 0x17n, { pfn: 0x407 }),
        dmaOf('gpu', 0x18n, { pfn: 0x101 }),
        { ...UNMAP, args: { size: 0x10000n }, gives: 0x10000 },
      ],
    },
  },
  {
    id: 'S3-04',
    title: 'page size values',
    noKernel: 'only the proposal is about this: what was merged has nothing like it',
    source: 'derived from PATCH 1/2',
    defects: ['D3.5', 'D3.9'],
    proposal: {
      steps: [
        { ...MAP, args: { size: 0x1000n } },
        { ...MAP, args: { iova: 0x11000n, size: 0x1000n } },
        { ...MUNMAP, args: { page_size: 0n }, gives: 'EINVAL' },
        { ...MUNMAP, args: { page_size: 100n }, gives: 0 },
        { ...MUNMAP, args: { page_size: 6144n }, gives: 0 },
        dmaOf('gpu', 0x10n, { pfn: 0x101 }),
        { ...MMAP, args: { page_size: 1n << 40n }, gives: 'EFAULT' },
        dmaOf('gpu', 0x11n, 'EFAULT'),
      ],
      // What goes with the neighbour is counted off the wrong pages.
      breaks: ['D3.5', 'D3.8', 'D3.9'],
    },
    merged: {
      steps: [
        { ...MAP, args: { size: 0n }, gives: 'EINVAL' },
        { ...MAP, args: { size: 100n }, gives: 'EINVAL' },
        { ...MAP, args: { size: 6144n }, gives: 'EINVAL' },
        { ...MAP, args: { size: 1n << 40n }, gives: 'EINVAL' },
        MAP,
        { ...UNMAP, args: { size: 100n }, gives: 'EINVAL' },
        { ...UNMAP, args: { size: 6144n }, gives: 'EINVAL' },
        { ...UNMAP, args: { size: 1n << 40n }, gives: 0x8000 },
      ],
    },
  },
  {
    id: 'S3-09',
    title: 'large IOMMU page',
    source: `derived from PATCH 1/2; ${REVIEW}`,
    defects: ['D3.8'],
    proposal: {
      steps: [
        { ...MAP, args: { vaddr: 'contiguous', iova: 0x40_0000n, size: 0x20_0000n } },
        { call: 'iommu_entries', gives: 1 },
        { ...MUNMAP, args: { user_pfn: 0x401n }, gives: 0 },
        { call: 'iommu_entries', gives: 0 },
        dmaOf('gpu', 0x4ffn, 'EFAULT'),
      ],
    },
    merged: {
      steps: [
        { ...MAP, args: { vaddr: 'contiguous', iova: 0x40_0000n, size: 0x20_0000n } },
        { ...UNMAP, args: { iova: 0x40_1000n, size: 0x1000n }, gives: 'EINVAL' },
        dmaOf('gpu', 0x4ffn, { pfn: 0x4ff }),
        { ...UNMAP, args: { iova: 0x40_0000n, size: 0x20_0000n }, gives: 0x20_0000 },
        { call: 'iommu_entries', gives: 0 },
      ],
    },
  },
  {
    id: 'S3-10',
    title: 'rights',
    source: 'derived from PATCH 1/2',
    defects: ['D3.10'],
    proposal: {
      steps: [
        { ...MAP, args: { flags: 'READ' } },
        { ...MMAP, args: { prot: 'READ|WRITE' }, gives: 0 },
        { call: 'device_dma', args: { access: 'WRITE' }, gives: { pfn: SPARE } },
      ],
      breaks: ['D3.1', 'D3.10'],
    },
    merged: {
      steps: [
        { ...MAP, args: { flags: 'READ' } },
        { call: 'device_dma', args: { access: 'WRITE' }, gives: 'EFAULT' },
        { ...PIN, args: { prot: 'WRITE' }, gives: 'EPERM' },
        { ...PIN, args: { prot: 'READ' }, gives: 1 },
      ],
    },
  },
  {
    id: 'S3-13',
    title: 'find',
    noKernel: 'what is like it today is a function inside the kernel',
    source: 'derived from PATCH 1/2',
    defects: ['D3.13'],
    proposal: {
      steps: [
        MAP,
        MAP_NEXT,
        { ...FIND, args: { npage: -1 }, gives: { found: -1 } },
        { ...FIND, args: { user_pfn: 0x20n }, gives: 'uninitialised value' },
        { ...FIND, args: { user_pfn: 0x17n, npage: 2 }, gives: 'uninitialised value' },
        { ...FIND, args: { npage: 8 }, gives: { found: 8, phys_pfn: 0x101 } },
        dmaOf('gpu', 0x11n, { pfn: 0x103 }),
        { ...MUNMAP, gives: 0 },
        { ...FIND, gives: { found: 1, phys_pfn: 0 } },
      ],
    },
    merged: {
      steps: [
        MAP,
        { ...MAP_NEXT, args: { iova: 0x18000n, flags: 'READ' } },
        { ...PIN, args: { npage: -1 }, gives: 'EINVAL' },
        { ...PIN, args: { user_pfn: 0x20n }, gives: 'EINVAL' },
        { ...PIN, args: { user_pfn: 0x17n, npage: 2, prot: 'READ' }, gives: 2 },
        { ...PIN, args: { user_pfn: 0x16n, npage: 4, prot: 'READ|WRITE' }, gives: 'EPERM' },
        { call: 'vfio_unpin_pages', args: { user_pfn: 0x17n, npage: 2 }, gives: 2 },
        { call: 'vfio_unpin_pages', args: { user_pfn: 0x16n }, gives: 0 },
      ],
    },
  },
  {
    id: 'S3-14',
    title: 'double munmap',
    source: 'derived from PATCH 1/2',
    defects: ['D3.18'],
    proposal: {
      steps: [MAP, { ...MUNMAP, gives: 0 }, { ...MUNMAP, gives: 0 }, { ...UNMAP, gives: 0x8000 }],
    },
    merged: { steps: [MAP, { ...UNMAP, gives: 0x8000 }, { ...UNMAP, gives: 0 }] },
  },
  {
    id: 'S3-15',
    title: 'chunk of 512: 4 MiB of consecutive pages',
    noKernel: 'takes a machine with 1 GiB pages behind an IOMMU whose entries can be counted',
    source: REVIEW,
    defects: [],
    proposal: {
      steps: [
        { ...MAP, args: { vaddr: 'contiguous', iova: 0x40_0000n, size: 0x40_0000n } },
        { call: 'iommu_entries', gives: 2 },
      ],
    },
    merged: {
      steps: [
        { ...MAP, args: { vaddr: 'contiguous', iova: 0x40_0000n, size: 0x40_0000n } },
        { call: 'iommu_entries', gives: 1 },
      ],
    },
  },
];
