import { OPTIONS, OPTION_OPS } from '../../models/ioctls/native/option.js';
import { ALLOC, DEVICE, type Kind, type Theme, spread } from './theme.js';

const CHARGE_MEMORY: Kind = {
  call: 'IOMMU_OPTION',
  args: { option_id: OPTIONS.RLIMIT_MODE, op: OPTION_OPS.SET, object_id: 0, val64: 1n },
};
const MEMORY_FILE_MAPPED: Kind = { call: 'IOMMU_IOAS_MAP_FILE' };

/** What two processes do to one another's mappings, counters and descriptors, before and after exec(). */
const WEIGHTS = {
  IOMMU_IOAS_ALLOC: 1,
  IOMMU_IOAS_MAP: 16,
  IOMMU_IOAS_MAP_FILE: 6,
  IOMMU_IOAS_COPY: 6,
  IOMMU_IOAS_UNMAP: 6,
  IOMMU_IOAS_CHANGE_PROCESS: 3,
  IOMMU_DESTROY: 2,
  IOMMU_HWPT_ALLOC: 3,
  IOMMU_FAULT_QUEUE_ALLOC: 3,
  IOMMU_VIOMMU_ALLOC: 2,
  IOMMU_TEST_OP_MOCK_DOMAIN: 6,
  IOMMU_TEST_OP_MD_CHECK_MAP: 4,
  IOMMU_TEST_OP_MD_CHECK_REFS: 2,
  IOMMU_TEST_OP_CREATE_ACCESS: 4,
  IOMMU_TEST_OP_ACCESS_PAGES: 4,
  IOMMU_TEST_OP_ACCESS_RW: 4,
  IOMMU_TEST_OP_DMABUF_GET: 1,
  counters: 3,
  memory: 3,
  memory_file: 2,
  show_file: 1,
  file: 4,
  child: 10,
  exec: 6,
  cloexec: 3,
  pass: 6,
  process: 3,
  second_file: 1,
};

const PROCESSES: Theme = {
  about: 'Processes that share files, start programs, send descriptors, and exit.',
  prelude: [ALLOC, 'child'],
  kinds: spread(WEIGHTS),
};

const CHARGED_PROCESSES: Theme = {
  about: 'Processes, and what is charged to the memory of one.',
  prelude: [CHARGE_MEMORY, 'process', 'memory_file', ALLOC, DEVICE, 'child', MEMORY_FILE_MAPPED],
  kinds: spread({ ...WEIGHTS, IOMMU_IOAS_CHANGE_PROCESS: 16, process: 10 }),
};

export const PROCESS_THEMES: readonly Theme[] = [PROCESSES, CHARGED_PROCESSES];
