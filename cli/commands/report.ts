import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { reasonOf } from '../../models/base/reason.js';
import type { NamedRun } from '../../reports/html/data.js';
import type { StoredCoverage } from '../../reports/kernel_coverage.js';
import { exists } from '../../targets/files.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, UsageError } from '../errors.js';
import { isMeantAsCoverage, parseCoverage } from '../kernel_coverage/coverage_file.js';
import { type ReadCampaign, readCampaign } from '../report/campaign.js';
import { annotate } from '../report/coverage.js';
import { reportData } from '../report/data.js';
import { parseRun, readJson, readRun } from '../run_file.js';

interface ReportArgs {
  readonly paths: string[];
  readonly out: string;
  readonly baseline: string[];
  readonly source: string | undefined;
  readonly designs: boolean;
}

export function reportCommand(finish: Finish, context: Context): Command<ReportArgs> {
  return {
    builder: (yargs) =>
      yargs
        .positional('paths', {
          type: 'string',
          array: true,
          demandOption: true,
          describe:
            'JSON of runs or coverage, directories of campaigns, or directories that hold any of them',
        })
        .option('out', {
          alias: 'o',
          type: 'string',
          default: 'report.html',
          describe: 'the file that is written',
        })
        .option('baseline', {
          type: 'string',
          array: true,
          default: [] as string[],
          describe: 'JSON reports of earlier runs: what has changed since is said',
        })
        .option('source', {
          type: 'string',
          describe: 'source tree of the kernel, to show covered lines in; without it, the one in the cache',
        })
        .option('designs', {
          type: 'boolean',
          default: true,
          describe: 'also compare the designs of the patch discussions, which takes some seconds',
        })
        .example('$0 run --reporter json=runs/model.json && $0 report runs', 'a run on the model')
        .example('$0 report runs/7.3.4.json runs/fuzz-1 -o night.html', 'a run and a campaign')
        .example(
          '$0 coverage --kernel ID --json runs/coverage.json && $0 report runs',
          'what code of a kernel was reached, line by line',
        ),
    handler: async (args) => {
      finish(await report(args, context));
    },
  };
}

async function report(
  { paths, out, baseline, source, designs }: ReportArgs,
  { version, cache }: Context,
): Promise<ExitCode> {
  const earlier = await Promise.all(baseline.map(readRun));
  const { runs, campaigns, coverages } = await readAll(paths);
  if (runs.length + campaigns.length + coverages.length === 0)
    throw new UsageError(
      `there is neither a JSON report of a run, nor a campaign, nor coverage of a kernel in ${paths.join(', ')}`,
    );
  const data = reportData({
    tool: `iommufd-cts ${version}`,
    runs,
    campaigns,
    coverages: await annotate(coverages, source, cache),
    earlier,
    withDesigns: designs,
  });
  // Drawing takes packages that no other command should wait for.
  const { renderHtml } = await import('../../reports/html/page.js');
  await writeFileAtomic(out, await renderHtml(data));
  const counts = Object.entries({ runs, campaigns, coverages }).map(
    ([what, list]) => `${what} ${String(list.length)}`,
  );
  process.stdout.write(`${out}: ${counts.join(', ')}\n`);
  return EXIT.pass;
}

interface Inputs {
  readonly runs: readonly NamedRun[];
  readonly campaigns: readonly ReadCampaign[];
  readonly coverages: readonly StoredCoverage[];
}

async function readAll(paths: readonly string[]): Promise<Inputs> {
  const runs: NamedRun[] = [];
  const campaigns: ReadCampaign[] = [];
  const coverages: StoredCoverage[] = [];
  for (const path of await found(paths)) {
    if (await isCampaign(path)) {
      campaigns.push(await readCampaign(path));
      continue;
    }
    const json = await readJson(path);
    if (isMeantAsCoverage(json)) coverages.push(parseCoverage(path, json));
    else runs.push({ name: basename(path, '.json'), report: parseRun(path, json) });
  }
  return { runs, campaigns, coverages };
}

/** Files of runs and directories of campaigns, also those in directories that were named. */
async function found(paths: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(
    paths.map(async (path) => {
      const status = await stat(path).catch((error: unknown) => {
        throw new UsageError(`${path} cannot be read: ${reasonOf(error)}`);
      });
      if (!status.isDirectory() || (await isCampaign(path))) return [path];
      const entries = (await readdir(path, { withFileTypes: true })).sort((one, two) =>
        one.name < two.name ? -1 : 1,
      );
      const inside = await Promise.all(
        entries.map(async (entry) => {
          const place = join(path, entry.name);
          if (entry.isDirectory()) return (await isCampaign(place)) ? [place] : [];
          return entry.name.endsWith('.json') ? [place] : [];
        }),
      );
      return inside.flat();
    }),
  );
  return lists.flat();
}

function isCampaign(directory: string): Promise<boolean> {
  return exists(join(directory, 'campaign.json'));
}
