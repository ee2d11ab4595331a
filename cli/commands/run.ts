import type { Argv, CommandModule } from 'yargs';
import type { Reading } from '../../models/predict.js';
import { exitCodeOf } from '../../reports/run_report.js';
import { environmentOf } from '../../suites/harness/environment.js';
import { SCENARIOS } from '../../suites/index.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, UsageError, worst } from '../errors.js';
import { select, shard } from '../query.js';
import { REPORTER_NAMES, parseReporters, writeReports } from '../reporters.js';
import { runScenarios } from '../run_scenarios.js';
import { type TargetArgs, addTargetOptions, chooseTarget } from '../target_options.js';

interface RunArgs extends TargetArgs {
  readonly query: string[];
  readonly reading: string;
  readonly reporter: string[];
  readonly shard: string | undefined;
  readonly repeat: number;
  readonly variants: boolean;
}

export function runCommand(
  context: Context,
  finish: (code: ExitCode) => void,
): CommandModule<object, RunArgs> {
  return {
    command: 'run [query..]',
    describe: 'run scenarios on a target and judge every answer',
    builder: (yargs) => addRunOptions(yargs) as Argv<RunArgs>,
    handler: async (args) => {
      finish(await run(args, context));
    },
  };
}

function addRunOptions(yargs: Argv): Argv {
  return addTargetOptions(yargs)
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
    .option('variants', {
      type: 'boolean',
      default: true,
      describe: 'also run each case in its metamorphic variants',
    })
    .example('$0 run', 'everything, on the embedded model')
    .example('$0 run ioas/map --kernel 7.3.4-fast', 'the scenarios of IOAS_MAP on a kernel in QEMU')
    .example(
      '$0 run --target qemu --reporter junit=result.xml',
      'everything on the newest cached kernel, with a report for CI',
    )
    .example(
      '$0 run --profile 6.12 --reading contract',
      'the model as 6.12, held against the documented uAPI',
    );
}

async function run(args: RunArgs, context: Context): Promise<ExitCode> {
  if (!Number.isInteger(args.repeat) || args.repeat < 1) {
    throw new UsageError('--repeat takes how often each scenario runs: a whole number from 1 on');
  }
  const scenarios = shard(select(SCENARIOS, args.query), args.shard);
  const reporters = parseReporters(args.reporter);
  const { target, kernel, profile } = await chooseTarget(args, context);
  const session = await target.start();
  try {
    const environment = await environmentOf(session, profile);
    const start = performance.now();
    const { toReport } = await runScenarios(session, environment, context, {
      scenarios,
      reading: args.reading as Reading,
      repeat: args.repeat,
      withVariants: args.variants,
    });
    const report = toReport({ target: target.name, kernel, ms: performance.now() - start });
    const troubles = await writeReports(reporters, report);
    for (const trouble of troubles) process.stderr.write(`iommufd-cts: ${trouble}\n`);
    const lack = report.results.every(({ status }) => status === 'skipped')
      ? report.results[0]?.reason
      : undefined;
    if (lack !== undefined) process.stderr.write(`iommufd-cts: nothing was tested: ${lack}\n`);
    return worst(exitCodeOf(report), troubles.length > 0 ? EXIT.unknown : EXIT.pass);
  } finally {
    await session.stop();
  }
}
