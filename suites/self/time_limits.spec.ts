import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from 'chai';
import { UsageError } from '../../cli/errors.js';
import { present } from '../../models/base/assert.js';
import { TimeKeeper, parseLimits } from '../../cli/time_limits.js';
import { type ScenarioResult, unheard } from '../harness/run.js';
import { SCENARIOS } from '../index.js';
import { runCli } from './cli.js';

function ended(part: Partial<ScenarioResult>): ScenarioResult {
  return { ...unheard(present(SCENARIOS[0], 'a scenario'), ''), status: 'passed', ms: 1, ...part };
}

describe('time limits', () => {
  const pass = ended({});
  const { scenario } = pass;
  const keeper = new TimeKeeper({ scenarioSeconds: 0.05 });

  it('what ends in time stays as it is', async () => {
    assert.equal(await keeper.limit(scenario, Promise.resolve(pass)), pass);
    assert.equal(await new TimeKeeper({}).limit(scenario, Promise.resolve(pass)), pass);
  });

  it('what does not end in time, or too late, could not be told', async () => {
    const never = new Promise<ScenarioResult>(() => undefined);
    for (const running of [never, Promise.resolve(ended({ ms: 51 }))]) {
      const { status, reason } = await keeper.limit(scenario, running);
      assert.equal(status, 'infra');
      assert.equal(reason, 'it did not end within 0.05 s (--timeout)');
    }
  });

  it('a failure stands, however late', async () => {
    const failed = ended({ status: 'failed', ms: 51 });
    assert.equal(await keeper.limit(scenario, Promise.resolve(failed)), failed);
  });

  it('the time of the run ends by itself', async () => {
    const run = new TimeKeeper({ runSeconds: 0.01 });
    assert.isFalse(run.over.aborted);
    await sleep(50);
    assert.isTrue(run.over.aborted);
  });

  it('are durations', () => {
    assert.deepEqual(parseLimits({ timeout: '30s', time: '10m' }), { scenarioSeconds: 30, runSeconds: 600 });
    assert.throws(() => parseLimits({ timeout: 'soon', time: undefined }), UsageError, /--timeout takes/);
  });

  it('a run that is over before its end: 2, and what did not run is said', async () => {
    const { code, stdout } = await runCli(['run', 'option', '--time', '0.001']);
    assert.equal(code, 2);
    assert.match(stdout, /not run \d+: the time of the whole run, 0\.001 s \(--time\), was over.*option\//);
  });
});
