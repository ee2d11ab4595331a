import { Behaviour, hasCall } from '../../models/behaviour.js';
import { errnoName } from '../../models/base/errno.js';
import { ModelRun } from '../../models/model_run.js';
import type { Profile } from '../../models/profiles/index.js';
import type { AssembledProgram } from '../../models/program/assemble.js';
import type { Entry } from '../../reports/comparison.js';
import { type Environment, environmentOf } from '../../suites/harness/environment.js';
import { lackOf, planCase } from '../../suites/harness/plan.js';
import { SCENARIOS } from '../../suites/index.js';
import { SimTarget } from '../../targets/sim.js';

/** Scenarios that are named of those that show a difference. */
const NAMED_MAX = 2;

/**
 * The calls that two kernels answer differently although both have them, as the programs of scenarios show: the first difference of
 * each program, since those after it may follow from it.
 */
export async function answersThatDiffer(from: Profile, to: Profile): Promise<Entry[]> {
  const [before, after] = [await sideOf(from), await sideOf(to)];
  const scenariosByChange = new Map<string, Set<string>>();
  for (const scenario of SCENARIOS) {
    for (const name of scenario.cases) {
      if ([before, after].some(({ environment }) => lackOf(scenario, name, environment) !== undefined))
        continue;
      const change = firstChange(planCase(scenario, name).assembled, before.behaviour, after.behaviour);
      if (change === undefined) continue;
      scenariosByChange.set(change, (scenariosByChange.get(change) ?? new Set()).add(scenario.id));
    }
  }
  return [...scenariosByChange].sort(byText).map(([change, scenarios]) => {
    const [about = '', says = ''] = change.split('\n');
    const rest = scenarios.size > NAMED_MAX ? ` and ${String(scenarios.size - NAMED_MAX)} more` : '';
    return { about, says: `${says} (${[...scenarios].slice(0, NAMED_MAX).join(', ')}${rest})` };
  });
}

interface Side {
  readonly environment: Environment;
  readonly behaviour: Behaviour;
}

async function sideOf(profile: Profile): Promise<Side> {
  const session = await new SimTarget(new Behaviour(profile)).start();
  const environment = await environmentOf(session, profile);
  return { environment, behaviour: new Behaviour(environment.profile) };
}

/** The call of the first step that is answered otherwise, and how, as two lines. */
function firstChange(program: AssembledProgram, from: Behaviour, to: Behaviour): string | undefined {
  const [before, after] = [new ModelRun(from, 'exact', []), new ModelRun(to, 'exact', [])];
  for (const [at, step] of program.steps.entries()) {
    const [old, now] = [before.execute(step), after.execute(step)];
    if (old === undefined || now === undefined) return undefined;
    const [oldly, newly] = [old, now].map(
      ({ returned, because }) => `${errnoName(returned.errno)} (${because})`,
    );
    if (oldly === newly) continue;
    const description = program.calls[at];
    const isOfBoth = (one: Behaviour) => description === undefined || hasCall(one.profile, description);
    if (!isOfBoth(from) || !isOfBoth(to)) return undefined;
    const call = description?.name ?? step.do;
    return `${call}\n${newly ?? ''}, before ${oldly ?? ''}`;
  }
  return undefined;
}

function byText([one]: readonly [string, unknown], [two]: readonly [string, unknown]): number {
  return one < two ? -1 : 1;
}
