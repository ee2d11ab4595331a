import { id32 } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import { AddDomainPlan, attachDevice, automaticHwpt } from '../../state/attach.js';
import type { Device, HwptPaging, IommufdObject } from '../../state/objects.js';
import { chooseIds } from '../choices.js';
import { type CallContext, type CallDescription, type Rule, once } from '../description.js';
import { FILL_RULES, cannotRespond } from '../shared_rules.js';
import { type MemberArgs, defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_mock_domain';
const ADD_DOMAIN = 'io_pagetable.c:iopt_table_add_domain';

interface Lookups {
  /** What the device is to be attached to; the new device itself is bound, and so there, before the target is looked up. */
  readonly target: IommufdObject | { readonly type: 'DEVICE' } | undefined;
  /** The new domain of an IOAS that has no automatic page table yet. */
  readonly plan: () => AddDomainPlan | undefined;
}

type Context = CallContext<{ id: number } & MemberArgs<'mock_domain'>> & Lookups;

const ATTACH_RULES: readonly Rule<Context>[] = [
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
    when: ({ target }) => target?.type === 'DEVICE' || target?.type === 'SELFTEST',
  },
  {
    id: 'EADDRINUSE.alignment',
    says: 'an area of the IOAS is not aligned to the smallest page of the new domain',
    cite: ADD_DOMAIN,
    when: ({ plan }) => plan()?.failure === 'misaligned_area',
  },
  {
    id: 'EADDRINUSE.aperture',
    says: 'an area or an allowed range of the IOAS lies outside the aperture of the new domain',
    cite: ADD_DOMAIN,
    when: ({ plan }) => plan()?.failure === 'outside_aperture',
  },
  ...FILL_RULES,
  cannotRespond(),
];

/** MOCK_DOMAIN, the original, and MOCK_DOMAIN_FLAGS, which reads one member more. */
export const mockDomain: CallDescription = defineTestOp(
  {
    op: 'MOCK_DOMAIN',
    member: 'mock_domain',
    doc: 'Creates a mock device, binds it and attaches it to an IOAS or a page table.',
    source: SOURCE,
    id: id32(['IOAS', 'HWPT_PAGING']),
    respond: 'struct',
    allocates: true,
  },
  lookUp,
).behaves({
  rules: ATTACH_RULES,
  effect: createDevice,
});

export const mockDomainFlags: CallDescription = defineTestOp(
  {
    op: 'MOCK_DOMAIN_FLAGS',
    member: 'mock_domain_flags',
    doc: 'Creates a mock device with abilities of choice, binds it and attaches it to an IOAS or a page table.',
    source: SOURCE,
    id: id32(['IOAS', 'HWPT_PAGING']),
    respond: 'struct',
    allocates: true,
  },
  lookUp,
).behaves({
  rules: [
    {
      id: 'EINVAL.dev_flags',
      says: 'dev_flags has a bit that this kernel does not know',
      cite: 'selftest.c:mock_dev_create',
      when: ({ args, profile }) => (args.dev_flags & ~profile.mockDeviceFlags) !== 0,
    },
    ...ATTACH_RULES,
  ],
  effect: createDevice,
});

function lookUp(c: CallContext<{ id: number }>): Lookups {
  const [, deviceId] = c.file.objects.lowestFreeIds(2);
  const target = c.args.id === deviceId ? ({ type: 'DEVICE' } as const) : c.file.objects.find(c.args.id);
  const needsDomain = target?.type === 'IOAS' && automaticHwpt(target) === undefined;
  return {
    target,
    plan: once(() => (needsDomain ? new AddDomainPlan(target, c.world) : undefined)),
  };
}

/** Ids are taken in the order handle, device, page table. */
function createDevice(c: Context): void {
  const { args, file } = c;
  const existing = existingHwpt(c);
  const fields = ['out_stdev_id', 'out_idev_id', ...(existing === undefined ? ['out_hwpt_id'] : [])];
  const [selftestId, deviceId, hwptId] = chooseIds(c, fields);
  const hwpt = existing ?? createHwpt(c, present(hwptId, 'id'));
  const device: Device = { type: 'DEVICE', id: present(deviceId, 'id'), users: 2, hwpt: undefined };
  attachDevice(device, hwpt);
  file.objects.insert(device);
  file.objects.insert({ type: 'SELFTEST', id: present(selftestId, 'id'), users: 1, device });
  args.out_stdev_id = present(selftestId, 'id');
  args.out_hwpt_id = hwpt.id;
  args.out_idev_id = device.id;
}

function existingHwpt({ target }: Context): HwptPaging | undefined {
  if (target?.type === 'HWPT_PAGING') return target;
  return target?.type === 'IOAS' ? automaticHwpt(target) : undefined;
}

function createHwpt({ file, plan }: Context, id: number): HwptPaging {
  const added = present(plan(), 'a domain to add');
  added.commit();
  const { ioas, domain } = added;
  const hwpt: HwptPaging = { type: 'HWPT_PAGING', id, users: 1, ioas, domain, isAutomatic: true };
  ioas.hwpts.push(hwpt);
  ioas.users += 1;
  file.objects.insert(hwpt);
  return hwpt;
}
