import { PAGE_SIZE, U64_MAX } from '../../models/base/u64.js';
import { HOLE, HUGE, HUGE_PAGE_BYTES, SCRATCH } from '../../models/program/arena.js';
import { VEVENTQ_TYPES } from '../../models/ioctls/native/veventq_alloc.js';
import { VIOMMU_TYPES } from '../../models/ioctls/native/viommu_alloc.js';
import { VIOMMU_SELFTEST } from '../../models/layout/driver_data.js';
import { OPTIONS, OPTION_OPS } from '../../models/ioctls/native/option.js';
import { ACCESS_RW_FLAGS, CREATE_ACCESS_FLAGS } from '../../models/ioctls/test/test_members.js';
import {
  ALLOC,
  type CallKind,
  DEVICE,
  FIXED,
  type Kind,
  NEWEST_VIOMMU,
  PARENT,
  SET_COMPAT,
  type Theme,
  spread,
} from './theme.js';

/** The least that the kernel takes, in bytes, and less. Source: selftest.c:iommufd_test. */
const LIMIT_LOWEST: Kind = { call: 'IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT', args: { limit: 12 } };
const LIMIT_TOO_LOW: Kind = { call: 'IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT', args: { limit: 11 } };

const ACCESSES: Theme = {
  about: 'Accesses of the CPU, and what they pin beside domains and copies.',
  prelude: [
    ALLOC,
    { call: 'IOMMU_TEST_OP_CREATE_ACCESS', args: { flags: CREATE_ACCESS_FLAGS.NEEDS_PIN_PAGES } },
    { call: 'IOMMU_IOAS_MAP' },
  ],
  kinds: [
    ...spread({
      IOMMU_IOAS_ALLOC: 2,
      IOMMU_DESTROY: 2,
      IOMMU_IOAS_MAP: 14,
      IOMMU_IOAS_COPY: 8,
      IOMMU_IOAS_UNMAP: 6,
      IOMMU_OPTION: 2,
      IOMMU_TEST_OP_MOCK_DOMAIN: 4,
      IOMMU_TEST_OP_CREATE_ACCESS: 4,
      IOMMU_TEST_OP_ACCESS_RW: 20,
      IOMMU_TEST_OP_ACCESS_PAGES: 24,
      IOMMU_TEST_OP_DESTROY_ACCESS_PAGES: 8,
      IOMMU_TEST_OP_ACCESS_REPLACE_IOAS: 12,
      IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT: 1,
      IOMMU_TEST_OP_MD_CHECK_MAP: 2,
      IOMMU_TEST_OP_MD_CHECK_REFS: 2,
      counters: 3,
      memory: 3,
      file: 3,
      process: 2,
      second_file: 1,
    }),
    LIMIT_TOO_LOW,
    LIMIT_LOWEST,
  ],
};

const OF_MOCK = { flags: 0, type: 0xdead_beef };

/** A queue of the mock over the first page of what is mapped. */
const QUEUE = {
  call: 'IOMMU_HW_QUEUE_ALLOC',
  args: { ...OF_MOCK, index: 0, nesting_parent_iova: 0x100_0000n, length: 0x800n },
};

/** The second queue, without an answer, and whether its index is taken now. */
const SECOND_QUEUE: CallKind = { ...QUEUE, args: { ...QUEUE.args, index: 1 } };
const SECOND_IN_VAIN: Kind = { inTurn: [QUEUE, { ...SECOND_QUEUE, at: 'sealed' }, SECOND_QUEUE] };

const HW_QUEUES: Theme = {
  about: 'Queues that the hardware shares with a guest, and areas that they lock.',
  isFor: ({ hasViommus }) => hasViommus,
  prelude: [
    ALLOC,
    DEVICE,
    PARENT,
    NEWEST_VIOMMU,
    { call: 'IOMMU_IOAS_MAP', args: { flags: 7, iova: 0x100_0000n, length: 0x4000n } },
  ],
  kinds: [
    ...spread({
      IOMMU_HW_QUEUE_ALLOC: 10,
      IOMMU_IOAS_UNMAP: 4,
      IOMMU_IOAS_MAP: 4,
      IOMMU_DESTROY: 4,
      IOMMU_VIOMMU_ALLOC: 2,
      counters: 2,
    }),
    QUEUE,
    QUEUE,
    QUEUE,
    QUEUE,
    SECOND_IN_VAIN,
  ],
};

