import { assert } from 'chai';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError } from '../../cli/errors.js';
import { parseCoverage } from '../../cli/kernel_coverage/coverage_file.js';
import { blobOf } from '../../cli/source_tree.js';
import { annotate } from '../../cli/report/coverage.js';
import { viewOnKernels } from '../../cli/report/patch.js';
import { readJson } from '../../cli/run_file.js';
import { renderHtml } from '../../reports/html/page.js';
import type { StoredCoverage, StoredLine } from '../../reports/kernel_coverage.js';
import { assertRefused, runCli } from './cli.js';
import { COVERAGE, DATA, PASSED, SOURCE, SOURCE_FILE } from './report_data.js';

async function assertThrows(work: Promise<unknown>, says: RegExp): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instanceOf(error, UsageError);
  assert.match(error.message, says);
}

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

  it('says of a baseline that is of nothing there is that nothing was compared', async () => {
    const earlier = join(directory, 'of_6.12.json');
    await runCli(['run', 'ioas/alloc', '--profile', '6.12', `--reporter=json=${earlier}`]);
    const out = join(directory, 'compared_with_nothing.html');
    const runs = join(directory, 'runs');
    const { code, stderr } = await runCli(
      ['report', runs, '--no-designs', '-o', out].concat('--baseline', earlier),
    );
    assert.equal(code, 0);
    assert.include(
      stderr,
      `${earlier} has neither a run of the same target, profile and reading nor coverage of a kernel: nothing was compared\n`,
    );
  });

  it('finds runs and campaigns in a directory, and leaves a campaign as it is', async () => {
    const out = join(directory, 'report.html');
    const { code, stdout } = await runCli(['report', join(directory, 'runs'), '--no-designs', '-o', out]);
    assert.equal(code, 0);
    assert.include(stdout, 'runs 1, campaigns 1, coverages 0');
    const html = await readFile(out, 'utf8');
    assert.include(html, 'campaign-night');
    assert.include(html, 'ioas/alloc');
    assert.include(html, 'answered in campaigns');
    assert.include(await readFile(join(directory, 'runs/night/journal.jsonl'), 'utf8'), '{"kind":"pro');
  });

  describe('of coverage', () => {
    let file: string;
    let tree: string;

    before(async () => {
      file = join(directory, 'kernel.json');
      const document = { schema: 1, ...COVERAGE, files: COVERAGE.files.slice(0, 1) };
      await writeFile(file, JSON.stringify(document));
      tree = join(directory, 'linux');
      await mkdir(join(tree, dirname(SOURCE_FILE)), { recursive: true });
      await writeFile(join(tree, SOURCE_FILE), SOURCE);
    });

    async function read(): Promise<StoredCoverage> {
      return parseCoverage(file, await readJson(file));
    }

    it('shows the reader’s own source of the kernel', async () => {
      const out = join(directory, 'coverage.html');
      const { code, stdout } = await runCli(['report', file, '--source', tree, '--no-designs', '-o', out]);
      assert.equal(code, 0);
      assert.include(stdout, 'coverages 1');
      assert.include(await readFile(out, 'utf8'), 'return tell(by);');
    });

    it('shows a diff beside it: which lines ran, by what', async () => {
      const patch = join(directory, 'my.patch');
      const shown = [
        '@@ -3,3 +3,3 @@ int grow(int by)',
        ' {',
        '-\tif (by < 1)',
        '+\tif (by < 0)',
        ' \t\treturn -1;',
      ];
      await writeFile(patch, [`--- a/${SOURCE_FILE}`, `+++ b/${SOURCE_FILE}`, ...shown, ''].join('\n'));
      const out = join(directory, 'patch.html');
      const one = ['report', '--source', tree, '--no-designs', '-o', out];
      const without = await annotate([await read()], tree, directory);
      await assertThrows(
        viewOnKernels(patch, without, tree, directory),
        /coverage of 7\.3\.4-sanitize does not say which tests reached a line/,
      );
      const [first] = COVERAGE.files;
      assert.isDefined(first);
      const reachable = first.reachable.map((line) => ({ ...line, by: line.tests > 0 ? [0] : [] }));
      const measured = { schema: 1, ...COVERAGE, names: [PASSED.id], files: [{ ...first, reachable }] };
      const named = join(directory, 'named.json');
      await writeFile(named, JSON.stringify(measured));
      const { code, stderr } = await runCli([...one, named, '--patch', patch]);
      assert.equal(code, 0, stderr);
      const html = await readFile(out, 'utf8');
      assert.include(html, 'on 7.3.4-sanitize: of 1 changed lines 1 executed, 0 not executed');
      assert.include(html, '<a href="#line-sizes.c-4">4</a></td><td>executed</td>');
      const other = join(directory, 'other.patch');
      await writeFile(other, (await readFile(patch, 'utf8')).replace('+\tif (by < 0)', '+\tif (by < 2)'));
      const refused = await runCli([...one, named, '--patch', other]);
      assertRefused(
        refused,
        64,
        /other\.patch does not leave .*sizes\.c as 7\.3\.4-sanitize was built from it/,
      );
      await assertThrows(
        viewOnKernels(patch, [], undefined, directory),
        /--patch takes coverage of the kernel .* there is none in what is reported/,
      );
    });

    it('is compared with an earlier one, found in a directory', async () => {
      const earlier = join(directory, 'earlier');
      await mkdir(earlier, { recursive: true });
      const [first, ...others] = COVERAGE.files;
      assert.isDefined(first);
      const before = first.reachable.map(({ line, function: name }): StoredLine => {
        return { line, function: name, tests: 0 };
      });
      const files = [{ ...first, reachable: before }, ...others];
      await writeFile(join(earlier, 'old.json'), JSON.stringify({ schema: 1, ...COVERAGE, files }));
      const out = join(directory, 'compared.html');
      const { code, stderr } = await runCli(
        ['report', file, '--source', tree, '--no-designs', '-o', out].concat('--baseline', earlier),
      );
      assert.equal(code, 0, stderr);
      const html = await readFile(out, 'utf8');
      assert.include(html, 'Lines gained');
      assert.include(
        html,
        'grow()</a>: entered now: line 4, first by ioas/map:range,fixed, program 1; line 5,',
      );
      const nothing = await runCli(['report', file, '-o', out, '--baseline', tree]);
      assertRefused(nothing, 64, /neither a JSON report of a run nor coverage of a kernel in .*linux/);
    });

    it('says how to get the source where it is not there', async () => {
      const coverages = await annotate([await read()], undefined, directory);
      const html = await renderHtml({ ...DATA, coverages });
      assert.include(html, 'The source is not shown: there is no source of 7.3.4-sanitize');
      assert.include(html, 'report --source DIR');
      assert.include(html, 'id="line-sizes.c-5"');
    });

    it('refuses the source of another kernel, what is outside of it, and coverage that is none', async () => {
      const [one] = (await read()).files;
      assert.isDefined(one);
      const outside = { ...COVERAGE, files: [{ ...one, file: '../kernel.json' }] };
      await assertThrows(annotate([outside], tree, directory), /kernel\.json is not in .*linux/);
      const known = { ...COVERAGE, files: [{ ...one, blob: blobOf(Buffer.from(SOURCE)) }] };
      assert.lengthOf(await annotate([known], tree, directory), 1);
      await writeFile(join(tree, SOURCE_FILE), `${SOURCE}\n`);
      await assertThrows(
        annotate([known], tree, directory),
        /linux is not the source of .*: its .*sizes\.c is another/,
      );
      await writeFile(join(tree, SOURCE_FILE), SOURCE.replace('{\n\treturn 0;', '{\n\n\treturn 0;'));
      const wrong = /linux is not the source of 7\.3\.4-sanitize: line 11 of its .*sizes\.c has no code/;
      await assertThrows(annotate([await read()], tree, directory), wrong);
      assert.throws(
        () => parseCoverage('x.json', { schema: 1, files: [] }),
        UsageError,
        /x\.json is no coverage/,
      );
    });
  });

  it('says in one sentence what it cannot read', async () => {
    const file = join(directory, 'other.json');
    await writeFile(file, '{"schema":1}');
    const wrong = await runCli(['report', file, '-o', join(directory, 'x.html')]);
    assertRefused(wrong, 64, /other\.json is no JSON report of a run: /);
    assertRefused(await runCli(['report', join(directory, 'none')]), 64, /none cannot be read: /);
  });
});
