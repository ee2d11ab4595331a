import { readFile, stat } from 'node:fs/promises';
import { SELFTESTS, type Selftest } from '../../targets/selftests/programs.js';
import { type SelftestRun, recordSelftest } from '../../targets/selftests/record.js';
import { countCases, isWhole } from '../../targets/selftests/tap.js';
import { type Trace, readTrace } from '../../targets/trace/reader.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode } from '../errors.js';
import { provide } from '../kernel_build.js';
import { showProgress } from '../progress.js';
import { findCachedKernel } from '../target_options.js';

interface RecordSelftestsArgs {
  readonly output: string;
  readonly kernel: string | undefined;
  readonly program: string;
  readonly recorder: boolean;
  readonly time: number;
  readonly accel: string;
  readonly console: string | undefined;
  readonly json: boolean;
  readonly '--'?: readonly string[];
}

export function recordSelftestsCommand(finish: Finish, context: Context): Command<RecordSelftestsArgs> {
  return {
    builder: (yargs) =>
      yargs
        .option('output', {
          alias: 'o',
          type: 'string',
          default: 'selftests.trace',
          describe: 'the trace; a file of that name is replaced',
        })
        .option('kernel', { type: 'string', describe: 'id of a cached kernel that was built from source' })
        .option('program', {
          choices: SELFTESTS,
          default: 'iommufd',
          describe: 'iommufd_fail_nth makes allocations fail, which no record tells',
        })
        .option('recorder', {
          type: 'boolean',
          default: true,
          describe: '--no-recorder runs the program as it is',
        })
        .option('time', { type: 'number', default: 600, describe: 'seconds that the program may take' })
        .option('accel', { choices: ['auto', 'kvm', 'tcg'], default: 'auto', describe: 'as for run' })
        .option('console', { type: 'string', describe: 'as for run' })
        .option('json', { type: 'boolean', default: false, describe: 'print data' })
        .example('$0 record-selftests --kernel 7.3.4-fast', '')
        .example('$0 record-selftests -- -f iommufd_viommu', 'the cases of one fixture'),
    handler: async (args) => {
      finish(await recordSelftests(args, context));
    },
  };
}

async function recordSelftests(args: RecordSelftestsArgs, context: Context): Promise<ExitCode> {
  const kernel = await findCachedKernel(args.kernel, context);
  await provide(
    (requirement) => requirement.for !== 'build' || requirement.package === 'make',
    context,
    false,
  );
  const progress = showProgress('cases', context);
  let printed = '';
  const run = await recordSelftest(
    {
      kernel,
      program: args.program as Selftest,
      arguments: args['--'] ?? [],
      accelerator: args.accel as 'auto' | 'kvm' | 'tcg',
      secondsMax: args.time,
      interrupted: context.interrupted,
      ...(args.recorder ? { trace: args.output } : {}),
      ...(args.console === undefined ? {} : { consoleFile: args.console }),
      onPhase: (what) => process.stderr.write(`${what}\n`),
      onOutput: (text) => {
        printed += text;
        const done = printed.match(/^(?:not )?ok /gm)?.length ?? 0;
        progress.update(done, Math.max(done, Number(/^1\.\.(\d+)/m.exec(printed)?.[1] ?? 1)), 'cases');
      },
    },
    context,
  ).finally(() => {
    progress.stop();
  });
  const recorded = args.recorder ? await readRecorded(args.output) : undefined;
  process.stdout.write(args.json ? renderJson(run, recorded) : render(run, recorded, args));
  return isWhole(run.report) && !run.isTimeUp ? EXIT.pass : EXIT.unknown;
}

interface Recorded extends Trace {
  readonly bytes: number;
}

async function readRecorded(file: string): Promise<Recorded> {
  return { ...readTrace(await readFile(file), file), bytes: (await stat(file)).size };
}

function render(run: SelftestRun, recorded: Recorded | undefined, args: RecordSelftestsArgs): string {
  const { report, machine, ms, trouble, isTimeUp, output } = run;
  const failed = report.cases.filter(({ status }) => status === 'failed');
  const counts = (['passed', 'failed', 'skipped'] as const)
    .map((status) => `${String(countCases(report, status))} ${status}`)
    .join(', ');
  const ending = isTimeUp
    ? `ended after ${String(args.time)} s, with ${String(report.cases.length)} of ${String(report.planned ?? 0)} cases\n`
    : isWhole(report)
      ? ''
      : `ended too early: ${output.trim().split('\n').at(-1) ?? 'it printed nothing'}\n`;
  return [
    ...failed.map(({ name }) => `not ok ${name}\n`),
    `${args.program} on ${machine}: ${String(report.cases.length)} cases, ${counts} in ${(ms / 1000).toFixed(1)} s\n`,
    ending,
    ...(trouble === undefined ? [] : [`the kernel printed "${trouble}"\n`]),
    ...(recorded === undefined ? [] : [describeTrace(recorded, args.output)]),
  ].join('');
}

function describeTrace({ records, troubles, bytes }: Recorded, file: string): string {
  const ioctls = records.filter(({ kind }) => kind === 'ioctl').length;
  const size = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const facts = `${String(records.length)} records, ${String(ioctls)} of them ioctls, ${size} in ${file}`;
  return `${[facts, ...troubles].join('; ')}\n`;
}

function renderJson(run: SelftestRun, recorded: Recorded | undefined): string {
  const { report, machine, ms, trouble, isTimeUp, code } = run;
  const trace =
    recorded === undefined
      ? undefined
      : { records: recorded.records.length, bytes: recorded.bytes, troubles: recorded.troubles };
  return `${JSON.stringify({ schema: 1, machine, ms, code, isTimeUp, trouble, ...report, trace }, null, 2)}\n`;
}
