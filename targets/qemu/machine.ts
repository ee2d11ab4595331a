import { versionOfBzImage } from '../kernels/bz_image.js';
import { findTool, missingTool } from '../tools.js';
import { type AcceleratorChoice, chooseAccelerator } from './accelerator.js';
import type { MachineOptions } from './virtual_machine.js';

const QEMU = 'qemu-system-x86_64';

/** What a machine is to be, before it is known what this one offers. */
export interface MachineRequest extends Omit<
  MachineOptions,
  'qemu' | 'initramfs' | 'accelerator' | 'hasIommu'
> {
  /** Whether it is to have an IOMMU, if the kernel's mock bears one beside it. */
  readonly wantsIommu?: boolean;
  readonly accelerator: AcceleratorChoice;
  /** Makes the initial RAM disk, once it is known that there is a machine for it; returns its path. */
  pack(this: void): Promise<string>;
  /** Directory for what is found out once. */
  readonly cache: string;
  /** PATH, for finding QEMU. */
  readonly path: string;
}

/**
 * Finds QEMU and an accelerator that works.
 * @throws TestBedError when something is missing
 */
export async function prepareMachine({
  accelerator: choice,
  cache,
  path,
  pack,
  wantsIommu = false,
  ...request
}: MachineRequest): Promise<MachineOptions> {
  const qemu = await findTool(QEMU, path);
  if (qemu === undefined) throw missingTool(QEMU);
  const version = await versionOfBzImage(request.bzImage);
  const hasIommu = wantsIommu && toleratesIommu(version);
  const machine = { qemu, ...request, hasIommu, initramfs: await pack() };
  return { ...machine, accelerator: await chooseAccelerator(choice, machine, cache) };
}

/**
 * Whether mock devices are the mock's on a machine with an IOMMU. Those of Linux 6.12 take the IOMMU that has registered first for
 * theirs, which refuses them; those of 7.3 name the mock. Source: iommu.c:iommu_ops_from_fwnode, iommu_mock_device_add.
 */
export function toleratesIommu(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > 7 || (major === 7 && minor >= 3);
}
