import type { PlayStep, Row } from './row.js';
import {
  EXPORT,
  EXPORTER_SERIES,
  IMPORT,
  MAP,
  MAP_ELSEWHERE,
  MEMORY_OFF,
  MEMORY_ON,
  PRIVATE_MAP,
} from './seed4_steps.js';

const ask = (attachment: number, gives: PlayStep['gives']): PlayStep => ({
  call: 'vfio_pci_dma_buf_iommufd_map',
  args: { attachment },
  ...(gives === undefined ? {} : { gives }),
});

const attachTo = (fd: number): PlayStep => ({ ...IMPORT, args: { fd, map: 'no' } });

/** Attachments 1 to 3: a foreign buffer, one of a range, one of two. */
const ORDER: readonly PlayStep[] = [
  { call: 'export_foreign', gives: 5 },
  { ...attachTo(5), gives: 1 },
  { ...EXPORT, args: { offset: 0x1000n }, gives: 6 },
  { ...attachTo(6), gives: 2 },
  { ...EXPORT, args: { nr_ranges: 'two' }, gives: 7 },
  { ...attachTo(7), gives: 3 },
  ask(1, 'EOPNOTSUPP'),
  ask(2, { phys: 0xc000_1000n }),
  ask(3, 'EOPNOTSUPP'),
  MEMORY_OFF,
  ask(1, 'EOPNOTSUPP'),
  ask(2, 'ENODEV'),
  ask(3, 'ENODEV'),
];

const wrong = (args: PlayStep['args'], gives: PlayStep['gives']): PlayStep => ({
  call: EXPORT.call,
  ...(args === undefined ? {} : { args }),
  ...(gives === undefined ? {} : { gives }),
});

const TOP = 0xffff_ffff_ffff_f000n;

const ARGUMENTS: readonly PlayStep[] = [
  wrong({ place: 'unreadable', nr_ranges: 'none' }, 'EFAULT'),
  wrong({ nr_ranges: 'none', region_index: 'ROM' }, 'EINVAL'),
  wrong({ flags: 1, region_index: 'ROM' }, 'EINVAL'),
  wrong({ region_index: 'ROM', length: 0n }, 'ENODEV'),
  wrong({ region_index: 'unclaimed_BAR' }, 'ENODEV'),
  wrong({ length: 0n }, 'EINVAL'),
  wrong({ offset: 0x200n }, 'EINVAL'),
  wrong({ length: 0x200n }, 'EINVAL'),
  wrong({ length: TOP }, 'EINVAL'),
  wrong({ offset: TOP, length: 0x1000n }, 'EOVERFLOW'),
  wrong({ offset: 0x4000n }, 'EINVAL'),
  wrong({ length: 0x5000n }, 'EINVAL'),
  wrong({ length: 0x4000n }, 5),
];

const sleep: PlayStep = { call: 'set_power' };
const wake: PlayStep = { call: 'set_power', args: { state: 'D0' } };
const reset = (by: string): PlayStep => ({ call: 'reset', args: { by } });
const mapAt = (iova: bigint, gives: PlayStep['gives']): PlayStep => ({
  call: MAP.call,
  args: { iova },
  ...(gives === undefined ? {} : { gives }),
});

const BEHIND_ANOTHER_PORT: readonly PlayStep[] = [
  { call: 'attach', args: { device: 'far', space: 'j' } },
  EXPORT,
  { ...MAP, args: { space: 'j' } },
];