/** Where a page comes twice, where one is begun within, and where the memory of a device is. */
const REPEATED_AT = 0x100_0000n;
const ASKEW_AT = 0x101_0000n;
const DEVICE_MEMORY_AT = 0x102_0000n;

/** Where nothing is wrong. */
const WELL_AT = 0x103_0000n;

const MAP_BADLY: readonly Kind[] = [
  { iova: REPEATED_AT, user_va: SCRATCH.start, length: PAGE_SIZE },
  { iova: REPEATED_AT + PAGE_SIZE, user_va: SCRATCH.start, length: PAGE_SIZE },
  { iova: ASKEW_AT, user_va: SCRATCH.start + 0x800n, length: 2n * PAGE_SIZE },
  { iova: WELL_AT, user_va: SCRATCH.start, length: 2n * PAGE_SIZE },
].map((args) => ({ call: 'IOMMU_IOAS_MAP', args: { flags: FIXED, ...args } }));
const MAP_DEVICE_MEMORY: Kind = {
  call: 'IOMMU_IOAS_MAP_FILE',
  args: { flags: FIXED, iova: DEVICE_MEMORY_AT, start: 0n, length: PAGE_SIZE },
};
const BAD_QUEUES: readonly Kind[] = [
  { nesting_parent_iova: REPEATED_AT, length: 2n * PAGE_SIZE },
  { nesting_parent_iova: REPEATED_AT, length: PAGE_SIZE },
  { nesting_parent_iova: ASKEW_AT, length: PAGE_SIZE },
  { nesting_parent_iova: ASKEW_AT + 0x800n, length: PAGE_SIZE },
  { nesting_parent_iova: DEVICE_MEMORY_AT, length: PAGE_SIZE },
  { nesting_parent_iova: WELL_AT, length: PAGE_SIZE },
  { nesting_parent_iova: WELL_AT + PAGE_SIZE, length: PAGE_SIZE, index: 1 },
].map((args) => ({ ...QUEUE, args: { ...QUEUE.args, ...args } }));

const UNMAP_LOCKED: readonly Kind[] = [
  { call: 'VFIO_IOMMU_UNMAP_DMA', args: { flags: 0, iova: WELL_AT, size: 2n * PAGE_SIZE } },
  { call: 'IOMMU_IOAS_UNMAP', args: { iova: WELL_AT, length: 2n * PAGE_SIZE } },
];

/** A part of the memory of a device, which cannot be cut. */
const MAP_REGISTERS: Kind = {
  call: 'IOMMU_IOAS_MAP_FILE',
  args: { flags: FIXED, iova: DEVICE_MEMORY_AT, start: 0n, length: 4n * PAGE_SIZE },
};
const CUT_REGISTERS: readonly Kind[] = [
  { call: 'VFIO_IOMMU_UNMAP_DMA', args: { flags: 0, iova: DEVICE_MEMORY_AT, size: PAGE_SIZE } },
  { call: 'VFIO_IOMMU_UNMAP_DMA', args: { flags: 0, iova: DEVICE_MEMORY_AT + PAGE_SIZE, size: PAGE_SIZE } },
];

const QUEUES_LYING_BADLY: Theme = {
  about:
    'Queues whose memory no hardware could use: pages that come twice, that are askew, that are of a device.',
  isFor: ({ hasViommus }) => hasViommus,
  prelude: [
    ALLOC,
    SET_COMPAT,
    DEVICE,
    PARENT,
    NEWEST_VIOMMU,
    { call: 'IOMMU_TEST_OP_DMABUF_GET', args: { length: 4096 } },
    ...MAP_BADLY,
    MAP_DEVICE_MEMORY,
  ],
  kinds: [
    ...MAP_BADLY,
    MAP_DEVICE_MEMORY,
    ...BAD_QUEUES,
    ...BAD_QUEUES,
    ...UNMAP_LOCKED,
    ...spread({
      IOMMU_HW_QUEUE_ALLOC: 4,
      IOMMU_IOAS_UNMAP: 3,
      VFIO_IOMMU_UNMAP_DMA: 6,
      IOMMU_VIOMMU_ALLOC: 2,
      IOMMU_DESTROY: 2,
      counters: 1,
    }),
  ],
};

/** Where a huge page is mapped whole, and parts of two behind it, page by page. */
const HUGE_AT = 0x200_0000n;
const PARTS_AT = HUGE_AT + HUGE_PAGE_BYTES;

