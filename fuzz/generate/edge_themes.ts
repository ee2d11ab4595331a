import { GIANT_LENGTHS } from './values.js';
import { PAGE_SIZE, U64_MAX } from '../../models/base/u64.js';
import { OPTIONS } from '../../models/ioctls/native/option.js';
import { CREATE_ACCESS_FLAGS } from '../../models/ioctls/test/test_members.js';
import { BUFFER } from '../../models/program/arena.js';
import { ALLOC, ANYWHERE, FIXED, type Kind, type Theme, spread } from './theme.js';

/** Leaves the end of the address space alone, or half of it. */
const RESERVE_NEARLY_ALL: readonly Kind[] = GIANT_LENGTHS.map((length) => ({
  call: 'IOMMU_TEST_OP_ADD_RESERVED',
  args: { start: 0n, length },
}));

/** Lengths at the limit of what is mapped and counted, from where they do not wrap. */
const MAP_NEARLY_ALL: readonly Kind[] = [U64_MAX - PAGE_SIZE, U64_MAX - PAGE_SIZE + 1n].flatMap((length) => [
  { call: 'IOMMU_IOAS_MAP', args: { flags: FIXED, iova: 0n, user_va: 0x800n, length } },
  { call: 'IOMMU_IOAS_MAP_FILE', args: { flags: FIXED, iova: 0n, start: 0x800n, length } },
  { call: 'VFIO_IOMMU_MAP_DMA', args: { flags: 3, iova: 0n, vaddr: 0x800n, size: length } },
]);

/** Numbers of pages whose alignment is greater than they are: near the end there may be room for them that is not aligned. */
const MAP_ODD: readonly Kind[] = [0x3000n, 0x5000n, 0x6000n].map((length) => ({
  call: 'IOMMU_IOAS_MAP',
  args: { flags: ANYWHERE, user_va: BUFFER.start, length },
}));

/** A copy of four pages to where there is room for one. */
const COPY_WITHOUT_ROOM: Kind = {
  inTurn: [
    {
      call: 'IOMMU_IOAS_MAP',
      args: { flags: FIXED, iova: 0x1_0000n, user_va: BUFFER.start, length: 4n * PAGE_SIZE },
      oldest: { ioas_id: 'IOAS' },
    },
    ALLOC,
    {
      call: 'IOMMU_IOAS_ALLOW_IOVAS',
      args: { num_iovas: 1, allowed_iovas: { ranges: [[0x1_0000n, 0x1_0fffn]] } },
      newest: { ioas_id: 'IOAS' },
    },
    {
      call: 'IOMMU_IOAS_COPY',
      args: { flags: ANYWHERE, src_iova: 0x1_0000n, length: 4n * PAGE_SIZE },
      oldest: { src_ioas_id: 'IOAS' },
      newest: { dst_ioas_id: 'IOAS' },
    },
  ],
};

/** An operation that there is not, of an option that there is. */
const NO_OPERATION: Kind = {
  call: 'IOMMU_OPTION',
  args: { option_id: OPTIONS.HUGE_PAGES, op: 2, __reserved: 0 },
  newest: { object_id: 'IOAS' },
};

const EDGES: Theme = {
  about: 'The edges of 64 bits: ranges that end there, or are nearly everything. Nothing is pinned.',
  prelude: [ALLOC, ALLOC, 'memory_file'],
  biases: { edgeOfWord: 5, giantRange: 3, wrappingLength: 8, splat: 2, failingStep: 2 },
  kinds: [
    ...spread({
      IOMMU_IOAS_MAP: 20,
      IOMMU_IOAS_MAP_FILE: 5,
      IOMMU_IOAS_COPY: 14,
      IOMMU_IOAS_UNMAP: 8,
      IOMMU_IOAS_ALLOW_IOVAS: 2,
      IOMMU_IOAS_IOVA_RANGES: 1,
      IOMMU_IOAS_NOIOMMU_GET_PA: 3,
      IOMMU_OPTION: 2,
      IOMMU_VFIO_IOAS: 1,
      VFIO_IOMMU_MAP_DMA: 10,
      VFIO_IOMMU_UNMAP_DMA: 4,
      IOMMU_TEST_OP_ADD_RESERVED: 6,
      IOMMU_TEST_OP_CREATE_ACCESS: 1,
      IOMMU_TEST_OP_ACCESS_PAGES: 2,
      IOMMU_TEST_OP_ACCESS_RW: 2,
      IOMMU_TEST_OP_MD_CHECK_MAP: 3,
      IOMMU_TEST_OP_MD_CHECK_REFS: 3,
      IOMMU_DESTROY: 1,
      memory_file: 1,
      process: 1,
    }),
    ...RESERVE_NEARLY_ALL,
    ...MAP_NEARLY_ALL,
    ...MAP_ODD,
    ...MAP_ODD,
    COPY_WITHOUT_ROOM,
    NO_OPERATION,
  ],
};

/** Memory that no place is aligned for, where there may be none at all. */
const MAP_ASKEW: readonly Kind[] = [
  { call: 'IOMMU_IOAS_MAP', args: { flags: ANYWHERE, user_va: BUFFER.start + 0x800n, length: PAGE_SIZE } },
  { call: 'IOMMU_IOAS_MAP_FILE', args: { flags: ANYWHERE, start: 0x800n, length: PAGE_SIZE } },
];

const END_OF_SPACE: Theme = {
  about: 'An IOAS of which only the end may be left, and places that the kernel looks for there.',
  prelude: [
    ALLOC,
    { call: 'IOMMU_TEST_OP_ADD_RESERVED', args: { start: 0n } },
    { call: 'IOMMU_TEST_OP_CREATE_ACCESS', args: { flags: CREATE_ACCESS_FLAGS.NEEDS_PIN_PAGES } },
    'memory_file',
  ],
  biases: { edgeOfWord: 8, giantRange: 2, bufferAtEdge: 3 },
  kinds: [
    ...MAP_ODD,
    ...MAP_ODD,
    ...MAP_ASKEW,
    ...MAP_ASKEW,
    ...spread({
      IOMMU_IOAS_ALLOC: 1,
      IOMMU_IOAS_MAP: 6,
      IOMMU_IOAS_MAP_FILE: 5,
      IOMMU_IOAS_COPY: 8,
      IOMMU_IOAS_UNMAP: 3,
      IOMMU_IOAS_ALLOW_IOVAS: 1,
      IOMMU_IOAS_IOVA_RANGES: 4,
      IOMMU_TEST_OP_ADD_RESERVED: 3,
      IOMMU_TEST_OP_CREATE_ACCESS: 1,
    }),
  ],
};

export const EDGE_THEMES: readonly Theme[] = [EDGES, EDGES, END_OF_SPACE];
