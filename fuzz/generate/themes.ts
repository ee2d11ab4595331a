import { PAGE_SIZE } from '../../models/base/u64.js';
import type { Profile } from '../../models/profiles/index.js';
import { HWPT_FLAGS } from '../../models/ioctls/native/hwpt_alloc.js';
import { HUGE, HUGE_PAGE_BYTES } from '../../models/program/arena.js';
import { ACCESS_THEMES } from './access_themes.js';
import { EDGE_THEMES } from './edge_themes.js';
import { FILLING_THEMES } from './filling_themes.js';
import { GUEST_THEMES } from './guest_themes.js';
import { LEAVING_THEMES } from './leaving_themes.js';
import { EVENT_THEMES } from './event_themes.js';
import { PROCESS_THEMES } from './process_themes.js';
import { VFIO_FILE_THEMES } from './vfio_file_themes.js';
import { ASK_COHERENCY, VFIO_THEMES } from './vfio_themes.js';
import { LANES_THEME } from './lanes.js';
import {
  ALLOC,
  ATTACH_DEVICE,
  ATTACH_FAILING,
  DETACH_DEVICE,
  DEVICE,
  DEVICE_WITH_PASIDS,
  FIXED,
  type Kind,
  MOVE_FAILING,
  PAGE_TABLE_FOR_PASIDS,
  PARENT_FOR_PASIDS,
  SMALL_PAGES,
  type Theme,
  type Weights,
  spread,
  times,
} from './theme.js';

const EVERYTHING: Weights = {
  IOMMU_IOAS_ALLOC: 3,
  IOMMU_DESTROY: 3,
  IOMMU_IOAS_MAP: 20,
  IOMMU_IOAS_UNMAP: 10,
  IOMMU_IOAS_COPY: 14,
  IOMMU_IOAS_IOVA_RANGES: 4,
  IOMMU_IOAS_ALLOW_IOVAS: 4,
  IOMMU_OPTION: 5,
  IOMMU_HWPT_ALLOC: 5,
  IOMMU_HWPT_INVALIDATE: 2,
  IOMMU_HWPT_SET_DIRTY_TRACKING: 1,
  IOMMU_HWPT_GET_DIRTY_BITMAP: 2,
  IOMMU_GET_HW_INFO: 2,
  IOMMU_VFIO_IOAS: 3,
  VFIO_CHECK_EXTENSION: 1,
  VFIO_SET_IOMMU: 2,
  VFIO_IOMMU_GET_INFO: 1,
  VFIO_IOMMU_MAP_DMA: 4,
  VFIO_IOMMU_UNMAP_DMA: 3,
  IOMMU_VIOMMU_ALLOC: 1,
  IOMMU_VDEVICE_ALLOC: 1,
  IOMMU_HW_QUEUE_ALLOC: 1,
  IOMMU_TEST_OP_DEV_CHECK_CACHE: 1,
  IOMMU_IOAS_MAP_FILE: 4,
  IOMMU_IOAS_CHANGE_PROCESS: 1,
  IOMMU_TEST_OP_DMABUF_GET: 1,
  IOMMU_TEST_OP_DMABUF_REVOKE: 1,
  IOMMU_IOAS_NOIOMMU_GET_PA: 1,
  IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE: 4,
  IOMMU_TEST_OP_MD_CHECK_IOTLB: 1,
  IOMMU_TEST_OP_MOCK_DOMAIN: 4,
  IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS: 2,
  IOMMU_TEST_OP_PASID_ATTACH: 1,
  IOMMU_TEST_OP_PASID_DETACH: 1,
  IOMMU_TEST_OP_ADD_RESERVED: 3,
  IOMMU_TEST_OP_MD_CHECK_MAP: 4,
  IOMMU_TEST_OP_MD_CHECK_REFS: 2,
  IOMMU_TEST_OP_DIRTY: 2,
  IOMMU_FAULT_QUEUE_ALLOC: 1,
  IOMMU_VEVENTQ_ALLOC: 1,
  IOMMU_TEST_OP_TRIGGER_IOPF: 1,
  IOMMU_TEST_OP_TRIGGER_VEVENT: 1,
  IOMMU_TEST_OP_CREATE_ACCESS: 2,
  IOMMU_TEST_OP_ACCESS_PAGES: 4,
  IOMMU_TEST_OP_ACCESS_RW: 4,
  IOMMU_TEST_CMD: 3,
  counters: 2,
  memory: 3,
  file: 3,
  child: 2,
  exec: 1,
  pass: 1,
  process: 2,
  second_file: 1,
};