const MAP_WHOLE: Kind = {
  call: 'IOMMU_IOAS_MAP',
  args: { flags: FIXED, iova: HUGE_AT, user_va: HUGE.start, length: HUGE_PAGE_BYTES },
};

const MAP_PARTS: readonly Kind[] = [0n, 1n, 2n, 511n, 512n].flatMap((from) =>
  [0n, 1n, 2n].map((to) => ({
    call: 'IOMMU_IOAS_MAP',
    args: {
      flags: FIXED,
      iova: PARTS_AT + to * PAGE_SIZE,
      user_va: HUGE.start + from * PAGE_SIZE,
      length: PAGE_SIZE,
    },
  })),
);

const LONG_QUEUES: readonly Kind[] = (
  [
    [HUGE_AT, HUGE_PAGE_BYTES],
    [HUGE_AT + 0x80n, 3n * PAGE_SIZE],
    [PARTS_AT - PAGE_SIZE, 2n * PAGE_SIZE],
    [PARTS_AT, 2n * PAGE_SIZE],
    [PARTS_AT, 3n * PAGE_SIZE],
    [PARTS_AT + PAGE_SIZE, 2n * PAGE_SIZE],
    [0n, U64_MAX],
  ] as const
).map(([iova, length]) => ({
  call: 'IOMMU_HW_QUEUE_ALLOC',
  args: { ...OF_MOCK, nesting_parent_iova: iova, length },
}));

const LONG_QUEUES_IN_HUGE_PAGES: Theme = {
  about: 'Queues of several pages, of which it is known whether they are consecutive ones of the machine.',
  isFor: ({ hasViommus, hasHugePages }) => hasViommus && hasHugePages,
  prelude: ['huge_pages', ALLOC, DEVICE, PARENT, NEWEST_VIOMMU, MAP_WHOLE],
  kinds: [
    ...MAP_PARTS,
    ...LONG_QUEUES,
    ...LONG_QUEUES,
    ...spread({
      IOMMU_HW_QUEUE_ALLOC: 4,
      IOMMU_IOAS_UNMAP: 4,
      IOMMU_VIOMMU_ALLOC: 2,
      IOMMU_DESTROY: 4,
      huge_pages: 2,
      counters: 1,
    }),
  ],
};

/** A guest with a region of registers that can be mapped. */
const WITH_REGION: Kind = {
  call: 'IOMMU_VIOMMU_ALLOC',
  args: {
    flags: 0,
    type: VIOMMU_TYPES.SELFTEST,
    data_len: VIOMMU_SELFTEST.bytes,
    data_uptr: { words: [1, 0, 0, 0, 0, 0] },
  },
  newest: { hwpt_id: 'HWPT_PAGING' },
};

const DESCRIPTORS: Theme = {
  about: 'Every kind of descriptor, and what is done to descriptors.',
  isFor: ({ hasViommus, hasFileMappings }) => hasViommus && hasFileMappings,
  prelude: [
    ALLOC,
    DEVICE,
    { call: 'IOMMU_FAULT_QUEUE_ALLOC' },
    PARENT,
    WITH_REGION,
    {
      call: 'IOMMU_VEVENTQ_ALLOC',
      args: { flags: 0, type: VEVENTQ_TYPES.SELFTEST },
      newest: { viommu_id: 'VIOMMU' },
    },
    { call: 'IOMMU_TEST_OP_DMABUF_GET', args: { length: 0x4000 } },
    'memory_file',
  ],
  kinds: spread({
    file: 30,
    events: 4,
    cut_file: 3,
    memory: 5,
    cloexec: 1,
    pass: 2,
    child: 2,
    IOMMU_DESTROY: 2,
    IOMMU_IOAS_MAP_FILE: 2,
    IOMMU_VIOMMU_ALLOC: 2,
    IOMMU_TEST_OP_CREATE_ACCESS: 1,
  }),
};

