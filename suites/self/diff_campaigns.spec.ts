import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import { type CampaignGroup, compareCampaigns } from '../../cli/diff/campaigns.js';
import type { ReadCampaign } from '../../cli/report/campaign.js';
import { type Comparison, renderComparison } from '../../reports/comparison.js';
import type { CampaignFinding } from '../../reports/html/data.js';
import { assertRefused, runCli } from './cli.js';
import { makeDirectory, removeDirectory } from './temporary.js';

function finding(title: string): CampaignFinding {
  return {
    ...{ id: title, title, kind: 'model', suspect: 'kernel', allowed: '', seen: '', count: 1 },
    ...{ reliability: '', console: '', commands: [], steps: [] },
  };
}

/** A campaign of 100 programs and 1000 calls in 10 s, that knew half of its features after half of that. */
function campaign(
  seed: number,
  coverage: number,
  rules: readonly string[],
  titles: readonly string[] = [],
): ReadCampaign {
  const moment = (seconds: number, share: number) => ({
    ...{ seconds, programs: 100 * share, coverage: coverage * share, corpus: 40 * share },
    findings: titles.length,
  });
  return {
    campaign: {
      ...{ name: String(seed), target: 'sim', seed, workers: 1, planted: undefined, calls: 1000 },
      moments: [moment(5, 0.5), moment(10, 1)],
      findings: titles.map(finding),
    },
    rules: new Set(rules),
    growth: [
      { programs: 50, coverage: coverage / 2 },
      { programs: 100, coverage },
    ],
  };
}

function group(name: string, ...campaigns: readonly ReadCampaign[]): CampaignGroup {
  return { name, campaigns };
}

function said({ sections }: Comparison, title: string, about: string): string | undefined {
  const entries = sections.find((section) => section.title === title)?.entries ?? [];
  return entries.find((entry) => entry.about === about)?.says;
}

describe('diff of campaigns', () => {
  let directory: string;
  before(async () => {
    directory = await makeDirectory();
  });
  after(() => removeDirectory(directory));

  const OLD = campaign(1, 200, ['A/OK', 'A/OK > B/OK', 'state files 1', 'B/OK'], ['gone', 'kept']);
  const NEW = campaign(2, 300, ['A/OK', 'C/OK', 'C/OK > A/OK'], ['kept', 'new']);

  it('tells figures, findings and answers; what followed on what, and states, are in the coverage alone', () => {
    const comparison = compareCampaigns(group('old', OLD), group('new', NEW));
    assert.equal(comparison.from, 'old: 1 campaign on sim, seed 1');
    assert.equal(
      renderComparison(comparison).replace(/^from.*\nto.*\n/, ''),
      `
Figures
  programs: 100
  seconds: 10
  programs/s: 10
  calls/s: 100
  coverage after 100 programs: 300, before 200
  coverage after 10 s: 300, before 200
  coverage: 300, before 200
  corpus: 40
  findings: 2

Findings only now
  new: in 1 of 1

Findings only before
  gone: in 1 of 1

Answers met only now
  C/OK: in 1 of 1

Answers met only before
  B/OK: in 1 of 1
`,
    );
  });

  it('holds a longer campaign against a shorter one at the end of the shorter', () => {
    const { campaign: long } = NEW;
    const [half] = long.moments;
    assert.isDefined(half);
    const short = { ...NEW, campaign: { ...long, moments: [half] }, growth: NEW.growth.slice(0, 1) };
    const comparison = compareCampaigns(group('old', OLD), group('short', short));
    assert.equal(said(comparison, 'Figures', 'coverage after 50 programs'), '150, before 100');
    assert.equal(said(comparison, 'Figures', 'coverage after 5 s'), '150, before 100');
    assert.equal(said(comparison, 'Figures', 'coverage'), '150, before 200');
  });

  it('tells medians of several, how far they lie apart, and how often one side has more', () => {
    const others = [campaign(3, 100, ['D/OK']), campaign(4, 240, []), campaign(5, 260, [])];
    const comparison = compareCampaigns(group('old', ...others), group('new', NEW, OLD));
    assert.equal(comparison.from, 'old: 3 campaigns on sim, seeds 3, 4, 5');
    // 300 is more than all three, 200 more than one.
    assert.equal(
      said(comparison, 'Figures', 'coverage'),
      '250 (200 to 300), before 240 (100 to 260); more in 67 % of pairs',
    );
    assert.equal(
      said(comparison, 'Figures', 'findings'),
      '2 (2 to 2), before 0 (0 to 0); more in 100 % of pairs',
    );
    assert.equal(said(comparison, 'Findings only now', 'kept'), 'in 2 of 2');
    assert.equal(said(comparison, 'Answers met only before', 'D/OK'), 'in 1 of 3');
  });

  it('on the command line: directories of campaigns, and one sentence for what is none', async () => {
    const [one, two] = ['one', 'two'].map((name) => join(directory, name)) as [string, string];
    for (const [seed, out] of [one, two].entries()) {
      const args = ['--programs', '20', '--seed', String(seed + 1), '--out', join(out, 'campaign')];
      assert.equal((await runCli(['fuzz', ...args])).code, 0);
    }
    const { stdout } = await runCli(['diff', one, join(two, 'campaign'), '--json']);
    const comparison = JSON.parse(stdout) as Comparison;
    assert.equal(comparison.kind, 'campaigns');
    assert.equal(said(comparison, 'Figures', 'programs'), '20');
    assert.match(said(comparison, 'Figures', 'coverage after 20 programs') ?? '', /^\d{3,}, before \d{3,}$/);

    const [empty, file] = [join(directory, 'empty'), join(directory, 'file')];
    await mkdir(empty);
    await writeFile(file, '{}');
    assertRefused(await runCli(['diff', one, empty]), 64, /there is no campaign in .*empty/);
    assertRefused(await runCli(['diff', file, one]), 64, /one is a directory and .*file is not/);
  });
});
