import { present } from '../../models/base/assert.js';
import { DRIVER_STRUCTS } from '../../models/layout/driver_data.js';
import type { Direction, DriverStruct } from '../../models/layout/field.js';
import type { Member } from '../../models/layout/struct.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import { CALLS, callByName } from '../../models/ioctls/index.js';

/**
 * The names under which syzkaller knows the calls, several for a call of which it tells apart what the arguments mean. Facts about
 * names alone: members, widths and directions are those of the call's description. Source of the names of what syzkaller
 * describes itself: its sys/linux/dev_iommu.txt.
 */
export interface Variant {
  /** `ioctl$…` */
  readonly name: string;
  readonly call: CallDescription;
  /** Members that have one value in this variant. */
  readonly fixed: Readonly<Record<string, bigint>>;
  /** What else differs from what the description says of a member. */
  readonly members: Readonly<Record<string, MemberFact>>;
  /** Whether syzkaller describes it itself. */
  readonly isUpstream: boolean;
  /** What an older description of syzkaller's has in place of the members, by name; `undefined` is a reserved one. */
  readonly older?: readonly (string | undefined)[];
}

export interface MemberFact {
  readonly direction?: Direction;
  /** A resource that it is, where the description knows of a number. */
  readonly resource?: string;
  /** A number, where the description knows of an id. */
  readonly isNumber?: boolean;
  /** User memory in whole pages; without it, a pointer to bytes. */
  readonly isPages?: boolean;
  /** Two members of 32 bits in place of one: MOCK_FLAGS_ACCESS_SYZ. */
  readonly isSplit?: boolean;
  /** Who writes what a pointer leads to. */
  readonly leadsTo?: Direction;
  /** What data of the driver is: a struct, an array of them; without either, bytes. */
  readonly struct?: DriverStruct;
  readonly structs?: DriverStruct;
}

type Facts = Partial<Pick<Variant, 'fixed' | 'members' | 'older'>> & { readonly own?: true };

const ALL = BigInt.asUintN(64, -1n);
const SELFTEST = 'IOMMU_TEST_OP_';
const PAGES_ID: MemberFact = { resource: 'access_pages_handle' };
/** An address that the kernel chose. */
const IOVA: MemberFact = { resource: 'iommufd_iova' };
const SPLIT: MemberFact = { isSplit: true };

