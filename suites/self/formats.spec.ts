import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import { assert } from 'chai';
import { type TestSuites, parse as parseJunit } from 'junit2json';
import type { SarifBuilder } from 'node-sarif-builder';
import { present } from '../../models/base/assert.js';
import { renderJunit } from '../../reports/junit.js';
import { renderMarkdown } from '../../reports/markdown.js';
import type { ResultLine, RunReport } from '../../reports/run_report.js';
import { renderSarif } from '../../reports/sarif.js';
import { line, report } from './report_example.js';

type Log = SarifBuilder['log'];

/** One result of each kind. */
const RESULTS: readonly ResultLine[] = [
  line('ioas/map:one', { findings: ['map-page-count-warn'] }),
  line('ioas/map:two', {
    status: 'failed',
    reason: 'saw <EINVAL> & "0"\u0007',
    source: 'suites/ioas/map.ts',
    broken: [
      { rule: 'IOMMU_IOAS_MAP/EEXIST.area', says: 'it is taken', cite: 'io_pagetable.c:x', what: 'saw OK' },
      { rule: 'IOMMU_IOAS_MAP/OK', says: 'it succeeds', cite: 'ioas.c:x', what: 'saw EINVAL' },
    ],
  }),
  line('ioas/map:known', {
    status: 'failed',
    reason: 'saw OK',
    expected: { is: 'fail', reason: 'under review' },
  }),
  line('ioas/map:mended', { expected: { is: 'fail', reason: 'old' } }),
  line('ioas/copy:three', { status: 'skipped', reason: 'no test commands' }),
  line('mock/domain:four', { status: 'unspecified', reason: 'the model cannot tell' }),
  line('mock/domain:five', { status: 'infra', reason: 'the machine is gone' }),
];

/** Microsoft's package has the schema of OASIS as a file. It is in draft 4, of which it uses nothing that later drafts lack. */
function sarifSchema(): object {
  const path = createRequire(import.meta.url).resolve(
    '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json',
  );
  const { $schema, id, ...schema } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  assert.deepEqual([typeof $schema, typeof id], ['string', 'string']);
  return schema;
}

function sarif(from: RunReport): NonNullable<Log['runs'][number]> {
  const ajv = new Ajv({ strict: false, unicodeRegExp: false, validateFormats: false });
  const log = JSON.parse(renderSarif(from)) as Log;
  assert.isTrue(ajv.validate(sarifSchema(), log), ajv.errorsText());
  return present(log.runs[0], 'a run');
}

describe('sarif', () => {
  it('is valid, whatever there is to tell', () => {
    sarif(report(RESULTS));
    sarif(report([], { isInterrupted: true, notes: [] }));
  });

  it('names the broken rule, or the scenario where none is to blame', () => {
    const { results = [], tool } = sarif(report(RESULTS));
    assert.deepEqual(
      results.map(({ ruleId, kind, level }) => [ruleId, kind, level]),
      [
        ['IOMMU_IOAS_MAP/EEXIST.area', 'fail', 'error'],
        ['IOMMU_IOAS_MAP/OK', 'fail', 'error'],
        ['ioas/map:known', 'fail', 'error'],
        ['ioas/map:mended', 'fail', 'error'],
        ['mock/domain:four', 'open', 'none'],
      ],
    );
    const [first] = results;
    assert.equal(first?.message.text, 'ioas/map:two: saw OK');
    assert.equal(first?.locations?.[0]?.physicalLocation?.artifactLocation?.uri, 'suites/ioas/map.ts');
    for (const { ruleId, ruleIndex = -1 } of results)
      assert.equal(tool.driver.rules?.[ruleIndex]?.id, ruleId);
    assert.lengthOf(
      new Set(results.map(({ partialFingerprints }) => JSON.stringify(partialFingerprints))),
      5,
    );
  });

  it('suppresses what was foreseen, and tells trouble of the test bed of the run', () => {
    const { results = [], invocations = [] } = sarif(report(RESULTS));
    const suppressed = results.filter(({ suppressions = [] }) => suppressions.length > 0);
    assert.deepEqual(
      suppressed.map(({ ruleId }) => ruleId),
      ['ioas/map:known'],
    );
    const { executionSuccessful, toolExecutionNotifications = [] } = present(invocations[0], 'an invocation');
    assert.isFalse(executionSuccessful);
    assert.deepEqual(
      toolExecutionNotifications.map(({ message }) => message.text),
      ['mock/domain:five: the machine is gone', 'the virtual machine was replaced once'],
    );
  });
});

describe('junit', () => {
  it('is read by a parser as it was meant', async () => {
    const parsed = present(await parseJunit(renderJunit(report(RESULTS))), 'what was read') as TestSuites;
    const counts = parsed.testsuite?.map(({ name, tests, failures, errors, skipped }) => [
      name,
      tests,
      failures,
      errors,
      skipped,
    ]);
    assert.deepEqual(counts, [
      ['ioas', 5, 2, 0, 2],
      ['mock', 2, 0, 2, 0],
    ]);
  });
});

describe('md', () => {
  it('fits a comment of a pull request, and closes what it opens', () => {
    const long = 'x'.repeat(5000);
    const many = Array.from({ length: 900 }, (_, at) => {
      const expected = at % 2 === 0 ? {} : { expected: { is: 'fail', reason: long } as const };
      return line(`area${String(at % 40)}/map:${String(at)}`, {
        status: 'failed',
        details: [long, long],
        ...expected,
      });
    });
    const text = renderMarkdown(report(many));
    assert.isAtMost(text.length, 65_536);
    assert.notInclude(text, 'cut here');
    assert.include(text, '430 more like these');
    assert.equal(text.match(/^```/gm)?.length, 40);
    assert.include(text, '</details>');
  });
});
