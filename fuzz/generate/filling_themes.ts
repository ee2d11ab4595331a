import { PAGE_SIZE } from '../../models/base/u64.js';
import { HWPT_FLAGS } from '../../models/ioctls/native/hwpt_alloc.js';
import { CREATE_ACCESS_FLAGS } from '../../models/ioctls/test/test_members.js';
import { BUFFER, FROZEN, HOLE, NO_ACCESS } from '../../models/program/arena.js';
import {
  ALLOC,
  ATTACH_DEVICE,
  DETACH_DEVICE,
  DEVICE,
  DEVICE_WITH_PASIDS,
  FIXED,
  type Kind,
  SET_COMPAT,
  TO_NEWEST,
  type Theme,
  newestAccess,
  spread,
  times,
} from './theme.js';
import { LAST_PAGE } from './values.js';

/** Themes of memory that cannot be pinned: it is mapped where nothing pins it, and met later. */

/** Memory that is not there, not accessible, not writable, cut short, or ends where the address space does: half pages do not wrap. */
const BAD_MEMORY = [
  { address: HOLE, length: PAGE_SIZE },
  { address: NO_ACCESS.start, length: PAGE_SIZE },
  { address: FROZEN.start, length: 0x800n },
  { address: BUFFER.start + BUFFER.bytes - PAGE_SIZE, length: 2n * PAGE_SIZE },
  { address: LAST_PAGE, length: 0x800n },
  { address: LAST_PAGE, length: 0x800n },
];

/** Each at its own IOVA, where devices translate. */
const placed = BAD_MEMORY.map((memory, at) => ({ ...memory, iova: 0x100_0000n + BigInt(at) * 0x1_0000n }));
const BEHIND = 0x110_0000n;

const MAP_BAD: readonly Kind[] = placed.map(({ address, length, iova }) => ({
  call: 'IOMMU_IOAS_MAP',
  args: { flags: FIXED, iova, user_va: address, length },
  newest: TO_NEWEST,
}));
const COPY_BAD: readonly Kind[] = placed.map(({ length, iova }) => ({
  call: 'IOMMU_IOAS_COPY',
  args: { src_iova: iova, length },
  newest: { src_ioas_id: 'IOAS' },
}));
const VFIO_MAP_BAD: readonly Kind[] = placed.map(({ address, length, iova }) => ({
  call: 'VFIO_IOMMU_MAP_DMA',
  args: { flags: 3, iova, vaddr: address, size: length },
}));

const ACCESS_BAD: readonly Kind[] = [...placed, { iova: BEHIND, length: 8n * PAGE_SIZE }].flatMap(
  ({ iova, length }): Kind[] => [
    { call: 'IOMMU_TEST_OP_ACCESS_PAGES', args: { iova, length, uptr: 0n, flags: 0 } },
    { call: 'IOMMU_TEST_OP_ACCESS_RW', args: { iova, length: 8n, uptr: { words: [1, 2] }, flags: 0 } },
  ],
);

/** More than a process without privileges may lock. */
const MAP_MUCH: Kind = {
  call: 'IOMMU_IOAS_MAP',
  args: { flags: FIXED, iova: BEHIND, user_va: BUFFER.start, length: 8n * PAGE_SIZE },
  newest: TO_NEWEST,
};
const COPY_MUCH: Kind = {
  call: 'IOMMU_IOAS_COPY',
  args: { src_iova: BEHIND, length: 8n * PAGE_SIZE },
  newest: { src_ioas_id: 'IOAS' },
};
const VFIO_MAP_MUCH: Kind = {
  call: 'VFIO_IOMMU_MAP_DMA',
  args: { flags: 3, iova: BEHIND, vaddr: BUFFER.start, size: 8n * PAGE_SIZE },
};

/** A file, which may be cut later. */
const MAP_FILE: Kind = {
  call: 'IOMMU_IOAS_MAP_FILE',
  args: { flags: FIXED, iova: BEHIND + 0x1_0000n, start: 0n, length: 2n * PAGE_SIZE },
  newest: TO_NEWEST,
};
const COPY_FILE: Kind = {
  call: 'IOMMU_IOAS_COPY',
  args: { src_iova: BEHIND + 0x1_0000n, length: 2n * PAGE_SIZE },
  newest: { src_ioas_id: 'IOAS' },
};

/** What no device may touch, which only VFIO maps; and what no device reaches. */
const COMPAT_NEWEST: Kind = { ...SET_COMPAT, newest: TO_NEWEST };
const MAP_WITHOUT_ACCESS: Kind = {
  call: 'VFIO_IOMMU_MAP_DMA',
  args: { flags: 0, iova: BEHIND + 0x2_0000n, vaddr: BUFFER.start, size: PAGE_SIZE },
};
const MAP_OUTSIDE: Kind = {
  call: 'IOMMU_IOAS_MAP',
  args: { flags: FIXED, iova: 0n, user_va: BUFFER.start, length: PAGE_SIZE },
  newest: TO_NEWEST,
};

const MAP_ANYTHING: readonly Kind[] = [
  ...MAP_BAD,
  ...times(3, MAP_MUCH),
  ...times(4, MAP_FILE),
  ...times(3, COMPAT_NEWEST),
  ...times(4, MAP_WITHOUT_ACCESS),
  MAP_OUTSIDE,
];

const AMONG: readonly Kind[] = spread({
  IOMMU_IOAS_UNMAP: 2,
  process: 3,
  memory_file: 1,
  cut_file: 4,
  counters: 1,
});