/** By call; the first that fits an ioctl is taken. A call without an entry has one variant of its own name. */
const FACTS: Readonly<Record<string, Readonly<Record<string, Facts>>>> = {
  IOMMU_DESTROY: {
    $ioas: { members: { id: { resource: 'ioas_handle' } } },
    $hwpt: { members: { id: { resource: 'hwpt_handle' } } },
    $stdev: { members: { id: { resource: 'selftest_device_handle' } } },
    $viommu: { members: { id: { resource: 'viommu_handle' } }, own: true },
    $vdevice: { members: { id: { resource: 'vdevice_handle' } }, own: true },
    $fault: { members: { id: { resource: 'fault_handle' } }, own: true },
    $veventq: { members: { id: { resource: 'veventq_handle' } }, own: true },
    $hw_queue: { members: { id: { resource: 'hw_queue_handle' } }, own: true },
    $device: { members: { id: { resource: 'device_handle' } }, own: true },
  },
  IOMMU_IOAS_MAP: {
    $PAGES: { members: { user_va: { isPages: true } } },
    '': {},
    $ANYWHERE: { members: { user_va: { isPages: true }, iova: { ...IOVA, direction: 'out' } }, own: true },
  },
  IOMMU_IOAS_COPY: { '': {}, $syz: { members: { src_iova: SPLIT } } },
  IOMMU_IOAS_UNMAP: {
    $ALL: { fixed: { iova: 0n, length: ALL } },
    '': {},
    $AREA: { members: { iova: IOVA }, own: true },
  },
  IOMMU_OPTION: {
    $IOMMU_OPTION_RLIMIT_MODE: { fixed: { option_id: 0n }, members: { object_id: { isNumber: true } } },
    $IOMMU_OPTION_HUGE_PAGES: { fixed: { option_id: 1n } },
  },
  IOMMU_VFIO_IOAS: {
    $GET: { fixed: { op: 0n }, members: { ioas_id: { direction: 'out' } } },
    $SET: { fixed: { op: 1n }, members: { ioas_id: { direction: 'in' } } },
    $CLEAR: { fixed: { op: 2n }, members: { ioas_id: { direction: 'in', isNumber: true } } },
  },
  IOMMU_HWPT_ALLOC: {
    $TEST: { fixed: { data_type: 0xdeadn }, members: { data_uptr: { struct: 'iommu_hwpt_selftest' } } },
    $NONE: {},
  },
  IOMMU_GET_HW_INFO: {
    '': {
      older: [
        'size',
        'flags',
        'dev_id',
        'data_len',
        'data_uptr',
        'out_data_type',
        undefined,
        'out_capabilities',
      ],
    },
  },
  // Behind the struct it has room for the capabilities that the kernel appends.
  VFIO_IOMMU_GET_INFO: {
    '': { older: ['argsz', 'flags', 'iova_pgsizes', 'cap_offset', undefined, undefined] },
  },
  IOMMU_HWPT_GET_DIRTY_BITMAP: { '': { members: { data: { leadsTo: 'out' } } } },
  IOMMU_HWPT_INVALIDATE: {
    $TEST: {
      fixed: { data_type: 0xdead_beefn, entry_len: sizeOf('iommu_hwpt_invalidate_selftest') },
      members: { data_uptr: { structs: 'iommu_hwpt_invalidate_selftest' } },
    },
    $VIOMMU_TEST: {
      fixed: { data_type: 0xdead_beefn, entry_len: sizeOf('iommu_viommu_invalidate_selftest') },
      members: { data_uptr: { structs: 'iommu_viommu_invalidate_selftest' } },
      own: true,
    },
    '': { own: true },
  },
  IOMMU_VIOMMU_ALLOC: {
    $TEST: {
      fixed: { type: 0xdead_beefn },
      members: { data_uptr: { struct: 'iommu_viommu_selftest' } },
      own: true,
    },
    '': { own: true },
  },
  [`${SELFTEST}DESTROY_ACCESS_PAGES`]: { '': { members: { access_pages_id: PAGES_ID } } },
  [`${SELFTEST}ACCESS_PAGES`]: {
    '': { members: { out_access_pages_id: PAGES_ID, uptr: { isNumber: true } } },
    $syz: { members: { out_access_pages_id: PAGES_ID, iova: SPLIT, uptr: { isNumber: true } } },
  },
  [`${SELFTEST}ACCESS_RW`]: {
    '': { members: { uptr: { leadsTo: 'in' } } },
    $syz: { members: { iova: SPLIT, uptr: { leadsTo: 'in' } } },
  },
};

/** Calls that syzkaller does not describe, or not by the name that the header has. */
const OWN_CALLS = new Set([
  'IOMMU_IOAS_MAP_FILE',
  'IOMMU_VIOMMU_ALLOC',
  'IOMMU_VDEVICE_ALLOC',
  'IOMMU_FAULT_QUEUE_ALLOC',
  'IOMMU_VEVENTQ_ALLOC',
  'IOMMU_HW_QUEUE_ALLOC',
  'IOMMU_IOAS_CHANGE_PROCESS',
  'IOMMU_IOAS_NOIOMMU_GET_PA',
  'IOMMU_TEST_CMD',
  ...['DIRTY', 'MD_CHECK_IOTLB', 'TRIGGER_IOPF', 'DEV_CHECK_CACHE', 'TRIGGER_VEVENT', 'PASID_ATTACH'].map(
    (op) => SELFTEST + op,
  ),
  ...['PASID_REPLACE', 'PASID_DETACH', 'PASID_CHECK_HWPT', 'DMABUF_GET', 'DMABUF_REVOKE'].map(
    (op) => SELFTEST + op,
  ),
]);