/** Rows about the device that exports, and importers other than iommufd. */
export const seed4Exporter: readonly Row[] = [
  {
    id: 'S4-01',
    title: 'order in the private-map function',
    noKernel: 'a function inside the kernel, which no call of user space reaches with these arguments',
    source: PRIVATE_MAP,
    defects: ['D4.3', 'D4.5'],
    proposal: { steps: ORDER },
    merged: { steps: ORDER },
    others: [
      {
        on: 'dmabuf-private',
        steps: [
          { ...EXPORT, args: { nr_ranges: 'two' }, gives: 5 },
          attachTo(5),
          MEMORY_OFF,
          ask(1, 'ENODEV'),
        ],
        breaks: ['D4.5'],
      },
    ],
  },
  {
    id: 'S4-25',
    title: 'importer that cannot be invalidated',
    noKernel: 'a function inside the kernel, which no call of user space reaches with these arguments',
    source: '[PATCH v5 7/8], 24 Jan 2026',
    defects: ['D4.12'],
    proposal: {
      steps: [
        EXPORT,
        { ...IMPORT, args: { peer_to_peer: 'no', invalidate: 'none' }, gives: 'EOPNOTSUPP' },
        MEMORY_OFF,
        { ...IMPORT, args: { invalidate: 'none' }, gives: 'ENODEV' },
        MEMORY_ON,
        { ...IMPORT, args: { invalidate: 'none' }, gives: 1 },
        MEMORY_OFF,
      ],
    },
    merged: {
      steps: [
        EXPORT,
        { ...IMPORT, args: { peer_to_peer: 'no' }, gives: 'EOPNOTSUPP' },
        MEMORY_OFF,
        { ...IMPORT, args: { peer_to_peer: 'no' }, gives: 'EOPNOTSUPP' },
        { ...IMPORT, args: { invalidate: 'none' }, gives: 'ENODEV' },
        MEMORY_ON,
        { ...IMPORT, args: { invalidate: 'none' }, gives: 'EOPNOTSUPP' },
        { ...IMPORT, gives: 1 },
      ],
    },
  },
  {
    id: 'S4-27',
    title: 'revoke waits',
    noKernel: 'takes a device of VFIO',
    source: 'vfio: Wait for dma-buf invalidation to complete, v3 6/7 of 20 Jan to v7 4/8 of 31 Jan 2026',
    defects: ['D4.11'],
    proposal: {
      steps: [
        EXPORT,
        { ...IMPORT, gives: 1 },
        MEMORY_OFF,
        { call: 'dma_buf_map_attachment', gives: 'EBUSY' },
        { call: 'dma_buf_detach' },
      ],
    },
    merged: {
      steps: [
        EXPORT,
        { ...IMPORT, gives: 1 },
        { ...MEMORY_OFF, lane: 'A' },
        { call: 'dma_buf_detach', lane: 'B' },
        { ...IMPORT, lane: 'B', gives: [2, 'ENODEV'] },
        { ...IMPORT, gives: 'ENODEV' },
      ],
    },
    others: [
      {
        on: 'dmabuf-private-merged',
        steps: [EXPORT, IMPORT, MEMORY_OFF, { call: 'dma_buf_map_attachment', gives: 'ENODEV' }],
        breaks: [],
      },
    ],
  },
  {
    id: 'S4-28',
    title: 'triggers of revoke',
    noKernel: 'takes a device of VFIO',
    source: EXPORTER_SERIES,
    defects: ['D4.18'],
    proposal: {
      on: 'dmabuf-private-d4.18',
      steps: [
        EXPORT,
        MAP,
        MEMORY_OFF,
        mapAt(0x2_0000n, 'ENODEV'),
        MEMORY_ON,
        mapAt(0x2_0000n, 'OK'),
        reset('FLR'),
        mapAt(0x3_0000n, 'OK'),
        sleep,
        mapAt(0x4_0000n, 'OK'),
      ],
    },
    merged: {
      steps: [
        EXPORT,
        MAP,
        MEMORY_OFF,
        mapAt(0x2_0000n, 'ENODEV'),
        sleep,
        MEMORY_ON,
        mapAt(0x2_0000n, 'ENODEV'),
        wake,
        mapAt(0x2_0000n, 'OK'),
        reset('ioctl'),
        mapAt(0x3_0000n, 'OK'),
        reset('FLR'),
        mapAt(0x4_0000n, 'OK'),
        sleep,
        { ...reset('hot'), lane: 'A' },
        { ...mapAt(0x5_0000n, ['OK', 'ENODEV']), lane: 'B' },
      ],
    },
    others: [
      {
        on: 'dmabuf-private-d4.18',
        steps: [
          EXPORT,
          MAP,
          { ...reset('hot'), lane: 'A' },
          { call: 'iommufd_access', gives: 'EINVAL', lane: 'B' },
        ],
      },
    ],
  },
  {
    id: 'S4-29',
    title: 'export argument order',
    noKernel: 'takes a device of VFIO',
    source: 'exporter v9, Nov 2025',
    defects: [],
    proposal: { steps: ARGUMENTS },
    merged: { steps: ARGUMENTS },
  },
  {
    id: 'S4-30',
    title: 'clear MEMORY then close',
    noKernel: 'takes a device of VFIO',
    source: 'vfio/pci: Fix vfio_pci_dma_buf_cleanup() double-put, 16 Apr 2026',
    defects: ['D4.14'],
    proposal: {
      on: 'dmabuf-private-d4.14',
      steps: [EXPORT, MAP, MEMORY_OFF, { call: 'close_device', gives: 'underflow' }],
    },
    merged: {
      steps: [
        EXPORT,
        MAP,
        MEMORY_OFF,
        { call: 'close_device' },
        { ...MAP_ELSEWHERE, gives: 'ENODEV' },
        { call: 'open_device' },
        { ...MAP_ELSEWHERE, gives: 'ENODEV' },
      ],
    },
  },
  {
    id: 'S4-31',
    title: 'close device fd with a live map',
    noKernel: 'takes a device of VFIO',
    source: 'vfio/pci: Clean up DMABUFs before disabling function, 27 Feb 2026',
    defects: ['D4.15'],
    proposal: {
      steps: [
        EXPORT,
        MAP,
        { call: 'close_device', lane: 'A' },
        { call: 'iommufd_access', gives: 'EINVAL', lane: 'B' },
      ],
    },
    merged: {
      steps: [
        EXPORT,
        MAP,
        { call: 'close_device', lane: 'A' },
        { ...MAP_ELSEWHERE, lane: 'B', gives: ['OK', 'ENODEV'] },
        { call: 'IOMMU_IOAS_UNMAP', gives: { length: 0x1000n } },
      ],
    },
  },
  {
    id: 'S4-32',
    title: 'two ranges',
    noKernel: 'takes a device of VFIO',
    source: `${PRIVATE_MAP}; RFC 24/26, 18 Feb 2026`,
    defects: ['D4.3'],
    proposal: {
      steps: [
        { ...EXPORT, args: { nr_ranges: 'two' }, gives: 5 },
        { ...MAP, gives: 'EOPNOTSUPP' },
        attachTo(5),
        { call: 'dma_buf_map_attachment', args: { attachment: 2 }, gives: 2 },
      ],
    },
    merged: {
      steps: [
        { ...EXPORT, args: { nr_ranges: 'two' }, gives: 5 },
        { ...MAP, gives: 'EOPNOTSUPP' },
        attachTo(5),
        { call: 'dma_buf_map_attachment', args: { attachment: 2 }, gives: 2 },
      ],
    },
  },
  {
    id: 'S4-34',
    title: 'device behind another root port; not in the discussion’s own list of cases',
    noKernel: 'takes a device behind another root port',
    source: `derived from ${PRIVATE_MAP}`,
    defects: ['D4.4'],
    proposal: { steps: BEHIND_ANOTHER_PORT },
    merged: {
      on: 'dmabuf-private-d4.4',
      steps: BEHIND_ANOTHER_PORT,
      breaks: ['D4.4'],
    },
  },
];
