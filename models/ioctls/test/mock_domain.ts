import { id32 } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import { MockDevice } from '../../hardware/mock_device.js';
import {
  AddDomainPlan,
  type AttachRefusal,
  attachDevice,
  attachRefusal,
  automaticHwpt,
  createHwptPaging,
} from '../../state/attach.js';
import type { Device, Hwpt, HwptPaging, IommufdObject } from '../../state/objects.js';
import { chooseIds } from '../choices.js';
import { type CallContext, type CallDescription, type Rule, once } from '../description.js';
import { ADD_DOMAIN_RULES, VIOMMU_ALLOC, cannotRespond } from '../shared_rules.js';
import { type MemberArgs, defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_mock_domain';

interface Lookups {
  /** What the device is to be attached to; the new device itself is bound, and so there, before the target is looked up. */
  readonly target: IommufdObject | { readonly type: 'DEVICE' } | undefined;
  readonly hardware: MockDevice;
  /** The new domain of an IOAS that has no automatic page table yet. */
  readonly plan: () => AddDomainPlan | undefined;
}

type Context = CallContext<{ id: number } & MemberArgs<'mock_domain'>> & Lookups;

const TARGET_RULES: readonly Rule<Context>[] = [
  {
    id: 'ENOENT.target',
    says: 'no object of this file has the id',
    cite: 'device.c:iommufd_device_change_pt',
    when: ({ target }) => target === undefined,
  },
  {
    id: 'EINVAL.target_type',
    says: 'the object is neither an IOAS nor a page table',
    cite: 'device.c:iommufd_device_change_pt',
    when: ({ target }) => target !== undefined && target.type !== 'IOAS' && !isHwpt(target),
  },
];

/** A device with every ability is never refused for one. */
const CANNOT_TRACK: Rule<Context> = {
  id: 'EINVAL.dirty_domain',
  says: 'the page table tracks dirty pages, and the device cannot',
  cite: 'selftest.c:mock_domain_nop_attach',
  when: (c) => refusalOf(c) === 'cannot_track_dirty',
};

const FILLING_RULES: readonly Rule<Context>[] = [
  {
    id: 'ENOENT.vdevice',
    says: 'the page table is nested on a vIOMMU, and the new device has no vDEVICE there',
    cite: 'selftest.c:mock_domain_nop_attach',
    isFor: (profile) => profile.lastCommand >= VIOMMU_ALLOC,
    when: (c) => refusalOf(c) === 'no_vdevice',
  },
  ...ADD_DOMAIN_RULES,
  cannotRespond(),
];

/** MOCK_DOMAIN, the original, and MOCK_DOMAIN_FLAGS, which reads one member more. */
export const mockDomain: CallDescription = defineTestOp(
  {
    op: 'MOCK_DOMAIN',
    member: 'mock_domain',
    doc: 'Creates a mock device, binds it and attaches it to an IOAS or a page table.',
    source: SOURCE,
    id: id32(['IOAS', 'HWPT_PAGING', 'HWPT_NESTED']),
    respond: 'struct',
    allocates: true,
  },
  (c) => lookUp(c, new MockDevice(0)),
).behaves({
  rules: [...TARGET_RULES, ...FILLING_RULES],
  effect: createDevice,
});

export const mockDomainFlags: CallDescription = defineTestOp(
  {
    op: 'MOCK_DOMAIN_FLAGS',
    member: 'mock_domain_flags',
    doc: 'Creates a mock device with abilities of choice, binds it and attaches it to an IOAS or a page table.',
    source: SOURCE,
    id: id32(['IOAS', 'HWPT_PAGING', 'HWPT_NESTED']),
    respond: 'struct',
    allocates: true,
  },
  (c) => lookUp(c, new MockDevice(c.args.dev_flags)),
).behaves({
  rules: [
    {
      id: 'EINVAL.dev_flags',
      says: 'dev_flags has a bit that this kernel does not know',
      cite: 'selftest.c:mock_dev_create',
      when: ({ args, profile }) => (args.dev_flags & ~profile.mockDeviceFlags) !== 0,
    },
    ...TARGET_RULES,
    CANNOT_TRACK,
    ...FILLING_RULES,
  ],
  effect: createDevice,
});

function lookUp(c: CallContext<{ id: number }>, hardware: MockDevice): Lookups {
  const [, deviceId] = c.file.objects.lowestFreeIds(2);
  const target = c.args.id === deviceId ? ({ type: 'DEVICE' } as const) : c.file.objects.find(c.args.id);
  const needsDomain = target?.type === 'IOAS' && automaticHwpt(target) === undefined;
  return {
    target,
    hardware,
    plan: once(() => (needsDomain ? new AddDomainPlan(target, c.world) : undefined)),
  };
}

/** Ids are taken in the order handle, device, page table. */
function createDevice(c: Context): void {
  const { args, file } = c;
  const existing = existingHwpt(c);
  const fields = ['out_stdev_id', 'out_idev_id', ...(existing === undefined ? ['out_hwpt_id'] : [])];
  const [selftestId, deviceId, hwptId] = chooseIds(c, fields);
  const hwpt = existing ?? createAutomaticHwpt(c, present(hwptId, 'id'));
  const id = present(deviceId, 'id');
  const device: Device = {
    type: 'DEVICE',
    id,
    users: 2,
    hardware: c.hardware,
    hwpt: undefined,
    vdevice: undefined,
  };
  attachDevice(device, hwpt);
  file.objects.insert(device);
  file.objects.insert({ type: 'SELFTEST', id: present(selftestId, 'id'), users: 1, device });
  args.out_stdev_id = present(selftestId, 'id');
  args.out_hwpt_id = hwpt.id;
  args.out_idev_id = device.id;
}

function existingHwpt({ target }: Context): Hwpt | undefined {
  if (isHwpt(target)) return target;
  return target?.type === 'IOAS' ? automaticHwpt(target) : undefined;
}

function refusalOf({ hardware, target }: Lookups): AttachRefusal | undefined {
  return isHwpt(target) ? attachRefusal({ hardware, vdevice: undefined }, target) : undefined;
}

function isHwpt(target: Lookups['target']): target is Hwpt {
  return target?.type === 'HWPT_PAGING' || target?.type === 'HWPT_NESTED';
}

function createAutomaticHwpt({ file, plan }: Context, id: number): HwptPaging {
  const traits = { isAutomatic: true, isNestParent: false };
  return createHwptPaging(file, id, present(plan(), 'a domain to add'), traits);
}
