import { assert, present } from '../base/assert.js';
import type { IommufdFile } from './iommufd_file.js';
import type { AccessItem, AccessObject, Ioas } from './objects.js';
import type { AccessPin, Area } from './pages.js';
import { unpinUnheld } from './pins.js';
import type { IoPagetable } from './io_pagetable.js';

/** Whether an IOAS has areas that an access could not live with. Source: io_pagetable.c:iopt_add_access. */
export function refusesAccess({ table }: Ioas, { alignment }: Pick<AccessObject, 'alignment'>): boolean {
  return alignment > table.alignment && !table.areasKeepTo(alignment);
}

/** Whether an IOAS that an access shall move to has areas that it could not live with. Source: device.c:iommufd_access_change_ioas. */
export function refusesMove(access: AccessObject, ioas: Ioas): boolean {
  return access.ioas !== ioas && refusesAccess(ioas, access);
}

/** Both gain a user: the IOAS the access, the access whoever made it. Source: device.c:iommufd_access_create, _attach. */
export function createAccess(
  file: IommufdFile,
  id: number,
  ioas: Ioas | undefined,
  alignment: bigint,
): AccessObject {
  const access: AccessObject = { type: 'ACCESS', id, users: 2, alignment, ioas, items: [], nextItem: 0 };
  file.objects.insert(access);
  if (ioas !== undefined) joinIoas(access, ioas);
  return access;
}

/** The IOAS of an access that has one: all but those of VFIO's devices. */
export function ioasOf({ ioas }: AccessObject): Ioas {
  return present(ioas, 'the IOAS of an access');
}

/** Whoever made it lets go. Source: device.c:iommufd_access_destroy. */
export function destroyAccess(file: IommufdFile, access: AccessObject): void {
  for (const item of access.items) unpinItem(access, item);
  leaveIoas(access);
  file.objects.remove(access);
}

/**
 * Moves an access, or detaches it; what it has pinned stays behind, unless it stays itself.
 * Source: device.c:iommufd_access_change_ioas.
 */
export function moveAccess(access: AccessObject, ioas: Ioas | undefined): void {
  if (access.ioas === ioas) return;
  for (const item of access.items) unpinItem(access, item);
  leaveIoas(access);
  if (ioas !== undefined) joinIoas(access, ioas);
}

function joinIoas(access: AccessObject, ioas: Ioas): void {
  access.ioas = ioas;
  ioas.users += 1;
  ioas.table.accesses.push(access);
  ioas.table.alignment = ioas.table.alignmentNeeded();
}

function leaveIoas(access: AccessObject): void {
  const { ioas } = access;
  if (ioas === undefined) return;
  const { table } = ioas;
  const at = table.accesses.indexOf(access);
  assert(at >= 0, 'an access is in its IOAS');
  table.accesses.splice(at, 1);
  table.alignment = table.alignmentNeeded();
  ioas.users -= 1;
  access.ioas = undefined;
}

/** Holds pages that are pinned already for a new item, which takes the next number. */
export function addItem(access: AccessObject, range: Omit<AccessItem, 'id'>): AccessItem {
  const item = { ...range, id: access.nextItem };
  access.nextItem += 1;
  access.items = [...access.items, item];
  for (const pin of item.pins) pin.area.pages.addAccess(pin);
  return item;
}

/** Lets go of an item; what nobody else holds is unpinned. Source: device.c:iommufd_access_unpin_pages. */
export function unpinItem(access: AccessObject, item: AccessItem): void {
  access.items = access.items.filter((other) => other !== item);
  for (const pin of item.pins) removePin(pin);
}

/** Source: pages.c:iopt_area_remove_access. */
function removePin(pin: AccessPin): void {
  const { pages } = pin.area;
  pages.removeAccess(pin);
  unpinUnheld(pages, pin.firstIndex, pin.lastIndex);
}

/** Makes the accesses of an IOAS let go of an area. Source: device.c:iommufd_access_notify_unmap. */
export function notifyUnmap({ accesses }: IoPagetable, { iova, last }: Area): void {
  for (const access of accesses) {
    const met = access.items.filter((item) => item.iova <= last && item.iova + item.length > iova);
    for (const item of met) unpinItem(access, item);
  }
}
