import { present } from '../../base/assert.js';
import type { MockDevice } from '../../hardware/mock_device.js';
import { MockDomain } from '../../hardware/mock_domain.js';
import {
  AddDomainPlan,
  type AttachRefusal,
  type PasidConflict,
  attachRefusal,
  automaticHwpt,
  createHwptPaging,
  pasidConflict,
  replacing,
} from '../../state/attach.js';
import type { IommufdFile } from '../../state/iommufd_file.js';
import {
  type Device,
  type Hwpt,
  type HwptPaging,
  type IommufdObject,
  NO_PASID,
} from '../../state/objects.js';
import type { World } from '../../state/world.js';
import { chooseIds } from '../choices.js';
import { type CallContext, type CallFinding, type Failing, type Rule, once } from '../description.js';

const CHANGE = 'device.c:iommufd_device_change_pt';
const REPLACE = 'device.c:iommufd_device_do_replace';
const COMPATIBLE = 'device.c:iommufd_hwpt_pasid_compat';
const MOCK_ATTACH = 'selftest.c:mock_domain_nop_attach';

type Target = IommufdObject | { readonly type: 'DEVICE' } | undefined;

/** Whose requests are to be translated by something else. */
export interface AttachRequest {
  /** Undefined if the call names none. */
  readonly device: Pick<Device, 'hardware' | 'vdevice' | 'attachments'> | undefined;
  readonly pasid: number;
  /** Whether it is a replacement, which needs an attachment, or an attachment, which must not meet one. */
  readonly isReplacing: boolean;
}

/** Where a mock device is to go, and what stands in its way. */
export interface AttachTarget {
  /** The object that was named; the device that a call is making is bound, and so there, but nothing more. */
  readonly target: Target;
  /** What the device is attached to at present under the PASID. */
  readonly attached: Hwpt | undefined;
  /** The page table that the device gets, if it exists already. */
  readonly existing: Hwpt | undefined;
  /** The new domain of an IOAS, where no automatic page table takes the device. */
  readonly plan: () => AddDomainPlan | undefined;
  /** What other attachments have against it. */
  readonly conflict: PasidConflict | undefined;
  /** Why the hardware does not take the device there; it is not asked about a device that is there already. */
  readonly refusal: AttachRefusal | undefined;
}

export function lookUpTarget(target: Target, request: AttachRequest, world: World): AttachTarget {
  const { device, pasid, isReplacing } = request;
  const existing = existingHwpt(target);
  const attached = device?.attachments.get(pasid);
  const isPlace = existing !== undefined || target?.type === 'IOAS';
  const conflict =
    device !== undefined && isPlace
      ? pasidConflict(device, pasid, existing?.isPasidCompatible ?? false)
      : undefined;
  const isRefused = isReplacing && (attached === undefined || conflict !== undefined);
  const needsDomain = target?.type === 'IOAS' && (existing === undefined || isRefused);
  const isAsked =
    device !== undefined && existing !== undefined && attached !== existing && pasid === NO_PASID;
  return {
    target,
    attached,
    existing,
    plan: once(() =>
      needsDomain
        ? new AddDomainPlan(target, world.process, new MockDomain(device?.hardware.table))
        : undefined,
    ),
    conflict,
    refusal: isAsked ? attachRefusal(device, existing) : undefined,
  };
}

/** What a call that names a mock device by its handle looks up. */
export interface DeviceAndTarget extends AttachTarget {
  readonly device: Device | undefined;
}

/** The device of a handle, and where a PASID of it is to go. */
export function lookUpDeviceAndTarget(
  { args, file, world }: CallContext<{ id: number; pt_id: number }>,
  pasid: number,
  isReplacing: boolean,
): DeviceAndTarget {
  const device = file.objects.findOfType(args.id, 'SELFTEST')?.device;
  const target = file.objects.find(args.pt_id);
  return { device, ...lookUpTarget(target, { device, pasid, isReplacing }, world) };
}

function existingHwpt(target: Target): Hwpt | undefined {
  if (target?.type === 'HWPT_PAGING' || target?.type === 'HWPT_NESTED') return target;
  return target?.type === 'IOAS' ? automaticHwpt(target) : undefined;
}

