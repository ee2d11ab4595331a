import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Flavour, Kernel } from '../kernels/store.js';
import type { AcceleratorChoice } from '../qemu/accelerator.js';
import { describeGuest } from '../qemu/index.js';
import { prepareMachine } from '../qemu/machine.js';
import { buildRecorder } from '../recorder/build.js';
import { TestBedError } from '../target.js';
import { traceHeader } from '../trace/format.js';
import { type ExecutionResult, SelftestGuest } from './guest.js';
import { guestPathOf, packInitramfs } from './initramfs.js';
import { type Selftest, buildSelftests } from './programs.js';
import { type TapReport, parseTap } from './tap.js';

/** Of the guest: the largest fixture maps 128 MiB of huge pages, and as much of others. */
const MEMORY_MIB: Readonly<Record<Flavour, number>> = { fast: 2048, sanitize: 4096 };
const BOOT_MS = 180_000;

/** Where things are that a recording is made of. */
export interface RecordingMeans {
  readonly agentSources: string;
  readonly initSources: string;
  readonly recorderSources: string;
  readonly cache: string;
  /** PATH. */
  readonly path: string;
}

/** What is to be recorded. */
export interface RecordingRequest {
  readonly kernel: Kernel;
  readonly program: Selftest;
  /** Of the program; none runs every case. */
  readonly arguments: readonly string[];
  readonly accelerator: AcceleratorChoice;
  /** The file; without one the program runs as it is. */
  readonly trace?: string;
  /** A library that notes in that file what code is reached, in place of the recorder. */
  readonly kcov?: string;
  readonly secondsMax: number;
  readonly consoleFile?: string;
  /** Ends the machine. */
  readonly interrupted: AbortSignal;
  /** Told what happens. */
  onPhase(this: void, what: string): void;
  /** Told what the program prints. */
  onOutput(this: void, text: string): void;
}

/** What came of it. */
export interface SelftestRun extends ExecutionResult {
  /** The machine, in words. */
  readonly machine: string;
  readonly report: TapReport;
  readonly ms: number;
  /** The most telling message of the kernel, if it complained. */
  readonly trouble: string | undefined;
}

/**
 * Runs one of the kernel's own selftests on that kernel in a virtual machine, and records it.
 * @throws TestBedError when something is missing, or the machine ends before the program does
 */
export async function recordSelftest(request: RecordingRequest, means: RecordingMeans): Promise<SelftestRun> {
  const { kernel, onPhase, interrupted } = request;
  onPhase(`selftests of ${kernel.source}`);
  const programs = await buildSelftests(kernel, means.cache);
  const preloaded = request.kcov ?? (await buildRecorder(means.recorderSources, means.cache));
  const work = await mkdtemp(join(tmpdir(), 'iommufd-cts-selftests-'));
  try {
    const machine = await prepareMachine({
      bzImage: kernel.bzImage,
      pack: () => packInitramfs({ ...means, programs, preloaded }, work),
      memoryMib: MEMORY_MIB[kernel.flavour],
      cpus: 1,
      bootMs: BOOT_MS,
      accelerator: request.accelerator,
      cache: means.cache,
      path: means.path,
      ...(request.consoleFile === undefined ? {} : { consoleFile: request.consoleFile }),
    });
    const guest = await SelftestGuest.boot(machine);
    const stop = () => void guest.interrupt();
    interrupted.addEventListener('abort', stop);
    try {
      if (interrupted.aborted) throw new TestBedError('interrupted before the selftests began');
      if (!guest.hasIommufd) throw new TestBedError(`${kernel.id} has no /dev/iommu`);
      const name = describeGuest(guest.release, machine.accelerator);
      onPhase(`${request.program} on ${name}`);
      return { machine: name, ...(await runIn(guest, request)) };
    } finally {
      interrupted.removeEventListener('abort', stop);
      await guest.stop();
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function runIn(guest: SelftestGuest, request: RecordingRequest): Promise<Omit<SelftestRun, 'machine'>> {
  const trace: FileHandle | undefined =
    request.trace === undefined ? undefined : await open(request.trace, 'w');
  const start = performance.now();
  try {
    // The guest sends its own once the counters in it are final.
    if (request.kcov === undefined) await trace?.write(traceHeader());
    const result = await guest.execute({
      command: [guestPathOf(request.program), ...request.arguments],
      seconds: request.secondsMax,
      preload: trace === undefined ? 'nothing' : request.kcov === undefined ? 'recorder' : 'kcov',
      onOutput: request.onOutput,
      ...(trace === undefined ? {} : { trace }),
    });
    const ms = performance.now() - start;
    return { ...result, ms, report: parseTap(result.output), trouble: guest.trouble };
  } finally {
    await trace?.close();
  }
}
