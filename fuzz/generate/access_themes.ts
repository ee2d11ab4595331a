import { HWPT_FLAGS } from '../../models/ioctls/native/hwpt_alloc.js';
import { CREATE_ACCESS_FLAGS } from '../../models/ioctls/test/test_members.js';
import { ALLOC, DEVICE, type Kind, type Theme, spread } from './theme.js';

/** The least that the kernel takes, in bytes, and less. Source: selftest.c:iommufd_test. */
const LIMIT_LOWEST: Kind = { call: 'IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT', args: { limit: 12 } };
const LIMIT_TOO_LOW: Kind = { call: 'IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT', args: { limit: 11 } };

/** Accesses of the CPU, and what they pin beside domains and copies. */
const ACCESSES: Theme = {
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
      IOMMU_TEST_OP_ACCESS_REPLACE_IOAS: 4,
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

/** Queues that the hardware shares with a guest, and areas that they lock. */
const HW_QUEUES: Theme = {
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

/** Themes about what pins and locks pages beside domains. */
export const ACCESS_THEMES: readonly Theme[] = [ACCESSES, ACCESSES, HW_QUEUES, HW_QUEUES];
