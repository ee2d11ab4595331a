import type { PlayStep, Row } from './row.js';
import {
  ATTACH_AGAIN,
  ATTACH_SECOND,
  EXPORT,
  MAP,
  MAP_ELSEWHERE,
  MAP_FILE_PATCH,
  MEMORY_OFF,
  MEMORY_ON,
  NOT_SAID,
  PAGES_PATCH,
  REVOKE_PATCH,
  SELFTEST_PATCH,
  TEST_REVOKE,
  UNMAP,
} from './seed4_steps.js';

const TOP = 0xffff_ffff_ffff_ffffn;

const map = (args: PlayStep['args'], gives: PlayStep['gives'] = 'OK'): PlayStep => ({
  call: MAP.call,
  ...(args === undefined ? {} : { args }),
  gives,
});

const ORDER: readonly PlayStep[] = [
  EXPORT,
  map({ flags: 'FIXED_IOVA', length: 0n }, 'EINVAL'),
  map({ length: 0n }, 'EINVAL'),
  map({ start: TOP, length: 2n, fd: 99 }, 'EOVERFLOW'),
  map({ fd: 99, start: 0x8000n }, 'EBADF'),
  map({ length: 0x3000n }, 'EINVAL'),
  map({ start: 0x2000n }, 'EINVAL'),
  map({ flags: 8 }, 'EOPNOTSUPP'),
];

const SLICES: readonly PlayStep[] = [
  { ...EXPORT, args: { length: 0x4000n } },
  map({ length: 0x4000n }),
  map({ iova: 0x2_0000n, start: 0x1000n, length: 0x2000n }),
  map({ iova: 0x3_0800n, start: 0x800n, length: 0x800n }),
];

const COPIES: readonly PlayStep[] = [
  { call: 'attach', args: { device: 'beside', space: 'j' } },
  EXPORT,
  map({ length: 0x2000n }),
  { call: 'IOMMU_IOAS_COPY', args: { dst: 'j', length: 0x2000n } },
  { call: 'IOMMU_IOAS_COPY', args: { dst: 'j', src_iova: 0x1_1000n, dst_iova: 0x3_0000n } },
  MEMORY_OFF,
  { call: 'IOMMU_IOAS_COPY', args: { dst: 'j', dst_iova: 0x4_0000n } },
];

const REVOKED: readonly PlayStep[] = [EXPORT, MAP, MEMORY_OFF];

const LOCAL_ACCESS: readonly PlayStep[] = [
  EXPORT,
  MAP,
  { call: 'iommufd_access', gives: 'EINVAL' },
  { call: 'iommufd_access', args: { call: 'rw' }, gives: 'EINVAL' },
];

const INSIDE: readonly PlayStep[] = [
  EXPORT,
  map({ length: 0x2000n }),
  { call: 'VFIO_IOMMU_UNMAP_DMA', gives: 'EOPNOTSUPP' },
  { call: 'VFIO_IOMMU_UNMAP_DMA', args: { length: 0x2000n } },
];

const CHANGE: readonly PlayStep[] = [
  { call: 'IOMMU_IOAS_CHANGE_PROCESS' },
  EXPORT,
  MAP,
  { call: 'IOMMU_IOAS_CHANGE_PROCESS', gives: 'EINVAL' },
];

const CLOSED: readonly PlayStep[] = [EXPORT, MAP, { call: 'close' }, UNMAP];

