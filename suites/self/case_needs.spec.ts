import { assert } from 'chai';
import { Behaviour } from '../../models/behaviour.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { SimTarget } from '../../targets/sim.js';
import { environmentOf } from '../harness/environment.js';
import { type ScenarioResult, ScenarioRunner } from '../harness/run.js';
import { type Scenario, scenario, suite } from '../harness/scenario.js';
import type { TargetCapability } from '../../targets/target.js';

const NAMED = suite('self/needs', 'what a target lacks', [
  scenario('one_case', {
    doc: 'One case needs devices without an IOMMU, another mock hardware.',
    covers: ['IOMMU_IOAS_ALLOC/OK'],
    setup: (t) => t.ioas(),
    cases: {
      plain: (t, ioas) => t.map(ioas),
      needing: { needs: ['noiommu'], body: (t, ioas) => t.map(ioas) },
      mock: (t, ioas) => t.mockDomain(ioas),
    },
    control: (t) => t.ioas(),
  }),
  scenario('whole', {
    doc: 'The control needs mock hardware.',
    covers: ['IOMMU_IOAS_ALLOC/OK'],
    setup: (t) => t.ioas(),
    cases: { plain: (t, ioas) => t.map(ioas) },
    control: (t, ioas) => t.mockDomain(ioas),
  }),
]);

async function runWithout(lacking: readonly TargetCapability[], of: Scenario): Promise<ScenarioResult> {
  const session = await new SimTarget(new Behaviour(DEFAULT_PROFILE)).start();
  const environment = await environmentOf(session, DEFAULT_PROFILE);
  const capabilities = new Set([...environment.capabilities].filter((one) => !lacking.includes(one)));
  const options = { reading: 'exact', withVariants: false } as const;
  const result = await new ScenarioRunner(session, { ...environment, capabilities }, options).run(of);
  await session.stop();
  return result;
}

describe('what a target lacks', () => {
  const [oneCase, whole] = NAMED.scenarios as [Scenario, Scenario];
  const skippedOf = ({ skippedCases }: ScenarioResult) => skippedCases.map(({ name }) => name);

  it('skips the cases alone that need it', async () => {
    const result = await runWithout(['noiommu'], oneCase);
    assert.deepEqual([result.status, result.programs, skippedOf(result)], ['passed', 3, ['needing']]);
    assert.match(result.skippedCases[0]?.reason ?? '', /lacks CONFIG_IOMMUFD_NOIOMMU/);
  });

  it('is also found from the calls of a case', async () => {
    const result = await runWithout(['noiommu', 'iommufd_test'], oneCase);
    assert.deepEqual([result.status, skippedOf(result)], ['passed', ['needing', 'mock']]);
  });

  it('skips the scenario whose control needs it', async () => {
    const result = await runWithout(['iommufd_test'], whole);
    assert.deepEqual([result.status, result.programs], ['skipped', 0]);
  });
});
