/**
 * Answers that a call may give because another is under way, and that no serial order of the calls explains. They come on top of
 * what the serial order allows; the kernel's own documentation or code says that user space has to live with each of them.
 */
import { ERRNO, type Errno } from '../base/errno.js';
import { present } from '../base/assert.js';
import { viewOf, writeNumber } from '../base/bytes.js';
import type { Range } from '../base/ranges.js';
import { U64_MAX, rangeWraps, wrapU64 } from '../base/u64.js';
import type { CallDescription } from '../ioctls/description.js';
import { IOAS_MAP_FLAGS } from '../ioctls/shared_rules.js';
import { readMember } from '../layout/struct.js';
import { type Branch, NO_FINDINGS } from '../prediction.js';
import type { Profile } from '../profiles/index.js';
import type { RawStep } from '../program/raw.js';
import { CallMemory } from '../state/call_memory.js';
import type { IommufdFile } from '../state/iommufd_file.js';
import type { HwptPaging } from '../state/objects.js';
import { dropAreas, reachOf } from '../state/unmap.js';
import type { World } from '../state/world.js';

/** A step of another lane, with its call if it is an ioctl. */
export interface CallUnderWay {
  readonly step: RawStep;
  readonly call: CallDescription | undefined;
}

/** A call of a lane, and what others are doing at its moment. */
export interface RaceContext extends CallUnderWay {
  readonly world: World;
  readonly profile: Profile;
  readonly others: readonly CallUnderWay[];
}

/** One answer that another call can cause by being under way. */
interface Race {
  readonly id: `${Errno}.${string}`;
  /** The calls that give it. */
  readonly calls: readonly string[];
  /** Half a sentence. */
  readonly says: string;
  readonly cite: string;
  /** Whether another lane's call is one that causes it. */
  isCausedBy(this: void, own: LaneCall, other: LaneCall): boolean;
  /** What it leaves although the call fails: one of these. */
  leaves?(this: void, own: LaneCall, other: LaneCall): readonly Leftover[];
}

/** Does what a failing call has done before it failed. */
type Leftover = (memory: CallMemory) => void;

/** A call with its struct decoded. */
interface LaneCall {
  readonly call: CallDescription;
  readonly file: IommufdFile;
  readonly world: World;
  /** Of its struct. */
  readonly address: bigint;
  /** A member of the struct; undefined if it has none of the name. */
  member(this: void, name: string): bigint | undefined;
}

/** Calls that put areas into an IOAS, and that remove them, with the member that names it; VFIO's name none. */
const MAPPING: ReadonlyMap<string, string | undefined> = new Map([
  ['IOMMU_IOAS_MAP', 'ioas_id'],
  ['IOMMU_IOAS_MAP_FILE', 'ioas_id'],
  ['IOMMU_IOAS_COPY', 'dst_ioas_id'],
  ['VFIO_IOMMU_MAP_DMA', undefined],
]);
const UNMAPPING: ReadonlyMap<string, string | undefined> = new Map([
  ['IOMMU_IOAS_UNMAP', 'ioas_id'],
  ['VFIO_IOMMU_UNMAP_DMA', undefined],
]);

/** VFIO_DMA_UNMAP_FLAG_ALL. */
const VFIO_UNMAP_ALL = 2n;
const FIXED_IOVA = BigInt(IOAS_MAP_FLAGS.FIXED_IOVA);

const RANGE = 'io_pagetable.c:iopt_unmap_iova_range';

export const RACES: readonly Race[] = [
  {
    id: 'EBUSY.in_flight',
    calls: ['IOMMU_DESTROY'],
    says: 'another call uses the object, which counts as a user',
    cite: 'main.c:iommufd_object_remove',
    isCausedBy: (own, other) => other.call !== own.call && namesObject(other, own.member('id')),
  },
  {
    id: 'EBUSY.settling',
    calls: [...UNMAPPING.keys()],
    says: 'another call makes or removes an area of the range',
    cite: RANGE,
    isCausedBy: (own, other) => movesAreas(other, tableOf(own, UNMAPPING)),
    leaves: unmapBelow,
  },
  {
    id: 'EEXIST.settling',
    calls: [...MAPPING.keys()],
    says: 'another call makes or removes an area in the range',
    cite: 'io_pagetable.c:iopt_insert_area',
    isCausedBy: (own, other) => movesAreas(other, tableOf(own, MAPPING)),
  },
  {
    id: 'ENOENT.settling',
    calls: ['IOMMU_IOAS_COPY'],
    says: 'another call makes or removes an area of the source',
    cite: 'io_pagetable.c:iopt_area_contig_init',
    isCausedBy: (own, other) => movesAreas(other, own.member('src_ioas_id')),
  },
  {
    id: 'ENOENT.settling',
    calls: ['IOMMU_TEST_OP_ACCESS_PAGES', 'IOMMU_TEST_OP_ACCESS_RW'],
    says: 'another call makes or removes an area of the range',
    cite: 'io_pagetable.c:iopt_area_contig_init',
    isCausedBy: (own, other) => movesAreas(other, tableOfAccess(own)),
  },
  {
    id: 'EINVAL.unmapping',
    calls: ['IOMMU_TEST_OP_ACCESS_PAGES', 'IOMMU_TEST_OP_ACCESS_RW'],
    says: 'another call unmaps an area of the range, and waits for its accesses to end',
    cite: 'device.c:iommufd_access_pin_pages',
    isCausedBy: (own, other) => isSame(tableOf(other, UNMAPPING), tableOfAccess(own)),
  },
];

