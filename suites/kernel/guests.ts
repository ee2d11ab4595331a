import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Kernel } from '../../targets/kernels/store.js';
import { type RunningCli, runCli } from '../self/cli.js';

async function cachedKernels(): Promise<Kernel[]> {
  const { stdout } = await runCli(['kernel', 'list', '--json']);
  return JSON.parse(stdout) as Kernel[];
}

/** Kernels in the cache that are built for gates. */
export async function gateKernels(): Promise<Kernel[]> {
  return (await cachedKernels()).filter(({ flavour }) => flavour === 'fast');
}

/** Those of Debian's sources, of each source and flavour the newest. */
export async function debianKernels(): Promise<Kernel[]> {
  const kernels = (await cachedKernels()).filter(({ source }) => source.startsWith('Debian '));
  return kernels.filter(
    ({ source, flavour, built }) =>
      !kernels.some((other) => other.source === source && other.flavour === flavour && other.built > built),
  );
}

/** Those that are built for gates. */
export async function fastKernels(): Promise<Kernel[]> {
  return (await debianKernels()).filter(({ flavour }) => flavour === 'fast');
}

/** Waits until a campaign has reported something, or has ended. */
export async function untilUnderWay({ process }: RunningCli, out: string): Promise<void> {
  const journal = join(out, 'journal.jsonl');
  while (process.exitCode === null && (await readFile(journal, 'utf8').catch(() => '')) === '')
    await sleep(50);
}

/** Ids of the QEMU processes that a command has started. */
export async function guestsOf({ process: { pid } }: RunningCli): Promise<number[]> {
  const list = await promisify(execFile)('ps', ['-o', 'pid=', '--ppid', String(pid)]).catch(() => ({
    stdout: '',
  }));
  return list.stdout
    .split('\n')
    .map(Number)
    .filter((id) => id > 0);
}
