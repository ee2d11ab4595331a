import type { IoctlStep, Operand, Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import type { ExpectedStep } from '../harness/expected_step.js';

type Options = Partial<Pick<IoctlStep, 'tail' | 'at' | 'command'>>;

/** The file of the device, and another open of it. */
export const DEVICE = 'd';
export const GROUP = 'g';

export function openDevice(t: ScenarioBuilder, label = DEVICE): string {
  t.openVfio(label, 'vfio_device');
  return label;
}

export function openGroup(t: ScenarioBuilder, label = GROUP): ExpectedStep {
  return t.openVfio(label, 'vfio_group');
}

/** VFIO_DEVICE_BIND_IOMMUFD to the main file, but for what is said. */
export function bind(
  t: ScenarioBuilder,
  args: Readonly<Record<string, Operand>> = {},
  file = DEVICE,
  options: Options = {},
): ExpectedStep {
  return t.ioctl('VFIO_DEVICE_BIND_IOMMUFD', { iommufd: { fd: 'f' }, ...args }, { file, ...options });
}

export function attach(t: ScenarioBuilder, ptId: Scalar, options: Options = {}): ExpectedStep {
  return t.ioctl('VFIO_DEVICE_ATTACH_IOMMUFD_PT', { pt_id: ptId }, { file: DEVICE, ...options });
}

export function detach(t: ScenarioBuilder, options: Options = {}): ExpectedStep {
  return t.ioctl('VFIO_DEVICE_DETACH_IOMMUFD_PT', {}, { file: DEVICE, ...options });
}

/** VFIO_GROUP_SET_CONTAINER: gives the group an iommufd. */
export function setContainer(t: ScenarioBuilder, container: Operand = { fd: 'f' }): ExpectedStep {
  return t.ioctl('VFIO_GROUP_SET_CONTAINER', { container }, { file: GROUP });
}

export function unsetContainer(t: ScenarioBuilder): ExpectedStep {
  return t.ioctl('VFIO_GROUP_UNSET_CONTAINER', {}, { file: GROUP });
}

export function getStatus(t: ScenarioBuilder, options: Options = {}): ExpectedStep {
  return t.ioctl('VFIO_GROUP_GET_STATUS', {}, { file: GROUP, ...options });
}
