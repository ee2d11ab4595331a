import { present } from '../../base/assert.js';
import { id32 } from '../../layout/field.js';
import {
  AddDomainPlan,
  type AttachRefusal,
  attachRefusal,
  automaticHwpt,
  createHwptPaging,
  replaceHwpt,
} from '../../state/attach.js';
import type { Device, Hwpt, IommufdObject } from '../../state/objects.js';
import { chooseIds } from '../choices.js';
import { type CallContext, once } from '../description.js';
import { ADD_DOMAIN_RULES, VIOMMU_ALLOC, cannotRespond } from '../shared_rules.js';
import { type MemberArgs, defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_mock_domain_replace';
const CHANGE = 'device.c:iommufd_device_change_pt';

interface Lookups {
  readonly device: Device | undefined;
  readonly target: IommufdObject | undefined;
  /** The page table that the device moves to, if it exists already. */
  readonly existing: Hwpt | undefined;
  /** The new domain of an IOAS that has no automatic page table yet. */
  readonly plan: () => AddDomainPlan | undefined;
}

type Context = CallContext<MemberArgs<'mock_domain_replace'>> & Lookups;

export const mockDomainReplace = defineTestOp(
  {
    op: 'MOCK_DOMAIN_REPLACE',
    member: 'mock_domain_replace',
    doc: 'Moves a mock device to an IOAS or another page table.',
    source: SOURCE,
    id: id32(['SELFTEST']),
    respond: 'struct',
    allocates: true,
  },
  ({ args, file, world }): Lookups => {
    const target = file.objects.find(args.pt_id);
    const existing = existingHwpt(target);
    const needsDomain = target?.type === 'IOAS' && existing === undefined;
    return {
      device: file.objects.findOfType(args.id, 'SELFTEST')?.device,
      target,
      existing,
      plan: once(() => (needsDomain ? new AddDomainPlan(target, world) : undefined)),
    };
  },
).behaves({
  rules: [
    {
      id: 'ENOENT.device',
      says: 'no mock device of this file has its handle under the id',
      cite: SOURCE,
      when: ({ device }) => device === undefined,
    },
    {
      id: 'ENOENT.target',
      says: 'no object of this file has the id pt_id',
      cite: CHANGE,
      when: ({ target }) => target === undefined,
    },
    {
      id: 'EINVAL.target_type',
      says: 'pt_id is neither an IOAS nor a page table',
      cite: CHANGE,
      when: ({ target, existing }) =>
        target !== undefined && target.type !== 'IOAS' && existing === undefined,
    },
    {
      id: 'EINVAL.dirty_domain',
      says: 'the page table tracks dirty pages, and the device cannot',
      cite: 'selftest.c:mock_domain_nop_attach',
      when: (c) => refusalOf(c) === 'cannot_track_dirty',
    },
    {
      id: 'ENOENT.vdevice',
      says: 'the page table is nested on a vIOMMU, and the device has no vDEVICE there',
      cite: 'selftest.c:mock_domain_nop_attach',
      isFor: (profile) => profile.lastCommand >= VIOMMU_ALLOC,
      when: (c) => refusalOf(c) === 'no_vdevice',
    },
    ...ADD_DOMAIN_RULES,
    cannotRespond({ what: 'the device has moved', does: move }),
  ],
  effect: move,
});

/** A device that is there already moves without the hardware being asked. */
function refusalOf({ device, existing }: Lookups): AttachRefusal | undefined {
  if (device === undefined || existing === undefined || device.hwpt === existing) return undefined;
  return attachRefusal(device, existing);
}

function existingHwpt(target: IommufdObject | undefined): Hwpt | undefined {
  if (target?.type === 'HWPT_PAGING' || target?.type === 'HWPT_NESTED') return target;
  return target?.type === 'IOAS' ? automaticHwpt(target) : undefined;
}

function move(c: Context): void {
  const { args, file, world } = c;
  const hwpt = c.existing ?? createAutomaticHwpt(c);
  replaceHwpt(file, present(c.device, 'a device'), hwpt, world);
  args.pt_id = hwpt.id;
}

function createAutomaticHwpt(c: Context): Hwpt {
  const [id] = chooseIds(c, ['pt_id']);
  const traits = { isAutomatic: true, isNestParent: false };
  return createHwptPaging(c.file, present(id, 'id'), present(c.plan(), 'a domain to add'), traits);
}
