/**
 * What a call may answer because another is under way, and no serial order of the calls explains. It comes on top of what the serial
 * order allows; the kernel's own documentation or code says that user space has to live with each of it.
 */
import { ERRNO } from '../base/errno.js';
import { present } from '../base/assert.js';
import { writeNumber } from '../base/bytes.js';
import type { Range } from '../base/ranges.js';
import { U64_MAX, rangeWraps, wrapU64 } from '../base/u64.js';
import type { Rule } from '../ioctls/description.js';
import { errnoOf } from '../mutants.js';
import { type Branch, NO_FINDINGS, type Prediction } from '../prediction.js';
import { CallMemory } from '../state/call_memory.js';
import type { HwptPaging } from '../state/objects.js';
import { dropAreas, reachOf } from '../state/unmap.js';
import type { World } from '../state/world.js';
import {
  type CallUnderWay,
  type LaneCall,
  MAPPING,
  UNMAPPING,
  isPlacedByKernel,
  isSame,
  laneCall,
  movesAreas,
  namesObject,
  tableOf,
  tableOfAccess,
} from './lane_call.js';
import { answeredWithPageTable, placedInAperture } from './passing_page_table.js';

/** A call of a lane, and what others are doing at its moment. */
export interface RaceContext extends CallUnderWay {
  readonly world: World;
  /** The rules, with at most one planted difference. */
  readonly races: readonly Race[];
  readonly others: readonly CallUnderWay[];
  /** An automatic page table that the call gives up. */
  readonly goesNext?: HwptPaging;
}

/** Two calls that overlap. */
interface Overlap {
  readonly own: LaneCall;
  /** That of another lane. */
  readonly other: LaneCall;
  readonly goesNext: HwptPaging | undefined;
}

/** Something that another call can cause by being under way: an answer, or that success is not as usual. */
export interface Race extends Rule<Overlap> {
  /** The calls that it concerns; without it, all. */
  readonly calls?: readonly string[];
  /** What it leaves although the call fails: one of these. */
  leavesOneOf?(this: void, c: Overlap): readonly Leftover[];
}

/** Does what a failing call has done before it failed. */
type Leftover = (memory: CallMemory) => void;

/** VFIO_DMA_UNMAP_FLAG_ALL. */
const VFIO_UNMAP_ALL = 2n;

const RANGE = 'io_pagetable.c:iopt_unmap_iova_range';
const CONTIGUOUS = 'io_pagetable.c:iopt_area_contig_init';
const ACCESSING = ['IOMMU_TEST_OP_ACCESS_PAGES', 'IOMMU_TEST_OP_ACCESS_RW'];

/**
 * Calls that take ids for a while: of a page table that comes to nothing, or of one that makes room for another only once that is
 * there.
 */
const PASSING_IDS: ReadonlySet<string> = new Set([
  'IOMMU_HWPT_ALLOC',
  'IOMMU_TEST_OP_MOCK_DOMAIN',
  'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS',
  'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE',
  'IOMMU_TEST_OP_PASID_ATTACH',
  'IOMMU_TEST_OP_PASID_REPLACE',
  'IOMMU_VIOMMU_ALLOC',
  'IOMMU_VDEVICE_ALLOC',
]);

/** Calls that may take a page table away from the IOAS of its device. */
const TAKING_DOMAINS: ReadonlySet<string> = new Set([
  'IOMMU_DESTROY',
  'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE',
  'IOMMU_TEST_OP_PASID_DETACH',
  'IOMMU_TEST_OP_PASID_REPLACE',
]);

/** Calls that tell what the page tables of an IOAS leave to be used, with the member that names it; VFIO's names none. */
const QUESTIONS: ReadonlyMap<string, string | undefined> = new Map([
  ['IOMMU_IOAS_IOVA_RANGES', 'ioas_id'],
  ['VFIO_IOMMU_GET_INFO', undefined],
]);

/** Calls whose answer depends on the page tables of an IOAS. */
const ASKING = new Map([...MAPPING, ...QUESTIONS, ['IOMMU_IOAS_ALLOW_IOVAS', 'ioas_id']]);

/** The answer is not as usual. */
const PASSING_ID = 'OK.passing_ids';
const PASSING_PLACE = 'OK.passing_places';
const PASSING_APERTURE = 'OK.passing_apertures';
const PASSING_DOMAIN = 'OK.passing_domains';
const OUTLIVES = 'OK.page_table_stays';

/** What the rules are called together. */
export const LANES = 'lanes';