const PAGE_TABLE: Kind = { call: 'IOMMU_HWPT_ALLOC' };

/** Operations that no kernel knows. */
const NO_TEST_OP: readonly Kind[] = [0, 0x7fff_ffff].map((op) => ({ call: 'IOMMU_TEST_CMD', args: { op } }));

const BROAD: Theme = {
  about: 'Everything, what builds state most of all.',
  prelude: [],
  kinds: [...spread(EVERYTHING), ASK_COHERENCY, ...NO_TEST_OP],
};

const LATE_PINNING: Theme = {
  about: 'Memory that no domain has seen meets one when it is copied, or when a device comes.',
  prelude: [ALLOC, ALLOC, DEVICE],
  kinds: spread({
    IOMMU_IOAS_MAP: 20,
    IOMMU_IOAS_COPY: 30,
    IOMMU_IOAS_UNMAP: 6,
    IOMMU_TEST_OP_MOCK_DOMAIN: 2,
    IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS: 2,
    IOMMU_OPTION: 2,
    memory: 4,
    process: 2,
    counters: 2,
  }),
};

const POOR: Theme = {
  about: 'A process without privileges and with little memory to lock.',
  prelude: ['process'],
  kinds: spread({
    ...EVERYTHING,
    IOMMU_IOAS_COPY: 20,
    IOMMU_OPTION: 16,
    IOMMU_TEST_OP_MOCK_DOMAIN: 8,
    IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS: 6,
    process: 6,
    counters: 4,
  }),
};

const PAGE_TABLES: Theme = {
  about: 'Page tables of all kinds, and devices that move between them.',
  prelude: [ALLOC, DEVICE, PAGE_TABLE, PAGE_TABLE, PAGE_TABLE, PAGE_TABLE, PAGE_TABLE, PAGE_TABLE],
  kinds: spread({
    IOMMU_IOAS_ALLOC: 2,
    IOMMU_IOAS_MAP: 6,
    IOMMU_IOAS_UNMAP: 3,
    IOMMU_HWPT_ALLOC: 16,
    IOMMU_HWPT_INVALIDATE: 8,
    IOMMU_HWPT_SET_DIRTY_TRACKING: 3,
    IOMMU_GET_HW_INFO: 3,
    IOMMU_TEST_OP_MOCK_DOMAIN: 4,
    IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS: 4,
    IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE: 10,
    IOMMU_TEST_OP_MD_CHECK_IOTLB: 3,
    IOMMU_TEST_OP_MD_CHECK_MAP: 3,
    IOMMU_VIOMMU_ALLOC: 6,
    IOMMU_VDEVICE_ALLOC: 8,
    IOMMU_HW_QUEUE_ALLOC: 8,
    IOMMU_TEST_OP_DEV_CHECK_CACHE: 2,
    IOMMU_DESTROY: 5,
    counters: 2,
  }),
};

const PASIDS: Theme = {
  about:
    'Devices with several PASIDs on several page tables. Detaching what is left is the end of every program.',
  isFor: (profile) => profile.hasPasids,
  prelude: [
    ALLOC,
    DEVICE_WITH_PASIDS,
    PAGE_TABLE_FOR_PASIDS,
    PARENT_FOR_PASIDS,
    DETACH_DEVICE,
    { call: 'IOMMU_TEST_OP_PASID_ATTACH' },
  ],
  kinds: [
    ...spread({
      IOMMU_TEST_OP_PASID_ATTACH: 24,
      IOMMU_TEST_OP_PASID_REPLACE: 16,
      IOMMU_TEST_OP_PASID_DETACH: 8,
      IOMMU_TEST_OP_PASID_CHECK_HWPT: 6,
      IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE: 8,
      IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS: 3,
      IOMMU_HWPT_ALLOC: 4,
      IOMMU_IOAS_ALLOC: 2,
      IOMMU_IOAS_MAP: 4,
      IOMMU_IOAS_UNMAP: 2,
      IOMMU_VIOMMU_ALLOC: 2,
      IOMMU_VDEVICE_ALLOC: 2,
      IOMMU_GET_HW_INFO: 1,
      IOMMU_DESTROY: 5,
      counters: 2,
      process: 1,
    }),
    ...times(6, PAGE_TABLE_FOR_PASIDS),
    ...times(2, DEVICE_WITH_PASIDS),
    ...times(6, ATTACH_DEVICE),
    ...times(4, ATTACH_FAILING),
    ...times(8, MOVE_FAILING),
  ],
};

