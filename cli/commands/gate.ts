import { join } from 'node:path';
import type { Argv } from 'yargs';
import { Behaviour } from '../../models/behaviour.js';
import { DEFAULT_PROFILE, profileById } from '../../models/profiles/index.js';
import { type Expectation, withExpectations } from '../../reports/expectations.js';
import { type RunReport, exitCodeOf } from '../../reports/run_report.js';
import { environmentOf } from '../../suites/harness/environment.js';
import type { Scenario } from '../../suites/harness/scenario.js';
import { SCENARIOS } from '../../suites/index.js';
import type { Flavour } from '../../targets/kernels/store.js';
import { SimTarget } from '../../targets/sim.js';
import type { Session } from '../../targets/target.js';
import { warnOfOtherRun } from '../baseline.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, UsageError, worst } from '../errors.js';
import { type PatchFile, readPatch } from '../patch/diff_file.js';
import type { FocusFiles } from '../patch/focus_files.js';
import { addTouchedOptions, selectTouched } from '../patch/touched_scenarios.js';
import { type EarlierRun, readBaseline, readExpectations } from '../expectations_file.js';
import { PatchWatch } from '../gate/patch_watch.js';
import { resultOfRandomPrograms } from '../gate/random_result.js';
import { runStoredPrograms } from '../gate/stored_programs.js';
import { renderVerdict } from '../gate/verdict.js';
import { buildWithProgress } from '../kernel_build.js';
import { mutantByName } from '../mutant_option.js';
import { select } from '../query.js';
import { writeReports } from '../reporters.js';
import { ONCE, addRetries } from '../repetition.js';
import { runScenarios } from '../run_scenarios.js';
import {
  type ChosenTarget,
  type TargetArgs,
  addTargetOptions,
  chooseTarget,
  findKernel,
  qemuOptions,
} from '../target_options.js';
import { parseLimits } from '../time_limits.js';
import { requireRandom, requireWhole } from '../whole_numbers.js';

interface GateArgs extends TargetArgs, FocusFiles {
  readonly query: string[];
  readonly source: string | undefined;
  readonly installDeps: boolean;
  readonly programs: number;
  readonly steps: number;
  readonly seed: number;
  readonly corpus: string[];
  readonly expectations: string | undefined;
  readonly baseline: string | undefined;
  readonly retries: number;
  readonly timeout: string | undefined;
  readonly time: string | undefined;
  readonly mutant: string | undefined;
  readonly patch: string | undefined;
  readonly out: string;
}

/** The reports that a gate leaves behind, by reporter. */
const FILES: Readonly<Record<string, string>> = {
  json: 'result.json',
  junit: 'junit.xml',
  md: 'comment.md',
  sarif: 'result.sarif',
  ktap: 'result.ktap',
  spec: 'result.txt',
};

export function gateCommand(finish: Finish, context: Context): Command<GateArgs> {
  return {
    builder: (yargs) => addGateOptions(yargs) as Argv<GateArgs>,
    handler: async (args) => {
      finish(await gate(args, context));
    },
  };
}

function addGateOptions(yargs: Argv): Argv {
  return addRetries(addTouchedOptions(addTargetOptions(yargs)))
    .default('target', 'qemu')
    .positional('query', { type: 'string', array: true, default: [], describe: 'as for run; default: all' })
    .option('source', {
      type: 'string',
      describe: 'a kernel source tree: it is built first, of which the next build makes use',
    })
    .option('install-deps', {
      type: 'boolean',
      default: false,
      describe: 'install with apt, as root, what a build needs',
    })
    .option('programs', { type: 'number', default: 2000, describe: 'random programs' })
    .option('steps', { type: 'number', default: 20, describe: 'the most that a random program has' })
    .option('seed', { type: 'number', default: 1, describe: 'the same seed gives the same programs' })
    .option('corpus', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'directories of stored programs that are to run too, beside those of the kernel findings',
    })
    .option('expectations', { type: 'string', describe: 'as for run' })
    .option('baseline', { type: 'string', describe: 'as for run: the result.json of an earlier gate' })
    .option('timeout', { type: 'string', describe: 'as for run' })
    .option('time', { type: 'string', describe: 'how long all of it may take from the boot on, as for run' })
    .option('mutant', {
      type: 'string',
      describe: 'a difference planted in the model, for --target sim: what does a red gate look like?',
    })
    .option('patch', {
      type: 'string',
      describe:
        'a diff that the kernel, of the flavour sanitize, was built with: show what reached its lines',
    })
    .option('out', { type: 'string', default: 'runs/gate', describe: 'directory of the reports' })
    .conflicts('source', 'kernel')
    .example('$0 gate --source ~/linux --flavour sanitize --patch my.patch', 'and which changed lines ran')
    .example('$0 gate --source ~/linux', 'build the tree, and see whether its iommufd is as it should be')
    .example('$0 gate --kernel 7.3.4-fast --baseline runs/before/result.json', 'only new failures count');
}