export const RACES: readonly Race[] = [
  {
    id: 'EBUSY.in_flight',
    calls: ['IOMMU_DESTROY'],
    says: 'another call uses the object to destroy, which counts as a user',
    cite: 'main.c:iommufd_object_remove',
    when: ({ own, other }) => other.call !== own.call && namesObject(other, own.member('id')),
  },
  {
    id: 'EBUSY.settling',
    calls: [...UNMAPPING.keys()],
    says: 'another call makes or removes an area of the range to unmap',
    cite: RANGE,
    when: ({ own, other }) => movesAreas(other, tableOf(own, UNMAPPING)),
    leavesOneOf: unmapBelow,
  },
  {
    id: 'EEXIST.settling',
    calls: [...MAPPING.keys()],
    says: 'another call makes or removes an area in the range to map',
    cite: 'io_pagetable.c:iopt_insert_area',
    when: ({ own, other }) => movesAreas(other, tableOf(own, MAPPING)),
  },
  {
    id: 'ENOENT.settling_source',
    calls: ['IOMMU_IOAS_COPY'],
    says: 'another call makes or removes an area of the source to copy',
    cite: CONTIGUOUS,
    when: ({ own, other }) => movesAreas(other, own.member('src_ioas_id')),
  },
  {
    id: 'ENOENT.settling',
    calls: ACCESSING,
    says: 'another call makes or removes an area of the range to access',
    cite: CONTIGUOUS,
    when: ({ own, other }) => movesAreas(other, tableOfAccess(own)),
  },
  {
    id: 'EINVAL.unmapping',
    calls: ACCESSING,
    says: 'another call unmaps an area of the range to access, and waits for its accesses to end',
    cite: 'device.c:iommufd_access_pin_pages',
    when: ({ own, other }) => isSame(tableOf(other, UNMAPPING), tableOfAccess(own)),
  },
  {
    id: PASSING_ID,
    says: 'another call takes ids for a while, so that any free ones may be the lowest that are left',
    cite: 'device.c:iommufd_device_auto_get_domain, main.c:iommufd_object_abort',
    when: ({ own, other }) => getsIds(own) && PASSING_IDS.has(other.call.name),
  },
  {
    id: PASSING_PLACE,
    calls: [...MAPPING.keys()].filter((name) => MAPPING.get(name) !== undefined),
    says: 'another call makes an area, even if it fails, or removes one, which is in the way of an area that the kernel finds a place for',
    cite: 'io_pagetable.c:iopt_map_pages, iopt_unmap_iova_range',
    when: ({ own, other }) => isPlacedByKernel(own) && movesAreas(other, tableOf(own, MAPPING)),
  },
  {
    id: PASSING_APERTURE,
    calls: [...MAPPING.keys()].filter((name) => MAPPING.get(name) !== undefined),
    says: 'another call takes a page table away from the IOAS once the kernel has found a place for an area that suits it, and before the area would be filled',
    cite: 'io_pagetable.c:iopt_map_pages, iopt_table_remove_domain',
    when: ({ own, other }) => isPlacedByKernel(own) && mayTakeDomain(other, tableOf(own, MAPPING)),
  },
  {
    id: PASSING_DOMAIN,
    calls: [...ASKING.keys()],
    says: 'another call fills a page table, and fails then: for a moment its aperture and the memory that it takes limit what can be done',
    cite: 'hw_pagetable.c:iommufd_hwpt_alloc, device.c:iommufd_device_auto_get_domain',
    when: ({ own, other }) => PASSING_IDS.has(other.call.name) && namesObject(other, tableOf(own, ASKING)),
  },
  {
    id: OUTLIVES,
    calls: [
      'IOMMU_DESTROY',
      'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE',
      'IOMMU_TEST_OP_PASID_DETACH',
      'IOMMU_TEST_OP_PASID_REPLACE',
    ],
    says: 'another call uses an automatic page table when its last device leaves, so that it may stay for good',
    cite: 'iommufd_private.h:iommufd_object_put_and_try_destroy',
    when: ({ other, goesNext }) => goesNext !== undefined && mayUse(other, goesNext),
  },
];

/** Whether what the kernel chooses for a call may be higher than in any serial order, because something was in the way for a while. */
export function mayMeetPassing(c: RaceContext): boolean {
  return overlapsOf(c).some(({ race: { id } }) => id === PASSING_ID || id === PASSING_PLACE);
}

/** Whether an answer may be because of a page table that is gone, or comes to nothing. */
export function mayMeetPageTable(c: RaceContext): boolean {
  return overlapsOf(c).some(({ race: { id } }) => id === PASSING_APERTURE || id === PASSING_DOMAIN);
}

/** Answers as if a page table were there that another call makes in vain, or was until another call took it away. */
export function answersOfPassing(c: RaceContext, predict: () => Prediction): Branch[] {
  return overlapsOf(c).flatMap(({ race: { id }, overlap: { own } }) => {
    const ioas = own.file.objects.findOfType(Number(tableOf(own, ASKING) ?? 0n), 'IOAS');
    if (ioas === undefined) return [];
    if (id === PASSING_APERTURE) return placedInAperture(ioas, predict);
    if (id !== PASSING_DOMAIN) return [];
    return answeredWithPageTable(ioas, predict, QUESTIONS.has(own.call.name));
  });
}

/** Whether another call may keep an automatic page table that a call gives up. */
export function mayOutlive(c: RaceContext): boolean {
  return overlapsOf(c).some(({ race: { id } }) => id === OUTLIVES);
}

