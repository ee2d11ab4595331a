import { present } from '../../base/assert.js';
import { MockDomain, type MockTable } from '../../hardware/mock_domain.js';
import { MockCache } from '../../hardware/mock_cache.js';
import {
  choice32,
  data64,
  dataBytes32,
  flags32,
  id32,
  reserved32,
  sizeField,
  u32,
} from '../../layout/field.js';
import { AddDomainPlan, createHwptPaging } from '../../state/attach.js';
import type { Device, Fault, HwptPaging, IommufdObject, Viommu } from '../../state/objects.js';
import { chooseIds } from '../choices.js';
import { defineCall, once } from '../description.js';
import { type DataFailure, HWPT_DATA_TYPES, type HwptSelftest, readHwptSelftest } from '../driver_data.js';
import {
  ADD_DOMAIN_RULES,
  afterFilling,
  cannotRespond,
  noSuchDevice,
  reservedNotZero,
} from '../shared_rules.js';

const SOURCE = 'hw_pagetable.c:iommufd_hwpt_alloc';
const PAGING = 'hw_pagetable.c:iommufd_hwpt_paging_alloc';
const NESTED = 'hw_pagetable.c:iommufd_hwpt_nested_alloc';
const MOCK = 'selftest.c:mock_domain_alloc_paging_flags';
const MOCK_NESTED = 'selftest.c:mock_domain_alloc_nested';

/** Source: iommufd.h, enum iommufd_hwpt_alloc_flags. */
export const HWPT_FLAGS = { NEST_PARENT: 1, DIRTY_TRACKING: 2, FAULT_ID_VALID: 4, PASID: 8 } as const;

/** MOCK_IOMMUPT_DEFAULT and MOCK_IOMMUPT_HUGE. Source: iommufd_test.h. */
const TABLES: readonly MockTable[] = ['default', 'huge'];

/** MOCK_NESTED_DOMAIN_IOTLB_NUM. Source: iommufd_test.h. */
const IOTLB_ENTRIES = 4;

const FIELDS = {
  size: sizeField(),
  flags: flags32(HWPT_FLAGS),
  dev_id: id32(['DEVICE']),
  pt_id: id32(['IOAS', 'HWPT_PAGING', 'VIOMMU']),
  out_hwpt_id: id32(['HWPT_PAGING', 'HWPT_NESTED'], 'out'),
  __reserved: reserved32(),
  data_type: choice32(HWPT_DATA_TYPES),
  data_len: dataBytes32('bytes of the driver data'),
  data_uptr: data64('driver data', 'in', 'iommu_hwpt_selftest'),
  fault_id: id32(['FAULT']),
  __reserved2: u32('never checked'),
} as const;

interface Lookups {
  readonly device: Device | undefined;
  readonly target: IommufdObject | undefined;
  /** The fault queue that it is to have; undefined without FAULT_ID_VALID. */
  readonly fault: Fault | undefined;
  /** The driver data, if the call gets as far as reading it. */
  readonly data: () => HwptSelftest | DataFailure | undefined;
  /** The new domain of an IOAS. */
  readonly plan: () => AddDomainPlan | undefined;
}

