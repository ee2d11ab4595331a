import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import { type Expectation, updatedExpectations, withExpectations } from '../../reports/expectations.js';
import { renderJunit } from '../../reports/junit.js';
import { renderKtap } from '../../reports/ktap.js';
import { renderMarkdown } from '../../reports/markdown.js';
import { type ResultStatus, type RunReport, exitCodeOf, summarise } from '../../reports/run_report.js';
import { assertRefused, runCli } from './cli.js';
import { line, report } from './report_example.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const KNOWN: Expectation = { scenario: 'ioas/map:*', expect: 'fail', reason: 'not mended yet' };

function run(statuses: Readonly<Record<string, ResultStatus>>, part: Partial<RunReport> = {}): RunReport {
  return report(
    Object.entries(statuses).map(([id, status]) => line(id, { status, reason: 'seen' })),
    part,
  );
}

describe('expectations', () => {
  const failing = { 'ioas/map:one': 'failed', 'ioas/copy:two': 'passed' } as const;

  it('a failure that was foreseen is none, and is told', () => {
    const found = withExpectations(run(failing), [KNOWN]);
    assert.equal(exitCodeOf(found), 0);
    assert.include(summarise(found.results), { failed: 1, unexpected: 0 });
    assert.include(renderKtap(found), '  not ok 1 ioas/map:one # XFAIL not mended yet\n');
    assert.include(renderKtap(found), '\nok 1 ioas\n');
    assert.match(renderJunit(found), /failures="0" errors="0" skipped="1"/);
    assert.include(renderMarkdown(found), 'Failed as expected:\n\n- `ioas/map:one`: not mended yet');
  });

  it('a pass of what always fails is told, and is no pass', () => {
    const found = withExpectations(run({ ...failing, 'ioas/map:one': 'passed' }), [KNOWN]);
    assert.equal(exitCodeOf(found), 1);
    assert.include(renderKtap(found), '  # it passed, and was expected to fail: not mended yet\n  not ok 1');
    assert.match(renderJunit(found), /failures="1"/);
    assert.include(renderMarkdown(found), '❌');
  });

  it('what may fail may pass', () => {
    const flaky: Expectation = { ...KNOWN, expect: 'may_fail' };
    for (const status of ['passed', 'failed'] as const) {
      assert.equal(exitCodeOf(withExpectations(run({ 'ioas/map:one': status }), [flaky])), 0);
    }
  });

  it('are for the runs that they name', () => {
    for (const [when, code] of [
      [{ kernel: '7.3.*' }, 0],
      [{ kernel: '6.12.*' }, 1],
      [{ kernel: '*-fast', profile: '7.3', target: 'qemu', reading: 'exact' }, 0],
      [{ kernel: '*-fast', target: 'sim' }, 1],
    ] as const) {
      assert.equal(exitCodeOf(withExpectations(run(failing), [{ ...KNOWN, when }])), code);
    }
  });

  it('updated, take in what failed, and lose what does not fail any more', () => {
    const stale: Expectation = { scenario: 'ioas/copy:two', expect: 'fail', reason: 'old' };
    const elsewhere: Expectation = { ...stale, when: { profile: '6.12' } };
    const notRun: Expectation = { ...stale, scenario: 'mock/*' };
    const before = [stale, elsewhere, notRun];
    const found = withExpectations(run(failing), before);
    const when = { target: 'qemu', kernel: '7.3.4-fast', profile: '7.3', reading: 'exact' };
    const after = updatedExpectations(before, found);
    assert.deepEqual(after, [
      elsewhere,
      notRun,
      { scenario: 'ioas/map:one', expect: 'fail', reason: 'seen', when },
    ]);
    assert.equal(exitCodeOf(withExpectations(run(failing), after)), 0);
    assert.deepEqual(updatedExpectations(after, withExpectations(run(failing), after)), after);
  });
});

describe('the options about expectations', () => {
  let directory: string;
  before(async () => {
    directory = await makeDirectory();
  });
  after(() => removeDirectory(directory));
  const file = (): string => join(directory, 'expectations.json');
  const write = (text: string): Promise<void> => writeFile(file(), text);

  it('a scenario that passes and was to fail: 1, and taken out by an update', async () => {
    await write(
      JSON.stringify({ schema: 1, expectations: [{ scenario: 'option/*', expect: 'fail', reason: 'why' }] }),
    );
    const first = await runCli(['run', 'option', '--expectations', file()]);
    assert.equal(first.code, 1);
    assert.match(first.stdout, /passed, and was expected to fail: option\/.* \(why\); --update-expectations/);
    assert.equal(
      (await runCli(['run', 'option', '--expectations', file(), '--update-expectations'])).code,
      0,
    );
    assert.deepEqual(JSON.parse(await readFile(file(), 'utf8')), { schema: 1, expectations: [] });
    assert.equal((await runCli(['run', 'option', '--expectations', file()])).code, 0);
  });

  it('the report of a run is a baseline', async () => {
    const baseline = join(directory, 'baseline.json');
    await runCli(['run', 'option', '--reporter', `json=${baseline}`]);
    const same = await runCli(['run', 'option', '--baseline', baseline]);
    assert.equal(same.code, 0);
    assert.notInclude(same.stderr, 'nothing was compared');
    const other = await runCli(['run', 'ioas/alloc', '--baseline', baseline]);
    assert.equal(other.code, 0);
    assert.include(
      other.stderr,
      `iommufd-cts: ${baseline} has none of the scenarios of this run: nothing was compared\n`,
    );
  });

  it('files that are none are refused in one sentence', async () => {
    await write('{"schema":1,"expectations":[{"scenario":"a","expect":"skip","reason":"b"}]}');
    const refused = await runCli(['run', 'option', '--expectations', file()]);
    assertRefused(refused, 64, /expectations\.0\.expect must be equal to one of/);
    assertRefused(await runCli(['run', 'option', '--baseline', file()]), 64, /is no JSON report of a run/);
    assertRefused(await runCli(['run', 'option', '--update-expectations']), 64, /needs the file to update/);
    await write('{');
    assertRefused(await runCli(['run', 'option', '--expectations', file()]), 64, /is not JSON/);
    const missing = join(directory, 'missing.json');
    assertRefused(
      await runCli(['run', 'option', '--expectations', missing]),
      2,
      /missing\.json cannot be used/,
    );
  });
});
