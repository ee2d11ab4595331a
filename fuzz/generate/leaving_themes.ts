import { PAGE_SIZE } from '../../models/base/u64.js';
import { ACCESS_RW_FLAGS, CREATE_ACCESS_FLAGS } from '../../models/ioctls/test/test_members.js';
import { IOAS_MAP_FLAGS } from '../../models/ioctls/shared_rules.js';
import { BUFFER, HOLE, SCRATCH } from '../../models/program/arena.js';
import type { FdKind } from '../../models/layout/field.js';
import type { IoctlStep } from '../../models/program/program.js';
import { PRIVATE, SHARED } from './files.js';
import {
  ALLOC,
  type CallKind,
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

/**
 * Themes of what failing calls leave: the oldest IOAS has a device, whose page table shows a page of a file; the newest has the same page
 * by a private mapping, and behind it what cannot be pinned. Whoever pins the one before it meets the other leaves a copy of the page,
 * which is not the file's any more.
 */

/** Where devices translate. */
const HERE = 0x100_0000n;
const BEHIND = HERE + PAGE_SIZE;
const ELSEWHERE = HERE + 0x10_0000n;

function map(user_va: bigint, iova: bigint, length = PAGE_SIZE, flags = FIXED): Kind {
  return { call: 'IOMMU_IOAS_MAP', args: { flags, iova, user_va, length }, newest: TO_NEWEST };
}

const FIXED_READABLE = IOAS_MAP_FLAGS.FIXED_IOVA | IOAS_MAP_FLAGS.READABLE;

/** Not mapped at all, not there, at the end of the address space, beyond the end of a file, more than may be locked, not writable, of a device. */
const OBSTACLES: readonly (readonly Kind[])[] = [
  [map(HOLE, BEHIND)],
  [],
  [map(LAST_PAGE, BEHIND, 0x800n)],
  [mapFile('memfd', 8n * PAGE_SIZE)],
  [map(BUFFER.start, BEHIND), 'process'],
  [map(BUFFER.start, BEHIND, PAGE_SIZE, FIXED_READABLE)],
  [{ call: 'IOMMU_TEST_OP_DMABUF_GET', args: { length: Number(PAGE_SIZE) } }, mapFile('dmabuf', 0n)],
];

function mapFile(fd: FdKind, start: bigint): Kind {
  return {
    call: 'IOMMU_IOAS_MAP_FILE',
    args: { flags: FIXED, iova: BEHIND, start, length: PAGE_SIZE },
    newest: { ...TO_NEWEST, fd },
  };
}

/** A private page that is the file's once more, in a new IOAS, and nothing in the way of pinning it. */
const ANEW: readonly Kind[] = ['show_file_private', ALLOC, map(PRIVATE, HERE)];

/** The same before each obstacle. */
const MAP_ANEW: readonly Kind[] = OBSTACLES.map((obstacle) => ({ inTurn: [...ANEW, ...obstacle] }));

/** Whether the page that the first device reaches is still the one of the private mapping. */
const COMPARE: Kind = {
  call: 'IOMMU_TEST_OP_MD_CHECK_MAP',
  args: { iova: HERE, length: PAGE_SIZE, uptr: PRIVATE },
  oldest: { id: 'HWPT_PAGING' },
};

function compared(...kinds: readonly Kind[]): Kind {
  return { inTurn: [...kinds, COMPARE] };
}

const COPIES: readonly Kind[] = [2n * PAGE_SIZE, PAGE_SIZE + 0x800n].map((length) =>
  compared({
    call: 'IOMMU_IOAS_COPY',
    args: { flags: FIXED, src_iova: HERE, dst_iova: ELSEWHERE, length },
    newest: { src_ioas_id: 'IOAS' },
    oldest: { dst_ioas_id: 'IOAS' },
  }),
);

const ALL_PAGES = 4n * PAGE_SIZE;

/** Calls that pin an area as a whole, of which the file has not all. */
const ONE_AREA: readonly Kind[] = [
  {
    call: 'IOMMU_IOAS_MAP',
    args: { flags: FIXED, iova: ELSEWHERE, user_va: PRIVATE, length: ALL_PAGES },
    oldest: TO_NEWEST,
  },
  mapDma(3, ELSEWHERE, PRIVATE, ALL_PAGES),
].map((mapping) => compared('show_file_private', mapping));

const MOVE_DEVICE: CallKind = { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE', newest: { pt_id: 'IOAS' } };

const TO_PAGE_TABLES: readonly CallKind[] = [
  {
    call: 'IOMMU_HWPT_ALLOC',
    args: { flags: 0, data_type: 0, data_len: 0 },
    newest: { pt_id: 'IOAS' },
  },
  { call: 'IOMMU_TEST_OP_MOCK_DOMAIN', newest: { id: 'IOAS' } },
  { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', args: { dev_flags: 0 }, newest: { id: 'IOAS' } },
  MOVE_DEVICE,
];

/** A private page in the IOAS of containers, with an area behind it that permits nothing. */
const BEFORE_NOTHING: readonly Kind[] = [
  'show_file_private',
  ALLOC,
  { ...SET_COMPAT, newest: TO_NEWEST },
  mapDma(3, HERE, PRIVATE),
  mapDma(0, BEHIND, BUFFER.start),
];

function mapDma(flags: number, iova: bigint, vaddr: bigint, size = PAGE_SIZE): CallKind {
  return { call: 'VFIO_IOMMU_MAP_DMA', args: { flags, iova, vaddr, size } };
}

/** A page table that is filled and given up again, because there is no way to say which it is. */
function inVain(call: CallKind): Kind {
  return compared(...ANEW, { ...call, at: 'sealed' });
}

/** An area that permits nothing, for the page table that is there. */
const NOTHING_FOR_ALL: Kind = compared(
  'show_file_private',
  { ...SET_COMPAT, oldest: { ioas_id: 'IOAS' } },
  mapDma(0, ELSEWHERE, PRIVATE),
);

const NEW_ACCESS = newestAccess(CREATE_ACCESS_FLAGS.NEEDS_PIN_PAGES);

/** What a page is compared with as it is pinned: what is not there, what is something else, and what ends with the address space. */
const COMPARED_WITH = [HOLE, SCRATCH.start + 0x2_0000n, LAST_PAGE];

const PINS: readonly Kind[] = [
  ...COMPARED_WITH.map((uptr) => ({ uptr, length: PAGE_SIZE })),
  ...new Array<{ uptr: bigint; length: bigint }>(3).fill({ uptr: 0n, length: 2n * PAGE_SIZE }),
].map(({ uptr, length }) =>
  compared(NEW_ACCESS, {
    call: 'IOMMU_TEST_OP_ACCESS_PAGES',
    args: { flags: 0, iova: HERE, length, uptr },
    newest: { id: 'access' },
  }),
);

/** Writes to the one page and to what is behind it, and reads of the same bytes. */
const WRITES: readonly Kind[] = [0, ACCESS_RW_FLAGS.SLOW_PATH].map((path) => ({
  inTurn: [
    NEW_ACCESS,
    acrossPages({ flags: path | ACCESS_RW_FLAGS.WRITE, uptr: { words: [0x1234, 0x5678] } }),
    acrossPages({ flags: path, uptr: { room: 8 } }),
  ],
}));

function acrossPages(args: Pick<IoctlStep['args'], 'flags' | 'uptr'>): Kind {
  return {
    call: 'IOMMU_TEST_OP_ACCESS_RW',
    args: { iova: BEHIND - 4n, length: 8n, ...args },
    newest: { id: 'access' },
  };
}

/** Half a page behind which no byte is. */
const COMPARE_WITH_END: Kind = {
  call: 'IOMMU_TEST_OP_MD_CHECK_MAP',
  args: { iova: HERE, length: 0x800n, uptr: LAST_PAGE },
  oldest: { id: 'HWPT_PAGING' },
};

const SEEN_TWICE: readonly Kind[] = [map(SHARED, HERE), ...MAP_ANEW.slice(0, 1)];

const AMONG: readonly Kind[] = spread({ process: 1, cut_file: 1, counters: 1, memory: 1 });

const LEFT_COPIED: Theme = {
  about: 'Private pages of a file that calls pin before they fail, and that are then no longer the file’s.',
  isFor: ({ hasFileMappings }) => hasFileMappings,
  prelude: ['memory_file', 'show_file_shared', ALLOC, SET_COMPAT, DEVICE, ...SEEN_TWICE],
  kinds: [
    ...times(2, ...MAP_ANEW),
    ...COPIES,
    ...ONE_AREA,
    ...TO_PAGE_TABLES.map((kind) => compared(kind)),
    ...TO_PAGE_TABLES.map(inVain),
    ...PINS,
    ...times(2, ...WRITES),
    COMPARE,
    COMPARE_WITH_END,
    ...AMONG,
  ],
};

/** The last is of a PASID that nothing is attached to, unless some other call did. */
const FILLING_FOR_PASIDS: readonly CallKind[] = [
  { call: 'IOMMU_TEST_OP_PASID_ATTACH', args: { pasid: 0 }, newest: { pt_id: 'IOAS' } },
  { call: 'IOMMU_TEST_OP_PASID_REPLACE', args: { pasid: 0 }, newest: { pt_id: 'IOAS' } },
  MOVE_DEVICE,
  { call: 'IOMMU_TEST_OP_PASID_REPLACE', args: { pasid: 5 }, newest: { pt_id: 'IOAS' } },
];

const TO_PASIDS: readonly Kind[] = [
  ...FILLING_FOR_PASIDS,
  { call: 'IOMMU_TEST_OP_PASID_ATTACH', args: { pasid: 0 }, oldest: { pt_id: 'IOAS' } },
  DETACH_DEVICE,
];

const LEFT_COPIED_BY_PASIDS: Theme = {
  about: 'The same, and PASIDs of a device are what pins.',
  isFor: ({ hasPasids }) => hasPasids,
  prelude: ['memory_file', 'show_file_shared', ALLOC, DEVICE, DEVICE_WITH_PASIDS, ...SEEN_TWICE],
  kinds: [
    ...times(2, ...MAP_ANEW),
    ...times(4, ...TO_PASIDS.map((kind) => compared(kind))),
    ...FILLING_FOR_PASIDS.flatMap((call) => [compared(...ANEW, DETACH_DEVICE, call), inVain(call)]),
    COMPARE,
    ...AMONG,
  ],
};

const NOTHING_PERMITTED: Theme = {
  about: 'The same, and what is in the way is an area that permits nothing, of which the kernel warns.',
  isFor: ({ hasGenericPageTable }) => hasGenericPageTable,
  biases: { splat: 1 },
  prelude: ['memory_file', 'show_file_shared', ALLOC, SET_COMPAT, DEVICE, DEVICE_WITH_PASIDS, ...SEEN_TWICE],
  kinds: [
    ...[...TO_PAGE_TABLES, ...FILLING_FOR_PASIDS].map((call) => compared(...BEFORE_NOTHING, call)),
    NOTHING_FOR_ALL,
    COMPARE,
    DETACH_DEVICE,
    ...AMONG,
  ],
};

export const LEAVING_THEMES: readonly Theme[] = [
  LEFT_COPIED,
  LEFT_COPIED,
  LEFT_COPIED_BY_PASIDS,
  NOTHING_PERMITTED,
];
