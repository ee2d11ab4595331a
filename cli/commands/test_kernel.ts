import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import type { CommandModule } from 'yargs';
import { writeProgramFile } from '../../fuzz/corpus/program_file.js';
import { type DifferentialStats, type Mismatch, runDifferential } from '../../fuzz/differential.js';
import { Behaviour } from '../../models/behaviour.js';
import { exitCodeOf } from '../../reports/run_report.js';
import { renderSpec } from '../../reports/spec.js';
import { environmentOf } from '../../suites/harness/environment.js';
import type { SourceRequest } from '../../targets/kernels/source.js';
import type { Kernel } from '../../targets/kernels/store.js';
import type { AcceleratorChoice } from '../../targets/qemu/accelerator.js';
import { type CanaryResult, runCanary } from '../canary.js';
import { checkSelftests } from '../check_selftests.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, worst } from '../errors.js';
import { buildWithProgress, provide } from '../kernel_build.js';
import { showProgress } from '../progress.js';
import { runScenarios } from '../run_scenarios.js';
import { qemuTarget } from '../target_options.js';

interface TestKernelArgs {
  readonly programs: number;
  readonly steps: number;
  readonly seed: number;
  readonly accel: string;
  readonly out: string;
  readonly selftests: boolean;
}

/** The kernels whose profiles the model has. */
const KERNELS: readonly SourceRequest[] = [
  { package: 'linux-source-7.3', suite: 'trixie-backports' },
  { package: 'linux-source-6.12' },
];

/** Mismatches that are printed; all are stored. */
const PRINTED_MAX = 10;

export function testKernelCommand(
  context: Context,
  finish: (code: ExitCode) => void,
): CommandModule<object, TestKernelArgs> {
  return {
    command: 'test-kernel',
    describe: 'hold the model against real kernels: all scenarios and random programs on Linux 7.3 and 6.12',
    builder: (yargs) =>
      yargs
        .option('programs', { type: 'number', default: 20_000, describe: 'random programs for each kernel' })
        .option('steps', {
          type: 'number',
          default: 20,
          describe: 'the most that a random program has, before what the invariants ask at its end',
        })
        .option('seed', { type: 'number', default: 1, describe: 'the same seed gives the same programs' })
        .option('accel', { choices: ['auto', 'kvm', 'tcg'], default: 'auto', describe: 'as for run' })
        .option('out', {
          type: 'string',
          default: 'runs/mismatches',
          describe: 'directory for programs that found a mismatch',
        })
        .option('selftests', {
          type: 'boolean',
          default: false,
          describe: "also record the kernel's own selftests and check what they saw",
        })
        .example('$0 test-kernel --selftests', 'what "npm run test:kernel" does'),
    handler: async (args) => {
      finish(await testKernels(args, context));
    },
  };
}

async function testKernels(args: TestKernelArgs, context: Context): Promise<ExitCode> {
  await provide(() => true, context, true);
  const kernels: Kernel[] = [];
  for (const source of KERNELS) kernels.push(await buildWithProgress(source, 'fast', context, true));
  const codes: ExitCode[] = [];
  for (const kernel of kernels) {
    codes.push(await testKernel(kernel, args, context));
    if (args.selftests && !context.interrupted.aborted) {
      codes.push(await checkSelftests(kernel, args.accel as AcceleratorChoice, context));
    }
    if (context.interrupted.aborted) return worst(...codes, EXIT.unknown);
  }
  return worst(...codes);
}

async function testKernel(kernel: Kernel, args: TestKernelArgs, context: Context): Promise<ExitCode> {
  process.stdout.write(`\n=== ${kernel.id} (${kernel.source})\n`);
  const options = { accel: args.accel, console: undefined, append: undefined };
  const session = await qemuTarget(kernel.bzImage, kernel.flavour, options, context).start();
  try {
    const environment = await environmentOf(session);
    const start = performance.now();
    const results = await runScenarios(session, environment, context);
    const report = results.toReport({ target: 'qemu', kernel: kernel.id, ms: performance.now() - start });
    process.stdout.write(renderSpec(report));
    const mismatches: Mismatch[] = [];
    const stats = await runRandom(session, new Behaviour(environment.profile), args, context, mismatches);
    await storeMismatches(mismatches, join(args.out, kernel.id));
    process.stdout.write(renderStats(stats, mismatches, args.seed));
    const canary = await runCanary(session, environment);
    process.stdout.write(renderCanary(canary));
    const isComplete = stats.infra === 0 && stats.programs === args.programs;
    const isSure = isComplete && stats.unspecified === 0 && canary.missed.length === 0;
    const random = mismatches.length > 0 ? EXIT.finding : isSure ? EXIT.pass : EXIT.unknown;
    return worst(exitCodeOf(report), random);
  } finally {
    await session.stop();
  }
}

async function runRandom(
  session: Parameters<typeof runDifferential>[0],
  behaviour: Behaviour,
  { programs, steps, seed }: TestKernelArgs,
  context: Context,
  mismatches: Mismatch[],
): Promise<DifferentialStats> {
  const progress = showProgress('random programs', context);
  const stats = await runDifferential(session, behaviour, {
    seed,
    programs,
    stepsMax: steps,
    reading: 'exact',
    stopped: context.interrupted,
    onMismatch: (mismatch) => mismatches.push(mismatch),
    onProgress: ({ programs: done, calls }) => {
      progress.update(
        done,
        programs,
        `programs, ${String(calls)} steps, ${String(mismatches.length)} mismatches`,
      );
    },
  });
  progress.stop();
  return stats;
}

async function storeMismatches(mismatches: readonly Mismatch[], directory: string): Promise<void> {
  if (mismatches.length === 0) return;
  await mkdir(directory, { recursive: true });
  for (const { index, program, description } of mismatches) {
    await writeProgramFile(join(directory, `${String(index)}.json`), { ...program, about: description });
  }
  process.stdout.write(
    `programs that found mismatches are in ${directory}; "replay FILE" shows one step by step\n`,
  );
}

function renderStats(stats: DifferentialStats, mismatches: readonly Mismatch[], seed: number): string {
  const lines = mismatches
    .slice(0, PRINTED_MAX)
    .map(({ index, description }) => `  program ${String(index)}: ${description}\n`);
  const trouble = stats.infra === 0 ? '' : `, ${String(stats.infra)} not run for trouble of the test bed`;
  const unknown = `${String(stats.unspecified)} unspecified`;
  return `random programs (seed ${String(seed)}): ${String(stats.programs)} programs, ${String(stats.calls)} steps predicted exactly, ${String(mismatches.length)} mismatches, ${unknown}${trouble}\n${lines.join('')}${renderFindings(stats)}`;
}

function renderFindings({ findings }: DifferentialStats): string {
  if (findings.size === 0) return '';
  const names = [...findings].map(([id, programs]) => `${id} (${String(programs)})`).sort();
  return `${String(names.length)} known findings seen, in so many programs: ${names.join(', ')}\n`;
}

function renderCanary({ planted, missed }: CanaryResult): string {
  const found = planted - missed.length;
  const rest = missed.length === 0 ? '' : `; missed: ${missed.join(', ')}`;
  return `canary: ${String(found)} of ${String(planted)} differences planted in the model were noticed${rest}\n`;
}