const DIRTY_PAGE_TABLE: Kind = {
  call: 'IOMMU_HWPT_ALLOC',
  args: { flags: HWPT_FLAGS.DIRTY_TRACKING, data_type: 0, data_len: 0 },
};

const TRACKING: Kind = { call: 'IOMMU_HWPT_SET_DIRTY_TRACKING', args: { flags: 1 } };

const DIRTY_KINDS = [
  ...spread({
    IOMMU_IOAS_MAP: 14,
    IOMMU_IOAS_UNMAP: 3,
    IOMMU_IOAS_COPY: 3,
    IOMMU_OPTION: 1,
    IOMMU_HWPT_ALLOC: 1,
    IOMMU_HWPT_SET_DIRTY_TRACKING: 3,
    IOMMU_HWPT_GET_DIRTY_BITMAP: 20,
    IOMMU_TEST_OP_DIRTY: 20,
    IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS: 1,
    IOMMU_DESTROY: 1,
    memory: 1,
    counters: 1,
  }),
  DIRTY_PAGE_TABLE,
  TRACKING,
];

const DIRTY: Theme = {
  about: 'Pages that devices write to: leaves of one page, whose places are known.',
  prelude: [ALLOC, SMALL_PAGES, DEVICE, DIRTY_PAGE_TABLE, TRACKING, { call: 'IOMMU_IOAS_MAP' }],
  kinds: DIRTY_KINDS,
};

const DIRTY_LARGE: Theme = {
  about: 'Pages that devices write to: leaves of half pages and more.',
  prelude: [ALLOC, DEVICE, DIRTY_PAGE_TABLE, TRACKING, { call: 'IOMMU_IOAS_MAP' }],
  kinds: DIRTY_KINDS,
};

const EMPTY_DMABUF: Kind = { call: 'IOMMU_TEST_OP_DMABUF_GET', args: { length: 0 } };

const FILES: Theme = {
  about: 'Files of memory and dma-bufs: mapped, copied, cut short and revoked.',
  isFor: ({ hasFileMappings }) => hasFileMappings,
  prelude: ['memory_file', ALLOC, 'show_file', DEVICE, { call: 'IOMMU_TEST_OP_DMABUF_GET' }],
  kinds: [
    ...spread({
      IOMMU_IOAS_ALLOC: 3,
      IOMMU_IOAS_MAP: 2,
      IOMMU_IOAS_MAP_FILE: 30,
      IOMMU_IOAS_COPY: 14,
      IOMMU_IOAS_UNMAP: 8,
      IOMMU_IOAS_CHANGE_PROCESS: 4,
      IOMMU_OPTION: 2,
      IOMMU_HWPT_ALLOC: 4,
      IOMMU_DESTROY: 4,
      IOMMU_TEST_OP_DMABUF_GET: 2,
      IOMMU_TEST_OP_DMABUF_REVOKE: 4,
      IOMMU_TEST_OP_MOCK_DOMAIN: 4,
      IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE: 3,
      IOMMU_TEST_OP_MD_CHECK_MAP: 3,
      IOMMU_TEST_OP_CREATE_ACCESS: 2,
      IOMMU_TEST_OP_ACCESS_PAGES: 4,
      IOMMU_TEST_OP_ACCESS_RW: 4,
      IOMMU_IOAS_NOIOMMU_GET_PA: 2,
      VFIO_IOMMU_UNMAP_DMA: 4,
      memory_file: 3,
      show_file: 4,
      cut_file: 4,
      file: 3,
      process: 3,
      counters: 2,
      second_file: 2,
    }),
    EMPTY_DMABUF,
  ],
};

