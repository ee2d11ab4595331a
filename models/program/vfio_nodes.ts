/** Where a node of VFIO is. */
interface VfioPlace {
  /** What in sysfs tells its name: a link to what is called so, or a directory with one entry. */
  readonly told: string;
  /** The directory that it is in. */
  readonly nodes: string;
}

/** VFIO's sample driver in sysfs. */
const MTTY = '/sys/devices/virtual/mtty/mtty';

/** The directory of the file `create`, which makes a device of the sample driver by its name. */
export const VFIO_CREATE_DIRECTORY = `${MTTY}/mdev_supported_types/mtty-1`;

/** The name of VFIO's sample device, by which its group knows it: what the agent makes it under. */
export const VFIO_DEVICE_NAME = '00000000-0000-0000-0000-000000000001';

/** Where VFIO's PCI device is: domain, bus, device and function. */
export const VFIO_PCI_ADDRESS = '0000:00:10.0';

/** Its directory in sysfs. */
export const VFIO_PCI_DIRECTORY = `/sys/bus/pci/devices/${VFIO_PCI_ADDRESS}`;

/** What can be opened beside /dev/iommu: the nodes of VFIO's sample device, of the group that it is in, and of its PCI device. */
export const VFIO_PLACES = {
  vfio_device: { told: `${MTTY}/${VFIO_DEVICE_NAME}/vfio-dev`, nodes: '/dev/vfio/devices' },
  vfio_group: { told: `${MTTY}/${VFIO_DEVICE_NAME}/iommu_group`, nodes: '/dev/vfio' },
  vfio_pci: { told: `${VFIO_PCI_DIRECTORY}/vfio-dev`, nodes: '/dev/vfio/devices' },
} as const satisfies Readonly<Record<string, VfioPlace>>;

export type VfioNode = keyof typeof VFIO_PLACES;
