import type { Row } from './row.js';
import { DESTROY, P, V2_13, VIOMMU, ends, mmap } from './seed0_steps.js';

const ALLOC = 'iommufd_ctx_alloc_mmap';
const FREE = 'iommufd_ctx_free_mmap';
const ALLOC_MERGED = 'iommufd_viommu_alloc_mmap';
const FREE_MERGED = 'iommufd_viommu_destroy_mmap';
const OWNER = { viommu: { ref: 'v.out_viommu_id' } } as const;
const TOP = 0xffff_ffff_ffff_f000n;

const offset = (plus: bigint) => ({ ref: 'v.out_mmap_offset', plus });
const SECOND = { ...VIOMMU, as: 'w' } as const;

/** Rows about offsets, lengths, rights, and the helpers of drivers. */
export const seed0Windows: readonly Row[] = [
  {
    id: 'S0-09',
    title: 'interior offset',
    source: 'Re: [PATCH v4 14/23], 15 May 2025',
    defects: ['D0.3'],
    proposal: {
      steps: [VIOMMU, mmap({ offset: offset(P), length: P }), ends(mmap({ offset: offset(P) }), 'OK')],
    },
    merged: {
      steps: [
        VIOMMU,
        ends(mmap({ offset: offset(P), length: P }), 'ENXIO'),
        ends(mmap({ offset: offset(P) }), 'ENXIO'),
      ],
    },
  },
  {
    id: 'S0-10',
    title: 'shorter length',
    source: 'Re: [PATCH v2 13/22], 8 May 2025',
    defects: ['D0.4'],
    proposal: { steps: [VIOMMU, mmap({ length: P })] },
    merged: { steps: [VIOMMU, ends(mmap({ length: P }), 'ENXIO')] },
  },
  {
    id: 'S0-11',
    title: 'longer length',
    source: V2_13,
    defects: [],
    proposal: { steps: [VIOMMU, SECOND, ends(mmap({ length: 4n * P }), 'ENXIO')] },
    merged: { steps: [VIOMMU, SECOND, ends(mmap({ length: 4n * P }), 'ENXIO')] },
    others: [
      {
        on: 'mmap-v4',
        breaks: ['D0.11'],
        steps: [
          { call: 'IOMMU_VIOMMU_ALLOC', args: { data: 'none' }, as: 'v' },
          { call: ALLOC_MERGED, args: { ...OWNER, size: 1n << 32n }, as: 'r', gives: { offset: 0 } },
          ends(mmap({ offset: { ref: 'r.offset' }, length: 1n << 32n }), 'ENXIO'),
        ],
      },
      {
        on: 'mmap-v4',
        breaks: ['D0.11'],
        steps: [VIOMMU, mmap({ offset: offset(P) })],
      },
    ],
  },
  {
    id: 'S0-12',
    title: 'length rounded by the syscall',
    source: V2_13,
    defects: [],
    proposal: { steps: [VIOMMU, mmap({ length: 2n * P - 100n })] },
    merged: { steps: [VIOMMU, mmap({ length: 2n * P - 100n })] },
  },
  {
    id: 'S0-13',
    title: 'private mapping',
    source: V2_13,
    defects: [],
    proposal: {
      steps: [
        VIOMMU,
        ends(mmap({ sharing: 'private' }), 'EINVAL'),
        ends(mmap({ sharing: 'private', rights: 'rwx' }), 'EINVAL'),
      ],
    },
    merged: {
      steps: [
        VIOMMU,
        ends(mmap({ sharing: 'private' }), 'EINVAL'),
        ends(mmap({ sharing: 'private', rights: 'rwx' }), 'EINVAL'),
      ],
    },
  },
  {
    id: 'S0-14',
    title: 'exec mapping',
    source: '[PATCH v1 10/16], 11 Apr 2025',
    defects: [],
    proposal: { steps: [VIOMMU, ends(mmap({ rights: 'rwx' }), 'EPERM')] },
    merged: { steps: [VIOMMU, ends(mmap({ rights: 'rwx' }), 'EPERM')] },
  },
  {
    id: 'S0-15',
    title: 'exec through mprotect',
    source: 'derived from [PATCH v2 13/22]',
    defects: ['D0.12'],
    proposal: {
      steps: [VIOMMU, mmap(), { call: 'mprotect', args: { vma: { ref: 'm' }, rights: 'rwx' }, gives: 0 }],
    },
    merged: {
      on: 'mmap-v2-open',
      breaks: ['D0.12'],
      steps: [VIOMMU, mmap(), { call: 'mprotect', args: { vma: { ref: 'm' }, rights: 'rwx' }, gives: 0 }],
    },
  },
  {
    id: 'S0-16',
    title: 'unknown cookie',
    source: '[PATCH v1 10/16] and [PATCH v2 13/22]',
    defects: [],
    proposal: {
      steps: [
        ends(mmap({ offset: 1n << 20n }), 'ENXIO'),
        ends(mmap({ offset: 1n << 62n }), 'ENXIO'),
        ends(mmap({ offset: 0n }), 'ENXIO'),
        VIOMMU,
        mmap({ offset: 0n }),
      ],
    },
    merged: {
      steps: [
        VIOMMU,
        ends(mmap({ offset: 1n << 20n }), 'ENXIO'),
        ends(mmap({ offset: 1n << 62n }), 'ENXIO'),
        ends(mmap({ offset: 0n }), 'ENXIO'),
      ],
    },
    others: [
      {
        on: 'mmap-v1',
        steps: [VIOMMU, ends(mmap({ offset: 1n << 20n }), 'EINVAL'), ends(mmap({ offset: 0n }), 'EINVAL')],
      },
    ],
  },
  {
    id: 'S0-17',
    title: 'cookie of another fd',
    source: 'Re: [PATCH v2 13/22], 7 May 2025',
    defects: [],
    proposal: {
      steps: [VIOMMU, { call: 'open', as: 'g', gives: 4 }, ends(mmap({ fd: { ref: 'g' } }), 'ENXIO')],
    },
    merged: {
      steps: [VIOMMU, { call: 'open', as: 'g', gives: 4 }, ends(mmap({ fd: { ref: 'g' } }), 'ENXIO')],
    },
  },
  {
    id: 'S0-18',
    title: 'swapped cookies in one fd',
    source: 'Re: [PATCH v2 13/22], 7 May 2025',
    defects: [],
    proposal: {
      steps: [VIOMMU, SECOND, mmap({ offset: { ref: 'w.out_mmap_offset' } }), mmap({}, { as: 'n' })],
    },
    merged: {
      steps: [VIOMMU, SECOND, mmap({ offset: { ref: 'w.out_mmap_offset' } }), mmap({}, { as: 'n' })],
    },
  },
  {
    id: 'S0-19',
    title: 'windows disjoint',
    source: 'Re: [PATCH v2 13/22], 29 Apr 2025',
    defects: ['D0.2'],
    proposal: {
      steps: [
        { call: ALLOC, args: { size: 16n * P }, gives: { immap_id: 0 } },
        { call: ALLOC, gives: { immap_id: 0x8000 } },
        { call: ALLOC, args: { size: P }, gives: { immap_id: 0x10000 } },
      ],
    },
    merged: {
      steps: [
        { ...VIOMMU, gives: { out_mmap_offset: 0x1000 } },
        { ...VIOMMU, as: 'w', gives: { out_mmap_offset: 0x3000 } },
        { call: ALLOC_MERGED, args: { ...OWNER, size: 16n * P }, gives: { offset: 0x5000 } },
        { call: ALLOC_MERGED, args: { ...OWNER, size: P }, gives: { offset: 0x15000 } },
      ],
    },
  },
  {
    id: 'S0-21',
    title: 'arguments of the helper that allocates',
    noKernel: 'a function inside the kernel, which no call of user space reaches with these arguments',
    source: '[PATCH v2 13/22]; Re: [PATCH v4 14/23], 16 May 2025',
    defects: [],
    proposal: {
      steps: [
        { call: ALLOC, args: { base: 0xfe00_0010n }, gives: 'EINVAL' },
        { call: ALLOC, args: { size: 0n }, gives: 'EINVAL' },
        { call: ALLOC, args: { size: 0x1800n }, gives: 'EINVAL' },
        { call: ALLOC, args: { out: 'NULL' }, gives: 'EINVAL' },
      ],
    },
    merged: {
      steps: [
        VIOMMU,
        { call: ALLOC_MERGED, args: { ...OWNER, base: 0xfe00_0010n }, gives: 'EINVAL' },
        { call: ALLOC_MERGED, args: { ...OWNER, size: 0n }, gives: 'EINVAL' },
        { call: ALLOC_MERGED, args: { ...OWNER, size: 0x1800n }, gives: 'EINVAL' },
      ],
    },
  },
  {
    id: 'S0-22',
    title: 'base + size overflow',
    noKernel: 'a function inside the kernel, which no call of user space reaches with these arguments',
    source: 'derived from [PATCH v2 13/22]',
    defects: ['D0.7'],
    proposal: { steps: [{ call: ALLOC, args: { base: TOP, size: 2n * P }, gives: 'overflow' }] },
    merged: {
      on: 'mmap-v2-open',
      breaks: ['D0.7'],
      steps: [VIOMMU, { call: ALLOC_MERGED, args: { ...OWNER, base: TOP, size: 2n * P }, gives: 'overflow' }],
    },
  },
  {
    id: 'S0-23',
    title: 'free with wrong handle',
    noKernel: 'a function inside the kernel, which no call of user space reaches with these arguments',
    source: '[PATCH v3 14/23] and [PATCH v4 14/23]',
    defects: ['D0.8'],
    proposal: {
      steps: [
        { call: FREE, args: { immap_id: 1n << 20n }, gives: 0 },
        VIOMMU,
        { call: FREE, args: { immap_id: offset(2n * P) }, gives: 0 },
        ends(mmap(), 'ENXIO'),
      ],
    },
    merged: {
      on: 'mmap-v2-open',
      breaks: ['D0.8'],
      steps: [
        VIOMMU,
        { call: FREE_MERGED, args: { ...OWNER, offset: 1n << 20n }, gives: 0 },
        SECOND,
        { call: FREE_MERGED, args: { viommu: { ref: 'w.out_viommu_id' }, offset: offset(P) }, gives: 0 },
        ends(mmap(), 'ENXIO'),
      ],
    },
  },
  {
    id: 'S0-29',
    title: 'read-only and no-access mappings',
    source: V2_13,
    defects: [],
    proposal: { steps: [VIOMMU, mmap({ rights: 'r' }), ends(mmap({ rights: 'none' }), 'OK')] },
    merged: { steps: [VIOMMU, mmap({ rights: 'r' }), ends(mmap({ rights: 'none' }), 'OK')] },
  },
  {
    id: 'S0-30',
    title: 'window as DMA source; MMIO mapped as MMIO',
    source: V2_13,
    defects: ['D0.13'],
    proposal: {
      steps: [
        VIOMMU,
        mmap({ kernel: 'in_encrypted_guest' }),
        { call: 'IOMMU_IOAS_MAP', args: { of: 'window' }, gives: 'EFAULT' },
      ],
    },
    merged: {
      steps: [
        VIOMMU,
        mmap({ kernel: 'in_encrypted_guest' }),
        { call: 'IOMMU_IOAS_MAP', args: { of: 'window' }, gives: 'EFAULT' },
      ],
    },
  },
  {
    id: 'S0-31',
    title: 'madvise on the window',
    noKernel: 'programs have no madvise()',
    source: V2_13,
    defects: [],
    proposal: {
      steps: [
        VIOMMU,
        mmap(),
        { call: 'madvise', args: { vma: { ref: 'm' } }, gives: 'EINVAL' },
        { call: 'madvise', args: { vma: { ref: 'm' }, advice: 'DOFORK' }, gives: 'EINVAL' },
        { call: 'madvise', args: { vma: { ref: 'm' }, advice: 'DONTFORK' }, gives: 0 },
      ],
    },
    merged: {
      steps: [
        VIOMMU,
        mmap(),
        { call: 'madvise', args: { vma: { ref: 'm' } }, gives: 'EINVAL' },
        { call: 'madvise', args: { vma: { ref: 'm' }, advice: 'DOFORK' }, gives: 'EINVAL' },
        { call: 'madvise', args: { vma: { ref: 'm' }, advice: 'DONTFORK' }, gives: 0 },
        { call: 'fork' },
        { call: 'munmap', args: { vma: { ref: 'm' } } },
        { ...DESTROY, gives: 0 },
      ],
    },
  },
  {
    id: 'S0-32',
    title: 'nest parent needed, flags, type',
    source: '[PATCH v1 00/16]',
    defects: [],
    proposal: { absent: 'VIOMMU_ALLOC itself was there before, and the series does not change it' },
    merged: {
      steps: [
        { call: 'IOMMU_VIOMMU_ALLOC', args: { hwpt: 2 }, gives: 'EINVAL' },
        { call: 'IOMMU_VIOMMU_ALLOC', args: { flags: 1 }, gives: 'EOPNOTSUPP' },
        { call: 'IOMMU_VIOMMU_ALLOC', args: { type: 0 }, gives: 'EOPNOTSUPP' },
        { call: 'IOMMU_VIOMMU_ALLOC', args: { data: 'short' }, gives: 'EINVAL' },
      ],
    },
  },
];
