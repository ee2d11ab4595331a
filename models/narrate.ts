import { errnoName } from './base/errno.js';
import type { Behaviour } from './behaviour.js';
import { type Executed, ModelRun } from './model_run.js';
import { assemble } from './program/assemble.js';
import { describePlacedStep } from './program/describe.js';
import { type Program, placedSteps } from './program/program.js';
import type { World } from './state/world.js';

/** A step as the model tells it. */
export interface NarratedStep {
  /** The step in words. */
  readonly text: string;
  /** What it returns, and by which rule. */
  readonly answer: string;
  /** The state behind it, which the next step changes; undefined from where the model cannot tell. */
  readonly world: World | undefined;
}

/** What the model says of each step of a program; of lanes, in one order of several. */
export function* narrate(program: Program, behaviour: Behaviour): Generator<NarratedStep> {
  const run = new ModelRun(behaviour, 'exact', []);
  const { steps } = assemble(program);
  let isLost = false;
  for (const [at, placed] of placedSteps(program).entries()) {
    const step = steps[at];
    const executed: Executed | undefined = step === undefined || isLost ? undefined : run.execute(step);
    isLost ||= executed === undefined;
    const answer =
      executed === undefined
        ? 'the model cannot tell'
        : `${errnoName(executed.returned.errno)} (${executed.because})`;
    yield { text: describePlacedStep(placed), answer, world: isLost ? undefined : run.world };
  }
}