/**
 * Calls that take ids for a while: of a page table that comes to nothing, or of one that makes room for another only once that is
 * there. Source: device.c:iommufd_device_auto_get_domain, main.c:iommufd_object_abort.
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

/** Whether what the kernel chooses for a call may be higher than in any serial order, because something was in the way for a while. */
export function mayMeetPassing(c: RaceContext): boolean {
  const own = laneCall(c.world, c);
  if (own === undefined) return false;
  const others = c.others.flatMap((other) => laneCall(c.world, other) ?? []);
  return others.some((other) => other.file === own.file && (takesIds(other) || takesIovas(own, other)));
}

function takesIds({ call }: LaneCall): boolean {
  return PASSING_IDS.has(call.name);
}

/** An area is in the way of others from before it is filled until after it is emptied. Source: io_pagetable.c:iopt_map_pages. */
function takesIovas(own: LaneCall, other: LaneCall): boolean {
  return isPlacedByKernel(own) && movesAreas(other, tableOf(own, MAPPING));
}

/** Whether a call may have a reference of an automatic page table for as long as it is under way. */
export function mayUse(world: World, underWay: CallUnderWay, hwpt: HwptPaging): boolean {
  const other = laneCall(world, underWay);
  if (other?.file.objects.find(hwpt.id) !== hwpt) return false;
  const triesIt = PASSING_IDS.has(other.call.name) && namesObject(other, BigInt(hwpt.ioas.id));
  return triesIt || namesObject(other, BigInt(hwpt.id));
}

/** The answers of a call that others cause. */
export function racingAnswers(c: RaceContext): Branch[] {
  const own = laneCall(c.world, c);
  if (own === undefined) return [];
  const others = c.others.flatMap((other) => laneCall(c.world, other) ?? []);
  return RACES.filter(({ calls }) => calls.includes(own.call.name)).flatMap((race) => {
    const causes = others.filter((other) => other.file === own.file && race.isCausedBy(own, other));
    const { leaves } = race;
    if (causes.length === 0) return [];
    if (leaves === undefined) return [branchOf(race, own, c)];
    return causes.flatMap((cause) => leaves(own, cause).map((leftover) => branchOf(race, own, c, leftover)));
  });
}

function branchOf({ id }: Race, own: LaneCall, { step, world }: RaceContext, leftover?: Leftover): Branch {
  const errno = ERRNO[id.slice(0, id.indexOf('.')) as Errno];
  const buffers = step.do === 'ioctl' ? step.buffers : [];
  return {
    because: `${own.call.name}/${id}`,
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

function laneCall(world: World, { step, call }: CallUnderWay): LaneCall | undefined {
  if (step.do !== 'ioctl' || call === undefined) return undefined;
  const file = world.fds.get(step.slot);
  const [struct] = step.buffers;
  if (file?.kind !== 'iommufd' || struct === undefined) return undefined;
  const { address, bytes } = struct;
  const member = (name: string): bigint | undefined => {
    const found = call.layout.memberOf(name);
    if (found === undefined || found.offset + found.field.bytes > bytes.length) return undefined;
    return BigInt(readMember(found, viewOf(bytes)));
  };
  return { call, file, world, address, member };
}

/** Unmaps what lies below the area that another call makes or removes, wherever that is. */
function unmapBelow(own: LaneCall, other: LaneCall): Leftover[] {
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

/** Whether the kernel chooses where the area of a call comes that makes one. */
function isPlacedByKernel({ call, member }: LaneCall): boolean {
  return call.protocol !== 'vfio' && ((member('flags') ?? 0n) & FIXED_IOVA) === 0n;
}

/** Whether a call has looked up the object of an id. */
function namesObject(other: LaneCall, id: bigint | undefined): boolean {
  if (id === undefined) return false;
  return other.call.layout.members.some(
    ({ name, field }) => field.role.is === 'id' && field.direction !== 'out' && other.member(name) === id,
  );
}

/** The IOAS that a call puts areas into or removes them from, if it is such a call. */
function tableOf(
  { call, file, member }: LaneCall,
  calls: ReadonlyMap<string, string | undefined>,
): bigint | undefined {
  if (!calls.has(call.name)) return undefined;
  const name = calls.get(call.name);
  if (name !== undefined) return member(name);
  return file.compatIoas === undefined ? undefined : BigInt(file.compatIoas.id);
}

function tableOfAccess({ member, world }: LaneCall): bigint | undefined {
  const file = world.fds.byHandle(Number(member('id') ?? 0n));
  return file?.kind === 'access' ? BigInt(file.access.ioas.id) : undefined;
}

function movesAreas(other: LaneCall, table: bigint | undefined): boolean {
  return isSame(tableOf(other, MAPPING), table) || isSame(tableOf(other, UNMAPPING), table);
}

function isSame(one: bigint | undefined, two: bigint | undefined): boolean {
  return one !== undefined && one === two;
}