/** The answers of a call that others cause. */
export function racingAnswers(c: RaceContext): Branch[] {
  const branches = overlapsOf(c).flatMap(({ race, overlap }): Branch[] => {
    const { leavesOneOf } = race;
    if (errnoOf(race.id) === undefined) return [];
    if (leavesOneOf === undefined) return [branchOf(race, c)];
    return leavesOneOf(overlap).map((leftover) => branchOf(race, c, leftover));
  });
  return branches.filter(
    (one, at) =>
      one.mayLeave === 'anything' || branches.findIndex(({ because }) => because === one.because) === at,
  );
}

/** The races that apply to a call, each with what causes it. */
function overlapsOf(c: RaceContext): { readonly race: Race; readonly overlap: Overlap }[] {
  const { world, others, races, goesNext } = c;
  const own = laneCall(world, c);
  if (own === undefined) return [];
  const overlaps = others
    .flatMap((other) => laneCall(world, other) ?? [])
    .filter(({ file }) => file === own.file)
    .map((other) => ({ own, other, goesNext }));
  return races
    .filter(({ calls }) => calls?.includes(own.call.name) ?? true)
    .flatMap((race) =>
      overlaps.filter((overlap) => race.when(overlap)).map((overlap) => ({ race, overlap })),
    );
}

function branchOf({ id }: Race, { step, world }: RaceContext, leftover?: Leftover): Branch {
  const errno = ERRNO[present(errnoOf(id), 'an errno')];
  const buffers = step.do === 'ioctl' ? step.buffers : [];
  return {
    because: `${LANES}/${id}`,
    errno,
    mayLeave: leftover === undefined ? 'nothing' : 'anything',
    findings: NO_FINDINGS,
    enact: () => {
      const memory = new CallMemory(world.memory, buffers);
      leftover?.(memory);
      const out = memory.results();
      return { returned: { status: 'returned', errno, value: -1, out }, illegal: [] };
    },
  };
}

function getsIds({ call }: LaneCall): boolean {
  return call.layout.members.some(({ field: { role, direction } }) => role.is === 'id' && direction !== 'in');
}

/** Whether a call may take a page table away from an IOAS, be it one that it has made in vain. */
function mayTakeDomain(other: LaneCall, table: bigint | undefined): boolean {
  const { name } = other.call;
  return TAKING_DOMAINS.has(name) || (PASSING_IDS.has(name) && namesObject(other, table));
}

/** Whether a call may have a reference of an automatic page table for as long as it is under way. */
function mayUse(other: LaneCall, hwpt: HwptPaging): boolean {
  const triesIt = PASSING_IDS.has(other.call.name) && namesObject(other, BigInt(hwpt.ioas.id));
  return triesIt || namesObject(other, BigInt(hwpt.id));
}

/** Unmaps what lies below the area that another call makes or removes, wherever that is. */
function unmapBelow({ own, other }: Overlap): Leftover[] {
  const ioas = own.file.objects.findOfType(Number(tableOf(own, UNMAPPING) ?? 0n), 'IOAS');
  const range = unmappedRange(own);
  if (ioas === undefined || range === undefined) return [];
  const { whole } = reachOf(ioas.table, range);
  const border = borderOf(other);
  const isBelow = border === undefined ? undefined : whole.filter(({ iova }) => iova < border).length;
  const counts = isBelow === undefined ? [...whole, undefined].map((_, count) => count) : [isBelow];
  return counts.map((count) => (memory) => {
    const bytes = dropAreas(ioas.table, whole.slice(0, count));
    if (own.call.protocol === 'vfio') tellSize(own, bytes, memory);
  });
}

/** VFIO tells how much has been unmapped. */
function tellSize({ call, address }: LaneCall, bytes: bigint, memory: CallMemory): void {
  const size = present(call.layout.memberOf('size'), 'size');
  const word = new Uint8Array(size.field.bytes);
  writeNumber(word, 0, 8, wrapU64(bytes));
  memory.write(address + BigInt(size.offset), word);
}

/** What a call unmaps; undefined for no range at all. */
function unmappedRange({ call, member }: LaneCall): Range | undefined {
  const isVfio = call.protocol === 'vfio';
  const [start = 0n, length = 0n] = [member('iova'), member(isVfio ? 'size' : 'length')];
  const isEverything = isVfio
    ? ((member('flags') ?? 0n) & VFIO_UNMAP_ALL) !== 0n
    : start === 0n && length === U64_MAX;
  if (isEverything) return { start: 0n, last: U64_MAX };
  return length === 0n || rangeWraps(start, length) ? undefined : { start, last: start + length - 1n };
}

/** Where the area begins that a call makes; undefined where the kernel chooses that, and of areas that it removes. */
function borderOf(other: LaneCall): bigint | undefined {
  if (UNMAPPING.has(other.call.name) || isPlacedByKernel(other)) return undefined;
  return other.member('iova') ?? other.member('dst_iova');
}
