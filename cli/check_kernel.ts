import { join } from 'node:path';
import type { DifferentialStats, Mismatch } from '../fuzz/differential.js';
import { sumOf } from '../models/base/counts.js';
import { Behaviour } from '../models/behaviour.js';
import { exitCodeOf } from '../reports/run_report.js';
import { renderSpec } from '../reports/spec.js';
import { environmentOf } from '../suites/harness/environment.js';
import type { Kernel } from '../targets/kernels/store.js';
import { type CanaryResult, runCanary } from './canary.js';
import { isCertain } from './certainty.js';
import type { Context } from './context.js';
import { EXIT, type ExitCode, worst } from './errors.js';
import { type RandomPrograms, runRandomPrograms } from './random_programs.js';
import { reduceMismatches, storeMismatches } from './reduce_mismatches.js';
import { runScenarios } from './run_scenarios.js';
import { qemuTarget } from './target_options.js';

/** Which random programs are run, and where those go that find a mismatch. */
export interface RandomRequest extends RandomPrograms {
  readonly accel: string;
  readonly out: string;
}

/** Mismatches that are printed; all are stored. */
const PRINTED_MAX = 10;

/**
 * Holds the model against a kernel: all scenarios, random programs, and differences planted in the model, which must be noticed.
 * @param print hears what there is to say, in pieces
 */
export async function checkKernel(
  kernel: Kernel,
  args: RandomRequest,
  context: Context,
  print: (text: string) => void,
): Promise<ExitCode> {
  const options = { accel: args.accel, console: undefined, append: undefined };
  const session = await qemuTarget(kernel.bzImage, kernel.flavour, options, context).start();
  try {
    const environment = await environmentOf(session);
    const start = performance.now();
    const results = await runScenarios(session, environment, context, { name: `${kernel.id}: scenarios` });
    const report = results.toReport({ target: 'qemu', kernel: kernel.id, ms: performance.now() - start });
    print(renderSpec(report));
    const behaviour = new Behaviour(environment.profile);
    const watched = { name: `${kernel.id}: random programs`, stopped: context.interrupted };
    const { stats, mismatches } = await runRandomPrograms(session, behaviour, args, context, watched);
    const directory = join(args.out, kernel.id);
    print(await storeMismatches(mismatches, directory));
    const judge = { session, behaviour, reading: 'exact' } as const;
    print(await reduceMismatches(judge, mismatches, directory, context.interrupted));
    print(renderStats(stats, mismatches, args.seed));
    const canary = await runCanary(session, environment);
    print(renderCanary(canary));
    const isComplete = stats.troubles.size === 0 && stats.programs === args.programs;
    const isSure =
      isComplete && isCertain(stats.calls, sumOf(stats.unspecified)) && canary.missed.length === 0;
    const random = mismatches.length > 0 ? EXIT.finding : isSure ? EXIT.pass : EXIT.unknown;
    return worst(exitCodeOf(report), random);
  } finally {
    await session.stop();
  }
}

function renderStats(stats: DifferentialStats, mismatches: readonly Mismatch[], seed: number): string {
  const lines = mismatches
    .slice(0, PRINTED_MAX)
    .map(({ index, description }) => `  program ${String(index)}: ${description}\n`);
  const unknown = `${String(sumOf(stats.unspecified))} unspecified`;
  return `random programs (seed ${String(seed)}): ${String(stats.programs)} programs, ${String(stats.calls)} steps predicted exactly, ${String(mismatches.length)} mismatches, ${unknown}\n${lines.join('')}${renderReasons('unspecified', stats.unspecified)}${renderReasons('not run', stats.troubles)}${renderFindings(stats)}`;
}

function renderReasons(what: string, reasons: ReadonlyMap<string, number>): string {
  return [...reasons].map(([why, count]) => `${what} ${String(count)} times: ${why}\n`).join('');
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
