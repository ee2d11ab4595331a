import type { IommufdFile } from '../state/iommufd_file.js';
import type { FaultQueue } from '../state/fault_queue.js';
import type { Device, IommufdObject, Veventq } from '../state/objects.js';
import type { IoPagetable } from '../state/io_pagetable.js';
import type { OpenFile } from '../state/open_file.js';
import { isRevoked } from '../state/pages.js';
import type { World } from '../state/world.js';

type Primitive = number | bigint | string | boolean;

/** Everything a call could have changed, flat, so that two moments can be compared. */
export interface Snapshot {
  readonly values: readonly Primitive[];
  /** How often something has been written to memory, whose contents are not among the values. */
  readonly writes: number;
}

export function takeSnapshot({ everyProcess, processes, user, memory, contexts }: World): Snapshot {
  const values: Primitive[] = [user.lockedVm, memory.pins.size, memory.physical.temporaryBytesMax];
  for (const { pinnedVm, miscountedPins, lockedVm, isAlive } of everyProcess) {
    values.push(pinnedVm, miscountedPins, lockedVm, isAlive);
  }
  for (const { fds } of processes) {
    for (const [slot, file] of fds.entries) describeOpenFile(slot, file, values);
    values.push(...fds.slotsClosingOnExec);
  }
  for (const file of contexts) describeFile(file, values);
  return { values, writes: memory.physical.contents.writes };
}

/** Whether two moments are the same but for the contents of memory. */
export function snapshotsEqual(one: Snapshot, two: Snapshot): boolean {
  const { values } = one;
  if (values.length !== two.values.length) return false;
  for (let at = 0; at < values.length; at++) if (values[at] !== two.values[at]) return false;
  return true;
}

function describeOpenFile(slot: number, file: OpenFile, values: Primitive[]): void {
  const { kind, references } = file;
  values.push(slot, kind, references);
  if (kind === 'memfd') values.push(file.bytes);
  if (kind === 'vfio_device') values.push(file.bound?.iommufd.number ?? -1, file.bound?.access.id ?? 0);
  if (kind === 'vfio_group') values.push(file.iommufd?.number ?? -1);
  if (kind === 'dmabuf') values.push(file.bytes, file.isRevoked, file.imports.size);
}

function describeFile(file: IommufdFile, values: Primitive[]): void {
  values.push(file.number, file.accountMode, file.compatIoas?.id ?? 0, ...file.objects.takenIds);
  for (const object of file.objects.objects) describeObject(object, values);
  values.push(file.going.size);
  for (const { type, id } of [...file.going, ...file.held]) values.push(type, id);
}

function describeObject(object: IommufdObject, values: Primitive[]): void {
  values.push(object.type, object.id, object.users);
  switch (object.type) {
    case 'IOAS':
      values.push(object.hwpts.length);
      for (const { id, users, domain } of object.hwpts) {
        values.push(id, users, object.table.domains.indexOf(domain));
      }
      describeTable(object.table, values);
      return;
    case 'HWPT_PAGING':
      values.push(
        object.ioas.id,
        object.domain.extentCount,
        object.domain.tracksDirty,
        object.isPasidCompatible,
        object.fault?.id ?? 0,
        ...object.domain.dirtyEntries,
      );
      return;
    case 'HWPT_NESTED':
      values.push(object.base.id, object.isPasidCompatible, object.fault?.id ?? 0, ...object.iotlb.entries);
      return;
    case 'DEVICE':
      describeDevice(object, values);
      return;
    case 'VIOMMU':
      values.push(
        object.parent.id,
        object.region?.offset ?? 0,
        ...object.queueSlots.map((queue) => (queue === 'freed' ? queue : (queue?.id ?? 0))),
      );
      return;
    case 'VDEVICE':
      values.push(object.viommu.id, object.device.id, object.virtId);
      return;
    case 'FAULT':
      describeFaults(object.queue, values);
      return;
    case 'VEVENTQ':
      describeEvents(object, values);
      return;
    case 'SELFTEST':
      values.push(object.device.id);
      return;
    case 'HW_QUEUE':
      values.push(object.viommu.id, object.index, object.access.id);
      return;
    case 'ACCESS':
      values.push(object.ioas?.id ?? 0, object.alignment, object.nextItem, object.items.length);
      for (const { id, iova, length } of object.items) values.push(id, iova, length);
  }
}

function describeDevice({ attachments, vdevice, hardware }: Device, values: Primitive[]): void {
  values.push(vdevice?.id ?? 0, hardware.viommu?.id ?? 0, hardware.virtId);
  values.push(hardware.failsNext, ...hardware.cache.entries, attachments.size);
  for (const [pasid, { id }] of attachments) values.push(pasid, id);
}

function describeFaults({ waiting, answerable, firstCookie }: FaultQueue, values: Primitive[]): void {
  values.push(firstCookie, waiting.length, answerable.size, ...answerable.keys());
  for (const { request, device, attachedPasid } of [...waiting, ...answerable.values()]) {
    values.push(device.id, attachedPasid, request.pasid, request.grpid, request.perm, request.addr);
  }
}

function describeEvents({ viommu, eventType, queue }: Veventq, values: Primitive[]): void {
  values.push(viommu.id, eventType, queue.depth, queue.nextSequence, queue.records.length);
  for (const { sequence, payload } of queue.records) values.push(sequence, payload?.join() ?? 'lost');
}

function describeTable(table: IoPagetable, values: Primitive[]): void {
  values.push(table.alignment, table.disableLargePages, table.areas.length, table.allowed.length);
  for (const { iova, last, pages, startByte, hasStorageDomain } of table.areas) {
    values.push(iova, last, pages.source.kind, pages.origin, startByte, hasStorageDomain);
    values.push(pages.frames.size, pages.unrelieved, isRevoked(pages));
  }
  for (const { start, last } of table.allowed) values.push(start, last);
  for (const { start, last } of table.reserved) values.push(start, last);
}
