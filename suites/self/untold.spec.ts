import { assert } from 'chai';
import { Behaviour } from '../../models/behaviour.js';
import type { Outcome, ProgramOutcome } from '../../models/outcome.js';
import type { Reading } from '../../models/prediction.js';
import type { RawProgram, RawStep } from '../../models/program/raw.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { SimTarget } from '../../targets/sim.js';
import type { Session } from '../../targets/target.js';
import { environmentOf } from '../harness/environment.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { type ScenarioResult, ScenarioRunner } from '../harness/run.js';
import { type Scenario, scenario, suite } from '../harness/scenario.js';

const UNTOLD = 'whether a device has an IOMMU whose memory for one may be what was made to fail';

/** Further than an IOMMU of the mock translates. */
const FAR = 1n << 50n;

/** A device for which memory was lacking, and a mapping that fits it only if it has no IOMMU. */
function deviceOfDoubt(expect: (map: ExpectedStep) => unknown, untold?: string): Scenario {
  const [one] = suite('self/untold', 'what the model cannot tell', [
    scenario('far', {
      doc: 'It reaches further than one with an IOMMU.',
      covers: ['IOMMU_IOAS_MAP/OK'],
      ...(untold === undefined ? {} : { untold }),
      setup: (t) => t.ioas(),
      cases: {
        far: (t, ioas) => {
          t.failing(1, () => t.mockDomain(ioas));
          expect(t.map(ioas, { iova: FAR }));
        },
      },
      control: (t) => t.ioas(),
    }),
  ]).scenarios;
  assert(one !== undefined);
  return one;
}

/** The model, but that what fails in a device leaves it without an IOMMU, and that mappings succeed. */
function withoutIommu(model: Session): Session {
  const unfailing = (step: RawStep): RawStep => (step.do === 'ioctl' ? { ...step, failNth: 0 } : step);
  const answer = (program: RawProgram, { steps, ...rest }: ProgramOutcome): ProgramOutcome => ({
    ...rest,
    steps: steps.map((outcome, at): Outcome => {
      const step = program.steps[at];
      if (outcome.status !== 'returned' || step?.do !== 'ioctl') return outcome;
      if ((step.failNth ?? 0) > 0) return { ...outcome, injected: 'slab' };
      return { ...outcome, errno: 0, value: 0 };
    }),
  });
  return {
    info: model.info,
    restarts: 0,
    troubles: () => [],
    stop: () => model.stop(),
    run: async (programs) => {
      const outcomes = await model.run(programs.map((one) => ({ ...one, steps: one.steps.map(unfailing) })));
      return outcomes.map((outcome, at) => answer(programs[at] as RawProgram, outcome));
    },
  };
}

async function run(of: Scenario, reading: Reading = 'exact'): Promise<ScenarioResult> {
  const model = await new SimTarget(new Behaviour(DEFAULT_PROFILE)).start();
  const environment = await environmentOf(model, DEFAULT_PROFILE);
  const result = await new ScenarioRunner(withoutIommu(model), environment, {
    reading,
    withVariants: false,
  }).run(of);
  await model.stop();
  return result;
}

describe('what the model cannot tell', () => {
  const succeeds = (map: ExpectedStep) => map.ok();

  it('leaves a scenario undecided that does not say so', async () => {
    const { status, reason } = await run(deviceOfDoubt(succeeds));
    assert.deepEqual([status, reason], ['unspecified', UNTOLD]);
  });

  it('is decided by expectations where a scenario says so', async () => {
    assert.equal((await run(deviceOfDoubt(succeeds, UNTOLD))).status, 'passed');
    const refused = await run(deviceOfDoubt((map) => map.fails('EINVAL'), UNTOLD));
    assert.equal(refused.status, 'failed');
    assert.match(refused.reason ?? '', /expected EINVAL, saw OK/);
  });

  it('is nothing else than what the scenario says', async () => {
    assert.equal((await run(deviceOfDoubt(succeeds, 'something else'))).status, 'unspecified');
  });

  it('stays undecided where there are no expectations', async () => {
    assert.equal((await run(deviceOfDoubt(succeeds, UNTOLD), 'contract')).status, 'unspecified');
  });
});
