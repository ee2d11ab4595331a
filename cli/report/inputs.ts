import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { reasonOf } from '../../models/base/reason.js';
import type { NamedRun } from '../../reports/html/data.js';
import type { StoredCoverage } from '../../reports/kernel_coverage.js';
import { exists } from '../../targets/files.js';
import { UsageError } from '../errors.js';
import { isMeantAsCoverage, parseCoverage } from '../kernel_coverage/coverage_file.js';
import { parseRun, readJson } from '../run_file.js';
import { type ReadCampaign, readCampaign } from './campaign.js';

/** What was found in files and directories. */
export interface Inputs {
  readonly runs: readonly NamedRun[];
  readonly campaigns: readonly ReadCampaign[];
  readonly coverages: readonly StoredCoverage[];
}

/**
 * Reads JSON of runs and of coverage, and directories of campaigns, also those in directories that are named.
 * @throws UsageError or BadInputError saying in one sentence what is wrong with which file
 */
export async function readInputs(paths: readonly string[]): Promise<Inputs> {
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

/**
 * The campaign of a directory, or all campaigns in it.
 * @throws UsageError if there is none, or BadInputError saying in one sentence what is wrong with which file
 */
export async function readCampaigns(directory: string): Promise<readonly ReadCampaign[]> {
  const places: string[] = [];
  for (const path of await found([directory])) if (await isCampaign(path)) places.push(path);
  if (places.length === 0) throw new UsageError(`there is no campaign in ${directory}`);
  return Promise.all(places.map(readCampaign));
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
