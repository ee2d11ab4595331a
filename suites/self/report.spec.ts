import { assert } from 'chai';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderHtml } from '../../reports/html/page.js';
import { assertRefused, runCli } from './cli.js';
import { DATA } from './report_data.js';

function idsIn(html: string): string[] {
  return [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? '');
}

describe('the HTML report', () => {
  let html: string;

  before(async () => {
    html = await renderHtml(DATA);
  });

  it('needs nothing from elsewhere', () => {
    assert.notMatch(html, /<(?:link|img|iframe)\b|<script[^>]+src=|@import|url\(/);
  });

  it('has every place that it links to, once', () => {
    const ids = idsIn(html);
    assert.sameMembers([...new Set(ids)], ids);
    const links = [...html.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id ?? '');
    assert.isAbove(links.length, 10);
    assert.includeMembers(ids, links);
  });

  it('says the verdict, and what is behind it', () => {
    assert.include(html, 'All in all: not as expected.');
    assert.include(html, 'allowed EOVERFLOW, seen OK');
    assert.include(html, 'passed before, failed now');
    assert.include(html, '2 of 3');
  });

  it('takes texts as texts', () => {
    assert.include(html, 'A fixed range &lt;is> mapped.');
    assert.include(html, 'Linux 7.3.4 &amp; more');
    assert.include(html, 'WARNING: &lt;here>');
  });

  it('leaves scenarios out that no run has', () => {
    assert.notInclude(html, 'ioas/never:ran');
  });

  it('is content with a campaign that has found what was planted, and only with that', async () => {
    const alone = { ...DATA, runs: [], changes: new Map<string, never>() };
    const planted = DATA.campaigns.map((one) => ({ ...one, planted: 'IOMMU_DESTROY/EBUSY.users:drop' }));
    assert.include(await renderHtml({ ...alone, campaigns: planted }), 'All in all: as expected.');
    const inVain = planted.map((one) => ({ ...one, findings: [] }));
    assert.include(await renderHtml({ ...alone, campaigns: inVain }), 'All in all: not as expected.');
  });
});

describe('report', () => {
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'iommufd-cts-report-'));
    const campaign = join(directory, 'runs', 'night');
    await mkdir(campaign, { recursive: true });
    const { code } = await runCli([
      'run',
      'ioas/alloc',
      `--reporter=json=${join(directory, 'runs', 'model.json')}`,
    ]);
    assert.equal(code, 0);
    const config = { schema: 1, seed: 7, workers: 1, steps: 20, focus: [], target: 'sim' };
    await writeFile(join(campaign, 'campaign.json'), JSON.stringify(config));
    const stats = { next: 10, calls: 99 };
    const lines = [
      { kind: 'entry', worker: 0, index: 1, program: 'abc', news: ['IOMMU_DESTROY/EBUSY.users'], stats },
      { kind: 'progress', worker: 0, stats, seconds: 1 },
    ];
    const text = lines.map((line) => JSON.stringify(line)).join('\n');
    await writeFile(join(campaign, 'journal.jsonl'), `${text}\n{"kind":"pro`);
  });

  after(async () => {
    await rm(directory, { recursive: true });
  });

  it('finds runs and campaigns in a directory, and leaves a campaign as it is', async () => {
    const out = join(directory, 'report.html');
    const { code, stdout } = await runCli(['report', join(directory, 'runs'), '--no-designs', '-o', out]);
    assert.equal(code, 0);
    assert.include(stdout, 'runs 1, campaigns 1');
    const html = await readFile(out, 'utf8');
    assert.include(html, 'campaign-night');
    assert.include(html, 'ioas/alloc');
    assert.include(html, 'answered in campaigns');
    assert.include(await readFile(join(directory, 'runs/night/journal.jsonl'), 'utf8'), '{"kind":"pro');
  });

  it('says in one sentence what it cannot read', async () => {
    const file = join(directory, 'other.json');
    await writeFile(file, '{"schema":1}');
    const wrong = await runCli(['report', file, '-o', join(directory, 'x.html')]);
    assertRefused(wrong, 64, /other\.json is no JSON report of a run: /);
    assertRefused(await runCli(['report', join(directory, 'none')]), 64, /none cannot be read: /);
  });
});
