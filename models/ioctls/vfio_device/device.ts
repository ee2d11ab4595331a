import { assert } from '../../base/assert.js';
import type { VfioDeviceFile } from '../../state/vfio_files.js';
import type { CallContext } from '../description.js';

/** The file that a call on a device of VFIO is on. */
export function deviceOf({ opened }: CallContext<unknown>): VfioDeviceFile {
  assert(opened.kind === 'vfio_device', 'a call on a device of VFIO');
  return opened;
}

/** VFIO_DEVICE_ATTACH_PASID, VFIO_DEVICE_DETACH_PASID. Source: linux/vfio.h. */
export const ATTACH_FLAGS = { PASID: 1 } as const;
