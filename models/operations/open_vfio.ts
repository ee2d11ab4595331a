import type { RawStep } from '../program/raw.js';
import { VfioDeviceFile, VfioGroupFile } from '../state/vfio_files.js';
import type { Rule } from '../ioctls/description.js';
import { type OperationContext, defineOperation } from './operation.js';

/** What scenarios with such a device know that the model does not. */
export const NOT_THE_MOCK = 'the model knows no other IOMMU than the mock';

type Open = Extract<RawStep, { do: 'open' }>;

const NO_DEVICE: Rule<OperationContext<Open>> = {
  id: 'ENOENT.node',
  says: 'the kernel was not configured with VFIO’s sample device',
  cite: 'samples/Kconfig: SAMPLE_VFIO_MDEV_MTTY',
  isFor: ({ hasVfioDevice }) => !hasVfioDevice,
  when: () => true,
};

export const openVfioDevice = defineOperation<Open, VfioDeviceFile>({
  name: 'open_vfio_device',
  step: 'open',
  of: 'vfio_device',
  doc: 'Opens the node of VFIO’s sample device, as often as one likes; it is of no use before it is bound.',
  source: 'drivers/vfio/device_cdev.c:vfio_device_fops_cdev_open',
  rules: [NO_DEVICE],
  effect: ({ world, step }) => {
    world.fds.install(step.slot, new VfioDeviceFile());
    return 0;
  },
});

export const openVfioGroup = defineOperation<Open, VfioGroupFile>({
  name: 'open_vfio_group',
  step: 'open',
  of: 'vfio_group',
  doc: 'Opens the node of the group that VFIO’s sample device is in.',
  source: 'drivers/vfio/group.c:vfio_group_fops_open',
  rules: [
    NO_DEVICE,
    {
      id: 'EBUSY.bound',
      says: 'the device is bound through its own node',
      cite: 'drivers/vfio/group.c:vfio_group_fops_open',
      when: ({ world }) => world.vfio.bound !== undefined,
    },
    {
      id: 'EBUSY.open',
      says: 'the group is open',
      cite: 'drivers/vfio/group.c:vfio_group_fops_open',
      when: ({ world }) => world.vfio.group !== undefined,
    },
  ],
  effect: ({ world, step }) => {
    const group = new VfioGroupFile();
    world.vfio.group = group;
    world.fds.install(step.slot, group);
    return 0;
  },
});

export const openVfioPci = defineOperation<Open, VfioDeviceFile>({
  name: 'open_vfio_pci',
  step: 'open',
  of: 'vfio_pci',
  doc: 'Opens the node of the PCI device that is bound to vfio-pci, which has an IOMMU that is not the mock.',
  source: 'drivers/vfio/device_cdev.c:vfio_device_fops_cdev_open',
  rules: [
    {
      id: 'unspecified.hardware',
      says: NOT_THE_MOCK,
      cite: 'models/hardware: the mock alone',
      when: () => true,
    },
  ],
  effect: () => 0,
});
