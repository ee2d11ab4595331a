import { assert } from '../base/assert.js';
import { maxU64 } from '../base/u64.js';
import type { MockDomain } from '../hardware/mock_domain.js';
import { FillPlan, type FillFailure, unfillArea } from './fill.js';
import type { IommufdFile } from './iommufd_file.js';
import { outsideAperture } from './io_pagetable.js';
import type { Process } from './process.js';
import { type Device, type Hwpt, type HwptPaging, type Ioas, NO_PASID } from './objects.js';
import { type Steps, takeOut } from './steps.js';

/** Why a new domain cannot join an IOAS. */
export type AddDomainFailure = 'misaligned_area' | 'outside_aperture' | FillFailure;

/**
 * What it takes to give an IOAS a new domain: raise the alignment, reserve what lies outside the aperture, fill every area; all
 * or nothing. Source: io_pagetable.c:iopt_table_add_domain.
 */
export class AddDomainPlan {
  readonly failure: AddDomainFailure | undefined;
  readonly #fill: FillPlan;

  constructor(
    readonly ioas: Ioas,
    caller: Process,
    readonly domain: MockDomain,
  ) {
    const { table } = ioas;
    this.#fill = new FillPlan(
      [...table.areas],
      { domains: [this.domain], disableLargePages: table.disableLargePages },
      caller,
    );
    this.failure = this.#obstacle() ?? this.#fill.failure;
  }

  commit(): void {
    const { table } = this.ioas;
    table.alignment = this.#alignment;
    for (const range of outsideAperture(this.domain)) table.reserved.push({ ...range, owner: this.domain });
    this.#fill.commit();
    table.domains.push(this.domain);
  }

  /** Does what stays of pinning up to a failure when it is undone. */
  reach(): void {
    this.#fill.reach();
  }

  get #alignment(): bigint {
    return maxU64(this.ioas.table.alignment, this.domain.pageBytesMin);
  }

  #obstacle(): AddDomainFailure | undefined {
    const { table } = this.ioas;
    if (this.#alignment !== table.alignment && !table.areasKeepTo(this.#alignment)) return 'misaligned_area';
    const isRefused = outsideAperture(this.domain).some((range) => table.refusesReservation(range));
    return isRefused ? 'outside_aperture' : undefined;
  }
}

/** The automatic page table that a device attaching to an IOAS joins, if there is one that is not on its way out. */
export function automaticHwpt(ioas: Ioas): HwptPaging | undefined {
  return ioas.hwpts.find(({ isAutomatic, users }) => isAutomatic && users > 0);
}

/** Why the mock hardware refuses a device on a page table. Source: selftest.c:mock_domain_nop_attach. */
export type AttachRefusal = 'cannot_track_dirty' | 'no_vdevice';

export function attachRefusal(
  { hardware, vdevice }: Pick<Device, 'hardware' | 'vdevice'>,
  hwpt: Hwpt,
): AttachRefusal | undefined {
  if (hwpt.type === 'HWPT_PAGING') {
    return hwpt.domain.hasDirtyBits && !hardware.canTrackDirty ? 'cannot_track_dirty' : undefined;
  }
  return hwpt.base.type === 'VIOMMU' && vdevice?.viommu !== hwpt.base ? 'no_vdevice' : undefined;
}

/**
 * Why PASIDs keep a device from a page table: all that a device with PASIDs is attached to has to be compatible.
 * Source: device.c:iommufd_hwpt_pasid_compat.
 */
export type PasidConflict = 'page_table' | 'without_pasid' | 'pasids';

/** @param isPasidCompatible whether the page table is, which need not exist yet */
export function pasidConflict(
  device: Pick<Device, 'attachments'>,
  pasid: number,
  isPasidCompatible: boolean,
): PasidConflict | undefined {
  if (pasid === NO_PASID) return !isPasidCompatible && hasPasids(device) ? 'pasids' : undefined;
  if (!isPasidCompatible) return 'page_table';
  return device.attachments.get(NO_PASID)?.isPasidCompatible === false ? 'without_pasid' : undefined;
}

/** What a new paging page table is beyond its domain. */
type PagingTraits = Pick<HwptPaging, 'isAutomatic' | 'isNestParent' | 'isPasidCompatible' | 'fault'>;

/** Carries a plan out and makes the page table of its domain. */
export function createHwptPaging(
  file: IommufdFile,
  id: number,
  plan: AddDomainPlan,
  traits: PagingTraits,
): HwptPaging {
  plan.commit();
  const { ioas, domain } = plan;
  const hwpt: HwptPaging = { type: 'HWPT_PAGING', id, users: 1, ioas, domain, ...traits };
  if (hwpt.fault !== undefined) hwpt.fault.users += 1;
  ioas.hwpts.push(hwpt);
  ioas.users += 1;
  file.objects.insert(hwpt);
  return hwpt;
}

