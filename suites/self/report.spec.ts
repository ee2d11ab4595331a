import { assert } from 'chai';
import { mergeByKernel } from '../../cli/report/merge_coverage.js';
import { renderHtml } from '../../reports/html/page.js';
import type { Execution } from '../../reports/patch_view.js';
import type { StoredCoverage, StoredLine } from '../../reports/kernel_coverage.js';
import { COVERAGE, DATA, FAILED, PASSED, SOURCE_FILE } from './report_data.js';

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
