import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from 'chai';
import type { FuzzResult } from '../../cli/fuzz/result.js';
import { picksOf } from '../../fuzz/campaign/chance.js';
import { Journal } from '../../fuzz/campaign/journal.js';
import { type RunningCli, runCli, startCli } from './cli.js';
import { makeDirectory, removeDirectory } from './temporary.js';

/** How often the campaign is killed; more for those who have time: IOMMUFD_CTS_KILLS=50. */
const KILLS = Number(process.env.IOMMUFD_CTS_KILLS ?? 2);

/** Programs of the campaign: some are left when it has been killed as often. */
const PROGRAMS = 64 + 60 * KILLS;

/** A kill comes within so many lines of the journal, */
const LINES_MAX = 40;

/** and so many milliseconds: in the middle of a batch, a write, a reduction. */
const PAUSE_MS_MAX = 60;

/** A difference that several calls show. */
const MUTANT = 'IOMMU_IOAS_MAP/EEXIST.area:drop';

async function filesIn(directory: string, ...place: readonly string[]): Promise<string[]> {
  return (await readdir(join(directory, ...place)).catch(() => [])).sort();
}

async function countLines(directory: string): Promise<number> {
  const text = await readFile(join(directory, 'journal.jsonl'), 'utf8').catch(() => '');
  return text.split('\n').length;
}

/** Kills a campaign at a moment that its picks say; one that ends before has not been killed. */
async function killed(running: RunningCli, directory: string, kill: number): Promise<boolean> {
  const picks = picksOf(kill);
  const last = (await countLines(directory)) + picks.below(LINES_MAX);
  const hasEnded = (): boolean => running.process.exitCode !== null;
  while (!hasEnded() && (await countLines(directory)) < last) await sleep(2);
  await sleep(picks.below(PAUSE_MS_MAX));
  const isInTime = !hasEnded();
  running.process.kill('SIGKILL');
  await running.ended;
  return isInTime;
}

/** What the journal says to be on the disk is there, whole. */
async function assertNothingLost(directory: string): Promise<void> {
  const corpus = new Set(await filesIn(directory, 'corpus'));
  const titles = await titlesIn(directory);
  const lines = await new Journal(join(directory, 'journal.jsonl')).read(() => undefined);
  for (const line of lines) {
    if (line.kind === 'entry') assert.isTrue(corpus.has(`${line.program}.json`), line.program);
    if (line.kind === 'finding') assert.include(titles, line.title);
  }
}

/** Titles of the findings on the disk, each with its program. */
async function titlesIn(directory: string): Promise<string[]> {
  const titles: string[] = [];
  for (const place of await filesIn(directory, 'findings')) {
    // A process that died while it made one has left it with a name of its own.
    if (place.startsWith('.')) continue;
    assert.include(await filesIn(directory, 'findings', place), 'program.json', place);
    const text = await readFile(join(directory, 'findings', place, 'finding.json'), 'utf8');
    titles.push((JSON.parse(text) as { readonly title: string }).title);
  }
  return titles.sort();
}

/** Goes on with a campaign, which each new finding of a planted difference ends, until it has run all programs. */
async function toItsEnd(args: readonly string[], resume: readonly string[]): Promise<FuzzResult> {
  for (let next = args; ; next = resume) {
    const { stdout, stderr } = await runCli(['fuzz', ...next, '--json']);
    const last = stdout.trim().split('\n').at(-1) ?? '';
    assert.match(last, /^\{/, stderr);
    const result = JSON.parse(last) as FuzzResult;
    if (result.programs >= PROGRAMS) return result;
  }
}

describe(`a campaign that is killed ${String(KILLS)} times`, function () {
  this.timeout(60_000 + 60_000 * KILLS);
  let directory: string;

  before(async () => {
    directory = await makeDirectory();
  });

  after(() => removeDirectory(directory));

  it('loses no program and no finding, and comes to the same as one that was left alone', async () => {
    const programs = ['--programs', String(PROGRAMS)];
    const begin = (out: string): string[] => ['--mutant', MUTANT, ...programs, '--out', out];
    const goOn = (out: string): string[] => ['--resume', out, ...programs];

    const out = join(directory, 'killed');
    let kills = 0;
    for (let kill = 0; kills < KILLS && kill < 2 * KILLS; kill++) {
      const isBegun = (await filesIn(out)).includes('campaign.json');
      const running = startCli(['fuzz', ...(isBegun ? goOn(out) : begin(out))]);
      if (await killed(running, out, kill)) kills += 1;
      await assertNothingLost(out);
    }
    assert.equal(kills, KILLS);
    const resumed = await toItsEnd(goOn(out), goOn(out));

    const whole = join(directory, 'whole');
    const alone = await toItsEnd(begin(whole), goOn(whole));
    assert.deepEqual(await filesIn(out, 'corpus'), await filesIn(whole, 'corpus'));
    assert.equal(resumed.coverage, alone.coverage);
    const titles = await titlesIn(whole);
    assert.isNotEmpty(titles);
    assert.deepEqual(await titlesIn(out), titles);
    for (const place of await filesIn(out, 'findings'))
      assert.include(await filesIn(out, 'findings', place), 'reduced.json', place);
    assert.includeMembers(await filesIn(out, 'regressions'), await filesIn(whole, 'regressions'));
    assert.deepEqual(resumed.troubles, []);
  });
});
