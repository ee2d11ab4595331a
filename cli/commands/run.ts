import type { Argv } from 'yargs';
import type { Reading } from '../../models/prediction.js';
import { type Expectation, updatedExpectations, withExpectations } from '../../reports/expectations.js';
import { type RunReport, exitCodeOf } from '../../reports/run_report.js';
import { environmentOf } from '../../suites/harness/environment.js';
import { SCENARIOS } from '../../suites/index.js';
import { warnOfOtherRun } from '../baseline.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, UsageError, worst } from '../errors.js';
import { type EarlierRun, readBaseline, readExpectations, writeExpectations } from '../expectations_file.js';
import type { FocusFiles } from '../patch/focus_files.js';
import { addTouchedOptions, selectTouched } from '../patch/touched_scenarios.js';
import { select, shard } from '../query.js';
import { REPORTER_NAMES, type RequestedReport, parseReporters, writeReports } from '../reporters.js';
import { addRetries } from '../repetition.js';
import { designOfTarget, runRows } from '../designs/run_rows.js';
import { runScenarios } from '../run_scenarios.js';
import { parseLimits } from '../time_limits.js';
import { type TargetArgs, addTargetOptions, chooseTarget } from '../target_options.js';
import { requireWhole } from '../whole_numbers.js';

interface RunArgs extends TargetArgs, FocusFiles {
  readonly query: string[];
  readonly reading: string;
  readonly reporter: string[];
  readonly shard: string | undefined;
  readonly repeat: number;
  readonly retries: number;
  readonly timeout: string | undefined;
  readonly time: string | undefined;
  readonly variants: boolean;
  readonly expectations: string | undefined;
  readonly updateExpectations: boolean;
  readonly baseline: string | undefined;
}

export function runCommand(finish: Finish, context: Context): Command<RunArgs> {
  return {
    builder: (yargs) => addRunOptions(yargs) as Argv<RunArgs>,
    handler: async (args) => {
      finish(await run(args, context));
    },
  };
}

function addRunOptions(yargs: Argv): Argv {
  return addRetries(addTouchedOptions(addTargetOptions(yargs)))
    .positional('query', {
      type: 'string',
      array: true,
      default: [],
      describe: 'ids or parts of them; * stands for anything',
    })
    .option('reading', {
      choices: ['exact', 'contract'],
      default: 'exact',
      describe: 'hold answers against this very kernel, or against the documented uAPI',
    })
    .option('reporter', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: `NAME or NAME=FILE, repeatable; NAME is one of ${REPORTER_NAMES.join(', ')}`,
    })
    .option('shard', { type: 'string', describe: 'I/N: run only the I-th of N parts' })
    .option('repeat', {
      type: 'number',
      default: 1,
      describe: 'run each scenario N times; one that does not always end the same fails',
    })
    .option('timeout', {
      type: 'string',
      describe: 'how long a scenario may take, for example 30s; one that takes longer could not be told',
    })
    .option('time', {
      type: 'string',
      describe: 'how long the whole run may take, for example 10m; what did not run by then is said',
    })
    .option('expectations', {
      type: 'string',
      describe: 'file that says which scenarios are known to fail, where and why',
    })
    .option('update-expectations', {
      type: 'boolean',
      default: false,
      describe: 'write unforeseen failures into that file, and take out what does not fail any more',
    })
    .option('baseline', {
      type: 'string',
      describe: 'JSON report of an earlier run: what failed there is no new failure',
    })
    .option('variants', {
      type: 'boolean',
      default: true,
      describe: 'also run each case in its metamorphic variants',
    })
    .example('$0 run', 'everything, on the embedded model')
    .example('$0 run ioas/map --kernel 7.3.4-fast', 'the scenarios of IOAS_MAP on a kernel in QEMU')
    .example('$0 run --kernel 7.3.4-fast --focus-diff my.patch', 'what a change of the kernel touches')
    .example(
      '$0 run --target qemu --reporter junit=result.xml',
      'everything on the newest cached kernel, with a report for CI',
    )
    .example('$0 run --target design:ioasid-rfc S1-02', 'a row of the patch discussions on a proposal')
    .example(
      '$0 run --profile 6.12 --reading contract',
      'the model as 6.12, held against the documented uAPI',
    );
}

