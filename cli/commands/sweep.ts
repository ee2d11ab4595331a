import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeProgramFile } from '../../fuzz/corpus/program_file.js';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { type SweepMismatch, type SweepStats, sweepFailures } from '../../fuzz/injection/sweep.js';
import { CallPicker, type SweptCall, failing } from '../../fuzz/injection/targets.js';
import { sumOf } from '../../models/base/counts.js';
import { Behaviour } from '../../models/behaviour.js';
import type { Program } from '../../models/program/program.js';
import { type Environment, environmentOf } from '../../suites/harness/environment.js';
import { lackOf, planCase } from '../../suites/harness/plan.js';
import { SCENARIOS } from '../../suites/index.js';
import type { Command, Finish } from '../command.js';
import { isCertain } from '../certainty.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, UsageError } from '../errors.js';
import { showProgress } from '../progress.js';
import { select } from '../query.js';
import { type TargetArgs, addTargetOptions, chooseTarget } from '../target_options.js';
import { requireWhole } from '../whole_numbers.js';

interface SweepArgs extends TargetArgs {
  readonly query: string[];
  readonly programs: number;
  readonly steps: number;
  readonly seed: number;
  readonly states: number;
  readonly nth: number;
  readonly out: string;
}

/** Mismatches that are printed; all are stored. */
const PRINTED_MAX = 10;

export function sweepCommand(finish: Finish, context: Context): Command<SweepArgs> {
  return {
    builder: (yargs) =>
      addTargetOptions(yargs)
        .positional('query', {
          type: 'string',
          array: true,
          default: [],
          describe: 'scenarios whose programs are used, as for run',
        })
        .option('programs', {
          type: 'number',
          default: 1000,
          describe: 'random programs that are used beside them',
        })
        .option('steps', { type: 'number', default: 20, describe: 'the most that a random program has' })
        .option('seed', { type: 'number', default: 1, describe: 'the same seed gives the same programs' })
        .option('states', {
          type: 'number',
          default: 2,
          describe:
            'in how many states, told by the kinds of objects that there are, each answer of a call is swept',
        })
        .option('nth', { type: 'number', default: 400, describe: 'the last allocation of a call that fails' })
        .option('out', {
          type: 'string',
          default: 'runs/sweep',
          describe: 'directory for programs that found a mismatch',
        })
        .example('$0 sweep --kernel 7.3.4-fast', 'every answer of every call, on a kernel')
        .example('$0 sweep ioas/map --programs 0 --target qemu', 'the calls of some scenarios'),
    handler: async (args) => {
      finish(await sweepCalls(args, context));
    },
  };
}

async function sweepCalls(args: SweepArgs, context: Context): Promise<ExitCode> {
  requireWhole({ states: args.states, nth: args.nth }, 1);
  requireWhole({ seed: args.seed });
  const { target, kernel, profile } = await chooseTarget(args, context);
  const session = await target.start();
  try {
    const environment = await environmentOf(session, profile);
    if (!environment.capabilities.has('injection')) {
      throw new UsageError(`${environment.description} cannot be told to let allocations fail`);
    }
    const behaviour = new Behaviour(environment.profile);
    const picker = new CallPicker(behaviour, args.states);
    const calls = programsOf(args, environment, behaviour).flatMap((program) => picker.pick(program));
    process.stdout.write(
      `${environment.description} · expectations of Linux ${environment.profile.id} · ${String(calls.length)} calls, ${String(picker.answers)} answers\n`,
    );
    const mismatches: SweepMismatch[] = [];
    const progress = showProgress('sweep', context);
    const start = performance.now();
    const stats = await sweepFailures(session, behaviour, calls, {
      nthMax: args.nth,
      stopped: context.interrupted,
      onMismatch: (mismatch) => mismatches.push(mismatch),
      onProgress: ({ swept, programs }) => {
        progress.update(
          swept,
          calls.length,
          `calls, ${String(programs)} programs, ${String(mismatches.length)} mismatches`,
        );
      },
    });
    progress.stop();
    const seconds = (performance.now() - start) / 1000;
    await store(mismatches, join(args.out, kernel === '' ? 'sim' : kernel.replaceAll('/', '_')));
    process.stdout.write(render(calls, stats, mismatches, seconds));
    return verdict(calls, stats, mismatches);
  } finally {
    await session.stop();
  }
}

/** The cases of the scenarios that run here, as they are written, and random programs. */
function programsOf(
  { query, programs, steps, seed }: SweepArgs,
  environment: Environment,
  behaviour: Behaviour,
): Program[] {
  const planned = select(SCENARIOS, query).flatMap((scenario) =>
    scenario.cases
      .filter((name) => lackOf(scenario, name, environment) === undefined)
      .map((name) => planCase(scenario, name).program),
  );
  return [...planned, ...samplePrograms(behaviour, { seed, count: programs, stepsMax: steps })];
}

async function store(mismatches: readonly SweepMismatch[], directory: string): Promise<void> {
  if (mismatches.length === 0) return;
  await mkdir(directory, { recursive: true });
  for (const [index, { swept, nth, problem }] of mismatches.entries()) {
    const program = { ...failing(swept, nth), about: describe({ swept, nth, problem }) };
    await writeProgramFile(join(directory, `${String(index)}.json`), program);
  }
  process.stdout.write(
    `programs that found mismatches are in ${directory}; "replay FILE" shows one step by step\n`,
  );
}

function describe({ swept, nth, problem }: SweepMismatch): string {
  const place = problem.step === undefined ? '' : ` at step ${String(problem.step + 1)}`;
  return `${swept.because} in step ${String(swept.at + 1)}, failure ${String(nth)}${place}: ${problem.what}`;
}

function render(
  calls: readonly SweptCall[],
  { swept, unfinished, programs, failed, unspecified, infra }: SweepStats,
  mismatches: readonly SweepMismatch[],
  seconds: number,
): string {
  const kinds = [...failed].map(([injection, count]) => `${injection} ${String(count)}`).join(', ');
  const lines = [
    `${String(swept)} of ${String(calls.length)} calls swept, ${String(unfinished)} not to their end; ${String(programs)} programs in ${seconds.toFixed(1)} s; failed: ${kinds}`,
    ...mismatches.slice(0, PRINTED_MAX).map((mismatch) => `  ${describe(mismatch)}`),
    ...[...unspecified].map(([why, count]) => `unspecified ${String(count)} times: ${why}`),
    ...(infra === 0 ? [] : [`${String(infra)} programs not run for trouble of the test bed`]),
    `${String(mismatches.length)} mismatches`,
  ];
  return `${lines.join('\n')}\n`;
}

function verdict(
  calls: readonly SweptCall[],
  stats: SweepStats,
  mismatches: readonly SweepMismatch[],
): ExitCode {
  if (mismatches.length > 0) return EXIT.finding;
  const untold = sumOf(stats.unspecified);
  const isWhole = stats.infra === 0 && stats.swept === calls.length;
  return isWhole && isCertain(stats.programs, untold) ? EXIT.pass : EXIT.unknown;
}