const PAGE_TABLES: readonly Kind[] = [
  ...times(3, {
    call: 'IOMMU_HWPT_ALLOC',
    args: { flags: 0, data_type: 0, data_len: 0 },
    newest: { pt_id: 'IOAS' },
  }),
  { call: 'IOMMU_HWPT_ALLOC', args: { flags: HWPT_FLAGS.NEST_PARENT }, newest: { pt_id: 'IOAS' } },
  ...times(7, { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE', newest: { pt_id: 'IOAS' } }),
  ...times(4, { call: 'IOMMU_TEST_OP_MOCK_DOMAIN', newest: { id: 'IOAS' } }),
  ...times(5, { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', newest: { id: 'IOAS' } }),
];

/** An area that permits nothing makes the kernel warn where it is met. */
const FILLING_BIASES = { splat: 3 } as const;

const DEVICES: readonly Kind[] = [
  ...times(5, DETACH_DEVICE),
  ...times(6, { call: 'IOMMU_TEST_OP_PASID_ATTACH', args: { pasid: 0 }, newest: { pt_id: 'IOAS' } }),
  ...times(8, { call: 'IOMMU_TEST_OP_PASID_REPLACE', args: { pasid: 0 }, newest: { pt_id: 'IOAS' } }),
  ATTACH_DEVICE,
];

const LATE_FILLING: Theme = {
  about: 'Memory that cannot be pinned is mapped before there is a page table for it, and meets one later.',
  prelude: [ALLOC, DEVICE, 'memory_file', ALLOC],
  biases: FILLING_BIASES,
  kinds: [...MAP_ANYTHING, ...AMONG, ...PAGE_TABLES, ...times(7, ALLOC), ...times(2, DEVICE)],
};

const LATE_FILLING_OF_PASIDS: Theme = {
  about: 'The same, and PASIDs of a device are what comes later.',
  isFor: (profile) => profile.hasPasids,
  prelude: [ALLOC, DEVICE_WITH_PASIDS, 'memory_file', ALLOC],
  biases: FILLING_BIASES,
  kinds: [...MAP_ANYTHING, ...AMONG, ...DEVICES, ...times(5, ALLOC)],
};

const POOR_FILLING: Theme = {
  about: 'More memory than the process may lock is mapped, and meets page tables later.',
  isFor: (profile) => profile.hasPasids,
  prelude: ['process', ALLOC, DEVICE_WITH_PASIDS, ALLOC, MAP_MUCH],
  kinds: [...PAGE_TABLES, ...DEVICES, ...spread({ IOMMU_IOAS_ALLOC: 2, process: 3, counters: 2 }), MAP_MUCH],
};

const NOTHING_PERMITTED: Theme = {
  about: 'Areas that permit neither reading nor writing, and page tables that meet them.',
  isFor: (profile) => profile.hasPasids,
  prelude: [ALLOC, DEVICE_WITH_PASIDS, ALLOC, COMPAT_NEWEST, MAP_WITHOUT_ACCESS],
  biases: FILLING_BIASES,
  kinds: [
    ...PAGE_TABLES,
    ...DEVICES,
    ...times(3, MAP_WITHOUT_ACCESS),
    COMPAT_NEWEST,
    ...spread({ IOMMU_IOAS_ALLOC: 1, IOMMU_HWPT_ALLOC: 3, VFIO_IOMMU_UNMAP_DMA: 1 }),
  ],
};

const MEETING: readonly Kind[] = [
  ...AMONG,
  ...COPY_BAD,
  ...times(3, COPY_MUCH),
  ...times(3, COPY_FILE),
  ...VFIO_MAP_BAD,
  ...times(2, VFIO_MAP_MUCH),
];

const LATE_ACCESS: Theme = {
  about: 'Memory that cannot be pinned, and accesses, copies and VFIO that meet it.',
  prelude: [
    ALLOC,
    SET_COMPAT,
    DEVICE,
    ALLOC,
    'memory_file',
    newestAccess(CREATE_ACCESS_FLAGS.NEEDS_PIN_PAGES),
    ...MAP_BAD,
    MAP_MUCH,
    MAP_FILE,
    'cut_file',
    'process',
  ],
  biases: FILLING_BIASES,
  kinds: [
    ...MEETING,
    ...ACCESS_BAD,
    ...ACCESS_BAD,
    newestAccess(CREATE_ACCESS_FLAGS.NEEDS_PIN_PAGES),
    ...spread({ IOMMU_TEST_OP_ACCESS_PAGES: 4, IOMMU_TEST_OP_ACCESS_RW: 4 }),
  ],
};

const LATE_COPIES: Theme = {
  about: 'Memory that cannot be pinned, in parts of pages, and copies of it and accesses without pins.',
  prelude: [
    ALLOC,
    SET_COMPAT,
    DEVICE,
    ALLOC,
    newestAccess(CREATE_ACCESS_FLAGS.NEEDS_PIN_PAGES),
    ALLOC,
    'memory_file',
    ...MAP_BAD,
    MAP_MUCH,
    MAP_FILE,
    newestAccess(0),
    'process',
  ],
  biases: FILLING_BIASES,
  kinds: [
    ...MEETING,
    ...ACCESS_BAD,
    ...times(4, { call: 'IOMMU_TEST_OP_ACCESS_REPLACE_IOAS', newest: TO_NEWEST }),
    ...spread({ IOMMU_TEST_OP_MOCK_DOMAIN: 2, IOMMU_IOAS_COPY: 4, IOMMU_TEST_OP_ACCESS_RW: 4, child: 1 }),
  ],
};

export const FILLING_THEMES: readonly Theme[] = [
  LATE_FILLING,
  LATE_FILLING,
  LATE_FILLING_OF_PASIDS,
  POOR_FILLING,
  NOTHING_PERMITTED,
  LATE_ACCESS,
  LATE_ACCESS,
  LATE_COPIES,
  LATE_COPIES,
];
