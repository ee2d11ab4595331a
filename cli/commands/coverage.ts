import writeFileAtomic from 'write-file-atomic';
import type { CommandModule } from 'yargs';
import { globSource } from '../../reports/glob.js';
import {
  type KernelCoverage,
  renderCoverageJson,
  renderCoverageTable,
  renderLcov,
  renderUnreached,
} from '../../reports/kernel_coverage.js';
import { environmentOf } from '../../suites/harness/environment.js';
import { SCENARIOS } from '../../suites/index.js';
import type { Kernel } from '../../targets/kernels/store.js';
import type { CodePlaces } from '../../targets/kcov/places.js';
import { codePlacesOf } from '../../targets/kcov/symbols.js';
import { watch } from '../../targets/kcov/watched_code.js';
import type { AcceleratorChoice } from '../../targets/qemu/accelerator.js';
import { QemuTarget } from '../../targets/qemu/index.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, UsageError, worst } from '../errors.js';
import { Gathering } from '../kernel_coverage/gathering.js';
import { type Watching, watchRandom, watchScenarios, watchStored } from '../kernel_coverage/run.js';
import { reachOfSelftests } from '../kernel_coverage/selftests.js';
import { select } from '../query.js';
import { findCachedKernel, qemuOptions } from '../target_options.js';

interface CoverageArgs {
  readonly query: string[];
  readonly kernel: string;
  readonly files: string[];
  readonly scenarios: boolean;
  readonly variants: boolean;
  readonly stored: string[];
  readonly programs: number;
  readonly steps: number;
  readonly seed: number;
  readonly selftests: boolean;
  readonly time: number;
  readonly unreached: boolean;
  readonly lcov: string | undefined;
  readonly json: string | undefined;
  readonly accel: string;
  readonly console: string | undefined;
}

export function coverageCommand(
  context: Context,
  finish: (code: ExitCode) => void,
): CommandModule<object, CoverageArgs> {
  return {
    command: 'coverage [query..]',
    describe: 'say which lines of the kernel scenarios and other programs reach, by kcov',
    builder: (yargs) =>
      yargs
        .positional('query', { type: 'string', array: true, default: [], describe: 'as for run' })
        .option('kernel', {
          type: 'string',
          demandOption: true,
          describe: 'id of a cached kernel of the flavour sanitize, which has kcov',
        })
        .option('files', {
          type: 'string',
          array: true,
          default: ['drivers/iommu/iommufd/*'],
          describe: 'files of the kernel, from the top of its tree on; * stands for anything',
        })
        .option('scenarios', { type: 'boolean', default: true, describe: '--no-scenarios runs none' })
        .option('variants', { type: 'boolean', default: false, describe: 'as for run' })
        .option('stored', {
          type: 'string',
          array: true,
          default: [] as string[],
          describe: 'directories of programs to run as well, such as the corpus of a campaign',
        })
        .option('programs', { type: 'number', default: 0, describe: 'random programs to run as well' })
        .option('steps', { type: 'number', default: 20, describe: 'the most that a random program has' })
        .option('seed', { type: 'number', default: 1, describe: 'of the random programs' })
        .option('selftests', {
          type: 'boolean',
          default: false,
          describe: "also run the kernel's own selftests, and show what they reach beside",
        })
        .option('time', {
          type: 'number',
          default: 1200,
          describe: 'seconds that each program of the selftests may take',
        })
        .option('unreached', { type: 'boolean', default: false, describe: 'list what was not reached' })
        .option('lcov', {
          type: 'string',
          describe: 'write a tracefile of lcov, which genhtml and others read',
        })
        .option('json', {
          type: 'string',
          describe: 'write data: of each line which program reached it first',
        })
        .option('accel', { choices: ['auto', 'kvm', 'tcg'], default: 'auto', describe: 'as for run' })
        .option('console', { type: 'string', describe: 'as for run' })
        .example('$0 coverage --kernel 7.3.4-sanitize --selftests --unreached', 'ours beside theirs')
        .example(
          '$0 coverage ioas --kernel 7.3.4-sanitize --lcov ioas.info',
          'what the scenarios of ioas reach',
        ),
    handler: async (args) => {
      finish(await coverage(args, context));
    },
  };
}

