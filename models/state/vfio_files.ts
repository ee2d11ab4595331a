import type { IommufdFile } from './iommufd_file.js';
import type { AccessObject } from './objects.js';
import type { OpenFileBase } from './open_file.js';

/** One open of the node of VFIO's device. Source: drivers/vfio/vfio.h, struct vfio_device_file. */
export class VfioDeviceFile implements OpenFileBase {
  readonly kind = 'vfio_device';
  references = 0;
  /** What BIND_IOMMUFD has bound it to, which lasts until it is closed. */
  bound: { readonly iommufd: IommufdFile; readonly access: AccessObject } | undefined;
}

/** The open of the group that the device is in. Source: drivers/vfio/vfio.h, struct vfio_group. */
export class VfioGroupFile implements OpenFileBase {
  readonly kind = 'vfio_group';
  references = 0;
  /** The iommufd that SET_CONTAINER has given it. */
  iommufd: IommufdFile | undefined;
}

/**
 * The one device that VFIO offers to programs: its sample driver mtty, which moves no data, so that what it does with an iommufd is to
 * have an access. It is opened through the node of the device or through that of its group, not through both.
 */
export class VfioDevice {
  /** The open of the group, of which there is one at a time. */
  group: VfioGroupFile | undefined;
  /** The open of the device that is bound, of which there is one at a time. */
  bound: VfioDeviceFile | undefined;
}
