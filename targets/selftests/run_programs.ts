import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { AcceleratorChoice } from '../qemu/accelerator.js';
import { CPUS_FOR_LANES, describeGuest } from '../qemu/index.js';
import { prepareMachine } from '../qemu/machine.js';
import { TestBedError } from '../target.js';
import { type ExecutionResult, SelftestGuest } from './guest.js';
import { type InitSources, packPrograms } from './initramfs.js';

const MEMORY_MIB = 1024;
const BOOT_MS = 120_000;

/** Programs that are to be run in a virtual machine. */
export interface GuestRequest {
  readonly bzImage: string;
  /** Programs for x86-64, each with its arguments. */
  readonly commands: readonly (readonly [program: string, ...args: string[]])[];
  /** That each may take. */
  readonly seconds: number;
  readonly accelerator: AcceleratorChoice;
  readonly consoleFile?: string;
  readonly interrupted: AbortSignal;
  /** Told what machine there is, when it has booted. */
  onBoot(this: void, machine: string): void;
}

/** Where things are that a guest is made of. */
export interface GuestMeans extends InitSources {
  readonly cache: string;
  /** PATH. */
  readonly path: string;
}

/**
 * Boots a kernel and runs programs on it one after another, as root.
 * @returns how each ended, in their order
 * @throws TestBedError when something is missing, or the machine ends before the last program does
 */
export async function runInGuest(request: GuestRequest, means: GuestMeans): Promise<ExecutionResult[]> {
  const { bzImage, commands, seconds, accelerator, consoleFile, interrupted, onBoot } = request;
  const work = await mkdtemp(join(tmpdir(), 'iommufd-cts-guest-'));
  try {
    const programs = await Promise.all(commands.map(([program], at) => takeProgram(program, at, work)));
    const machine = await prepareMachine({
      bzImage,
      pack: () => packPrograms(means, programs, work),
      memoryMib: MEMORY_MIB,
      // Programs that are exported may have lanes.
      cpus: CPUS_FOR_LANES,
      bootMs: BOOT_MS,
      accelerator,
      cache: means.cache,
      path: means.path,
      ...(consoleFile === undefined ? {} : { consoleFile }),
    });
    const guest = await SelftestGuest.boot(machine);
    const stop = () => void guest.interrupt();
    interrupted.addEventListener('abort', stop);
    try {
      if (interrupted.aborted) throw new TestBedError('interrupted before the programs began');
      onBoot(describeGuest(guest.release, machine.accelerator));
      const results: ExecutionResult[] = [];
      for (const [at, [, ...args]] of commands.entries()) {
        const command = [programs[at]?.to ?? '', ...args] as const;
        results.push(
          await guest.execute({ command, seconds, preload: 'nothing', onOutput: () => undefined }),
        );
      }
      return results;
    } finally {
      interrupted.removeEventListener('abort', stop);
      await guest.stop();
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A copy that can be executed, whatever the original's mode is. */
async function takeProgram(program: string, at: number, work: string): Promise<{ from: string; to: string }> {
  const name = `${String(at)}-${basename(program)}`;
  const from = join(work, name);
  await copyFile(program, from);
  await chmod(from, 0o755);
  return { from, to: `/bin/${name}` };
}