async function run(args: RunArgs, context: Context): Promise<ExitCode> {
  requireWhole({ repeat: args.repeat }, 1);
  requireWhole({ retries: args.retries }, 0);
  const reporters = parseReporters(args.reporter);
  const design = designOfTarget(args.target);
  if (design !== undefined) {
    requireNothingOfScenarios(args);
    return report(reporters, runRows(design, args.query, context.version));
  }
  const limits = parseLimits(args);
  const expectations = await expectationsOf(args);
  const scenarios = shard(await selectTouched(select(SCENARIOS, args.query), args, 'run'), args.shard);
  const { target, kernel, profile } = await chooseTarget(args, context);
  const session = await target.start();
  try {
    const environment = await environmentOf(session, profile);
    const start = performance.now();
    const { toReport } = await runScenarios(session, environment, context, {
      scenarios,
      reading: args.reading as Reading,
      repetition: args,
      withVariants: args.variants,
      limits,
    });
    const ms = performance.now() - start;
    const found = withExpectations(toReport({ target: target.name, kernel, ms }), [
      ...expectations.ofFile,
      ...(expectations.ofBaseline?.expectations ?? []),
    ]);
    warnOfOtherRun(expectations.ofBaseline, found);
    const code = await report(reporters, found);
    if (args.expectations === undefined || !args.updateExpectations) return code;
    await writeExpectations(args.expectations, updatedExpectations(expectations.ofFile, found));
    return code === EXIT.finding ? EXIT.pass : code;
  } finally {
    await session.stop();
  }
}

/** What is said of how scenarios run when nobody says anything. Rows of a discussion take no time, and end the same each time. */
const SAID_OF_SCENARIOS = {
  kernel: undefined,
  profile: undefined,
  reading: 'exact',
  shard: undefined,
  repeat: 1,
  retries: 0,
  timeout: undefined,
  time: undefined,
  variants: true,
  expectations: undefined,
  updateExpectations: false,
  baseline: undefined,
  focusDiff: undefined,
} as const satisfies Partial<Record<keyof RunArgs, unknown>>;

/** @throws UsageError that names an option which would have no effect on rows of a discussion */
function requireNothingOfScenarios(args: RunArgs): void {
  for (const [name, unsaid] of Object.entries(SAID_OF_SCENARIOS)) {
    if (args[name as keyof typeof SAID_OF_SCENARIOS] === unsaid) continue;
    const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`--${option} is for scenarios, not for rows of a discussion`);
  }
}

/** What is foreseen by hand, and by an earlier run. */
async function expectationsOf({ expectations: path, updateExpectations, baseline }: RunArgs): Promise<{
  readonly ofFile: readonly Expectation[];
  readonly ofBaseline: EarlierRun | undefined;
}> {
  if (updateExpectations && path === undefined) {
    throw new UsageError('--update-expectations needs the file to update: --expectations FILE');
  }
  return {
    ofFile: path === undefined ? [] : await readExpectations(path, updateExpectations),
    ofBaseline: baseline === undefined ? undefined : await readBaseline(baseline),
  };
}

async function report(reporters: readonly RequestedReport[], found: RunReport): Promise<ExitCode> {
  const troubles = await writeReports(reporters, found);
  for (const trouble of troubles) process.stderr.write(`iommufd-cts: ${trouble}\n`);
  const lack = found.results.every(({ status }) => status === 'skipped')
    ? found.results[0]?.reason
    : undefined;
  if (lack !== undefined) process.stderr.write(`iommufd-cts: nothing was tested: ${lack}\n`);
  return worst(exitCodeOf(found), troubles.length > 0 ? EXIT.unknown : EXIT.pass);
}