async function coverage(args: CoverageArgs, context: Context): Promise<ExitCode> {
  const scenarios = args.scenarios ? select(SCENARIOS, args.query) : [];
  const kernel = await findCachedKernel(args.kernel, context);
  const all = await placesOf(kernel, context);
  const isWanted = wanted(args.files);
  const places = { ...all, places: all.places.filter(({ file }) => isWanted(file)) };
  if (places.places.length === 0)
    throw new UsageError(`${kernel.id} has no code of ${args.files.join(', ')}`);
  const gathering = new Gathering(places.places);
  const options = qemuOptions(kernel.bzImage, kernel.flavour, { ...args, append: undefined }, context);
  const watched = watch(all, 'places', ({ file }) => isWanted(file));
  const session = await new QemuTarget({ ...options, watched }).start();
  const bad: string[] = [];
  try {
    const environment = await environmentOf(session);
    const watching: Watching = { session, environment, gathering, context };
    const results = await watchScenarios(watching, scenarios, args.variants);
    for (const { scenario, status, reason } of results) {
      if (status === 'failed' || status === 'infra') bad.push(`${scenario.id} ${status}: ${reason ?? ''}`);
    }
    for (const directory of args.stored) await watchStored(watching, directory);
    const mismatches = args.programs === 0 ? 0 : await watchRandom(watching, args);
    if (mismatches > 0) bad.push(`${String(mismatches)} random programs did not do as the model says`);
    bad.push(...session.troubles());
  } finally {
    await session.stop();
  }
  const theirs = args.selftests ? await theirsOf(kernel, places, args, gathering, context) : [];
  const { tests, programs, cut } = gathering;
  const { description } = session.info;
  const facts = { tool: `iommufd-cts ${context.version}`, kernel: kernel.id, source: kernel.source };
  const found = { ...facts, description, tests, programs, cut, theirs, files: gathering.files() };
  await report(found, args);
  for (const what of bad) process.stderr.write(`iommufd-cts: ${what}\n`);
  return worst(bad.length > 0 || context.interrupted.aborted ? EXIT.unknown : EXIT.pass);
}

async function placesOf(kernel: Kernel, { cache }: Context): Promise<CodePlaces> {
  if (kernel.vmlinux === undefined) {
    throw new UsageError(
      `${kernel.id} came without its vmlinux, so that code has no lines; "kernel build --flavour sanitize" builds one that has them`,
    );
  }
  return codePlacesOf(kernel.vmlinux, cache, (what) => process.stderr.write(`${what}\n`));
}

function wanted(patterns: readonly string[]): (file: string) => boolean {
  const pattern = new RegExp(`^(?:${patterns.map(globSource).join('|')})$`);
  return (file) => pattern.test(file);
}

async function theirsOf(
  kernel: Kernel,
  places: CodePlaces,
  { accel, time }: CoverageArgs,
  gathering: Gathering,
  context: Context,
): Promise<readonly string[]> {
  const reach = await reachOfSelftests(kernel, places, accel as AcceleratorChoice, time, context);
  gathering.addTheirs(reach.places.map(({ offset }) => offset));
  return reach.told;
}

async function report(found: KernelCoverage, { unreached, lcov, json }: CoverageArgs): Promise<void> {
  const { kernel, source, description, programs, tests, cut, theirs } = found;
  const lines = [
    `${kernel} (${source}), ${description}: ${String(programs)} programs of ${String(tests.length)} tests`,
    ...(cut === 0
      ? []
      : [`${String(cut)} programs did more than a trace holds: the rest of it is not counted`]),
    ...theirs.map((what) => `their ${what}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n\n${renderCoverageTable(found)}`);
  if (unreached) process.stdout.write(`\n${renderUnreached(found)}`);
  if (lcov !== undefined) await writeFileAtomic(lcov, renderLcov(found));
  if (json !== undefined) await writeFileAtomic(json, renderCoverageJson(found));
}
