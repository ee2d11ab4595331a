import type { Row } from './row.js';
import {
  A,
  ACCESS,
  ACCESS_CREATE,
  ATTACH,
  COPY,
  DETACH,
  LOOK,
  MAP,
  ON_KERNELS,
  RFC05,
  RFC07,
  UNACCESS,
  UNMAP,
  pages,
  pin,
  unpin,
} from './seed2_steps.js';

/** The tail of the usual mapping, in the second address space. */
const TAIL = { call: 'iopt_map_pages' } as const;

/** Mapped by a process that has exited. */
const BY_CHILD = { ...MAP, args: { caller: 'child' } } as const;

/** Rows about pins, their counts, and the tiers that they move between. */
export const seed2Tiers: readonly Row[] = [
  {
    id: 'S2-01',
    title: 'capacity against pinned count',
    source: 'Re: [PATCH RFC 05/12], 23/24 Mar 2022',
    defects: ['D2.1'],
    proposal: {
      steps: [
        MAP,
        { ...LOOK, gives: { npages: 8, npinned: 0, last_npinned: 0 } },
        ATTACH,
        { ...LOOK, gives: { npages: 8, npinned: 8, last_npinned: 8 } },
        { ...ATTACH, args: { device: 'dev1' } },
        { ...LOOK, gives: { npages: 8, npinned: 8, last_npinned: 8 } },
      ],
    },
    merged: {
      steps: [
        MAP,
        { ...LOOK, gives: { npages: 8, npinned: 0, last_npinned: 0 } },
        ATTACH,
        { ...LOOK, gives: { npages: 8, npinned: 8, last_npinned: 8 } },
        { ...ATTACH, args: { device: 'dev1' } },
        { ...LOOK, gives: { npages: 8, npinned: 8, last_npinned: 8 } },
        DETACH,
        { ...LOOK, gives: { npages: 8, npinned: 8, last_npinned: 8 } },
        { ...DETACH, args: { device: 'dev1' } },
        { ...LOOK, gives: { npages: 8, npinned: 0, last_npinned: 0 } },
      ],
    },
    others: [{ on: 'iopt-pages-d2.10', steps: [MAP, ATTACH], breaks: ['D2.10'] }],
  },
  {
    id: 'S2-02',
    title: 'sharing through COPY is not charged again',
    source: 'RFC 05/12, and the review of [PATCH RFC 08/12], 31 Mar 2022',
    defects: [],
    proposal: { steps: [MAP, ATTACH, COPY, { ...ATTACH, args: { device: 'dev1', ioas: 'second' } }] },
    merged: {
      steps: [
        MAP,
        ATTACH,
        COPY,
        { ...ATTACH, args: { device: 'dev1', ioas: 'second' } },
        { ...LOOK, args: { ioas: 'second' }, gives: { npages: 8, npinned: 8, last_npinned: 8 } },
      ],
    },
  },
  {
    id: 'S2-03',
    title: 'access keeps its part after detach',
    source: `${RFC05}, and 06/12`,
    defects: ['D2.3'],
    proposal: {
      steps: [MAP, TAIL, { ...ATTACH, args: { ioas: 'second' } }, { ...ATTACH, args: { device: 'dev1' } }],
      breaks: ['D2.3', 'D2.4'],
    },
    merged: {
      steps: [
        MAP,
        ATTACH,
        ACCESS_CREATE,
        pin(4, 4),
        DETACH,
        { ...LOOK, gives: { npages: 8, npinned: 4, last_npinned: 4 } },
        ATTACH,
        { ...LOOK, gives: { npages: 8, npinned: 8, last_npinned: 8 } },
      ],
    },
    others: [
      {
        on: 'iopt-pages-d2.29',
        steps: [MAP, ACCESS_CREATE, pin(4, 4), ATTACH],
        breaks: ['D2.29'],
      },
    ],
  },
  {
    id: 'S2-04',
    title: 'second domain filled from mixed tiers',
    source: RFC05,
    defects: ['D2.2'],
    proposal: {
      steps: [MAP, ACCESS, ATTACH, { ...ATTACH, args: { device: 'dev1' } }],
      breaks: ['D2.2', 'D2.13'],
    },
    merged: { steps: [MAP, ACCESS_CREATE, pin(0, 2), ATTACH, { ...ATTACH, args: { device: 'dev1' } }] },
  },
  {
    id: 'S2-05',
    title: 'failing attach restores the count',
    source: `${RFC05}; Re: [PATCH v3 08/15], 4 and 5 Nov 2022`,
    defects: ['D2.4', 'D2.5'],
    proposal: {
      steps: [
        MAP,
        TAIL,
        { ...ACCESS, args: { ioas: 'second' } },
        ATTACH,
        { ...MAP, args: { va: 'end', iova: 0x20_0000n }, gives: 'EFAULT' },
        DETACH,
        { ...UNACCESS, args: { ioas: 'second' }, gives: 'out of bounds' },
      ],
      breaks: ['D2.4', 'D2.5', 'D2.13'],
    },
    merged: {
      steps: [
        MAP,
        { ...MAP, args: { va: 'end', iova: 0x20_0000n } },
        { ...ATTACH, gives: 'EFAULT' },
        { ...LOOK, gives: { npages: 8, npinned: 0, last_npinned: 0 } },
      ],
    },
  },
  {
    id: 'S2-06',
    title: 'locked-memory limit',
    source: RFC05,
    defects: [],
    proposal: {
      steps: [
        ATTACH,
        { ...MAP, args: { length: pages(16) } },
        { ...MAP, args: { iova: 0x20_0000n }, gives: 'ENOMEM' },
        { ...MAP, args: { iova: 0x20_0000n, length: pages(4) } },
        { ...MAP, args: { iova: 0x30_0000n, length: pages(1) }, gives: 'ENOMEM' },
      ],
    },
    merged: {
      steps: [
        ATTACH,
        { ...MAP, args: { length: pages(16) } },
        { ...MAP, args: { iova: 0x20_0000n }, gives: 'ENOMEM' },
        { ...MAP, args: { iova: 0x20_0000n, length: pages(4) } },
        { ...MAP, args: { iova: 0x30_0000n, length: pages(1) }, gives: 'ENOMEM' },
        { ...UNMAP, args: { iova: 0x20_0000n, length: pages(4) } },
        { ...MAP, args: { iova: 0x30_0000n, length: pages(1) } },
      ],
    },
  },
  {
    id: 'S2-07',
    title: 'COPY under the limit',
    source: 'review of [PATCH RFC 08/12], 31 Mar 2022',
    defects: [],
    proposal: {
      steps: [ATTACH, { ...MAP, args: { length: pages(16) } }, { ...COPY, args: { length: pages(16) } }],
    },
    merged: {
      steps: [
        ATTACH,
        { ...ATTACH, args: { device: 'dev1', ioas: 'second' } },
        { ...MAP, args: { length: pages(16) } },
        { ...COPY, args: { length: pages(16) } },
      ],
    },
  },
  {
    id: 'S2-08',
    title: 'privileged accounting',
    source: RFC05,
    defects: ['D2.7'],
    proposal: { steps: [ATTACH, { ...MAP, args: { caller: 'root' } }] },
    merged: { steps: [ATTACH, { ...MAP, args: { caller: 'root', length: pages(16) } }] },
  },
  {
    id: 'S2-09',
    title: 'read-only map of a read-only shared VMA',
    source: RFC05,
    defects: ['D2.8'],
    proposal: {
      steps: [
        ATTACH,
        { ...MAP, args: { va: 'read_only', flags: 'FIXED|READABLE' }, gives: 'EFAULT' },
        { ...MAP, args: { va: 'read_only' }, gives: 'EFAULT' },
      ],
    },
    merged: {
      steps: [
        ATTACH,
        { ...MAP, args: { va: 'read_only', flags: 'FIXED|READABLE' } },
        { ...MAP, args: { va: 'read_only', iova: 0x20_0000n }, gives: 'EFAULT' },
      ],
    },
  },
  {
    id: 'S2-10',
    title: 'bad user address',
    source: RFC07,
    defects: [],
    proposal: {
      steps: [
        { ...MAP, args: { va: 'nothing' } },
        { ...ATTACH, gives: 'EFAULT' },
        UNMAP,
        ATTACH,
        { ...MAP, args: { va: 'nothing' }, gives: 'EFAULT' },
        MAP,
      ],
    },
    merged: {
      steps: [
        { ...MAP, args: { va: 'nothing' } },
        { ...ATTACH, gives: 'EFAULT' },
        UNMAP,
        ATTACH,
        { ...MAP, args: { va: 'nothing' }, gives: 'EFAULT' },
        MAP,
      ],
    },
  },
  {
    id: 'S2-49',
    title: 'the process that mapped is gone',
    source: 'Re: [PATCH v3 07/15], 2/3 Nov 2022',
    defects: ['D2.26'],
    proposal: { steps: [BY_CHILD, { ...ATTACH, gives: 'EINVAL' }], breaks: [] },
    merged: {
      steps: [
        BY_CHILD,
        { ...ATTACH, gives: 'EFAULT' },
        ACCESS_CREATE,
        { ...pin(0, 2), gives: 'EFAULT' },
        UNMAP,
        ATTACH,
      ],
    },
    others: [
      {
        on: 'iopt-pages-d2.26',
        steps: [BY_CHILD, ACCESS_CREATE, { ...pin(0, 2), gives: 'wild pointer' }],
      },
    ],
  },
  {
    id: 'S2-50',
    title: 'detach against MAP (race)',
    source: 'Re: [PATCH v3 8/15], 2 Nov 2022',
    defects: ['D2.25'],
    proposal: {
      steps: [
        ATTACH,
        { ...ATTACH, args: { device: 'dev1' } },
        { ...MAP, lane: 'A' },
        { ...DETACH, lane: 'B' },
      ],
    },
    merged: {
      steps: [
        ATTACH,
        { ...ATTACH, args: { device: 'dev1' } },
        { ...MAP, lane: 'A' },
        { ...DETACH, lane: 'B' },
      ],
    },
  },
  {
    id: 'S2-51',
    title: 'second domain fails',
    source: 'Re: [PATCH v3 8/15], 4 Nov 2022',
    defects: ['D2.27'],
    proposal: {
      steps: [
        ATTACH,
        { ...ATTACH, args: { device: 'dev1' } },
        { ...MAP, args: { va: 'scattered', fails_at: 7 }, gives: 'ENOMEM' },
      ],
      breaks: ['D2.4', 'D2.12', 'D2.27'],
    },
    merged: {
      steps: [
        ATTACH,
        { ...ATTACH, args: { device: 'dev1' } },
        { ...MAP, args: { va: 'scattered', fails_at: 7 }, gives: 'ENOMEM' },
        MAP,
      ],
    },
  },
  {
    id: 'S2-52',
    title: 'large fragmented pin',
    source: 'Re: [PATCH v3 8/15], 5 Nov 2022',
    defects: ['D2.28'],
    proposal: { absent: 'unpinning a second batch ends in D2.5' },
    merged: { steps: [{ ...MAP, args: { va: 'scattered' } }, ACCESS_CREATE, pin(0, 8), unpin(0, 8)] },
    others: [
      {
        on: 'iopt-pages-d2.28',
        steps: [{ ...MAP, args: { va: 'scattered' } }, ACCESS_CREATE, pin(0, 8), unpin(0, 8)],
      },
      {
        on: 'iopt-pages-d2.24',
        steps: [MAP, { ...ATTACH, gives: 'out of bounds' }],
        breaks: ['D2.24'],
      },
    ],
  },
  {
    id: 'S2-53',
    title: 'access in the middle of a large area',
    source: 'iommufd: Fix unpinning of pages when an access is present, 31 Mar 2023',
    defects: ['D2.34'],
    proposal: { absent: 'an access cannot begin inside of an area (D2.13)' },
    merged: { steps: [MAP, ATTACH, ACCESS_CREATE, pin(3, 1), DETACH, ATTACH, unpin(3, 1), DETACH] },
    others: [{ on: 'iopt-pages-d2.34', steps: [MAP, ATTACH, ACCESS_CREATE, pin(3, 1), DETACH] }],
  },
  {
    id: 'S2-54',
    title: 'reserved regions with two devices in a group',
    noKernel: 'mock devices have a group each, and reserve nothing of their own',
    source: 'Re: [PATCH v3 12/15], 5/8 Nov 2022',
    defects: ['D2.30'],
    proposal: { absent: 'groups come with patch 10/12, which the design leaves out' },
    merged: {
      steps: [
        ATTACH,
        { ...ATTACH, args: { device: 'dev1' } },
        DETACH,
        { ...MAP, args: { iova: 0xfee0_0000n }, gives: 'EINVAL' },
        { ...DETACH, args: { device: 'dev1' } },
        { ...MAP, args: { iova: 0xfee0_0000n } },
      ],
    },
    others: [{ on: 'iopt-pages-d2.30', steps: [ATTACH, { ...ATTACH, args: { device: 'dev1' } }] }],
  },
  {
    id: 'S2-32',
    title: 'shared and overlapping pins',
    source: 'v3 08/15, 26 Oct 2022',
    defects: [],
    proposal: { absent: 'an access cannot begin inside of an area (D2.13)' },
    merged: {
      steps: [
        MAP,
        ACCESS_CREATE,
        { ...ACCESS_CREATE, as: 'y' },
        pin(0, 4),
        pin(0, 4, 'y'),
        pin(2, 4, 'y'),
        { ...LOOK, gives: { npages: 8, npinned: 6, last_npinned: 6 } },
        { call: 'iommufd_access_destroy', args: { access: { ref: 'x.out_access_id' } } },
        { ...LOOK, gives: { npages: 8, npinned: 6, last_npinned: 6 } },
        UNMAP,
      ],
    },
  },
  {
    id: 'S2-33',
    title: 'copy then drop the source',
    source: RFC07,
    defects: [],
    proposal: { steps: [MAP, COPY, UNMAP, { ...ATTACH, args: { ioas: 'second' } }] },
    merged: {
      steps: [
        MAP,
        ACCESS_CREATE,
        pin(0, 8),
        COPY,
        UNMAP,
        { ...LOOK, args: { ioas: 'second' }, gives: { npages: 8, npinned: 0, last_npinned: 0 } },
        { ...ATTACH, args: { ioas: 'second' } },
        { ...LOOK, args: { ioas: 'second', iova: A }, gives: { npages: 8, npinned: 8, last_npinned: 8 } },
      ],
    },
  },
  {
    id: 'S2-64',
    title: 'failed creation with a file (race)',
    source: 'iommufd: Fix race during abort for file descriptors, 17/18 Sep 2025',
    defects: [],
    proposal: { absent: 'no object of the series has a file' },
    merged: ON_KERNELS,
  },
];
