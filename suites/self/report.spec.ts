import { assert } from 'chai';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError } from '../../cli/errors.js';
import { parseCoverage } from '../../cli/kernel_coverage/coverage_file.js';
import { blobOf } from '../../cli/patch/source.js';
import { annotate } from '../../cli/report/coverage.js';
import { mergeByKernel } from '../../cli/report/merge_coverage.js';
import { viewOnKernels } from '../../cli/report/patch.js';
import { readJson } from '../../cli/run_file.js';
import { renderHtml } from '../../reports/html/page.js';
import type { Execution } from '../../reports/patch_view.js';
import type { StoredCoverage, StoredLine } from '../../reports/kernel_coverage.js';
import { assertRefused, runCli } from './cli.js';
import { COVERAGE, DATA, FAILED, PASSED, SOURCE, SOURCE_FILE } from './report_data.js';

function idsIn(html: string): string[] {
  return [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? '');
}

function linksIn(html: string): string[] {
  return [...html.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id ?? '');
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
    const links = linksIn(html);
    assert.isAbove(links.length, 10);
    assert.includeMembers(ids, links);
  });

  it('says the verdict, and what is behind it', () => {
    assert.include(html, 'All in all: not as expected.');
    assert.include(html, 'allowed EOVERFLOW, seen OK');
    assert.include(html, 'failed, before passed');
    assert.include(html, '2 of 3');
  });

  it('takes texts as texts', () => {
    assert.include(html, 'A fixed range &lt;is> mapped.');
    assert.include(html, 'Linux 7.3.4 &amp; more');
    assert.include(html, 'WARNING: &lt;here>');
  });

  it('tells of each invariant how often it had something to look at', () => {
    assert.match(html, /No two areas share an IOVA\..*?<td class="number">1,234</);
    assert.match(html, /It is so\..*?<td class="number bad">never</);
  });

  it('tells of each flag what answered the calls that had it', () => {
    assert.match(html, /<td>FIXED_IOVA<\/td><td class="bad">never made</);
    assert.match(
      html,
      /<td>WRITEABLE<\/td><td>17 succeeded<details><summary>refused by 1<\/summary>EINVAL\.length 3</,
    );
  });

  it('tells of each state of an object which calls met it, with which flags, and what answered', () => {
    assert.match(html, /IOMMU_IOAS_MAP: 2 states, 2 flags/);
    const row =
      />ioas_id: IOAS: empty<\/th><td[^>]* title="17 calls: OK 17"[^>]*>1<\/td><td[^>]* title="1 calls: /;
    assert.match(html, row);
    assert.match(
      html,
      />ioas_id: no object<\/th><td[^>]* title="2 calls: ENOENT.ioas 2"[^>]*>1<\/td><td class="cell"><\/td>/,
    );
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

describe('coverage in the HTML report', () => {
  /** The row of a place, without its tags. */
  function rowOf(html: string, place: string): string {
    const start = html.indexOf(`<tr id="${place}"`);
    assert.isAbove(start, 0, place);
    const row = html.slice(start, html.indexOf('</tr>', start));
    return row
      .replaceAll(/<[^>]+>/g, '|')
      .replaceAll(/\|+/g, '|')
      .replace(/\|$/, '');
  }

  it('says of each line whether and by what it was reached', async () => {
    const html = await renderHtml(DATA);
    assert.equal(rowOf(html, 'line-sizes.c-4'), '|4|reached|\tif (by &lt; 0)|reached');
    assert.equal(
      rowOf(html, 'line-sizes.c-5'),
      '|5|fault injection|\t\treturn -1;|ioas/map:range,wraps|not reached',
    );
    assert.include(rowOf(html, 'line-sizes.c-6'), '|same time|\treturn tell(by);|random programs of seed 9|');
    assert.equal(rowOf(html, 'line-sizes.c-11'), '|11|not reached|\treturn 0;|reached');
    assert.equal(rowOf(html, 'line-sizes.c-3'), '|3|reached|{|ioas/map:range,fixed');
    assert.equal(rowOf(html, 'line-sizes.c-1'), '|1|// A file &amp; its functions.');
    assert.include(rowOf(html, 'function-sizes.c-grow'), '|3 of 3|100.0|1 of 3');
    assert.equal(rowOf(html, 'line-other.h-1'), '|1|not reached|known|not reached');
  });

  it('says what was gained and lost since an earlier measurement, with links to the code', async () => {
    const html = await renderHtml(DATA);
    assert.include(html, 'id="coverage-changes-7.3.4-sanitize"');
    assert.include(
      html,
      `<a href="#function-sizes.c-grow">${SOURCE_FILE}: grow()</a>: line 6, first by random programs of seed 9`,
    );
    assert.include(html, `<li>${SOURCE_FILE}: vanish(): entered now: line 20</li>`);
  });

  it('tells kernels apart', async () => {
    const [one] = DATA.coverages;
    assert.isDefined(one);
    const other = { ...one, coverage: { ...one.coverage, kernel: '6.12-sanitize' } };
    const html = await renderHtml({ ...DATA, coverages: [one, other] });
    const ids = idsIn(html);
    assert.sameMembers([...new Set(ids)], ids);
    assert.includeMembers(ids, ['line-7.3.4-sanitize-sizes.c-4', 'line-6.12-sanitize-sizes.c-4']);
    assert.includeMembers(ids, linksIn(html));
    assert.include(linksIn(html), 'line-7.3.4-sanitize-sizes.c-5');
  });

  it('joins what tests of several files reached, by their names', () => {
    const [file] = COVERAGE.files;
    assert.isDefined(file);
    const measured = (names: readonly string[], ...by: readonly number[]): StoredCoverage => {
      const lines = [{ line: 4, function: 'grow', tests: by.length, by }];
      return {
        ...COVERAGE,
        names,
        tests: names.length,
        files: [{ ...file, reachable: lines, within: lines }],
      };
    };
    const [sum] = mergeByKernel([measured(['a', 'b'], 1), measured(['c', 'b', 'd'], 1, 2)]);
    assert.deepEqual([sum?.tests, sum?.names], [4, ['a', 'b', 'c', 'd']]);
    const [both] = sum?.files ?? [];
    assert.isDefined(both);
    assert.deepEqual(both.reachable, [{ line: 4, function: 'grow', tests: 2, by: [1, 3] }]);
    assert.deepEqual(both.within, both.reachable);
  });

  it('adds up what several files have of a kernel', () => {
    const theirs = COVERAGE.files.map(({ file, reachable }) => ({
      file,
      reachable: reachable.map(({ line, function: name }): StoredLine => {
        return { line, function: name, tests: 1, first: 'stored, program 0', means: 'injection' };
      }),
    }));
    const two = { ...COVERAGE, theirs: [], programs: 1, files: theirs.slice(0, 1) };
    const [sum, ...rest] = mergeByKernel([COVERAGE, two, { ...two, kernel: 'other' }]);
    assert.lengthOf(rest, 1);
    assert.equal(sum?.programs, 1235);
    assert.isUndefined(sum?.names);
    const lines = sum?.files.find(({ file }) => file === SOURCE_FILE)?.reachable ?? [];
    assert.deepEqual(
      lines.map(({ tests, first, means, theirs: their }) => [tests, first, means, their]),
      [
        [3, `${PASSED.id}, program 1`, 'alone', true],
        [2, `${FAILED.id}, program 3`, 'injection', false],
        [2, 'random programs of seed 9, program 4', 'injection', false],
        [1, 'stored, program 0', 'injection', true],
      ],
    );
  });
});

describe('the patch in the HTML report', () => {
  let html: string;

  before(async () => {
    html = await renderHtml(DATA);
  });

  /** The rows of a function, without tags. */
  function rowsOf(place: string): string[] {
    const start = html.indexOf(`<details id="${place}"`);
    assert.isAbove(start, 0, place);
    const rows = html.slice(start, html.indexOf('</table>', start)).split('<tr').slice(2);
    return rows.map((row) =>
      row
        .slice(row.indexOf('>'))
        .replaceAll(/<[^>]+>/g, '|')
        .replaceAll(/\|+/g, '|')
        .replaceAll(/^>\||\|$/g, ''),
    );
  }

  it('begins with the sums, and with what was not executed', () => {
    assert.include(
      html,
      'my.patch on 7.3.4-sanitize: of 6 changed lines 1 executed, 1 executed in part, 3 not executed, 1 without',
    );
    assert.match(
      html,
      /<th scope="row">not executed<\/th><td class="number">3<\/td><td class="number">50\.0</,
    );
    assert.include(html, 'Not measured: mm/gup.c');
    assert.include(html, '<a href="#patch-function-sizes.c-shrink">sizes.c: shrink()</a>: never entered');
    assert.include(
      html,
      '<a href="#patch-function-other.h-">other.h</a>: <a href="#line-other.h-1">1</a>, 3</li>',
    );
  });

  it('says so where nothing was left out, and where nothing tells', async () => {
    const [patch] = DATA.patches;
    assert.isDefined(patch);
    const withLines = (...executions: Execution[]): Promise<string> => {
      const [changed] = patch.view.functions;
      assert.isDefined(changed);
      const lines = changed.lines.flatMap((line, at) => {
        const execution = executions[at];
        return execution === undefined ? [] : [{ ...line, execution }];
      });
      return renderHtml({
        ...DATA,
        campaigns: [],
        patches: [{ ...patch, view: { ...patch.view, functions: [{ ...changed, lines }] } }],
      });
    };
    assert.include(await withLines('executed', 'no trace point'), 'that can be told of was executed.<');
    assert.include(await withLines('executed', 'in part'), 'was executed, or a part of it.<');
    assert.include(await withLines('no trace point'), 'Nothing tells of any line of it.<');
  });

  it('says of each changed line how it was executed, and by what', () => {
    assert.deepEqual(rowsOf('patch-function-sizes.c-grow'), [
      '4|executed|\tif (by &lt; 0)|ioas/map:range,fixed|, program 1; |ioas/map:range,wraps|; random programs of seed 9; … 4 in all',
      '5|in part where an allocation failed|\t\treturn -1;|ioas/map:range,wraps|, program 3',
      '7|no trace point; |line 6| before it was executed by calls at the same time|} // &lt;end>|random programs of seed 9, program 4',
    ]);
    assert.deepEqual(rowsOf('patch-function-sizes.c-shrink'), [
      '−12-13|not executed: |line 11|, which stands there now|\tif (none)',
    ]);
  });

  it('leads to the lines in the source, to scenarios, and to all tests of a function', () => {
    assert.include(html, '<td><a href="#line-sizes.c-4">4</a></td><td>executed</td>');
    assert.include(html, 'not executed: <a href="#line-sizes.c-11">line 11</a>');
    assert.include(html, '<a href="#ioas/map:range,fixed">ioas/map:range,fixed</a>, program 1');
    assert.include(html, '<summary>Tests that came to these lines: 4</summary>');
    assert.match(
      html,
      /4 tests came into it; 1 changed line that is no code; 1 executed, 1 in part, 1 no trace/,
    );
  });
});

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
