import type { Row } from './row.js';
import {
  DESTROY,
  DESTROY_BARE,
  MUNMAP,
  MUNMAP_FIRST,
  V2_13,
  V2_14,
  VIOMMU,
  VIOMMU_BARE,
  ends,
  mmap,
} from './seed0_steps.js';

const V3_14 = '[PATCH v3 14/23], 2 May 2025';
const V3_15 = 'Re: [PATCH v2 13/22], 7 May 2025';

const load = (vma: string, gives: 'use after free' | number, byte = 0n) =>
  ({ call: 'load', args: { vma: { ref: vma }, byte }, gives }) as const;
const STORE = { call: 'store', args: { vma: { ref: 'm' } } } as const;
const FORK = { call: 'fork', as: 'child' } as const;
const EXIT = { call: 'exit', args: { process: { ref: 'child' } } } as const;

/** Rows about who keeps a region, and for how long. */
export const seed0Lifetimes: readonly Row[] = [
  {
    id: 'S0-01',
    title: 'first cookie differs from "none"',
    source: 'v2 13/22, 26 Apr 2025; v7 16/28, 27 Jun 2025',
    defects: ['D0.5'],
    proposal: { steps: [{ ...VIOMMU, gives: { out_mmap_offset: 0 } }] },
    merged: { steps: [{ ...VIOMMU, gives: { out_mmap_offset: 0x1000, out_mmap_length: 0x2000 } }] },
    others: [
      {
        on: 'mmap-v4',
        breaks: ['D0.6'],
        steps: [
          { ...VIOMMU, gives: { out_mmap_offset: 0 } },
          DESTROY,
          mmap({ offset: 0n }),
          load('m', 'use after free'),
        ],
      },
    ],
  },
  {
    id: 'S0-02',
    title: 'destroying a vIOMMU without region leaves others alone',
    source: V2_14,
    defects: ['D0.5'],
    proposal: { steps: [VIOMMU, VIOMMU_BARE, DESTROY_BARE, ends(mmap(), 'ENXIO')] },
    merged: {
      steps: [VIOMMU, VIOMMU_BARE, { ...DESTROY_BARE, gives: 0 }, mmap(), { ...DESTROY, gives: 'EBUSY' }],
    },
  },
  {
    id: 'S0-03',
    title: 'destroy while mapped',
    source: 'Re: [PATCH v2 13/22], 28 Apr 2025',
    defects: ['D0.1'],
    proposal: {
      steps: [VIOMMU, mmap(), { ...DESTROY, gives: 0 }, { ...STORE, gives: 'use after free' }],
    },
    merged: {
      steps: [VIOMMU, mmap(), { ...DESTROY, gives: 'EBUSY' }, STORE, MUNMAP, { ...DESTROY, gives: 0 }],
    },
  },
  {
    id: 'S0-04',
    title: 'two mappings of one region',
    source: V3_15,
    defects: ['D0.1'],
    proposal: { steps: [VIOMMU, mmap(), mmap({}, { as: 'n' }), MUNMAP, { ...DESTROY, gives: 0 }] },
    merged: {
      steps: [
        VIOMMU,
        mmap(),
        mmap({ rights: 'r' }, { as: 'n' }),
        STORE,
        load('n', 7),
        MUNMAP,
        { ...DESTROY, gives: 'EBUSY' },
        { call: 'munmap', args: { vma: { ref: 'n' } } },
        { ...DESTROY, gives: 0 },
      ],
    },
  },
  {
    id: 'S0-05',
    title: 'partial munmap keeps the region',
    source: V3_14,
    defects: ['D0.15'],
    proposal: {
      steps: [VIOMMU, mmap(), MUNMAP_FIRST, { ...DESTROY, gives: 0 }, load('m', 'use after free')],
    },
    merged: {
      steps: [
        VIOMMU,
        mmap(),
        { call: 'store', args: { vma: { ref: 'm' }, byte: 0x1000n } },
        MUNMAP_FIRST,
        { ...DESTROY, gives: 'EBUSY' },
        load('m', 7),
        MUNMAP,
        { ...DESTROY, gives: 0 },
      ],
    },
  },
  {
    id: 'S0-06',
    title: 'fork inherits the count',
    source: V3_14,
    defects: ['D0.15'],
    proposal: { steps: [VIOMMU, mmap(), FORK, MUNMAP, { ...DESTROY, gives: 0 }] },
    merged: {
      steps: [
        VIOMMU,
        mmap(),
        STORE,
        FORK,
        MUNMAP,
        { ...DESTROY, gives: 'EBUSY' },
        { call: 'load', args: { vma: { ref: 'child', plus: 1 } }, gives: 7 },
        EXIT,
        { ...DESTROY, gives: 0 },
      ],
    },
  },
  {
    id: 'S0-07',
    title: 'mremap',
    source: '[PATCH v2 13/22] (do not expand)',
    defects: ['D0.1'],
    proposal: {
      steps: [
        VIOMMU,
        mmap(),
        { call: 'mremap', args: { vma: { ref: 'm' }, to: 'doubled' }, gives: 'EFAULT' },
        { call: 'mremap', args: { vma: { ref: 'm' } } },
        { ...DESTROY, gives: 0 },
      ],
    },
    merged: {
      steps: [
        VIOMMU,
        mmap(),
        { call: 'mremap', args: { vma: { ref: 'm' }, to: 'doubled' }, gives: 'EFAULT' },
        { call: 'mremap', args: { vma: { ref: 'm' } } },
        { ...DESTROY, gives: 'EBUSY' },
        { call: 'mremap', args: { vma: { ref: 'm' }, to: 'twice' }, gives: 'EFAULT' },
      ],
    },
  },
  {
    id: 'S0-08',
    title: 'close the fd under a mapping',
    source: V3_15,
    defects: [],
    proposal: { steps: [VIOMMU, mmap(), STORE, { call: 'close' }, load('m', 7), MUNMAP] },
    merged: { steps: [VIOMMU, mmap(), STORE, { call: 'close' }, load('m', 7), MUNMAP] },
    others: [
      {
        on: 'mmap-v2',
        breaks: ['D0.14'],
        steps: [{ call: 'iommufd_ctx_alloc_mmap', gives: { immap_id: 0 } }, { call: 'close' }],
      },
    ],
  },
  {
    id: 'S0-20',
    title: 'freed cookie gone, then reused',
    source: V2_13,
    defects: [],
    proposal: {
      steps: [VIOMMU, DESTROY, ends(mmap(), 'ENXIO'), ends(VIOMMU, { out_mmap_offset: 0 })],
    },
    merged: {
      steps: [VIOMMU, DESTROY, ends(mmap(), 'ENXIO'), ends(VIOMMU, { out_mmap_offset: 0x1000 })],
    },
  },
  {
    id: 'S0-24',
    title: 'mmap against destroy (race)',
    source: 'derived from [PATCH v2 13/22]; the fix is only in 7.3',
    defects: ['D0.9', 'D0.1'],
    proposal: {
      steps: [
        VIOMMU,
        { ...mmap({}, { gives: ['OK', 'ENXIO', 'use after free'] }), lane: 'A' },
        { ...DESTROY, lane: 'B', gives: 0 },
      ],
    },
    merged: {
      steps: [
        VIOMMU,
        { ...mmap({}, { gives: ['OK', 'ENXIO'] }), lane: 'A' },
        { ...DESTROY, lane: 'B', gives: [0, 'EBUSY'] },
      ],
    },
  },
  {
    id: 'S0-25',
    title: 'reference before remap (race)',
    source: V3_14,
    defects: ['D0.10'],
    proposal: { absent: 'v2 counts no mappings; v3 does so too late' },
    merged: {
      steps: [
        VIOMMU,
        { ...mmap({}, { gives: ['OK', 'ENXIO'] }), lane: 'A' },
        { ...DESTROY, lane: 'B', gives: [0, 'EBUSY'] },
      ],
    },
    others: [
      {
        on: 'mmap-v3',
        steps: [
          VIOMMU,
          { ...mmap({}, { gives: ['OK', 'ENXIO', 'use after free'] }), lane: 'A' },
          { ...DESTROY, lane: 'B', gives: [0, 'EBUSY'] },
        ],
      },
    ],
  },
  {
    id: 'S0-26',
    title: 'failed remap gives the reference back',
    noKernel: 'takes a failing remap of pages, which nothing in the kernel can be made to do',
    source: '[PATCH v4 14/23], 9 May 2025',
    defects: [],
    proposal: { steps: [VIOMMU, ends(mmap({ remap: 'fails' }), 'ENOMEM'), { ...DESTROY, gives: 0 }] },
    merged: { steps: [VIOMMU, ends(mmap({ remap: 'fails' }), 'ENOMEM'), { ...DESTROY, gives: 0 }] },
    others: [
      {
        on: 'mmap-v3',
        breaks: [],
        steps: [VIOMMU, ends(mmap({ remap: 'fails' }), 'ENOMEM'), { ...DESTROY, gives: 0 }],
      },
    ],
  },
  {
    id: 'S0-27',
    title: 'failed allocation leaves no region',
    source: V2_14,
    defects: ['D0.22'],
    proposal: {
      steps: [
        ends({ ...VIOMMU, args: { place: 'read_only' } }, 'EFAULT'),
        mmap({ offset: 0n }),
        { ...VIOMMU, gives: { out_mmap_offset: 0x8000 } },
      ],
    },
    merged: {
      steps: [
        ends({ ...VIOMMU, args: { place: 'read_only' } }, 'EFAULT'),
        ends(mmap({ offset: 0x1000n }), 'ENXIO'),
        { ...VIOMMU, gives: { out_mmap_offset: 0x1000 } },
      ],
    },
  },
];