/** Ranges of huge pages: whole ones, parts, and what is askew or crosses a border. */
const HUGE_RANGES = [
  [0n, HUGE_PAGE_BYTES],
  [0n, 2n * HUGE_PAGE_BYTES],
  [HUGE_PAGE_BYTES, HUGE_PAGE_BYTES],
  [HUGE_PAGE_BYTES, PAGE_SIZE],
  [0n, HUGE_PAGE_BYTES / 2n],
  [0x8000n, HUGE_PAGE_BYTES],
  [PAGE_SIZE, 7n * PAGE_SIZE],
  [0x800n, 4n * PAGE_SIZE],
  [HUGE_PAGE_BYTES - PAGE_SIZE, 2n * PAGE_SIZE],
] as const;

/** Where IOVAs of huge pages begin: a multiple of a huge page that every device translates. */
const HUGE_IOVA = 0x200_0000n;

/** Somewhere, and at the IOVA that lies in a huge page as the memory does. */
const MAP_HUGE: readonly Kind[] = HUGE_RANGES.flatMap(([offset, length]) => {
  const args = { user_va: HUGE.start + offset, length };
  return [
    { call: 'IOMMU_IOAS_MAP', args },
    { call: 'IOMMU_IOAS_MAP', args: { ...args, flags: FIXED, iova: HUGE_IOVA + offset } },
    {
      call: 'IOMMU_IOAS_MAP',
      args: { ...args, flags: FIXED, iova: HUGE_IOVA + 8n * HUGE_PAGE_BYTES + offset },
    },
  ];
});

/** With room for the bits of a huge page behind the range. */
const READ_HUGE: readonly Kind[] = HUGE_RANGES.flatMap(([offset, length]) => {
  const iova = HUGE_IOVA + (offset & -PAGE_SIZE);
  const data = { words: new Array<number>(64).fill(0) };
  return [
    { call: 'IOMMU_HWPT_GET_DIRTY_BITMAP', args: { iova, length, page_size: PAGE_SIZE, data } },
    {
      call: 'IOMMU_TEST_OP_DIRTY',
      args: { iova, length: 0x4000n, page_size: 0x800, uptr: { words: [0x88] } },
    },
  ];
});

const HUGE_MEMORY: Theme = {
  about: 'Memory in huge pages, and leaves of all sizes that follow from it.',
  isFor: (profile) => profile.hasHugePages,
  prelude: ['huge_pages', ALLOC, DEVICE, DIRTY_PAGE_TABLE, TRACKING],
  kinds: [
    ...spread({
      IOMMU_IOAS_UNMAP: 8,
      IOMMU_IOAS_COPY: 8,
      IOMMU_OPTION: 1,
      IOMMU_HWPT_ALLOC: 2,
      IOMMU_TEST_OP_MOCK_DOMAIN: 1,
      IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS: 2,
      IOMMU_TEST_OP_MD_CHECK_MAP: 6,
      IOMMU_TEST_OP_MD_CHECK_REFS: 1,
      IOMMU_DESTROY: 2,
      VFIO_IOMMU_UNMAP_DMA: 2,
      huge_pages: 4,
      counters: 2,
      child: 1,
      process: 1,
    }),
    ...MAP_HUGE,
    ...READ_HUGE,
    DIRTY_PAGE_TABLE,
  ],
};

export const THEMES: readonly Theme[] = [
  BROAD,
  BROAD,
  LATE_PINNING,
  POOR,
  PAGE_TABLES,
  PAGE_TABLES,
  PAGE_TABLES,
  DIRTY,
  DIRTY_LARGE,
  PASIDS,
  ...VFIO_THEMES,
  ...VFIO_FILE_THEMES,
  FILES,
  FILES,
  ...EVENT_THEMES,
  ...ACCESS_THEMES,
  ...PROCESS_THEMES,
  ...EDGE_THEMES,
  ...FILLING_THEMES,
  ...LEAVING_THEMES,
  ...GUEST_THEMES,
  HUGE_MEMORY,
  LANES_THEME,
];

/** The themes of programs for a kernel. */
export function themesFor(profile: Profile): readonly Theme[] {
  return THEMES.filter(({ isFor }) => isFor?.(profile) ?? true);
}
