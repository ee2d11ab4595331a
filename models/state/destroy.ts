import { assert } from '../base/assert.js';
import { destroyAccess } from './access.js';
import { detaching, hasPasids, hwptGoing } from './attach.js';
import { dropAreas } from './unmap.js';
import type { IommufdFile } from './iommufd_file.js';
import {
  type Hwpt,
  type IommufdObject,
  NO_PASID,
  type Selftest,
  type Vdevice,
  type Viommu,
} from './objects.js';
import { type Steps, inOneGo, takeOut } from './steps.js';

/** Destroys an object that nobody uses. Source: main.c:iommufd_object_remove and the types' destroy operations. */
function destroyObject(file: IommufdFile, object: IommufdObject): void {
  inOneGo(destroying(file, object));
}

/** Destroys an object that nobody uses, step by step as far as others can tell. */
export function* destroying(file: IommufdFile, object: IommufdObject): Steps {
  assert(object.users === 1, 'only the table holds the object to destroy');
  if (object.type === 'SELFTEST') yield* deviceGoing(file, object);
  else if (object.type === 'HWPT_PAGING' || object.type === 'HWPT_NESTED') yield* hwptGoing(file, object);
  else {
    letGo(file, object);
    file.objects.remove(object);
  }
}

/** A mock device: its handle, its attachment, its virtual device, itself. Source: selftest.c:iommufd_selftest_destroy. */
function* deviceGoing(file: IommufdFile, handle: Selftest): Steps {
  const { device } = handle;
  assert(!hasPasids(device), 'no PASID of a device that goes is attached');
  takeOut(file, handle);
  yield;
  if (device.attachments.has(NO_PASID)) {
    yield* detaching(file, device, NO_PASID);
    yield;
  }
  if (device.vdevice !== undefined) {
    buryVdevice(file, device.vdevice);
    yield;
  }
  file.objects.remove(device);
  file.going.delete(handle);
}

/** What an object of another type holds. */
function letGo(file: IommufdFile, object: Exclude<IommufdObject, Selftest | Hwpt>): void {
  switch (object.type) {
    case 'IOAS':
      dropAreas(object.table, [...object.table.areas]);
      if (file.compatIoas === object) file.compatIoas = undefined;
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
}

/** The mock clears its index 0, whichever queue goes. Source: selftest.c:mock_hw_queue_destroy. */
export function forgetQueue({ queueSlots }: Viommu, index: number): void {
  queueSlots[index] = 'freed';
  queueSlots[0] = undefined;
}

/** A device that goes takes its virtual one with it, whose id stays taken. Source: device.c:iommufd_device_pre_destroy. */
function buryVdevice(file: IommufdFile, vdevice: Vdevice): void {
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