const DMABUFS: Theme = {
  about: 'The memory of a device, and all that meets what cannot be pinned, read or cut.',
  isFor: ({ hasFileMappings }) => hasFileMappings,
  prelude: [
    ALLOC,
    SET_COMPAT,
    { call: 'IOMMU_TEST_OP_CREATE_ACCESS', args: { flags: CREATE_ACCESS_FLAGS.NEEDS_PIN_PAGES } },
    { call: 'IOMMU_TEST_OP_DMABUF_GET', args: { length: 0x4000 } },
    { call: 'IOMMU_OPTION', args: { option_id: OPTIONS.HUGE_PAGES, op: OPTION_OPS.SET, val64: 0n } },
    MAP_REGISTERS,
  ],
  kinds: [
    MAP_REGISTERS,
    ...CUT_REGISTERS,
    ...spread({
      IOMMU_IOAS_MAP_FILE: 10,
      IOMMU_IOAS_COPY: 5,
      IOMMU_IOAS_UNMAP: 3,
      IOMMU_IOAS_CHANGE_PROCESS: 1,
      IOMMU_IOAS_NOIOMMU_GET_PA: 5,
      VFIO_IOMMU_UNMAP_DMA: 8,
      IOMMU_TEST_OP_ACCESS_PAGES: 8,
      IOMMU_TEST_OP_ACCESS_RW: 8,
      IOMMU_TEST_OP_DMABUF_GET: 2,
      IOMMU_TEST_OP_DMABUF_REVOKE: 4,
      IOMMU_TEST_OP_MOCK_DOMAIN: 3,
      IOMMU_TEST_OP_MD_CHECK_MAP: 2,
      file: 8,
      counters: 1,
    }),
  ],
};

/** IOVAs of a file, and of the first pages of the scratch region, where the file may be mapped twice. */
const FILE_AT = 0x100_0000n;
const SEEN_AT = 0x101_0000n;
const SEEN_PAGES = 8n;

const MAP_FILE: Kind = {
  call: 'IOMMU_IOAS_MAP_FILE',
  args: { flags: 7, start: 0n, length: 2n * PAGE_SIZE, iova: FILE_AT },
};
const MAP_SEEN: Kind = {
  call: 'IOMMU_IOAS_MAP',
  args: { flags: 7, user_va: SCRATCH.start, length: SEEN_PAGES * PAGE_SIZE, iova: SEEN_AT },
};

/** Reads and writes of the same few bytes by every way, within a page and across two, on both paths. */
const COPIES: readonly Kind[] = [FILE_AT, SEEN_AT, SEEN_AT + 4n * PAGE_SIZE].flatMap((area) =>
  [0x7fcn, 0xffcn].flatMap((offset) =>
    [0, ACCESS_RW_FLAGS.SLOW_PATH].flatMap((path) => {
      const place = { iova: area + offset, length: 8n };
      return [
        copy({ ...place, flags: path, uptr: { room: 8 } }),
        copy({ ...place, flags: path, uptr: HOLE }),
        copy({ ...place, flags: path | ACCESS_RW_FLAGS.WRITE, uptr: { words: [0x1234, 0] } }),
      ];
    }),
  ),
);

function copy(args: CallKind['args'] & object): Kind {
  return { call: 'IOMMU_TEST_OP_ACCESS_RW', args };
}

const FILE_CONTENTS: Theme = {
  about: 'What pages of files hold, by the file and by mappings of it, while it is cut and grows.',
  prelude: [
    'memory_file',
    ALLOC,
    { call: 'IOMMU_TEST_OP_CREATE_ACCESS', args: { flags: CREATE_ACCESS_FLAGS.NEEDS_PIN_PAGES } },
    MAP_FILE,
    MAP_SEEN,
  ],
  kinds: [
    ...spread({
      show_file_first: 12,
      cut_file: 4,
      memory: 1,
      counters: 1,
      child: 1,
      IOMMU_TEST_OP_MOCK_DOMAIN: 2,
      IOMMU_TEST_OP_ACCESS_PAGES: 2,
      IOMMU_TEST_OP_MD_CHECK_REFS: 1,
      IOMMU_IOAS_UNMAP: 1,
    }),
    { call: 'IOMMU_TEST_OP_ACCESS_PAGES', args: { iova: SEEN_AT, length: PAGE_SIZE, flags: 0 } },
    MAP_FILE,
    MAP_SEEN,
    ...COPIES,
    ...COPIES,
  ],
};

/** Themes about what pins and locks pages beside domains. */
export const ACCESS_THEMES: readonly Theme[] = [
  ACCESSES,
  ACCESSES,
  HW_QUEUES,
  HW_QUEUES,
  QUEUES_LYING_BADLY,
  LONG_QUEUES_IN_HUGE_PAGES,
  DMABUFS,
  DESCRIPTORS,
  DESCRIPTORS,
  FILE_CONTENTS,
];
