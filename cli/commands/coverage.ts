import writeFileAtomic from 'write-file-atomic';
import {
  type KernelCoverage,
  renderCoverageJson,
  renderCoverageTable,
  renderLcov,
  renderUnreached,
} from '../../reports/kernel_coverage.js';
import { renderPatchView } from '../../reports/patch_view.js';
import { SCENARIOS } from '../../suites/index.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, worst } from '../errors.js';
import { IOMMUFD_FILES, measure, watchFiles } from '../kernel_coverage/measure.js';
import { readPatch } from '../patch/diff_file.js';
import { viewPatch } from '../patch/view.js';
import { watchPatched } from '../patch/watch.js';
import { select } from '../query.js';
import { findCachedKernel } from '../target_options.js';
import { requireRandom } from '../whole_numbers.js';

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
  readonly patch: string | undefined;
  readonly lcov: string | undefined;
  readonly json: string | undefined;
  readonly accel: string;
  readonly console: string | undefined;
}

export function coverageCommand(finish: Finish, context: Context): Command<CoverageArgs> {
  return {
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
          default: [IOMMUFD_FILES],
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
        .option('patch', {
          type: 'string',
          describe: 'a diff that the kernel was built with: show what reached the lines that it changes',
        })
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
        )
        .example(
          '$0 coverage ioas --kernel 7.3.4-sanitize --patch my.patch --json my.json',
          'which changed lines run; "patch my.patch --from my.json" shows it again',
        ),
    handler: async (args) => {
      finish(await coverage(args, context));
    },
  };
}

async function coverage(args: CoverageArgs, context: Context): Promise<ExitCode> {
  requireRandom(args);
  const scenarios = args.scenarios ? select(SCENARIOS, args.query) : [];
  const patch = args.patch === undefined ? undefined : await readPatch(args.patch);
  const kernel = await findCachedKernel(args.kernel, context);
  const code =
    patch === undefined
      ? await watchFiles(kernel, args.files, context)
      : await watchPatched(kernel, args.files, patch, context);
  const { coverage: found, bad } = await measure(code, { ...args, scenarios }, context);
  await report(found, args);
  if (patch !== undefined) {
    process.stdout.write(`\n${renderPatchView(viewPatch(patch.path, patch.diff, found))}`);
  }
  for (const what of bad) process.stderr.write(`iommufd-cts: ${what}\n`);
  return worst(bad.length > 0 || context.interrupted.aborted ? EXIT.unknown : EXIT.pass);
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
