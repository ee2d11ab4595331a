import { assert } from 'chai';
import { type Repetition, runUntilTold } from '../../cli/repetition.js';
import { present } from '../../models/base/assert.js';
import type { ProblemKind } from '../../models/program_verdict.js';
import { renderJson } from '../../reports/json.js';
import { renderJunit } from '../../reports/junit.js';
import { renderKtap } from '../../reports/ktap.js';
import { renderMarkdown } from '../../reports/markdown.js';
import { exitCodeOf, summarise } from '../../reports/run_report.js';
import { renderSarif } from '../../reports/sarif.js';
import { renderSpec } from '../../reports/spec.js';
import type { ProgramReport } from '../harness/judge.js';
import { type ScenarioResult, unheard } from '../harness/run.js';
import { SCENARIOS } from '../index.js';
import { runCli } from './cli.js';
import { line, report } from './report_example.js';

function ended(part: Partial<ScenarioResult>): ScenarioResult {
  return { ...unheard(present(SCENARIOS[0], 'a scenario'), ''), status: 'passed', ms: 10, ...part };
}

function failed(kind: ProblemKind): ScenarioResult {
  // Nothing else is asked of it.
  const failure = { problems: [{ kind, what: 'it is wrong' }] } as Partial<ProgramReport> as ProgramReport;
  return ended({ status: 'failed', reason: 'it is wrong', failures: [failure] });
}

const PASSED = ended({ orders: new Map([['first', 2]]) });
const FAILED = failed('model');
const SPOILED = ended({ status: 'infra', reason: 'the machine is gone' });

describe('a scenario that runs more than once', () => {
  /** @returns the verdict, and how often it ran */
  async function told(
    ends: readonly ScenarioResult[],
    repetition: Partial<Repetition>,
    interrupted = new AbortController().signal,
  ): Promise<{ readonly result: ScenarioResult; readonly runs: number }> {
    let runs = 0;
    const run = (): Promise<ScenarioResult> => Promise.resolve(present(ends[runs++], 'another result'));
    const result = await runUntilTold(run, { repeat: 1, retries: 0, ...repetition }, interrupted);
    return { result, runs };
  }

  it('fails if it does not always end the same', async () => {
    const { result, runs } = await told([PASSED, FAILED, PASSED], { repeat: 3 });
    assert.equal(runs, 3);
    assert.equal(result.status, 'failed');
    assert.equal(result.reason, 'flaky: it passed 2 of 3 times; otherwise it is wrong');
    assert.deepEqual([...result.orders], [['first', 4]]);
  });

  it('is not tried again unless that is asked for, or where it passes', async () => {
    assert.deepEqual(await told([FAILED], {}), { result: FAILED, runs: 1 });
    assert.equal((await told([PASSED], { retries: 2 })).runs, 1);
  });

  it('passes and is flaky when it passes at a later try', async () => {
    for (const first of [FAILED, SPOILED]) {
      const { result, runs } = await told([first, first, PASSED], { retries: 3 });
      assert.equal(runs, 3);
      assert.equal(result.status, 'passed');
      assert.equal(result.ms, 30);
      assert.equal(
        result.flaky,
        `it passed when it was tried again (2 of at most 3); before: ${first.reason ?? ''}`,
      );
    }
  });

  it('ends as at first if it never passes', async () => {
    const { result, runs } = await told([SPOILED, FAILED, FAILED], { retries: 2 });
    assert.equal(runs, 3);
    assert.equal(result.status, 'infra');
    assert.isUndefined(result.flaky);
  });

  for (const kind of ['console', 'crash', 'leftover', 'stray_write'] as const) {
    it(`has failed where the kernel showed something that may come only once: ${kind}`, async () => {
      const wrong = failed(kind);
      assert.deepEqual(await told([wrong], { retries: 2 }), { result: wrong, runs: 1 });
      const later = await told([SPOILED, wrong], { retries: 2 });
      assert.equal(later.runs, 2);
      assert.equal(later.result.status, 'failed');
    });
  }

  it('is not tried again after an interruption', async () => {
    assert.equal((await told([FAILED], { retries: 2 }, AbortSignal.abort())).runs, 1);
  });
});

describe('flaky scenarios', () => {
  const flaky = 'it passed when it was tried again (1 of at most 2); before: saw <EINVAL>';
  const found = report([line('ioas/map:one', { flaky }), line('ioas/map:two')]);

  it('are passes, and counted', () => {
    assert.equal(exitCodeOf(found), 0);
    assert.deepInclude(summarise(found.results), { passed: 2, failed: 0, flaky: 1 });
  });

  it('are told by every reporter', () => {
    const before = /before: saw (?:<|&lt;)EINVAL/;
    for (const render of [renderSpec, renderMarkdown, renderJunit, renderKtap, renderSarif, renderJson])
      assert.match(render(found), before, render.name);
    assert.match(renderSpec(found), /1 flaky/);
  });

  it('are asked for with a whole number', async () => {
    for (const command of ['run', 'gate']) {
      const { code, stderr } = await runCli([command, '--retries', '-1']);
      assert.equal(code, 64);
      assert.match(stderr, /--retries takes a whole number from 0 on/);
    }
  });
});
