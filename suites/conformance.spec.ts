import { assert } from 'chai';
import { Behaviour } from '../models/behaviour.js';
import { PROFILES } from '../models/profiles/index.js';
import { SimTarget } from '../targets/sim.js';
import type { Session } from '../targets/target.js';
import { environmentOf } from './harness/environment.js';
import { ScenarioRunner } from './harness/run.js';
import { SUITES } from './index.js';

/** Every scenario on the embedded model: do the hand-written expectations hold there, in both readings? */
for (const profile of PROFILES) {
  describe(`Linux ${profile.id} on the embedded model`, () => {
    let session: Session;
    let exact: ScenarioRunner;
    let contract: ScenarioRunner;

    before(async () => {
      session = await new SimTarget(new Behaviour(profile)).start();
      const environment = await environmentOf(session, profile);
      exact = new ScenarioRunner(session, environment, { reading: 'exact', withVariants: true });
      contract = new ScenarioRunner(session, environment, { reading: 'contract', withVariants: false });
    });

    after(() => session.stop());

    for (const { path, scenarios } of SUITES) {
      describe(path, () => {
        for (const scenario of scenarios) {
          it(scenario.id.slice(path.length + 1), async function () {
            const { status, reason = '' } = await exact.run(scenario);
            if (status === 'skipped') {
              process.stdout.write(`\n${scenario.id} is skipped: ${reason}\n`);
              this.skip();
            }
            assert.equal(status, 'passed', reason);
          });
        }
      });
    }

    it('answers of this kernel are allowed by the contract', async () => {
      for (const { scenarios } of SUITES) {
        for (const scenario of scenarios) {
          const { status, reason } = await contract.run(scenario);
          // Unspecified is where one of several allowed answers is beyond the model.
          assert.oneOf(status, ['passed', 'unspecified', 'skipped'], `${scenario.id}: ${reason ?? ''}`);
        }
      }
    });
  });
}
