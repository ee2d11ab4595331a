import { PAGE_SIZE } from '../../models/base/u64.js';
import { SCRATCH } from '../../models/program/arena.js';
import { HWPT_FLAGS } from '../../models/ioctls/native/hwpt_alloc.js';
import { ACCESS_RW_FLAGS, CREATE_ACCESS_FLAGS } from '../../models/ioctls/test/test_members.js';
import { ALLOC, DEVICE, type Kind, type Theme, spread } from './theme.js';

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

/** A queue of the mock over the first page of what is mapped. */
const QUEUE: Kind = {
  call: 'IOMMU_HW_QUEUE_ALLOC',
  args: { flags: 0, type: 0xdead_beef, index: 0, nesting_parent_iova: 0x100_0000n, length: 0x800n },
};

const HW_QUEUES: Theme = {
  about: 'Queues that the hardware shares with a guest, and areas that they lock.',
  isFor: ({ hasViommus }) => hasViommus,
  prelude: [
    ALLOC,
    DEVICE,
    { call: 'IOMMU_HWPT_ALLOC', args: { flags: HWPT_FLAGS.NEST_PARENT } },
    { call: 'IOMMU_VIOMMU_ALLOC' },
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
        copy({ ...place, flags: path | ACCESS_RW_FLAGS.WRITE, uptr: { words: [0x1234, 0] } }),
      ];
    }),
  ),
);

function copy(args: Exclude<Kind, string>['args'] & object): Kind {
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
export const ACCESS_THEMES: readonly Theme[] = [ACCESSES, ACCESSES, HW_QUEUES, HW_QUEUES, FILE_CONTENTS];
