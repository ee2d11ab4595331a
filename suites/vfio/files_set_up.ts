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
export function setContainer(
  t: ScenarioBuilder,
  container: Operand = { fd: 'f' },
  file = GROUP,
): ExpectedStep {
  return t.ioctl('VFIO_GROUP_SET_CONTAINER', { container }, { file });
}

export function unsetContainer(t: ScenarioBuilder): ExpectedStep {
  return t.ioctl('VFIO_GROUP_UNSET_CONTAINER', {}, { file: GROUP });
}

export function getStatus(t: ScenarioBuilder, options: Options = {}): ExpectedStep {
  return t.ioctl('VFIO_GROUP_GET_STATUS', {}, { file: GROUP, ...options });
}

/** What the agent calls the sample device. */
export const DEVICE_NAME = '00000000-0000-0000-0000-000000000001';

/** VFIO_GROUP_GET_DEVICE_FD of the device, but for what is said. */
export function getDeviceFd(
  t: ScenarioBuilder,
  {
    name = DEVICE_NAME,
    label = DEVICE,
    file = GROUP,
    ...options
  }: Options & { readonly name?: string; readonly label?: string; readonly file?: string } = {},
): ExpectedStep {
  return t.ioctl('VFIO_GROUP_GET_DEVICE_FD', wordsOf(name), { file, fd: label, ...options }).returnsFd();
}

/** A name of up to 40 characters, eight in each word, the first of them in its lowest byte. */
function wordsOf(name: string): Record<string, bigint> {
  const words: Record<string, bigint> = {};
  for (let word = 0; word < 5; word++) {
    let value = 0n;
    for (let at = 7; at >= 0; at--) value = (value << 8n) | BigInt(name.charCodeAt(word * 8 + at) || 0);
    words[`name_${String(word)}`] = value;
  }
  return words;
}
