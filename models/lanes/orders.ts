import type { Behaviour } from '../behaviour.js';
import type { Invariant } from '../invariants/index.js';
import { ModelRun, type ModelWatcher } from '../model_run.js';
import type { Outcome } from '../outcome.js';
import type { Reading } from '../prediction.js';
import type { AssembledProgram } from '../program/assemble.js';
import { type Attempt, type Choice, type JudgedSteps, OrderRun } from './order_run.js';

/** Orders that are tried before the answer is that nobody can tell. */
const ATTEMPTS_MAX = 1000;

/**
 * Judges the steps of a program. Lanes are accepted if some serial order of their steps, which keeps the order in each lane,
 * explains their answers and everything after them.
 */
export function judgeSteps(
  program: AssembledProgram,
  outcomes: readonly Outcome[],
  behaviour: Behaviour,
  reading: Reading,
  invariants: readonly Invariant[],
  watcher?: ModelWatcher,
): JudgedSteps {
  let best: Attempt | undefined;
  let decided: readonly number[] | undefined = [];
  const explored = new Map<string, string>();
  for (let attempts = 0; decided !== undefined; attempts++) {
    if (best !== undefined && attempts === ATTEMPTS_MAX) return giveUp(program, best);
    const run = new ModelRun(behaviour, reading, invariants, watcher);
    const attempt: Attempt = new OrderRun(program, outcomes, run, decided, explored).judge();
    if (attempt.end === 'explains') return attempt;
    best = betterOf(best, attempt);
    decided = nextChoices(attempt.choices);
  }
  return best as Attempt;
}

/** An order that ends where the model cannot tell may be the one; else the one that explains most. */
function betterOf(one: Attempt | undefined, two: Attempt): Attempt {
  if (one === undefined) return two;
  if (one.end !== two.end) return one.end === 'untold' ? one : two.end === 'untold' ? two : one;
  return two.order.length > one.order.length ? two : one;
}

/** What is taken at each choice of the next order; undefined after the last order. */
function nextChoices(choices: readonly Choice[]): readonly number[] | undefined {
  for (let at = choices.length - 1; at >= 0; at--) {
    const [next] = choices[at]?.untried ?? [];
    if (next !== undefined) return [...choices.slice(0, at).map(({ taken }) => taken), next];
  }
  return undefined;
}

function giveUp({ steps }: AssembledProgram, best: Attempt): JudgedSteps {
  const at = steps.findIndex(({ do: kind }) => kind === 'lanes');
  const why = `no order of the lanes' steps was found that explains the answers, and only ${String(ATTEMPTS_MAX)} are tried`;
  const unspecified = {
    kind: 'unspecified',
    because: 'lanes/unspecified.orders',
    why,
    findings: [],
  } as const;
  const unjudged = { kind: 'unjudged', why } as const;
  const verdicts = best.verdicts.map((verdict, index) =>
    index < at ? verdict : index === at ? unspecified : unjudged,
  );
  return { ...best, verdicts };
}
