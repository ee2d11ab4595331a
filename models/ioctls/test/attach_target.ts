import { present } from '../../base/assert.js';
import {
  AddDomainPlan,
  type AttachRefusal,
  attachRefusal,
  automaticHwpt,
  createHwptPaging,
} from '../../state/attach.js';
import type { IommufdFile } from '../../state/iommufd_file.js';
import type { Device, Hwpt, HwptPaging, IommufdObject } from '../../state/objects.js';
import type { World } from '../../state/world.js';
import { type Rule, once } from '../description.js';

const CHANGE = 'device.c:iommufd_device_change_pt';
const MOCK_ATTACH = 'selftest.c:mock_domain_nop_attach';

/** Where a mock device is to go, and what stands in its way. */
export interface AttachTarget {
  /** The object that was named; the device that a call is making is bound, and so there, but nothing more. */
  readonly target: IommufdObject | { readonly type: 'DEVICE' } | undefined;
  /** The page table that the device gets, if it exists already. */
  readonly existing: Hwpt | undefined;
  /** The new domain of an IOAS that has no automatic page table yet. */
  readonly plan: () => AddDomainPlan | undefined;
  /** Why the hardware does not take the device there; it is not asked about a device that is there already. */
  readonly refusal: AttachRefusal | undefined;
}

/** @param device the device to attach or to move; undefined if the call names none */
export function lookUpTarget(
  target: AttachTarget['target'],
  device: Pick<Device, 'hardware' | 'vdevice' | 'hwpt'> | undefined,
  world: World,
): AttachTarget {
  const existing = existingHwpt(target);
  const needsDomain = target?.type === 'IOAS' && existing === undefined;
  const isAsked = device !== undefined && existing !== undefined && device.hwpt !== existing;
  return {
    target,
    existing,
    plan: once(() => (needsDomain ? new AddDomainPlan(target, world) : undefined)),
    refusal: isAsked ? attachRefusal(device, existing) : undefined,
  };
}

function existingHwpt(target: AttachTarget['target']): Hwpt | undefined {
  if (target?.type === 'HWPT_PAGING' || target?.type === 'HWPT_NESTED') return target;
  return target?.type === 'IOAS' ? automaticHwpt(target) : undefined;
}

/** What every attach refuses of its target, in the kernel's order. */
export const TARGET_RULES: readonly Rule<AttachTarget>[] = [
  {
    id: 'ENOENT.target',
    says: 'no object of this file has the id of the target',
    cite: CHANGE,
    when: ({ target }) => target === undefined,
  },
  {
    id: 'EINVAL.target_type',
    says: 'the target is neither an IOAS nor a page table',
    cite: CHANGE,
    when: ({ target, existing }) => target !== undefined && target.type !== 'IOAS' && existing === undefined,
  },
];

export const CANNOT_TRACK: Rule<AttachTarget> = {
  id: 'EINVAL.dirty_domain',
  says: 'the page table tracks dirty pages, and the device cannot',
  cite: MOCK_ATTACH,
  when: ({ refusal }) => refusal === 'cannot_track_dirty',
};

export const NO_VDEVICE: Rule<AttachTarget> = {
  id: 'ENOENT.vdevice',
  says: 'the page table is nested on a vIOMMU, and the device has no vDEVICE there',
  cite: MOCK_ATTACH,
  isFor: (profile) => profile.hasViommus,
  when: ({ refusal }) => refusal === 'no_vdevice',
};

/** The page table that an IOAS gets for its first device. */
export function createAutomaticHwpt(
  { file, plan }: Pick<AttachTarget, 'plan'> & { readonly file: IommufdFile },
  id: number,
): HwptPaging {
  const traits = { isAutomatic: true, isNestParent: false };
  return createHwptPaging(file, id, present(plan(), 'a domain to add'), traits);
}