export const hwptAlloc = defineCall(
  {
    name: 'IOMMU_HWPT_ALLOC',
    command: 0x3b89,
    doc: 'Makes a page table: a paging one that translates an IOAS, or a nested one on top of a paging one.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: '__reserved',
    respond: 'struct',
    allocates: true,
  },
  (c): Lookups => {
    const { args, file, memory, profile, world } = c;
    const device = file.objects.findOfType(args.dev_id, 'DEVICE');
    const target = file.objects.find(args.pt_id);
    const data = once(() =>
      args.data_len === 0
        ? undefined
        : readHwptSelftest(memory, args.data_uptr, args.data_len, profile.hwptSelftestBytes),
    );
    const plan = once(() => {
      if (target?.type !== 'IOAS') return undefined;
      const table = profile.hasPagingData ? TABLES[tableNumber(data())] : device?.hardware.table;
      if (table === undefined) return undefined;
      const hasDirtyBits = (args.flags & HWPT_FLAGS.DIRTY_TRACKING) !== 0;
      return new AddDomainPlan(target, world.process, new MockDomain(table, hasDirtyBits));
    });
    const hasFault = (args.flags & HWPT_FLAGS.FAULT_ID_VALID) !== 0;
    const fault = hasFault ? file.objects.findOfType(args.fault_id, 'FAULT') : undefined;
    return { device, target, fault, data, plan };
  },
).behaves({
  findings: [
    {
      id: 'reserved-not-checked',
      says: '__reserved2 is never looked at, although it must be 0',
      isShown: ({ args }) => args.__reserved2 !== 0,
    },
  ],
  rules: [
    reservedNotZero(SOURCE),
    {
      id: 'EINVAL.data_len',
      says: 'there is data of type NONE, or no data of another type',
      cite: SOURCE,
      when: ({ args }) => (args.data_type === HWPT_DATA_TYPES.NONE) !== (args.data_len === 0),
    },
    noSuchDevice(SOURCE),
    {
      id: 'EINVAL.target',
      says: 'no object of this file has the id pt_id',
      cite: SOURCE,
      when: ({ target }) => target === undefined,
    },
    {
      id: 'EINVAL.target_type',
      says: 'pt_id is neither an IOAS, a paging page table nor a vIOMMU',
      cite: SOURCE,
      when: ({ target }) => target !== undefined && !isIoas(target) && !isNestable(target),
    },
    {
      id: 'EOPNOTSUPP.paging_flags',
      says: 'flags has a bit that the kernel does not know of a paging page table',
      cite: PAGING,
      when: ({ target, args, profile }) => isIoas(target) && (args.flags & ~profile.hwptPagingFlags) !== 0,
    },
    {
      id: 'EOPNOTSUPP.dirty_tracking',
      says: 'DIRTY_TRACKING is asked for, and the device cannot',
      cite: PAGING,
      when: ({ target, args, device }) =>
        isIoas(target) &&
        (args.flags & HWPT_FLAGS.DIRTY_TRACKING) !== 0 &&
        device?.hardware.canTrackDirty === false,
    },
    {
      id: 'EOPNOTSUPP.fault_of_parent',
      says: 'a parent of nested page tables is to have a fault queue',
      cite: PAGING,
      isFor: (profile) => (profile.hwptPagingFlags & HWPT_FLAGS.FAULT_ID_VALID) !== 0,
      when: ({ target, args }) =>
        isIoas(target) &&
        (args.flags & HWPT_FLAGS.FAULT_ID_VALID) !== 0 &&
        (args.flags & HWPT_FLAGS.NEST_PARENT) !== 0,
    },
    {
      id: 'EOPNOTSUPP.paging_data',
      says: 'the driver takes no such data for a paging page table',
      cite: MOCK,
      when: ({ target, args, profile }) =>
        isIoas(target) &&
        args.data_len !== 0 &&
        (!profile.hasPagingData || args.data_type !== HWPT_DATA_TYPES.SELFTEST),
    },
    {
      id: 'EOPNOTSUPP.nested_flags',
      says: 'a nested page table is asked for other flags than FAULT_ID_VALID and PASID, or has no data',
      cite: NESTED,
      when: ({ target, args, profile }) =>
        isNestable(target) && ((args.flags & ~profile.hwptNestedFlags) !== 0 || args.data_len === 0),
    },
    {
      id: 'EINVAL.parent',
      says: 'the paging page table is automatic or not made with NEST_PARENT',
      cite: NESTED,
      when: ({ target }) => target?.type === 'HWPT_PAGING' && !target.isNestParent,
    },
    {
      id: 'EOPNOTSUPP.nested_data',
      says: 'the driver takes no such data for a nested page table',
      cite: MOCK_NESTED,
      when: ({ target, args }) => isNestable(target) && args.data_type !== HWPT_DATA_TYPES.SELFTEST,
    },
    {
      id: 'EINVAL.data_size',
      says: 'the data is shorter than the first version of its struct, or longer than the one the kernel knows',
      cite: 'include/linux/iommu.h:iommu_copy_struct_from_user',
      when: ({ data }) => data() === 'length',
    },
    {
      id: 'EFAULT.data',
      says: 'a byte of the data cannot be read',
      cite: 'include/linux/iommu.h:iommu_copy_struct_from_user',
      when: ({ data }) => data() === 'fault',
    },
    {
      id: 'EOPNOTSUPP.pagetable_type',
      says: 'the data of a paging page table names a format that the mock does not have',
      cite: 'selftest.c:mock_domain_alloc_pgtable',
      isFor: (profile) => profile.hasPagingData,
      when: ({ target, data }) => isIoas(target) && tableNumber(data()) >= TABLES.length,
    },
    ...ADD_DOMAIN_RULES,
    afterFilling({
      id: 'ENOENT.fault',
      says: 'FAULT_ID_VALID is set, and no fault queue of this file has the id fault_id',
      cite: SOURCE,
      when: ({ args, fault }) => (args.flags & HWPT_FLAGS.FAULT_ID_VALID) !== 0 && fault === undefined,
    }),
    afterFilling(cannotRespond()),
  ],
  effect: (c) => {
    const { args, fault, file, target } = c;
    const [id] = chooseIds(c, ['out_hwpt_id']);
    args.out_hwpt_id = present(id, 'id');
    const isPasidCompatible = (args.flags & HWPT_FLAGS.PASID) !== 0;
    if (isNestable(target)) {
      target.users += 1;
      if (fault !== undefined) fault.users += 1;
      const { iotlb } = c.data() as HwptSelftest;
      const nested = {
        type: 'HWPT_NESTED',
        id: args.out_hwpt_id,
        users: 1,
        base: target,
        isPasidCompatible,
        fault,
      } as const;
      file.objects.insert({ ...nested, iotlb: new MockCache(iotlb, IOTLB_ENTRIES) });
      return;
    }
    const isNestParent = (args.flags & HWPT_FLAGS.NEST_PARENT) !== 0;
    const traits = { isAutomatic: false, isNestParent, isPasidCompatible, fault };
    createHwptPaging(file, args.out_hwpt_id, present(c.plan(), 'a domain to add'), traits);
  },
});

function isNestable(target: IommufdObject | undefined): target is HwptPaging | Viommu {
  return target?.type === 'HWPT_PAGING' || target?.type === 'VIOMMU';
}

function isIoas(target: IommufdObject | undefined): boolean {
  return target?.type === 'IOAS';
}

/** The format that the data asks for; without data, the first. */
function tableNumber(data: HwptSelftest | DataFailure | undefined): number {
  return typeof data === 'object' ? data.pagetable_type : 0;
}