function sizeOf(name: DriverStruct): bigint {
  return BigInt(DRIVER_STRUCTS[name].bytes);
}

/** The calls of VFIO are IOMMU_VFIO_… where they are made on /dev/iommu. */
function nameOf({ name, protocol }: CallDescription): string {
  return `ioctl$${protocol === 'vfio' ? 'IOMMU_' : ''}${name}`;
}

/** Every variant, in the order of the calls. */
export const VARIANTS: readonly Variant[] = CALLS.filter(({ on }) => on === 'iommufd').flatMap((call) =>
  Object.entries(FACTS[call.name] ?? { '': {} }).map(([suffix, { own, fixed, members, older }]) => ({
    name: `${nameOf(call)}${suffix}`,
    call,
    fixed: fixed ?? {},
    members: members ?? {},
    isUpstream: own !== true && !OWN_CALLS.has(call.name),
    ...(older === undefined ? {} : { older }),
  })),
);

const byName = new Map(VARIANTS.map((variant) => [variant.name, variant]));
const byCall = new Map(CALLS.map(({ name }) => [name, VARIANTS.filter(({ call }) => call.name === name)]));

export function variantByName(name: string): Variant | undefined {
  return byName.get(name);
}

export function variantsOf({ name }: CallDescription): readonly Variant[] {
  return present(byCall.get(name), 'variants');
}

/** The last member of the mock's struct, which no operation uses. */
const UNUSED = 'last';

/** The members that a variant's struct is written with. */
export function membersOf({ call }: Variant): readonly Member[] {
  return call.layout.members.filter(({ name }) => call.command !== TEST_COMMAND || name !== UNUSED);
}

const TEST_COMMAND = present(callByName('IOMMU_TEST_CMD'), 'the command of the mock').command;

/** Who writes a member in a variant. */
export function directionOf({ members }: Variant, { name, field }: Member): Direction {
  return members[name]?.direction ?? field.direction;
}

/** Who writes what a pointer leads to; undefined for members that are none. */
export function targetDirectionOf({ members }: Variant, { name, field }: Member): Direction | undefined {
  return field.role.is === 'array' ? (members[name]?.leadsTo ?? field.role.direction) : undefined;
}

/** What a member is to syzkaller: the name of a resource; undefined for a number. */
export function resourceOf({ members }: Variant, { name, field: { role } }: Member): string | undefined {
  const fact = members[name];
  if (fact?.isNumber === true) return undefined;
  if (fact?.resource !== undefined) return fact.resource;
  if (role.is === 'id') return resourceOfKinds(role.of);
  return role.is === 'fd' ? resourceOfFiles(role.of) : undefined;
}

const RESOURCES: Readonly<Record<string, string>> = {
  IOAS: 'ioas_handle',
  HWPT_PAGING: 'hwpt_handle',
  HWPT_NESTED: 'hwpt_handle',
  DEVICE: 'device_handle',
  SELFTEST: 'selftest_device_handle',
  VIOMMU: 'viommu_handle',
  VDEVICE: 'vdevice_handle',
  FAULT: 'fault_handle',
  VEVENTQ: 'veventq_handle',
  HW_QUEUE: 'hw_queue_handle',
};

/** What several kinds of objects that translate have in common. */
export const PT_RESOURCE = 'iommufd_pt_handle';

function resourceOfKinds(kinds: readonly string[]): string {
  const names = new Set(kinds.map((kind) => RESOURCES[kind] ?? PT_RESOURCE));
  return names.size === 1 ? present([...names][0], 'a resource') : PT_RESOURCE;
}

function resourceOfFiles(kinds: readonly string[]): string {
  return kinds.length === 1 && kinds[0] !== 'memfd' ? `fd_${kinds[0] ?? ''}` : 'fd';
}

/** An ioctl of any bytes, for structs that no variant has the form of. */
export const RAW_CALL = 'ioctl$IOMMUFD_RAW';

/** What the bytes of it are made of. */
export const RAW_OPTIONS = { data: 'data', pointer: 'ptr', 4: 'id32', 8: 'id64' } as const;
