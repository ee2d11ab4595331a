import { stat } from 'node:fs/promises';
import { DESIGNS, designByName } from '../../models/designs/index.js';
import { PROFILES, type Profile, profileById, profileOfRelease } from '../../models/profiles/index.js';
import { type Comparison, renderComparison, renderComparisonMarkdown } from '../../reports/comparison.js';
import type { StoredCoverage } from '../../reports/kernel_coverage.js';
import type { RunReport } from '../../reports/run_report.js';
import { exists } from '../../targets/files.js';
import { KernelStore } from '../../targets/kernels/store.js';
import { warnIfStrange } from '../baseline.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { answersThatDiffer } from '../diff/answers.js';
import { compareCampaigns } from '../diff/campaigns.js';
import { compareCoverages } from '../diff/coverages.js';
import { compareDesigns } from '../diff/designs.js';
import { compareKernels } from '../diff/kernels.js';
import { compareRuns } from '../diff/runs.js';
import { EXIT, UsageError } from '../errors.js';
import { isMeantAsCoverage, parseCoverage } from '../kernel_coverage/coverage_file.js';
import { readCampaigns } from '../report/inputs.js';
import { parseRun, readJson } from '../run_file.js';

interface DiffArgs {
  readonly a: string;
  readonly b: string;
  readonly json: boolean;
  readonly md: boolean;
}

export function diffCommand(finish: Finish, context: Context): Command<DiffArgs> {
  return {
    builder: (yargs) =>
      yargs
        .positional('a', { type: 'string', demandOption: true, describe: WHAT })
        .positional('b', { type: 'string', demandOption: true, describe: 'what it became' })
        .option('json', { type: 'boolean', default: false, describe: 'print data' })
        .option('md', { type: 'boolean', default: false, describe: 'print Markdown' })
        .example('$0 diff 6.12 7.3', 'the change log of the uAPI')
        .example('$0 diff before/result.json runs/gate/result.json', 'what a change has changed')
        .example('$0 diff before.json after.json', 'coverage gained and lost, if "coverage" wrote both')
        .example(
          '$0 diff runs/before runs/after',
          'two campaigns of fuzz, or directories with several of each kind',
        )
        .example('$0 diff mmap-v2 mmap-v2-merged', 'a proposal, and what became of it'),
    handler: async ({ a, b, json, md }) => {
      const comparison = await compare(a, b, context);
      process.stdout.write(
        json
          ? `${JSON.stringify(comparison, null, 2)}\n`
          : md
            ? renderComparisonMarkdown(comparison)
            : renderComparison(comparison),
      );
      finish(EXIT.pass);
    },
  };
}

const WHAT =
  'the JSON report of a run or of coverage, a profile or a cached kernel, a design, or a directory of campaigns';

/** @throws UsageError for what is nothing of the kind, or two of different kinds */
async function compare(a: string, b: string, context: Context): Promise<Comparison> {
  const [one, two] = [designByName(a), designByName(b)];
  if (one !== undefined && two !== undefined) return compareDesigns(one, two);
  const [before, after] = [await profileOf(a, context), await profileOf(b, context)];
  if (before !== undefined && after !== undefined) {
    return compareKernels(before, after, await answersThatDiffer(before, after));
  }
  for (const [name, isKnown] of [
    [a, one ?? before],
    [b, two ?? after],
  ] as const) {
    if (isKnown !== undefined) throw new UsageError(`${a} and ${b} are not of one kind: ${WHAT}`);
    if (!(await exists(name))) throw await unknown(name, context);
  }
  return compareStored(a, b);
}

/** @throws UsageError for a directory and a file, and for what holds nothing to compare */
async function compareStored(a: string, b: string): Promise<Comparison> {
  const [isFrom, isTo] = [await isDirectory(a), await isDirectory(b)];
  if (isFrom !== isTo) {
    const [directory, file] = isFrom ? [a, b] : [b, a];
    throw new UsageError(
      `${directory} is a directory and ${file} is not: give two of campaigns, or two files`,
    );
  }
  if (!isFrom) return compareFiles(a, b);
  const [before, after] = [await readCampaigns(a), await readCampaigns(b)];
  return compareCampaigns({ name: a, campaigns: before }, { name: b, campaigns: after });
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path)).isDirectory();
}

/** @throws UsageError for files of different kinds, and for what is neither a run nor coverage */
async function compareFiles(a: string, b: string): Promise<Comparison> {
  const [from, to] = [await readJson(a), await readJson(b)];
  const [isFrom, isTo] = [isMeantAsCoverage(from), isMeantAsCoverage(to)];
  if (isFrom && isTo) {
    const [before, after] = [parseCoverage(a, from), parseCoverage(b, to)];
    warnIfStrange(a, filesOf(before), filesOf(after), `files of ${b}`);
    return compareCoverages(before, after);
  }
  if (!isFrom && !isTo) {
    const [before, after] = [parseRun(a, from), parseRun(b, to)];
    warnIfStrange(a, idsOf(before), idsOf(after), `scenarios of ${b}`);
    return compareRuns(before, after);
  }
  const [coverage, other] = isFrom ? [a, b] : [b, a];
  throw new UsageError(
    `${coverage} is coverage of a kernel and ${other} is not: give two of one kind, runs or coverages`,
  );
}

function filesOf({ files }: StoredCoverage): string[] {
  return files.map(({ file }) => file);
}

function idsOf({ results }: RunReport): string[] {
  return results.map(({ id }) => id);
}

/** The profile of a name, or of a cached kernel. */
async function profileOf(name: string, { cache }: Context): Promise<Profile | undefined> {
  const known = profileById(name);
  if (known !== undefined) return known;
  const kernel = await new KernelStore(cache).find(name);
  return kernel === undefined ? undefined : profileOfRelease(kernel.version);
}

async function unknown(name: string, { cache }: Context): Promise<UsageError> {
  const kernels = (await new KernelStore(cache).list()).map(({ id }) => id);
  const names = [...PROFILES.map(({ id }) => id), ...kernels, ...DESIGNS.map((design) => design.name)];
  return new UsageError(`there is no report, kernel or design ${name}; there are ${names.join(', ')}`);
}
