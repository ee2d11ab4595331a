import { AssertionFailure } from '../models/base/assert.js';
import { type Mutant, mutantName } from '../models/mutants.js';
import type { Environment } from '../suites/harness/environment.js';
import { MutantKiller, derivedMutants } from '../suites/harness/mutation.js';
import { ScenarioRunner } from '../suites/harness/run.js';
import type { Scenario } from '../suites/harness/scenario.js';
import { SCENARIOS } from '../suites/index.js';
import type { Session } from '../targets/target.js';

/** Of so many planted differences, one is tried: enough to see that the judge is awake. */
const ONE_IN = 12;

/** What became of the planted differences. */
export interface CanaryResult {
  readonly planted: number;
  /** Names of those that the kernel's answers did not give away. */
  readonly missed: readonly string[];
}

/**
 * Shows that a difference between model and kernel would be noticed: judges the kernel by models that are each wrong in one
 * rule, with a scenario that is known to tell them apart.
 */
export async function runCanary(session: Session, environment: Environment): Promise<CanaryResult> {
  const killer = new MutantKiller(SCENARIOS);
  const missed: string[] = [];
  let planted = 0;
  for (const [index, mutant] of derivedMutants(environment.profile).entries()) {
    const scenario =
      index % ONE_IN === 0 ? killer.killerOf(mutant, environment.profile)?.scenario : undefined;
    if (scenario === undefined) continue;
    planted += 1;
    if (!(await isNoticed(mutant, scenario, session, environment))) missed.push(mutantName(mutant));
  }
  return { planted, missed };
}

async function isNoticed(
  mutant: Mutant,
  scenario: Scenario,
  session: Session,
  environment: Environment,
): Promise<boolean> {
  const options = { reading: 'exact', withVariants: false, mutant } as const;
  try {
    const { status } = await new ScenarioRunner(session, environment, options).run(scenario);
    return status === 'failed';
  } catch (error) {
    // A model that lost its check of a file or an object may not even be able to go on without one.
    if (error instanceof AssertionFailure) return true;
    throw error;
  }
}