/** Rows about areas: where they are, what a revocation does to them, who else sees them. */
export const seed4Areas: readonly Row[] = [
  {
    id: 'S4-02',
    title: 'MAP_FILE argument order',
    source: MAP_FILE_PATCH,
    defects: [],
    proposal: { steps: ORDER },
    merged: { steps: ORDER },
  },
  {
    id: 'S4-03',
    title: 'slices',
    source: 'Re: [PATCH v2], 20/21 Nov 2025',
    defects: ['D4.10'],
    proposal: { steps: SLICES },
    merged: { steps: SLICES },
  },
  {
    id: 'S4-04',
    title: 'alignment with a device',
    source: MAP_FILE_PATCH,
    defects: [],
    proposal: NOT_SAID,
    merged: {
      steps: [
        EXPORT,
        map({ start: 0x200n, length: 0x200n }, 'EINVAL'),
        map({ start: 0x800n, length: 0x800n }),
        map({ space: 'j', start: 0x200n, length: 0x200n }),
        { call: 'attach', args: { device: 'beside', space: 'j' }, gives: 'EADDRINUSE' },
      ],
    },
  },
  {
    id: 'S4-05',
    title: 'map while revoked',
    source: REVOKE_PATCH,
    defects: [],
    proposal: { steps: [EXPORT, MEMORY_OFF, { ...MAP, gives: 'ENODEV' }] },
    merged: {
      steps: [
        EXPORT,
        { ...MEMORY_OFF, lane: 'A' },
        { ...MAP, lane: 'B', gives: ['OK', 'ENODEV'] },
        { ...MAP_ELSEWHERE, gives: 'ENODEV' },
      ],
    },
  },
  {
    id: 'S4-06',
    title: 'revoke twice',
    source: SELFTEST_PATCH,
    defects: [],
    proposal: NOT_SAID,
    merged: {
      steps: [
        { call: 'IOMMU_TEST_OP_DMABUF_GET', gives: 0 },
        MAP,
        TEST_REVOKE,
        TEST_REVOKE,
        EXPORT,
        MEMORY_OFF,
        MEMORY_OFF,
      ],
    },
  },
  {
    id: 'S4-07',
    title: 'revoke while mapped',
    source: REVOKE_PATCH,
    defects: [],
    proposal: { steps: [...REVOKED, UNMAP], breaks: ['D4.8'] },
    merged: { steps: [...REVOKED, UNMAP] },
  },
  {
    id: 'S4-08',
    title: 'back from revoke',
    source: '[PATCH 3/9] and [PATCH 4/9], 8 Nov 2025',
    defects: ['D4.2'],
    proposal: { steps: [...REVOKED, MEMORY_ON, { ...MAP, gives: 'EEXIST' }, MAP_ELSEWHERE] },
    merged: { steps: [...REVOKED, MEMORY_ON, { ...MAP, gives: 'EEXIST' }, MAP_ELSEWHERE] },
  },
  {
    id: 'S4-09',
    title: 'attach while revoked',
    source: '[PATCH 3/9], 8 Nov 2025',
    defects: [],
    proposal: { steps: [...REVOKED, { call: 'detach' }, ATTACH_AGAIN, ATTACH_SECOND], breaks: ['D4.8'] },
    merged: { steps: [...REVOKED, { call: 'detach' }, ATTACH_AGAIN, ATTACH_SECOND] },
  },
  {
    id: 'S4-10',
    title: 'detach and unmap while revoked',
    source: 'Re: 0/9, 14 Nov 2025',
    defects: ['D4.8'],
    proposal: { steps: [...REVOKED, { call: 'detach' }, UNMAP, { call: 'close_iommufd' }] },
    merged: { steps: [...REVOKED, { call: 'detach' }, UNMAP, { call: 'close_iommufd' }] },
  },
  {
    id: 'S4-11',
    title: 'copies follow',
    source: PAGES_PATCH,
    defects: ['D4.17'],
    proposal: { steps: COPIES, breaks: ['D4.6'] },
    merged: { steps: COPIES },
    others: [{ on: 'dmabuf-private-d4.17', steps: COPIES }],
  },
  {
    id: 'S4-12',
    title: 'second domain keeps MMIO',
    noKernel: 'what the page table of the mock says of a page, no call shows',
    source: '[PATCH 6/9], 8 Nov 2025',
    defects: ['D4.6'],
    proposal: { steps: [EXPORT, MAP, ATTACH_SECOND] },
    merged: { steps: [EXPORT, MAP, ATTACH_SECOND] },
  },
  {
    id: 'S4-13',
    title: 'in-kernel access',
    source: PAGES_PATCH,
    defects: [],
    proposal: { steps: LOCAL_ACCESS },
    merged: { steps: LOCAL_ACCESS },
  },
  {
    id: 'S4-14',
    title: 'split',
    source: PAGES_PATCH,
    defects: [],
    proposal: { steps: INSIDE },
    merged: { steps: INSIDE },
  },
  {
    id: 'S4-15',
    title: 'change process',
    source: MAP_FILE_PATCH,
    defects: [],
    proposal: { steps: CHANGE },
    merged: { steps: CHANGE },
  },
  {
    id: 'S4-16',
    title: 'rights',
    source: MAP_FILE_PATCH,
    defects: [],
    proposal: NOT_SAID,
    merged: {
      steps: [
        EXPORT,
        map({ flags: 'FIXED_IOVA|READABLE' }),
        { call: 'IOMMU_IOAS_COPY', gives: 'EPERM' },
        { call: 'IOMMU_IOAS_COPY', args: { flags: 'FIXED_IOVA|READABLE' } },
      ],
    },
  },
  {
    id: 'S4-17',
    title: 'fd closed first',
    source: MAP_FILE_PATCH,
    defects: [],
    proposal: { steps: CLOSED },
    merged: { steps: CLOSED },
  },
  {
    id: 'S4-18',
    title: 'iommufd closed first',
    source: 'iommufd: take dma_resv lock before dma_buf_unpin(), 26 May 2026',
    defects: ['D4.13'],
    proposal: NOT_SAID,
    merged: { steps: [EXPORT, MAP, { call: 'close_iommufd' }, MEMORY_OFF] },
    others: [
      {
        on: 'dmabuf-private-d4.13',
        steps: [EXPORT, MAP, { call: 'close_iommufd' }, MEMORY_OFF],
      },
    ],
  },
  {
    id: 'S4-19',
    title: 'automatic IOVA',
    source: MAP_FILE_PATCH,
    defects: [],
    proposal: NOT_SAID,
    merged: {
      steps: [
        EXPORT,
        map({ flags: 'READABLE|WRITEABLE' }),
        { call: 'IOMMU_IOAS_UNMAP', args: { iova: 0x1000n }, gives: { length: 0x1000n } },
      ],
    },
  },
  {
    id: 'S4-20',
    title: 'no charge',
    source: MAP_FILE_PATCH,
    defects: [],
    proposal: { absent: 'the design counts no locked memory; kernels show it' },
    merged: { absent: 'the design counts no locked memory; kernels show it' },
  },
  {
    id: 'S4-21',
    title: 'test exporter limits',
    source: `${SELFTEST_PATCH}; Re: [PATCH 9/9], 8 Nov 2025`,
    defects: ['D4.9'],
    proposal: {
      steps: [
        EXPORT,
        { call: 'IOMMU_TEST_OP_DMABUF_GET', args: { length: 0 }, gives: 'EINVAL' },
        { call: 'IOMMU_TEST_OP_DMABUF_GET', args: { length: 0x20_1000 }, gives: 'EINVAL' },
        { call: 'IOMMU_TEST_OP_DMABUF_GET', args: { length: 0x4000 }, gives: 6 },
        { ...TEST_REVOKE, gives: 'EINVAL' },
        { call: 'IOMMU_TEST_OP_DMABUF_GET', args: { fail: 'file' }, gives: 'ENOMEM' },
      ],
    },
    merged: {
      steps: [
        EXPORT,
        { call: 'IOMMU_TEST_OP_DMABUF_GET', args: { length: 0 }, gives: 'EINVAL' },
        { call: 'IOMMU_TEST_OP_DMABUF_GET', args: { length: 0x20_1000 }, gives: 'EINVAL' },
        { call: 'IOMMU_TEST_OP_DMABUF_GET', args: { length: 0x4000 }, gives: 0 },
        { ...TEST_REVOKE, gives: 'EINVAL' },
        { ...TEST_REVOKE, args: { fd: 6 } },
        { call: 'IOMMU_TEST_OP_DMABUF_GET', args: { fail: 'file' }, gives: 'ENOMEM' },
      ],
    },
  },
  {
    id: 'S4-22',
    title: 'un-revoke of a never revoked buffer (mock)',
    source: SELFTEST_PATCH,
    defects: [],
    proposal: NOT_SAID,
    merged: {
      steps: [
        { call: 'IOMMU_TEST_OP_DMABUF_GET', gives: 0 },
        MAP,
        { ...TEST_REVOKE, args: { revoked: 'offered' } },
        ATTACH_SECOND,
        MAP_ELSEWHERE,
        UNMAP,
      ],
    },
  },
  {
    id: 'S4-23',
    title: 'ordinary file without device',
    source: `derived from ${MAP_FILE_PATCH}`,
    defects: [],
    proposal: { absent: 'the design has no files but buffers; kernels show it' },
    merged: { absent: 'the design has no files but buffers; kernels show it' },
  },
  {
    id: 'S4-24',
    title: 'tracking failure (fault injection)',
    source: 'Re: [PATCH 4/8], 5 Nov 2025',
    defects: ['D4.7'],
    proposal: {
      on: 'dmabuf-private-d4.7',
      steps: [EXPORT, { ...map({ fail: 'first' }), gives: 'deadlock' }],
    },
    merged: {
      steps: [
        EXPORT,
        map({ fail: 'first' }, 'ENOMEM'),
        ATTACH_SECOND,
        map({ fail: 'second' }, 'ENOMEM'),
        MAP,
      ],
    },
  },
  {
    id: 'S4-26',
    title: 'pin before use',
    noKernel: 'a function inside the kernel, which no call of user space reaches with these arguments',
    source: '[PATCH v5 8/8] iommufd: Add dma_buf_pin(), 24 Jan 2026',
    defects: ['D4.1'],
    proposal: { steps: [EXPORT, MAP] },
    merged: { steps: [EXPORT, MAP, MAP_ELSEWHERE, UNMAP] },
  },
  {
    id: 'S4-33',
    title: 'is it supported',
    noKernel: 'takes a kernel that knows files and no dma-buf of VFIO',
    source: 'Re: 0/9, 13 to 17 Nov 2025',
    defects: ['D4.16'],
    proposal: {
      steps: [
        { call: 'export_foreign' },
        map({ support: 'no_exporter' }, 'EOPNOTSUPP'),
        map({ space: 'j', support: 'old_iommufd' }),
        map({ support: 'old_iommufd' }, 'EINVAL'),
      ],
    },
    merged: {
      steps: [
        { call: 'export_foreign' },
        map({ support: 'no_exporter' }, 'EOPNOTSUPP'),
        map({}, 'EOPNOTSUPP'),
        map({ space: 'j', support: 'no_exporter' }, 'EOPNOTSUPP'),
      ],
    },
  },
];