/** The id of the handle, which most operations on a mock device name it by. */
export function noSuchHandle(cite: string): Rule<{ device: Device | undefined }> {
  return {
    id: 'ENOENT.device',
    says: 'no mock device of this file has its handle under the id',
    cite,
    when: ({ device }) => device === undefined,
  };
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

/** A replacement to an IOAS fills a new page table before it is found that there is nothing to replace. */
export const NOT_ATTACHED: Rule<DeviceAndTarget> = {
  id: 'EINVAL.not_attached',
  says: 'the device is not attached',
  cite: REPLACE,
  isFor: (profile) => profile.hasPasids,
  when: ({ device, attached }) => device !== undefined && attached === undefined,
};

export const PASIDS_ATTACHED: Rule<AttachTarget> = {
  id: 'EINVAL.pasids_attached',
  says: 'the page table was not made with ALLOC_PASID, and PASIDs of the device are attached',
  cite: COMPATIBLE,
  isFor: (profile) => profile.hasPasids,
  when: ({ conflict }) => conflict === 'pasids',
};

export const WITHOUT_ALLOC_PASID: Rule<AttachTarget> = {
  id: 'EINVAL.without_alloc_pasid',
  says: 'a PASID is to be attached to a page table that was not made with ALLOC_PASID, as automatic ones are not',
  cite: COMPATIBLE,
  when: ({ conflict }) => conflict === 'page_table',
};

/** Never true of a PASID that is attached, since the device itself cannot move to such a page table any more. */
export const DEVICE_WITHOUT_ALLOC_PASID: Rule<AttachTarget> = {
  id: 'EINVAL.device_without_alloc_pasid',
  says: 'the device itself is attached to a page table that was not made with ALLOC_PASID',
  cite: COMPATIBLE,
  when: ({ conflict }) => conflict === 'without_pasid',
};

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

/** What the mock attaches a PASID to, and would not attach the device itself to. */
export const ATTACHED_UNCHECKED: CallFinding<
  DeviceAndTarget & { readonly args: { readonly pasid: number } }
> = {
  id: 'pasid-attach-unchecked',
  says: 'a PASID is attached where the device itself would be refused',
  isShown: ({ args, device, existing }) =>
    args.pasid !== NO_PASID &&
    device !== undefined &&
    existing !== undefined &&
    attachRefusal(device, existing) !== undefined,
};

/**
 * What the caller is to do where a place of iommufd's tests fails while a device joins the automatic page table of an IOAS: it is
 * passed over, as one that does not suit the device would be.
 */
export function passesOverAutomatic<C extends AttachContext>(does: (c: C) => void): Failing<C> {
  return {
    of: 'test',
    errno: 'OK',
    what: 'the device gets another automatic page table',
    cite: 'device.c:iommufd_device_auto_get_domain',
    when: ({ target, existing }) => target?.type === 'IOAS' && existing !== undefined,
    does: (c) => {
      const { target, existing, world } = c;
      if (target?.type !== 'IOAS' || existing?.type !== 'HWPT_PAGING') return;
      const plan = new AddDomainPlan(target, world.process, new MockDomain(c.hardware?.table));
      does({ ...c, existing: undefined, plan: () => plan });
    },
    isResponding: true,
  };
}

type AttachContext = CallContext<object> & AttachTarget & { readonly hardware?: MockDevice };

/** The page table that an IOAS gets for its first device. */
export function createAutomaticHwpt(
  { file, plan }: Pick<AttachTarget, 'plan'> & { readonly file: IommufdFile },
  id: number,
): HwptPaging {
  const traits = { isAutomatic: true, isNestParent: false, isPasidCompatible: false, fault: undefined };
  return createHwptPaging(file, id, present(plan(), 'a domain to add'), traits);
}

type MoveContext = CallContext<{ pt_id: number }> & DeviceAndTarget;

/** The page table that a device gets, which is made if there is none; tells its id. */
export function takeTargetHwpt(c: MoveContext): Hwpt {
  const hwpt = c.existing ?? createAutomaticHwpt(c, present(chooseIds(c, ['pt_id'])[0], 'id'));
  c.args.pt_id = hwpt.id;
  return hwpt;
}

/** Moves an attached device and tells where it is now. */
export function moveDevice(c: MoveContext, pasid: number): void {
  c.world.goOn(replacing(c.file, present(c.device, 'a device'), pasid, takeTargetHwpt(c)));
}
