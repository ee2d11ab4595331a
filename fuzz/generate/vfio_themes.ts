import { PAGE_SIZE } from '../../models/base/u64.js';
import { BUFFER } from '../../models/program/arena.js';
import { ALLOC, DEVICE, type Kind, SET_COMPAT, SMALL_PAGES, type Theme, spread, times } from './theme.js';

/** DMA_CC, the one extension that depends on state. */
export const ASK_COHERENCY: Kind = { call: 'VFIO_CHECK_EXTENSION', args: { extension: 4 } };

const UNMAP_EVERYTHING: Kind = { call: 'VFIO_IOMMU_UNMAP_DMA', args: { flags: 2, iova: 0, size: 0 } };
const UNMAP_RANGE: Kind = { call: 'VFIO_IOMMU_UNMAP_DMA', args: { flags: 0 } };

/** All that can be wrong with it is its struct. */
const SHORT_INFO: Kind = { call: 'VFIO_IOMMU_GET_INFO', args: { argsz: 15 } };

const VFIO: Theme = {
  about: 'VFIO’s view of an IOAS, mostly without large pages, so that areas are cut.',
  prelude: [ALLOC, SET_COMPAT, { call: 'VFIO_SET_IOMMU' }],
  kinds: [
    ...spread({
      IOMMU_IOAS_ALLOC: 1,
      IOMMU_VFIO_IOAS: 1,
      VFIO_GET_API_VERSION: 1,
      VFIO_CHECK_EXTENSION: 3,
      VFIO_SET_IOMMU: 4,
      VFIO_IOMMU_GET_INFO: 12,
      VFIO_IOMMU_MAP_DMA: 24,
      VFIO_IOMMU_UNMAP_DMA: 8,
      IOMMU_IOAS_MAP: 4,
      IOMMU_IOAS_MAP_FILE: 4,
      IOMMU_TEST_OP_DMABUF_GET: 2,
      IOMMU_TEST_OP_DMABUF_REVOKE: 1,
      memory_file: 1,
      IOMMU_IOAS_COPY: 8,
      IOMMU_IOAS_UNMAP: 3,
      IOMMU_IOAS_ALLOW_IOVAS: 1,
      IOMMU_OPTION: 2,
      IOMMU_HWPT_ALLOC: 3,
      IOMMU_TEST_OP_MOCK_DOMAIN: 4,
      IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS: 2,
      IOMMU_TEST_OP_ADD_RESERVED: 2,
      IOMMU_TEST_OP_MD_CHECK_MAP: 6,
      IOMMU_TEST_OP_MD_CHECK_REFS: 2,
      IOMMU_TEST_OP_CREATE_ACCESS: 2,
      IOMMU_TEST_OP_ACCESS_PAGES: 5,
      IOMMU_DESTROY: 3,
      memory: 2,
      process: 1,
      counters: 3,
    }),
    ...times(3, ASK_COHERENCY),
    ...times(3, SHORT_INFO),
    ...times(4, UNMAP_EVERYTHING),
    ...times(16, UNMAP_RANGE),
  ],
};

/** Where devices translate. */
const HERE = 0x100_0000n;

const MAP_FOUR: Kind = {
  call: 'VFIO_IOMMU_MAP_DMA',
  args: { flags: 3, iova: HERE, vaddr: BUFFER.start, size: 4n * PAGE_SIZE },
};

/** One page or two of them. */
const CUT_FOUR: readonly Kind[] = [0n, 1n, 2n, 3n].flatMap((page) =>
  [1n, 2n].map((pages) => ({
    call: 'VFIO_IOMMU_UNMAP_DMA',
    args: { flags: 0, iova: HERE + page * PAGE_SIZE, size: pages * PAGE_SIZE },
  })),
);

/** Takes large pages from the IOAS, which areas in page tables do not permit. */
const WITHOUT_LARGE_PAGES: Kind = { call: 'VFIO_SET_IOMMU', args: { type: 1n } };

const CUTS: Theme = {
  about: 'Areas that VFIO cuts under devices, accesses and copies, and the pages of their halves.',
  prelude: [ALLOC, SET_COMPAT, SMALL_PAGES, DEVICE, MAP_FOUR],
  kinds: [
    ...spread({
      IOMMU_IOAS_ALLOC: 1,
      VFIO_IOMMU_MAP_DMA: 3,
      IOMMU_IOAS_COPY: 4,
      IOMMU_IOAS_UNMAP: 2,
      IOMMU_TEST_OP_MOCK_DOMAIN: 2,
      IOMMU_TEST_OP_MD_CHECK_REFS: 4,
      IOMMU_TEST_OP_CREATE_ACCESS: 2,
      IOMMU_TEST_OP_ACCESS_PAGES: 4,
      IOMMU_DESTROY: 4,
      counters: 3,
    }),
    ...CUT_FOUR,
    MAP_FOUR,
    MAP_FOUR,
    MAP_FOUR,
    WITHOUT_LARGE_PAGES,
  ],
};

export const VFIO_THEMES: readonly Theme[] = [VFIO, CUTS];
