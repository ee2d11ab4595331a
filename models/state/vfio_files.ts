import type { IommufdFile } from './iommufd_file.js';
import type { AccessObject } from './objects.js';
import type { OpenFileBase } from './open_file.js';

/** What the device has of the iommufd that it is bound to. */
export interface Binding {
  readonly iommufd: IommufdFile;
  readonly access: AccessObject;
}

/** One open of the node of VFIO's device. Source: drivers/vfio/vfio.h, struct vfio_device_file. */
export class VfioDeviceFile implements OpenFileBase {
  readonly kind = 'vfio_device';
  references = 0;
  /** What it is bound to, which lasts until it is closed: by BIND_IOMMUFD, or from the start if its group has opened it. */
  bound: Binding | undefined;

  /** @param isOfGroup whether VFIO_GROUP_GET_DEVICE_FD has opened it, and not the node */
  constructor(readonly isOfGroup = false) {}
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
 * have an access. It is bound through its own node or through that of its group, not through both.
 */
export class VfioDevice {
  /** The open of the group, of which there is one at a time. */
  group: VfioGroupFile | undefined;
  /** The open of the device's node that is bound, of which there is one at a time. */
  bound: VfioDeviceFile | undefined;
  /** What the opens through the group share, while there is one of them. */
  ofGroup: { readonly binding: Binding; files: number } | undefined;
}
