import type { PlayStep, Row } from './row.js';
import {
  ADD_NIC,
  DISCARD,
  HINT,
  KVM_PATCH,
  MAP,
  MMAP,
  MUNMAP,
  PIN,
  REVIEW,
  UNMAP,
  dmaOf,
} from './seed3_steps.js';

const SPARE = 0x1003n;

/** 64 pieces of eight pages, one behind the other. */
const PIECES: readonly PlayStep[] = Array.from({ length: 64 }, (_, at) => ({
  ...MAP,
  args: { iova: 0x10000n + BigInt(at) * 0x8000n },
}));

/** Rows about pins, charges, domains, mediated devices, and the calls of KVM. */
export const seed3Balances: readonly Row[] = [
  {
    id: 'S3-05',
    title: 'pin of the new frame',
    source: 'derived from PATCH 1/2',
    defects: ['D3.1'],
    proposal: {
      steps: [
        MAP,
        { ...MUNMAP, gives: 0 },
        { ...MMAP, gives: 0 },
        { call: 'free_page', args: { pfn: SPARE } },
        dmaOf('gpu', 0x10n, { pfn: SPARE }),
      ],
      breaks: ['D3.1', 'D3.2'],
    },
    merged: {
      steps: [
        MAP,
        { call: 'free_page', args: { pfn: 0x101n } },
        dmaOf('gpu', 0x10n, { pfn: 0x101 }),
        { ...UNMAP, gives: 0x8000 },
        { ...MAP, gives: 'EFAULT' },
      ],
    },
  },
  {
    id: 'S3-06',
    title: 'charge balance',
    source: 'derived from PATCH 1/2',
    defects: ['D3.2'],
    proposal: {
      steps: [
        { call: 'setrlimit', args: { pages: 8 } },
        MAP,
        { call: 'locked_pages', gives: 8 },
        { ...MUNMAP, gives: 0 },
        { ...MUNMAP, args: { user_pfn: 0x11n }, gives: 0 },
        { ...MMAP, gives: 0 },
        { ...MMAP, args: { user_pfn: 0x11n, pfn: SPARE + 1n }, gives: 0 },
        { ...UNMAP, gives: 0x8000 },
        { call: 'locked_pages', gives: (1n << 64n) - 2n },
        { call: 'VFIO_GROUP_UNSET_CONTAINER', args: { group: 'gpu' } },
        { call: 'VFIO_GROUP_UNSET_CONTAINER', args: { group: 'mdev' } },
      ],
      breaks: ['D3.1', 'D3.2'],
    },
    merged: {
      steps: [
        { call: 'setrlimit', args: { pages: 8 } },
        { ...MAP, args: { size: 0x2000n } },
        { ...MAP, args: { iova: 0x12000n, size: 0x6000n } },
        { ...MAP, args: { iova: 0x18000n, size: 0x1000n }, gives: 'ENOMEM' },
        { ...UNMAP, args: { size: 0x2000n }, gives: 0x2000 },
        { call: 'locked_pages', gives: 6 },
        { ...MAP, args: { size: 0x2000n } },
        { ...UNMAP, gives: 0x8000 },
        { call: 'locked_pages', gives: 0 },
      ],
    },
  },
  {
    id: 'S3-07',
    title: 'two domains',
    source: 'derived from PATCH 1/2',
    defects: ['D3.3'],
    proposal: {
      steps: [
        ADD_NIC,
        MAP,
        { ...MUNMAP, gives: 0 },
        dmaOf('gpu', 0x10n, 'EFAULT'),
        dmaOf('nic', 0x10n, { pfn: 0x101 }),
        { call: 'free_page', args: { pfn: 0x101n } },
      ],
    },
    merged: {
      steps: [
        ADD_NIC,
        MAP,
        { ...UNMAP, gives: 0x8000 },
        dmaOf('gpu', 0x10n, 'EFAULT'),
        dmaOf('nic', 0x10n, 'EFAULT'),
        { call: 'locked_pages', gives: 0 },
      ],
    },
  },
  {
    id: 'S3-08',
    title: 'map over a live second domain',
    source: 'derived from PATCH 1/2',
    defects: ['D3.4'],
    proposal: {
      steps: [
        ADD_NIC,
        MAP,
        { ...MUNMAP, gives: 0 },
        { ...MMAP, gives: 'EEXIST' },
        { ...MMAP, args: { user_pfn: 0x11n }, gives: 'EEXIST' },
        dmaOf('gpu', 0x11n, 'EFAULT'),
        dmaOf('nic', 0x11n, { pfn: 0x103 }),
      ],
      breaks: ['D3.3', 'D3.4'],
    },
    merged: {
      steps: [
        ADD_NIC,
        MAP,
        { ...MAP, gives: 'EEXIST' },
        { ...MAP, args: { iova: 0x17000n }, gives: 'EEXIST' },
        dmaOf('gpu', 0x10n, { pfn: 0x101 }),
        dmaOf('nic', 0x10n, { pfn: 0x101 }),
      ],
    },
  },
  {
    id: 'S3-11',
    title: 'hole, then a new domain',
    source: 'derived from PATCH 1/2',
    defects: ['D3.11'],
    proposal: {
      steps: [
        MAP,
        { ...MUNMAP, gives: 0 },
        ADD_NIC,
        dmaOf('nic', 0x10n, 'EFAULT'),
        dmaOf('nic', 0x11n, { pfn: 0x103 }),
        // The second domain is emptied up to the hole.
        { ...UNMAP, gives: 0x8000 },
        dmaOf('gpu', 0x11n, 'EFAULT'),
        dmaOf('nic', 0x11n, { pfn: 0x103 }),
      ],
      breaks: ['D3.11', 'D3.18'],
    },
    merged: {
      steps: [
        { ...MAP, args: { size: 0x1000n } },
        { ...MAP, args: { iova: 0x11000n, size: 0x1000n } },
        { ...UNMAP, args: { size: 0x1000n }, gives: 0x1000 },
        ADD_NIC,
        dmaOf('nic', 0x10n, 'EFAULT'),
        dmaOf('nic', 0x11n, { pfn: 0x101 }),
        { ...UNMAP, args: { iova: 0x11000n, size: 0x1000n }, gives: 0x1000 },
        dmaOf('nic', 0x11n, 'EFAULT'),
      ],
    },
  },
  {
    id: 'S3-12',
    title: 'external pins',
    source: 'derived from PATCH 1/2',
    defects: ['D3.12'],
    proposal: {
      steps: [MAP, { ...PIN, gives: 1 }, { ...MUNMAP, gives: 0 }, { call: 'vfio_unpin_pages', gives: 1 }],
    },
    merged: {
      steps: [
        MAP,
        { ...PIN, gives: 1 },
        { ...UNMAP, gives: 0x8000 },
        { call: 'vfio_unpin_pages', gives: 0 },
        { call: 'locked_pages', gives: 0 },
      ],
    },
  },
  {
    id: 'S3-16',
    title: 'user-chosen granularity',
    source: REVIEW,
    defects: ['D3.19'],
    proposal: { steps: [...PIECES, { ...MUNMAP, args: { user_pfn: 0x38n }, gives: 0 }] },
    merged: {
      steps: [
        ...PIECES,
        { ...UNMAP, args: { iova: 0x38000n }, gives: 0x8000 },
        { call: 'locked_pages', gives: 63 * 8 },
        { ...MAP, args: { iova: 0x38000n } },
        { call: 'locked_pages', gives: 64 * 8 },
        dmaOf('gpu', 0x38n, { pfn: 0x101 }),
        { ...UNMAP, args: { size: 0x20_0000n }, gives: 0x20_0000 },
        { call: 'locked_pages', gives: 0 },
      ],
    },
  },
  {
    id: 'S3-17',
    title: 'discard in the VM',
    noKernel: 'only the proposal is about this: what was merged has nothing like it',
    source: KVM_PATCH,
    defects: ['D3.16'],
    proposal: {
      steps: [{ ...DISCARD, gives: 0 }, MAP, { ...DISCARD, args: { base: 0x20000n }, gives: 0 }],
    },
    merged: {
      steps: [
        { ...HINT, gives: 'EINVAL' },
        MAP,
        { ...HINT, args: { base: 0x20000n }, gives: 'EINVAL' },
        { ...HINT, gives: 0 },
      ],
    },
  },
  {
    id: 'S3-18',
    title: 'discard against a fault (race)',
    noKernel: 'only the proposal is about this: what was merged has nothing like it',
    source: KVM_PATCH,
    defects: ['D3.14'],
    proposal: {
      steps: [
        MAP,
        { ...DISCARD, gives: 0 },
        { call: 'guest_touch', lane: 'A', gives: 0 },
        { ...DISCARD, args: { base: 0x11000n }, lane: 'B', gives: [0, 'sleep in atomic context'] },
      ],
      breaks: ['D3.1', 'D3.2', 'D3.14'],
    },
    merged: {
      steps: [
        { ...MAP, args: { size: 0x1000n } },
        { ...MAP, args: { iova: 0x11000n, size: 0x1000n } },
        { call: 'guest_touch', lane: 'A', gives: 0 },
        { ...HINT, args: { base: 0x11000n }, lane: 'B', gives: 0 },
        { ...UNMAP, args: { iova: 0x11000n, size: 0x1000n }, lane: 'B', gives: 0x1000 },
      ],
    },
  },
  {
    id: 'S3-19',
    title: 'device touches a discarded page',
    source: 'Re: [PATCH 0/2], the cover of the series, 7 Jan 2020',
    defects: ['D3.19'],
    proposal: { steps: [MAP, { ...DISCARD, gives: 0 }, dmaOf('gpu', 0x10n, 'EFAULT')] },
    merged: {
      steps: [
        MAP,
        { ...HINT, gives: 0 },
        { call: 'free_page', args: { pfn: 0x101n } },
        dmaOf('gpu', 0x10n, { pfn: 0x101 }),
      ],
    },
  },
  {
    id: 'S3-20',
    title: 'size not a multiple, huge size',
    source: `derived from PATCH 1/2 and ${KVM_PATCH}`,
    defects: ['D3.15'],
    proposal: {
      steps: [
        MAP,
        { ...DISCARD, args: { length: 1n << 44n }, gives: 0 },
        dmaOf('gpu', 0x10n, { pfn: 0x101 }),
        { ...DISCARD, args: { length: 6144n }, gives: 'endless loop' },
      ],
    },
    merged: {
      steps: [
        MAP,
        { ...HINT, args: { length: 6144n }, gives: 'EINVAL' },
        { ...HINT, args: { length: 1n << 44n }, gives: 'EINVAL' },
        { ...UNMAP, args: { size: 6144n }, gives: 'EINVAL' },
        { ...UNMAP, args: { size: (1n << 64n) - 0x1000n }, gives: 'EINVAL' },
        { ...MAP, args: { size: (1n << 64n) - 0x1000n }, gives: 'EOVERFLOW' },
      ],
    },
  },
];
