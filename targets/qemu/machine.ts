import { versionOfBzImage } from '../kernels/bz_image.js';
import { findTool, missingTool } from '../tools.js';
import { type AcceleratorChoice, chooseAccelerator } from './accelerator.js';
import type { MachineOptions } from './virtual_machine.js';

const QEMU = 'qemu-system-x86_64';

/** What a machine is to be, before it is known what this one offers. */
export interface MachineRequest extends Omit<MachineOptions, 'qemu' | 'initramfs' | 'accelerator'> {
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
  ...request
}: MachineRequest): Promise<MachineOptions> {
  const qemu = await findTool(QEMU, path);
  if (qemu === undefined) throw missingTool(QEMU);
  await versionOfBzImage(request.bzImage);
  const machine = { qemu, ...request, initramfs: await pack() };
  return { ...machine, accelerator: await chooseAccelerator(choice, machine, cache) };
}
