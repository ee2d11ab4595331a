import type { Row } from './row.js';
import {
  A,
  ACCESS,
  ACCESS_CREATE,
  ATTACH,
  DETACH,
  MAP,
  NOT_YET,
  ON_KERNELS,
  RFC07,
  RFC08,
  U64_MAX,
  UNACCESS,
  UNMAP,
  UNMAP_ALL,
  pages,
  pin,
} from './seed2_steps.js';

/** Both interfaces have it, and answer the same. */
function alike(
  steps: NonNullable<Extract<Row['merged'], { steps: unknown }>['steps']>,
): Pick<Row, 'proposal' | 'merged'> {
  return { proposal: { steps, breaks: [] }, merged: { steps } };
}

const BYTES = { ...MAP, args: { va: 'inside', iova: A + 0x200n, length: 3n } } as const;
const SECOND = { ...MAP, args: { iova: A + pages(8) } } as const;
const APART = { ...MAP, args: { iova: A + pages(16), length: pages(2) } } as const;

/** Pages in several runs, up to the last IOVA. */
const LAST = { ...MAP, args: { va: 'scattered', iova: U64_MAX - pages(8) + 1n } } as const;

/** Rows about what MAP and UNMAP do to ranges. */
export const seed2Ranges: readonly Row[] = [
  {
    id: 'S2-11',
    title: 'VA wraps',
    source: 'iommufd: Check for uptr overflow, 31 Mar 2023',
    defects: ['D2.33'],
    proposal: {
      steps: [
        { ...MAP, args: { va: 'top' } },
        { ...ATTACH, gives: 'EFAULT' },
      ],
    },
    merged: { steps: [{ ...MAP, args: { va: 'top' }, gives: 'EOVERFLOW' }] },
  },
  {
    id: 'S2-12',
    title: 'length 0',
    source: 'Re: [PATCH v3 9/15], 28 Oct 2022',
    defects: ['D2.21'],
    proposal: {
      steps: [
        { ...MAP, args: { length: 0n }, gives: 'EINVAL' },
        { ...MAP, args: { length: 0n, flags: 'WRITEABLE' }, gives: 'EINVAL' },
        ATTACH,
        { ...MAP, args: { length: 0x1800n, flags: 'WRITEABLE' }, gives: 'EINVAL' },
      ],
    },
    merged: {
      steps: [
        { ...MAP, args: { length: 0n }, gives: 'EINVAL' },
        { ...MAP, args: { length: 0n, flags: 'WRITEABLE' }, gives: 'EINVAL' },
        ATTACH,
        { ...MAP, args: { length: 0x1800n, flags: 'WRITEABLE' }, gives: 'EINVAL' },
      ],
    },
  },
  {
    id: 'S2-13',
    title: 'extreme numbers',
    source: RFC08,
    defects: [],
    ...alike([
      { ...MAP, args: { iova: U64_MAX }, gives: 'EOVERFLOW' },
      { ...MAP, args: { length: U64_MAX }, gives: 'EOVERFLOW' },
      { ...MAP, args: { iova: U64_MAX - pages(1) + 1n, length: pages(2) }, gives: 'EOVERFLOW' },
    ]),
  },
  {
    id: 'S2-14',
    title: 'byte mappings without device',
    source: RFC07,
    defects: [],
    ...alike([BYTES, { ...UNMAP, args: { iova: A + 0x200n, length: 3n } }]),
  },
  {
    id: 'S2-15',
    title: 'alignment with a device',
    source: 'Re: [PATCH v3 9/15], 28 Oct 2022',
    defects: ['D2.22'],
    proposal: {
      steps: [
        { ...ATTACH, args: { device: 'dev1' } },
        { ...MAP, args: { iova: A + 0x400n }, gives: 'EINVAL' },
        { ...MAP, args: { iova: A + 0x800n } },
        { ...MAP, args: { va: 'inside', iova: A + pages(16) }, gives: 'EINVAL' },
      ],
    },
    merged: {
      steps: [
        { ...ATTACH, args: { device: 'dev1' } },
        { ...MAP, args: { iova: A + 0x400n }, gives: 'EINVAL' },
        { ...MAP, args: { iova: A + 0x800n } },
        { ...MAP, args: { va: 'inside', iova: A + pages(16) }, gives: 'EINVAL' },
      ],
    },
  },
  {
    id: 'S2-16',
    title: 'attach to misaligned mappings',
    source: 'Re: [PATCH v3 9/15], 28 Oct 2022',
    defects: ['D2.22'],
    proposal: {
      steps: [
        { ...MAP, args: { iova: A + 0x200n } },
        { ...ATTACH, gives: 'EADDRINUSE' },
        { ...UNMAP, args: { iova: A + 0x200n, length: pages(8) } },
        { ...MAP, args: { va: 'inside' } },
        { ...ATTACH, gives: 'EINVAL' },
        UNMAP,
        ATTACH,
      ],
    },
    merged: {
      steps: [
        { ...MAP, args: { iova: A + 0x200n } },
        { ...ATTACH, gives: 'EADDRINUSE' },
        { ...UNMAP, args: { iova: A + 0x200n, length: pages(8) } },
        { ...MAP, args: { va: 'inside' } },
        { ...ATTACH, gives: 'EADDRINUSE' },
        UNMAP,
        ATTACH,
      ],
    },
  },
  {
    id: 'S2-17',
    title: 'attach with a mapping outside the aperture',
    source: RFC07,
    defects: [],
    ...alike([
      { ...MAP, args: { iova: 0n } },
      { ...ATTACH, args: { device: 'dev1' }, gives: 'EADDRINUSE' },
      ATTACH,
    ]),
  },
  {
    id: 'S2-18',
    title: 'access that pins, on byte mappings',
    source: 'Re: [PATCH v3 8/15], 1 Nov 2022',
    defects: [],
    proposal: { absent: 'accesses are no objects' },
    merged: {
      steps: [
        BYTES,
        { ...ACCESS_CREATE, gives: 'EADDRINUSE' },
        { ...ACCESS_CREATE, as: 'y', args: { use: 'reads' } },
      ],
    },
  },
  {
    id: 'S2-19',
    title: 'overlap',
    source: 'Re: [PATCH v4 09/17], 14/15 Nov 2022',
    defects: [],
    proposal: {
      steps: [
        MAP,
        { ...MAP, gives: 'EADDRINUSE' },
        { ...MAP, args: { iova: A + pages(7) }, gives: 'EADDRINUSE' },
      ],
    },
    merged: {
      steps: [MAP, { ...MAP, gives: 'EEXIST' }, { ...MAP, args: { iova: A + pages(7) }, gives: 'EEXIST' }],
    },
  },
  {
    id: 'S2-20',
    title: 'reserved range',
    source: 'Re: [PATCH v4 09/17], 14/15 Nov 2022',
    defects: [],
    proposal: { steps: [{ call: 'iopt_reserve_iova' }, { ...MAP, gives: 'ENOENT' }] },
    merged: { steps: [{ call: 'iopt_reserve_iova' }, { ...MAP, gives: 'EINVAL' }] },
  },
  {
    id: 'S2-21',
    title: 'reserve against existing',
    source: RFC07,
    defects: [],
    ...alike([MAP, { call: 'iopt_reserve_iova', gives: 'EADDRINUSE' }]),
  },
  {
    id: 'S2-22',
    title: 'unmap of a superset',
    source: 'Re: [PATCH RFC 07/12], 13..17 Apr 2022',
    defects: ['D2.15'],
    proposal: {
      steps: [
        MAP,
        APART,
        { ...UNMAP, args: { length: pages(18) }, gives: 'ENOENT' },
        { ...MAP, gives: 'EADDRINUSE' },
      ],
    },
    merged: {
      steps: [MAP, APART, { ...UNMAP, args: { length: pages(18) }, gives: { length: pages(10) } }, MAP],
    },
  },
  {
    id: 'S2-23',
    title: 'unmap of a part',
    source: RFC07,
    defects: [],
    ...alike([
      MAP,
      { ...UNMAP, args: { iova: A + pages(2), length: pages(1) }, gives: 'ENOENT' },
      { ...UNMAP, args: { length: pages(1) }, gives: 'ENOENT' },
      UNMAP,
    ]),
  },
  {
    id: 'S2-24',
    title: 'unmap of a hole, of nothing, and beyond the end',
    source: RFC08,
    defects: [],
    ...alike([
      { ...UNMAP, gives: 'ENOENT' },
      { ...UNMAP, args: { length: 0n }, gives: 'EINVAL' },
      { ...UNMAP, args: { iova: U64_MAX - pages(1), length: pages(2) }, gives: 'EOVERFLOW' },
    ]),
  },
  {
    id: 'S2-25',
    title: 'unmap everything, empty',
    source: 'Re: [PATCH v3 9/15], 27 Oct 2022',
    defects: ['D2.19'],
    proposal: { steps: [UNMAP_ALL, UNMAP_ALL], breaks: [] },
    merged: {
      steps: [
        { ...UNMAP_ALL, gives: { length: 0 } },
        { ...UNMAP_ALL, gives: { length: 0 } },
        MAP,
        { ...UNMAP_ALL, gives: { length: pages(8) } },
      ],
    },
    others: [{ on: 'iopt-pages-d2.19', steps: [{ ...UNMAP_ALL, gives: 'ENOENT' }] }],
  },
  {
    id: 'S2-26',
    title: 'unmap: one whole, one cut',
    source: 'derived, v3 09/15',
    defects: [],
    proposal: {
      steps: [
        MAP,
        APART,
        { ...UNMAP, args: { length: pages(17) }, gives: 'ENOENT' },
        { ...MAP, gives: 'EADDRINUSE' },
      ],
    },
    merged: { steps: [MAP, APART, { ...UNMAP, args: { length: pages(17) }, gives: 'ENOENT' }, MAP] },
  },
  {
    id: 'S2-27',
    title: 'unmap with a willing access',
    source: `${RFC07}; v3 13/15, 26 Oct 2022`,
    defects: ['D2.14'],
    proposal: {
      steps: [
        MAP,
        SECOND,
        { ...ACCESS, args: { length: pages(16) } },
        { ...UNMAP, gives: 'EBUSY' },
        { ...UNMAP, gives: 'ENOENT' },
        { ...UNACCESS, args: { length: pages(16) }, gives: 'NULL dereference' },
      ],
      breaks: ['D2.13', 'D2.14'],
    },
    merged: { steps: [MAP, SECOND, ACCESS_CREATE, pin(0, 16), UNMAP, { ...SECOND, gives: 'EEXIST' }] },
  },
  {
    id: 'S2-39',
    title: 'MAP without R and W',
    source: RFC08,
    defects: [],
    proposal: { steps: [{ ...MAP, args: { flags: 'FIXED' } }] },
    merged: { steps: [{ ...MAP, args: { flags: 'FIXED' }, gives: 'EINVAL' }] },
  },
  {
    id: 'S2-40',
    title: 'compat MAP_DMA without R and W',
    source: 'derived, v5 15/19',
    defects: [],
    proposal: { absent: 'the design leaves MAP_DMA of VFIO out' },
    merged: ON_KERNELS,
  },
  {
    id: 'S2-41',
    title: 'answer not writable',
    source: RFC08,
    defects: [],
    ...alike([{ ...MAP, args: { place: 'read_only' }, gives: 'EFAULT' }, UNMAP]),
  },
  {
    id: 'S2-42',
    title: 'automatic IOVA near the top',
    source: 'iommufd: Prevent ALIGN() overflow, 17 Jul 2025',
    defects: ['D2.35'],
    proposal: {
      steps: [{ call: 'iopt_reserve_iova' }, { ...MAP, args: { flags: 'WRITEABLE' }, gives: { iova: 0n } }],
    },
    merged: {
      steps: [
        { call: 'iopt_reserve_iova' },
        { ...MAP, args: { flags: 'WRITEABLE' }, gives: 'ENOSPC' },
        { ...MAP, args: { flags: 'WRITEABLE', length: pages(1) } },
        { ...MAP, args: { iova: U64_MAX - pages(1) + 1n, length: pages(1) } },
      ],
    },
    others: [
      { on: 'iopt-pages-rfc', steps: [ATTACH, LAST], breaks: ['D2.11'] },
      { on: 'iopt-pages-rfc-merged', steps: [ATTACH, LAST, DETACH], breaks: [] },
    ],
  },
  {
    id: 'S2-43',
    title: 'allowed list: errors',
    source: 'Re: [PATCH v3 10/15], 4 Nov 2022',
    defects: [],
    proposal: NOT_YET,
    merged: ON_KERNELS,
  },
  {
    id: 'S2-44',
    title: 'fixed map outside the allowed list',
    source: 'Re: [PATCH v3 10/15], 8..10 Nov 2022',
    defects: [],
    proposal: NOT_YET,
    merged: ON_KERNELS,
  },
  {
    id: 'S2-47',
    title: 'minimum sizes',
    source: 'Re: [PATCH v3 10/15], 27 Oct 2022',
    defects: ['D2.20'],
    proposal: { absent: 'the design leaves the size of structs out' },
    merged: {
      steps: [
        { ...MAP, args: { size: 36 }, gives: 'EINVAL' },
        { ...MAP, args: { size: 40 } },
      ],
    },
    others: [{ on: 'iopt-pages-d2.20', steps: [{ ...MAP, args: { size: 36 } }] }],
  },
  {
    id: 'S2-48',
    title: 'allocation with unwritable struct',
    source: 'Re: [PATCH v3 10/15], 27 Oct 2022',
    defects: ['D2.16'],
    proposal: { steps: [{ call: 'IOMMU_IOAS_ALLOC', args: { place: 'read_only' }, gives: 'EFAULT' }] },
    merged: {
      steps: [
        { call: 'IOMMU_IOAS_ALLOC', args: { place: 'read_only' }, gives: 'EFAULT' },
        { call: 'IOMMU_DESTROY' },
        { call: 'IOMMU_IOAS_ALLOC', gives: { out_ioas_id: 3 } },
      ],
    },
  },
];
