import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readConfig } from '../../fuzz/campaign/config.js';
import { type JournalLine, parseJournal } from '../../fuzz/campaign/journal.js';
import { FILES, readConsole, readFinding } from '../../fuzz/findings/finding_file.js';
import { sumOf } from '../../models/base/counts.js';
import { placedSteps } from '../../models/program/program.js';
import type { Campaign, CampaignFinding, CampaignMoment } from '../../reports/html/data.js';
import { traceProgram } from './trace.js';

/** A campaign, and the rules that it has met, as `call/rule`. */
export interface ReadCampaign {
  readonly campaign: Campaign;
  readonly rules: ReadonlySet<string>;
  /** Each time that the corpus grew: what was known by then. */
  readonly growth: readonly Growth[];
}

/** What a campaign knew after so many programs of all its workers. */
export interface Growth {
  readonly programs: number;
  readonly coverage: number;
}

/**
 * Reads the directory of a campaign, which may be going on: nothing is written there.
 * @throws BadInputError saying in one sentence what is wrong with which file
 */
export async function readCampaign(directory: string): Promise<ReadCampaign> {
  const { seed, workers, target, kernel, mutant } = await readConfig(join(directory, 'campaign.json'));
  const text = await readFile(join(directory, 'journal.jsonl'), 'utf8');
  const lines = parseJournal(text, () => undefined);
  const { moments, calls, features, growth } = story(lines);
  const name = basename(directory);
  return {
    campaign: {
      name,
      target: kernel ?? target,
      seed,
      workers,
      planted: mutant,
      calls,
      moments,
      findings: await readFindings(directory, kernel),
    },
    rules: features,
    growth,
  };
}

interface Story {
  readonly moments: readonly CampaignMoment[];
  readonly calls: number;
  readonly features: ReadonlySet<string>;
  readonly growth: readonly Growth[];
}

/** What the lines of a journal add up to, moment by moment. */
function story(lines: readonly JournalLine[]): Story {
  const features = new Set<string>();
  const programs = new Map<number, number>();
  const calls = new Map<number, number>();
  const titles = new Set<string>();
  const moments: CampaignMoment[] = [];
  const growth: Growth[] = [];
  let corpus = 0;
  for (const line of lines) {
    if (line.kind === 'trouble') continue;
    programs.set(line.worker, line.stats.next);
    calls.set(line.worker, line.stats.calls);
    if (line.kind === 'finding') titles.add(line.title);
    if (line.kind === 'entry') {
      corpus += 1;
      for (const feature of line.news) features.add(feature);
      growth.push({ programs: sumOf(programs), coverage: features.size });
    }
    if (line.kind === 'progress') {
      const moment = { programs: sumOf(programs), coverage: features.size, corpus, findings: titles.size };
      moments.push({ seconds: line.seconds, ...moment });
    }
  }
  return { moments, calls: sumOf(calls), features, growth };
}

async function readFindings(directory: string, kernel: string | undefined): Promise<CampaignFinding[]> {
  const place = join(directory, 'findings');
  const names = (await readdir(place).catch(() => [])).filter((name) => !name.startsWith('.')).sort();
  return Promise.all(names.map((name) => readOne(join(place, name), name, kernel)));
}

async function readOne(directory: string, id: string, kernel: string | undefined): Promise<CampaignFinding> {
  const { reduced, program, shown, tried, profile, ...facts } = await readFinding(directory);
  const smallest = reduced ?? program;
  const { title, kind, suspect, allowed, seen, count } = facts;
  const file = join(directory, reduced === undefined ? FILES.program : FILES.reduced);
  const on = kernel === undefined ? '' : ` --kernel ${kernel}`;
  return {
    ...{ id, title, kind, suspect, allowed, seen, count },
    reliability: `shown by ${String(shown)} of ${String(tried)} runs of ${String(placedSteps(smallest).length)} steps`,
    console: await readConsole(directory),
    commands: [`iommufd-cts replay ${file}${on}`, `iommufd-cts export --format c ${file}`],
    steps: traceProgram(smallest, profile),
  };
}
