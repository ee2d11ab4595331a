import type { ScenarioBuilder } from '../harness/builder.js';
import type { ExpectedStep, InjectionExpectation } from '../harness/expected_step.js';
import type { Variant } from '../harness/scenario.js';

/** A call in a state, of which each allocation fails in turn. */
export interface Sweep<S> {
  setup(this: void, t: ScenarioBuilder): S;
  /** What a round needs to begin with. */
  before?(this: void, t: ScenarioBuilder, setup: NoInfer<S>, round: number): void;
  call(this: void, t: ScenarioBuilder, setup: NoInfer<S>, round: number): ExpectedStep;
  /** Brings the state of the set-up back, whether the call has succeeded or not. */
  undo?(this: void, t: ScenarioBuilder, setup: NoInfer<S>, step: ExpectedStep, round: number): void;
  /** In the last of so many rounds nothing fails any more, on any kernel; those that check themselves allocate more. */
  readonly rounds: number;
  /** That nothing may fail in the first round either. */
  readonly isQuiet?: boolean;
  readonly answers?: Pick<InjectionExpectation, 'besides' | 'writesBack'>;
}

/**
 * Writes the rounds of a sweep: the n-th allocation of the call fails, what it did is undone, and the call is made and undone again
 * as usual, in whose way would be what a failed one had left.
 */
export function sweep<S>(spec: Sweep<S>): (t: ScenarioBuilder) => void {
  const { setup, rounds, answers, isQuiet = false } = spec;
  return (t) => {
    const state = setup(t);
    for (let nth = 1; nth <= rounds; nth++) {
      const isInjected = nth === rounds ? 'no' : nth === 1 && !isQuiet ? 'yes' : 'perhaps';
      oneRound(t, spec, state, 2 * nth, (make) => t.failing(nth, make).mayRunOut({ isInjected, ...answers }));
      oneRound(t, spec, state, 2 * nth + 1, (make) => make());
    }
  };
}

function oneRound<S>(
  t: ScenarioBuilder,
  { before, call, undo }: Sweep<S>,
  state: S,
  round: number,
  make: (write: () => ExpectedStep) => ExpectedStep,
): void {
  before?.(t, state, round);
  const step = make(() => call(t, state, round));
  undo?.(t, state, step, round);
}

/** Undoes the making of an object, which is not there if the call failed: its id is then 0. */
export function destroyIt(
  member: string,
): (this: void, t: ScenarioBuilder, setup: unknown, step: ExpectedStep) => void {
  return (t, _, step) => {
    t.destroy(step.out(member)).orFails('ENOENT');
  };
}

/** Why sweeps run as they are and with probes alone. */
const WITHOUT: Partial<Readonly<Record<Variant, string>>> = {
  zero_tail: 'it would be the same sweep',
  garbage_tail: 'a call that is refused allocates nothing',
  shifted_ids: 'it would be the same sweep',
};

/** What sweeps of calls have in common. */
export const SWEPT = { needs: ['injection', 'iommufd_test'], gaps: [59, 60], without: WITHOUT } as const;
