import { hasPasids } from '../state/attach.js';
import { someObject } from '../state/world.js';
import type { Invariant } from './invariant.js';

export const pasidsCompatible: Invariant = {
  id: 'pasids_compatible',
  statement: 'While PASIDs of a device are attached, all that it is attached to was made with ALLOC_PASID.',
  notCovered: 'Groups of several devices: each mock device has its own.',
  cite: 'device.c:iommufd_hwpt_pasid_compat',
  looksAt: ({ world }) => someObject(world, (object) => object.type === 'DEVICE' && hasPasids(object)),
  check: ({ world }) => {
    for (const { objects } of world.contexts) {
      for (const device of objects.objects) {
        if (device.type !== 'DEVICE' || !hasPasids(device)) continue;
        for (const [pasid, hwpt] of device.attachments) {
          if (hwpt.isPasidCompatible) continue;
          return `PASID ${String(pasid)} of DEVICE ${String(device.id)} is attached to ${hwpt.type} ${String(hwpt.id)}`;
        }
      }
    }
    return undefined;
  },
};