async function gate(args: GateArgs, context: Context): Promise<ExitCode> {
  requireRandom(args);
  requireWhole({ retries: args.retries }, 0);
  const scenarios = await selectTouched(select(SCENARIOS, args.query), args, 'gate');
  const limits = parseLimits(args);
  const { expectations, earlier } = await foreseenOf(args);
  const patch = args.patch === undefined ? undefined : await readPatch(args.patch);
  const { target, kernel, profile, watch } = await targetOf(args, patch, context);
  const start = performance.now();
  const { runSeconds } = limits;
  const stopped = AbortSignal.any([
    context.interrupted,
    ...(runSeconds === undefined ? [] : [AbortSignal.timeout(runSeconds * 1000)]),
  ]);
  const session = await target.start();
  try {
    const environment = await environmentOf(session, profile);
    const sessionOf = ({ id }: Scenario): Session => watch?.watch(session, id) ?? session;
    const repetition = { ...ONCE, retries: args.retries };
    const settings = { scenarios, limits, sessionOf, repetition };
    const { toReport } = await runScenarios(session, environment, context, settings);
    const behaviour = new Behaviour(environment.profile);
    const others = watch?.watch(session, 'stored and random programs') ?? session;
    const beside = await runPrograms(others, behaviour, args, context, stopped);
    const ms = performance.now() - start;
    const report = toReport({ target: target.name, kernel, ms });
    const found = withExpectations({ ...report, results: [...report.results, ...beside] }, expectations);
    warnOfOtherRun(earlier, found);
    const { code, verdict } = await conclude(found, args.out);
    const view = await watch?.conclude(environment.description, args.out);
    process.stdout.write(view === undefined ? verdict : `${view}\n${verdict}`);
    return code;
  } finally {
    await session.stop();
  }
}

/** What runs beside the scenarios. */
async function runPrograms(
  session: Session,
  behaviour: Behaviour,
  { corpus, programs, steps, seed, out }: GateArgs,
  context: Context,
  stopped: AbortSignal,
): Promise<RunReport['results']> {
  const directories = [join(context.corpus, 'findings'), ...corpus];
  const stored = await runStoredPrograms(session, behaviour, directories, stopped);
  if (programs <= 0) return stored;
  const directory = join(out, 'mismatches');
  const random = { programs, steps, seed };
  return [...stored, await resultOfRandomPrograms(session, behaviour, random, directory, context, stopped)];
}

/** A target, and what watches lines of its kernel. */
interface GateTarget extends ChosenTarget {
  readonly watch?: PatchWatch;
}

/** Builds the kernel if it has to be built. */
async function targetOf(args: GateArgs, patch: PatchFile | undefined, context: Context): Promise<GateTarget> {
  const { source, flavour, installDeps, mutant, target, profile } = args;
  if (patch !== undefined && target !== 'qemu') throw new UsageError('--patch is for --target qemu');
  if (mutant !== undefined) {
    if (target !== 'sim') throw new UsageError('--mutant is for --target sim');
    const own = (profile === undefined ? undefined : profileById(profile)) ?? DEFAULT_PROFILE;
    return { target: new SimTarget(new Behaviour(own, mutantByName(mutant, own))), kernel: '', profile: own };
  }
  const kernel =
    source === undefined
      ? args.kernel
      : (await buildWithProgress({ directory: source }, flavour as Flavour, context, installDeps)).id;
  const chosen = await chooseTarget({ ...args, kernel }, context);
  if (patch === undefined) return chosen;
  const found = await findKernel({ kernel: chosen.kernel, flavour }, context);
  const watch = await PatchWatch.on(found.name, patch, context);
  const options = qemuOptions(found.bzImage, found.flavour, args, context);
  return { ...chosen, target: watch.target(options), watch };
}

/** What is foreseen by hand, and by an earlier run. */
async function foreseenOf({ expectations, baseline }: GateArgs): Promise<{
  readonly expectations: readonly Expectation[];
  readonly earlier: EarlierRun | undefined;
}> {
  const byHand = expectations === undefined ? [] : await readExpectations(expectations, false);
  const earlier = baseline === undefined ? undefined : await readBaseline(baseline);
  return { expectations: [...byHand, ...(earlier?.expectations ?? [])], earlier };
}

async function conclude(found: RunReport, out: string): Promise<{ code: ExitCode; verdict: string }> {
  const requested = Object.entries(FILES).map(([name, file]) => ({ name, file: join(out, file) }));
  const troubles = await writeReports(requested, found);
  for (const trouble of troubles) process.stderr.write(`iommufd-cts: ${trouble}\n`);
  const code = worst(exitCodeOf(found), troubles.length > 0 ? EXIT.unknown : EXIT.pass);
  return { code, verdict: renderVerdict(found, code, out) };
}
