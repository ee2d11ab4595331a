import { stripVTControlCharacters } from 'node:util';
import { assert } from 'chai';
import { renderJson } from '../../reports/json.js';
import { renderJunit } from '../../reports/junit.js';
import { renderKtap } from '../../reports/ktap.js';
import { type ResultLine, type RunReport, exitCodeOf, summarise } from '../../reports/run_report.js';
import { renderSpec } from '../../reports/spec.js';
import { line, report } from './report_example.js';

/** One result of each kind, with characters that formats must escape. */
const RESULTS: readonly ResultLine[] = [
  line('ioas/map:one', { findings: ['map-page-count-warn'] }),
  line('ioas/map:two', {
    status: 'failed',
    reason: 'saw <EINVAL> & "0"\u0007',
    details: ['step 1\nsaw EINVAL'],
  }),
  line('ioas/copy:three', { status: 'skipped', reason: 'no test commands' }),
  line('mock/domain:four', { status: 'unspecified', reason: 'the model cannot tell' }),
  line('mock/domain:five', { status: 'infra', reason: 'the machine is gone' }),
];

describe('exit codes', () => {
  const pass = line('a/b:c');
  const cases: readonly (readonly [string, RunReport, number])[] = [
    ['all passed', report([pass]), 0],
    ['some skipped', report([pass, line('a/b:d', { status: 'skipped' })]), 0],
    ['a failure, whatever else there is', report(RESULTS), 1],
    ['trouble of the test bed', report([pass, line('a/b:d', { status: 'infra' })]), 2],
    ['an unspecified answer', report([pass, line('a/b:d', { status: 'unspecified' })]), 2],
    ['an interrupted run', report([pass], { isInterrupted: true }), 2],
    ['everything skipped', report([line('a/b:d', { status: 'skipped' })]), 2],
    ['nothing at all', report([]), 2],
  ];
  for (const [what, from, code] of cases) {
    it(`${what}: ${String(code)}`, () => {
      assert.equal(exitCodeOf(from), code);
    });
  }
});

describe('reports', () => {
  it('sum up', () => {
    assert.deepEqual(summarise(RESULTS), {
      total: 5,
      passed: 1,
      failed: 1,
      skipped: 1,
      unspecified: 1,
      infra: 1,
      unexpected: 1,
      flaky: 0,
      findings: 1,
    });
  });

  it('json has the members that gates rely on', () => {
    const parsed = JSON.parse(renderJson(report(RESULTS))) as Record<string, unknown>;
    assert.containsAllKeys(parsed, ['schema', 'target', 'kernel', 'profile', 'seed', 'summary', 'results']);
    const results = parsed.results as Record<string, unknown>[];
    assert.lengthOf(results, RESULTS.length);
    for (const result of results) assert.containsAllKeys(result, ['id', 'status', 'ms', 'covers']);
    assert.deepEqual(results[0]?.findings, ['map-page-count-warn']);
    assert.propertyVal(results[1], 'reason', 'saw <EINVAL> & "0"\u0007');
  });

  it('ktap numbers tests and subtests, and gives reasons', () => {
    const text = renderKtap(report(RESULTS));
    assert.deepEqual(text.split('\n'), [
      'KTAP version 1',
      '1..2',
      '  KTAP version 1',
      '  # Subtest: ioas',
      '  1..3',
      '  # known finding: map-page-count-warn',
      '  ok 1 ioas/map:one',
      '  # step 1 saw EINVAL',
      '  not ok 2 ioas/map:two',
      '  ok 3 ioas/copy:three # SKIP no test commands',
      'not ok 1 ioas',
      '  KTAP version 1',
      '  # Subtest: mock',
      '  1..2',
      '  # the model cannot tell',
      '  not ok 1 mock/domain:four # ERROR the model cannot tell',
      '  # the machine is gone',
      '  not ok 2 mock/domain:five # ERROR the machine is gone',
      'not ok 2 mock',
      '',
    ]);
  });

  it('junit counts by suite and escapes what XML cannot have', () => {
    const xml = renderJunit(report(RESULTS));
    assert.match(xml, /<testsuites tests="5" failures="1" errors="2" skipped="1">/);
    assert.match(xml, /<testsuite name="ioas"[^>]* tests="3" failures="1" errors="0" skipped="1"/);
    assert.include(xml, 'saw &lt;EINVAL> &amp; &quot;0&quot;?');
    assert.include(xml, 'skipped: no test commands');
    assert.include(xml, 'known finding: map-page-count-warn');
    // eslint-disable-next-line no-control-regex
    assert.notMatch(xml, /[\u0000-\u0008]/);
  });

  it('spec tells people what did not pass, why, and what was skipped', () => {
    const text = stripVTControlCharacters(renderSpec(report(RESULTS)));
    for (const part of [
      'iommufd-cts 1.2.3 · Linux 7.3.4 in QEMU',
      'ioas/map:two  failed',
      'about ioas/map:two',
      'not run 1: the machine is gone (mock/domain:five)',
      'skipped 1: no test commands (ioas/copy:three)',
      '1 known finding seen, in so many scenarios: map-page-count-warn (1)',
      'note: the virtual machine was replaced once',
      '1 passed, 1 failed, 1 skipped, 1 unspecified, 1 not run for trouble of the test bed',
      '3 of 9 rules answered',
    ]) {
      assert.include(text, part);
    }
    assert.include(renderSpec(report(RESULTS, { isInterrupted: true })), 'interrupted');
    assert.include(renderSpec(report(RESULTS), true), 'ioas/map:one');
  });
});
