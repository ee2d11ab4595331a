import type { Row } from './row.js';
import {
  A,
  ACCESS,
  ACCESS_CREATE,
  ATTACH,
  MAP,
  NOT_YET,
  ON_KERNELS,
  RFC11,
  UNMAP,
  pages,
  pin,
} from './seed2_steps.js';

const GET_INFO = { call: 'VFIO_IOMMU_GET_INFO' } as const;
const OPTION = { call: 'IOMMU_OPTION' } as const;
const CUT = { call: 'iopt_cut_iova' } as const;

const COMPAT = { absent: 'the design has GET_INFO alone of what is compatible with VFIO' } as const;

/** Rows that are about interfaces of VFIO, or options, which the tiers do not see. */
function onKernels(id: string, title: string, source: string): Row {
  return { id, title, source, defects: [], proposal: COMPAT, merged: ON_KERNELS };
}

/** Rows about users in the kernel, options, and what is compatible with VFIO. */
export const seed2Access: readonly Row[] = [
  {
    id: 'S2-28',
    title: 'pin against two unmaps (race)',
    source: 'Re: [PATCH v3 15/15], 4 Nov 2022',
    defects: ['D2.31'],
    proposal: NOT_YET,
    merged: {
      steps: [
        MAP,
        ACCESS_CREATE,
        { ...pin(0, 4), lane: 'A', gives: ['OK', 'ENOENT'] },
        { ...UNMAP, lane: 'B', gives: ['OK', 'ENOENT'] },
        { ...UNMAP, lane: 'C', gives: ['OK', 'ENOENT'] },
      ],
    },
    others: [
      {
        on: 'iopt-pages-d2.31',
        steps: [
          MAP,
          ACCESS_CREATE,
          { ...pin(0, 4), lane: 'A', gives: ['OK', 'ENOENT'] },
          { ...UNMAP, lane: 'B', gives: ['OK', 'EDEADLK'] },
        ],
      },
    ],
  },
  {
    id: 'S2-29',
    title: 'pin while unmap runs (race)',
    source: 'v3 09/15, 26 Oct 2022',
    defects: [],
    proposal: { absent: 'UNMAP of an area with users fails (S2-27)' },
    merged: {
      steps: [
        MAP,
        ACCESS_CREATE,
        pin(0, 4),
        { ...UNMAP, lane: 'A' },
        { ...pin(4, 4), lane: 'B', gives: ['OK', 'EINVAL', 'ENOENT'] },
      ],
    },
  },
  {
    id: 'S2-30',
    title: 'pin errors',
    source: 'Re: [PATCH RFC 07/12], 22..25 Mar 2022',
    defects: ['D2.13'],
    proposal: {
      steps: [
        ACCESS,
        MAP,
        { ...ACCESS, args: { length: pages(16) } },
        { ...ACCESS, args: { length: 0n }, gives: 'EINVAL' },
        { ...ACCESS, args: { iova: A + pages(4) }, gives: 'EINVAL' },
        { ...MAP, args: { iova: A + pages(16) } },
        { ...ACCESS, args: { length: pages(24) }, gives: 'out of bounds' },
      ],
    },
    merged: {
      steps: [
        ACCESS_CREATE,
        { ...pin(0, 4), gives: 'ENOENT' },
        { ...MAP, args: { flags: 'FIXED|READABLE' } },
        { ...pin(0, 16), args: { ...pin(0, 16).args, write: 'read' }, gives: 'ENOENT' },
        { ...pin(0, 0), gives: 'EINVAL' },
        {
          call: 'iommufd_access_pin_pages',
          args: { access: { ref: 'x.out_access_id' }, iova: (1n << 64n) - pages(1), length: pages(2) },
          gives: 'EOVERFLOW',
        },
        { ...pin(0, 4), gives: 'EPERM' },
        {
          call: 'iommufd_access_pin_pages',
          args: { access: { ref: 'x.out_access_id' }, iova: A + 0x200n, length: pages(1) },
          gives: 'EINVAL',
        },
      ],
    },
  },
  {
    id: 'S2-31',
    title: 'read/write errors',
    source: 'v3 13/15, 26 Oct 2022',
    defects: [],
    proposal: NOT_YET,
    merged: ON_KERNELS,
  },
  {
    id: 'S2-45',
    title: 'rlimit option',
    source: 'Re: [PATCH v5 11/19], 27..29 Nov 2022',
    defects: ['D2.36'],
    proposal: NOT_YET,
    merged: {
      steps: [
        { ...OPTION, gives: { val64: 0 } },
        { ...OPTION, args: { object_id: 5 }, gives: 'EOPNOTSUPP' },
        { ...OPTION, args: { op: 'SET' }, gives: 'EBUSY' },
      ],
    },
    others: [{ on: 'iopt-pages-d2.36', steps: [{ ...OPTION, args: { object_id: 5 } }] }],
  },
  { ...onKernels('S2-46', 'huge-page option', 'Re: [PATCH v3 10/15], 4 Nov 2022'), proposal: NOT_YET },
  onKernels('S2-55', 'compat without IOAS', RFC11),
  onKernels('S2-56', 'compat IOAS object', 'Re: [PATCH v3 14/15], 5..8 Nov 2022'),
  onKernels('S2-57', 'compat v2 unmap', `${RFC11}, v5 15/19`),
  {
    id: 'S2-58',
    title: 'compat TYPE1 unmap in the middle',
    source: 'v3 14/15, 26 Oct 2022',
    defects: [],
    proposal: COMPAT,
    merged: {
      steps: [
        MAP,
        ATTACH,
        CUT,
        { ...CUT, args: { iova: A + pages(6) } },
        { ...UNMAP, args: { iova: A + pages(4), length: pages(2) }, gives: { length: pages(2) } },
      ],
    },
  },
  {
    id: 'S2-60',
    title: 'split while an access exists',
    source: 'Re: [PATCH v4 09/17], 14/15 Nov 2022',
    defects: ['D2.32'],
    proposal: COMPAT,
    merged: { steps: [MAP, ACCESS_CREATE, pin(0, 1), { ...CUT, gives: 'EINVAL' }] },
    others: [{ on: 'iopt-pages-d2.32', steps: [MAP, ACCESS_CREATE, pin(0, 1), CUT] }],
  },
  onKernels('S2-61', 'back to v2 after TYPE1', 'derived'),
  {
    id: 'S2-62',
    title: 'compat GET_INFO faults and lock order',
    source: 'Re: [PATCH v3 14/15], 28 Oct and 2 Nov 2022',
    defects: ['D2.18'],
    proposal: {
      steps: [
        { ...GET_INFO, args: { place: 'read_only' } },
        { ...GET_INFO, lane: 'A', gives: ['OK', 'deadlock'] },
        { ...ATTACH, lane: 'B' },
      ],
    },
    merged: {
      steps: [
        { ...GET_INFO, args: { place: 'read_only' }, gives: 'EFAULT' },
        { ...GET_INFO, lane: 'A' },
        { ...ATTACH, lane: 'B' },
      ],
    },
  },
  onKernels('S2-63', 'compat update-vaddr and dirty', RFC11),
];
