import { VIOMMU_EVENT_SELFTEST } from '../layout/event_records.js';
import { bytesOf } from '../layout/struct.js';
import type { PageRequest } from './fault_queue.js';
import type { IommufdFile } from './iommufd_file.js';
import { type Device, NO_PASID, type Veventq, type Viommu } from './objects.js';

/** What devices report: page faults to fault queues, events to vEVENTQs. */

/**
 * Puts a fault into the queue of what the device is attached to under the PASID, or, where that is nothing, of the nested page
 * table that it is attached to without. Without a queue the fault is dropped.
 * Source: drivers/iommu/io-pgfault.c:find_fault_handler; eventq.c:iommufd_fault_iopf_handler.
 */
export function reportFault(device: Device, request: PageRequest): void {
  const attachedPasid = device.attachments.has(request.pasid) ? request.pasid : NO_PASID;
  const hwpt = device.attachments.get(attachedPasid);
  if (attachedPasid !== request.pasid && hwpt?.type !== 'HWPT_NESTED') return;
  hwpt?.fault?.queue.add({ request, device, attachedPasid });
}

/** The queue of a vIOMMU's events of a type. Source: iommufd_private.h:iommufd_viommu_find_veventq. */
export function veventqOf({ objects }: IommufdFile, viommu: Viommu, eventType: number): Veventq | undefined {
  for (const object of objects.objects) {
    if (object.type === 'VEVENTQ' && object.viommu === viommu && object.eventType === eventType)
      return object;
  }
  return undefined;
}

/** The mock's event of a device. The guest's name for it has 64 bits, of which the event takes 32. Source: selftest.c:iommufd_test_trigger_vevent. */
export function reportEvent({ queue }: Veventq, virtId: bigint): void {
  queue.report(bytesOf(VIOMMU_EVENT_SELFTEST, { virt_id: Number(BigInt.asUintN(32, virtId)) }));
}
