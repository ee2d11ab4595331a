import { id32 } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import { MockDevice } from '../../hardware/mock_device.js';
import { attachDevice } from '../../state/attach.js';
import { type Device, type Hwpt, NO_PASID } from '../../state/objects.js';
import { chooseIds } from '../choices.js';
import type { CallContext, CallDescription, Failing } from '../description.js';
import { ADD_DOMAIN_RULES, afterFilling, cannotRespond } from '../shared_rules.js';
import {
  type AttachTarget,
  CANNOT_TRACK,
  NO_VDEVICE,
  TARGET_RULES,
  createAutomaticHwpt,
  lookUpTarget,
  passesOverAutomatic,
} from './attach_target.js';
import { type MemberArgs, defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_mock_domain';

type Context = CallContext<{ id: number } & MemberArgs<'mock_domain'>> &
  AttachTarget & { readonly hardware: MockDevice };

/** Its probe may fail unseen; with CONFIG_IOMMUFD_NOIOMMU such a device is bound all the same, and other rules hold for it. */
const WITHOUT_IOMMU = {
  of: 'memory',
  cite: 'iommu.c:iommu_bus_notifier, device.c:iommufd_device_is_noiommu',
  isFor: ({ hasGenericPageTable }) => hasGenericPageTable,
  // Its page table is the kernel's own; whether it has one nobody knows before.
  maySplat: ['amdv1_map_range', 'amdv1_mock_map_range'].map((place) => ({
    title: `WARNING in ${place}`,
    finding: 'map-without-access-warn',
  })),
} as const satisfies Partial<Failing<Context>>;

const FAILING: readonly Failing<Context>[] = [
  {
    ...WITHOUT_IOMMU,
    errno: 'OK',
    what: 'the device may have no IOMMU: its memory for one may be what was made to fail',
    does: createDevice,
    isResponding: true,
    doubt: 'whether a device has an IOMMU whose memory for one may be what was made to fail',
  },
  ...(['EFAULT', 'EADDRINUSE', 'EINVAL'] as const).map((errno) => ({
    ...WITHOUT_IOMMU,
    errno,
    what: 'nothing has changed: the device had no IOMMU, and the areas could not be mapped for it',
  })),
  {
    of: 'memory',
    errno: 'EINVAL',
    what: 'the device has no IOMMU, since what fails while it is given one is not told to who adds it',
    cite: 'iommu.c:iommu_bus_notifier, device.c:iommufd_device_bind',
    isFor: ({ hasGenericPageTable }) => !hasGenericPageTable,
  },
  passesOverAutomatic<Context>((c) => {
    createDevice(c);
  }),
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
  (c) => lookUp(c, new MockDevice(0, c.profile.hasGenericPageTable)),
).behaves({
  // A device with every ability is never refused for one.
  rules: [...TARGET_RULES, NO_VDEVICE, ...ADD_DOMAIN_RULES, afterFilling(cannotRespond())],
  failing: FAILING,
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
  (c) => lookUp(c, new MockDevice(c.args.dev_flags, c.profile.hasGenericPageTable)),
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
    NO_VDEVICE,
    ...ADD_DOMAIN_RULES,
    afterFilling(cannotRespond()),
  ],
  failing: FAILING,
  effect: createDevice,
});

/** The new device is bound, and so there, before the target is looked up. */
function lookUp(
  { args, file, world }: CallContext<{ id: number }>,
  hardware: MockDevice,
): AttachTarget & { readonly hardware: MockDevice } {
  const [, deviceId] = file.objects.lowestFreeIds(2);
  const target = args.id === deviceId ? ({ type: 'DEVICE' } as const) : file.objects.find(args.id);
  const device = { hardware, vdevice: undefined, attachments: new Map<number, Hwpt>() };
  const request = { device, pasid: NO_PASID, isReplacing: false };
  return { ...lookUpTarget(target, request, world), hardware };
}

/** Ids are taken in the order handle, device, page table. */
function createDevice(c: Context): void {
  const { args, file, existing } = c;
  const fields = ['out_stdev_id', 'out_idev_id', ...(existing === undefined ? ['out_hwpt_id'] : [])];
  const [selftestId, deviceId, hwptId] = chooseIds(c, fields);
  const hwpt = existing ?? createAutomaticHwpt(c, present(hwptId, 'id'));
  const id = present(deviceId, 'id');
  const device: Device = {
    type: 'DEVICE',
    id,
    users: 2,
    hardware: c.hardware,
    attachments: new Map(),
    vdevice: undefined,
  };
  attachDevice(device, NO_PASID, hwpt);
  file.objects.insert(device);
  file.objects.insert({ type: 'SELFTEST', id: present(selftestId, 'id'), users: 1, device });
  args.out_stdev_id = present(selftestId, 'id');
  args.out_hwpt_id = hwpt.id;
  args.out_idev_id = device.id;
}