/** Attaches a device's requests with a PASID. Both gain a user. Source: device.c:iommufd_hw_pagetable_attach. */
export function attachDevice(device: Device, pasid: number, hwpt: Hwpt): void {
  const { attachments } = device;
  assert(!attachments.has(pasid), 'the device to attach is not attached');
  attachments.set(pasid, hwpt);
  tellHardware(device, pasid, hwpt);
  device.users += 1;
  hwpt.users += 1;
}

/** Moves an attached device; the old page table goes if it was automatic. Source: device.c:iommufd_device_do_replace. */
export function* replacing(file: IommufdFile, device: Device, pasid: number, hwpt: Hwpt): Steps {
  const old = device.attachments.get(pasid);
  assert(old !== undefined, 'the device to move is attached');
  if (old === hwpt) return;
  device.attachments.set(pasid, hwpt);
  tellHardware(device, pasid, hwpt);
  old.fault?.queue.forget(device, pasid);
  hwpt.users += 1;
  yield* putHwpt(file, old);
}

/** Detaches a device; an automatic page table goes with its last device. Source: device.c:iommufd_device_detach. */
export function* detaching(file: IommufdFile, device: Device, pasid: number): Steps {
  const hwpt = device.attachments.get(pasid);
  if (hwpt === undefined) return;
  device.attachments.delete(pasid);
  device.hardware.noteDetach(pasid);
  if (pasid === NO_PASID) device.hardware.follow(undefined, 0n);
  hwpt.fault?.queue.forget(device, pasid);
  device.users -= 1;
  yield* putHwpt(file, hwpt);
}

/** Source: selftest.c:mock_domain_nop_attach, mock_domain_set_dev_pasid_nop. */
function tellHardware({ hardware, vdevice }: Device, pasid: number, hwpt: Hwpt): void {
  hardware.noteAttach(pasid);
  if (pasid !== NO_PASID) return;
  const viommu = hwpt.type === 'HWPT_NESTED' && hwpt.base.type === 'VIOMMU' ? hwpt.base : undefined;
  hardware.follow(viommu, vdevice?.virtId ?? 0n);
}

/** Whether requests with a PASID are attached to something. The kernel cannot let go of such a device. */
export function hasPasids({ attachments }: Pick<Device, 'attachments'>): boolean {
  return attachments.size > (attachments.has(NO_PASID) ? 1 : 0);
}

/**
 * Drops the reference of an attachment. An automatic page table goes with the last one, or stays for good if a call uses it just
 * then. Source: iommufd_private.h:iommufd_object_put_and_try_destroy.
 */
function* putHwpt(file: IommufdFile, hwpt: Hwpt): Steps {
  if (hwpt.type !== 'HWPT_PAGING' || !hwpt.isAutomatic) {
    hwpt.users -= 1;
    return;
  }
  file.held.push(hwpt);
  const isUsed = yield hwpt;
  file.held.splice(file.held.indexOf(hwpt), 1);
  hwpt.users -= 1;
  if (hwpt.users === 1 && !isUsed) yield* hwptGoing(file, hwpt);
}

/**
 * What goes with a page table that nobody uses, step by step: its id, the domain of the IOAS, what it holds.
 * Source: hw_pagetable.c:iommufd_hwpt_paging_destroy, iommufd_hwpt_nested_destroy.
 */
export function* hwptGoing(file: IommufdFile, hwpt: Hwpt): Steps {
  takeOut(file, hwpt);
  yield;
  if (hwpt.type === 'HWPT_PAGING') {
    const { hwpts } = hwpt.ioas;
    hwpts.splice(hwpts.indexOf(hwpt), 1);
    removeDomain(hwpt.ioas, hwpt.domain);
    yield;
  }
  if (hwpt.fault !== undefined) hwpt.fault.users -= 1;
  const base = hwpt.type === 'HWPT_PAGING' ? hwpt.ioas : hwpt.base;
  base.users -= 1;
  file.going.delete(hwpt);
}

/** Takes a domain out of an IOAS; the last one unpins what it held. Source: io_pagetable.c:iopt_table_remove_domain. */
function removeDomain({ table }: Ioas, domain: MockDomain): void {
  const at = table.domains.indexOf(domain);
  const last = table.domains.pop();
  assert(at >= 0 && last !== undefined, 'the domain to remove is in its IOAS');
  // The kernel moves the last domain into the hole, so the storage domain may change.
  if (last !== domain) table.domains[at] = last;
  if (table.domains.length === 0) for (const area of table.areas) unfillArea(area, [domain]);
  else for (const area of table.areas) domain.unmap(area);
  table.removeReservationsOf(domain);
  table.alignment = table.alignmentNeeded();
}
