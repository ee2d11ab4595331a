import { assert } from '../base/assert.js';
import { destroyAccess } from './access.js';
import { destroyHwpt, detachDevice, hasPasids } from './attach.js';
import { dropAreas } from './unmap.js';
import type { IommufdFile } from './iommufd_file.js';
import { type Device, type IommufdObject, NO_PASID, type Vdevice, type Viommu } from './objects.js';

/** Destroys an object that nobody uses. Source: main.c:iommufd_object_remove and the types' destroy operations. */
export function destroyObject(file: IommufdFile, object: IommufdObject): void {
  assert(object.users === 1, 'only the table holds the object to destroy');
  switch (object.type) {
    case 'IOAS':
      dropAreas(object.table, [...object.table.areas]);
      if (file.compatIoas === object) file.compatIoas = undefined;
      break;
    case 'SELFTEST':
      assert(!hasPasids(object.device), 'no PASID of a device that goes is attached');
      detachDevice(file, object.device, NO_PASID);
      buryVdevice(file, object.device);
      file.objects.remove(object.device);
      break;
    case 'HWPT_PAGING':
    case 'HWPT_NESTED':
      destroyHwpt(object);
      break;
    case 'VIOMMU':
      object.parent.users -= 1;
      if (object.region !== undefined) file.regions.remove(object.region);
      break;
    case 'VDEVICE':
      releaseVdevice(object);
      break;
    case 'HW_QUEUE':
      object.viommu.users -= 1;
      forgetQueue(object.viommu, object.index);
      if (object.previous !== undefined) object.previous.users -= 1;
      destroyAccess(file, object.access);
      break;
    case 'VEVENTQ':
      object.viommu.users -= 1;
      break;
    case 'FAULT':
      break;
    case 'DEVICE':
    case 'ACCESS':
      assert(false, `a ${object.type} of this model is never without users`);
  }
  file.objects.remove(object);
}

/** The mock clears its index 0, whichever queue goes. Source: selftest.c:mock_hw_queue_destroy. */
export function forgetQueue({ queueSlots }: Viommu, index: number): void {
  queueSlots[index] = 'freed';
  queueSlots[0] = undefined;
}

/** A device that goes takes its virtual one with it, whose id stays taken. Source: device.c:iommufd_device_pre_destroy. */
function buryVdevice(file: IommufdFile, { vdevice }: Device): void {
  if (vdevice === undefined) return;
  releaseVdevice(vdevice);
  file.objects.bury(vdevice);
}

function releaseVdevice({ viommu, device }: Vdevice): void {
  viommu.users -= 1;
  device.users -= 1;
  device.vdevice = undefined;
}

/** Whether PASIDs of some device are attached. Such a file cannot be released cleanly: nothing detaches them. */
export function usesPasids({ objects }: IommufdFile): boolean {
  return objects.objects.some((object) => object.type === 'DEVICE' && hasPasids(object));
}

/** Closes the file: every object goes. Source: main.c:iommufd_fops_release. */
export function releaseFile(file: IommufdFile): void {
  for (let pass = file.objects.objects; pass.length > 0; pass = file.objects.objects) {
    const before = pass.length;
    for (const object of pass) {
      if (object.users === 1 && file.objects.find(object.id) === object) destroyObject(file, object);
    }
    assert(file.objects.objects.length < before, 'each pass of a release destroys something');
  }
}
