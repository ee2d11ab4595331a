import type { Behaviour } from '../behaviour.js';
import type { Invariant } from '../invariants/index.js';
import { takeSnapshot } from '../invariants/snapshot.js';
import { ModelRun, type StateWatcher, type StepVerdict } from '../model_run.js';
import type { Outcome } from '../outcome.js';
import type { Reading } from '../prediction.js';
import type { AssembledProgram } from '../program/assemble.js';
import type { RawLanes, RawStep } from '../program/raw.js';
import type { CallUnderWay } from './races.js';

/** What the model says of a whole program. */
export interface JudgedSteps {
  readonly run: ModelRun;
  /** In the order of the program's steps. */
  readonly verdicts: readonly StepVerdict[];
  /** The order of the steps that explains the answers, or that explains most of them. */
  readonly order: readonly number[];
}

/** Orders that are tried before the answer is that nobody can tell: more than two lanes of four steps have (70). */
const ATTEMPTS_MAX = 400;

/** Where one of several lanes went on. */
interface Choice {
  readonly taken: number;
  /** The lanes that could have gone on instead, and have not been tried. */
  readonly untried: readonly number[];
}

/** One order, up to where it does not explain an answer. */
interface Attempt extends JudgedSteps {
  readonly choices: readonly Choice[];
  /** What ended it: nothing, an answer that is not allowed, or one that the model cannot tell. */
  readonly end: 'explains' | 'refuses' | 'untold';
}

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
  watch?: StateWatcher,
): JudgedSteps {
  let best: Attempt | undefined;
  let lanes: readonly number[] | undefined = [];
  const explored = new Map<string, string>();
  for (let attempts = 0; lanes !== undefined; attempts++) {
    if (best !== undefined && attempts === ATTEMPTS_MAX) return giveUp(program, best);
    const run = new ModelRun(behaviour, reading, invariants, watch);
    const attempt: Attempt = new OrderRun(program, outcomes, run, lanes, explored).judge();
    if (attempt.end === 'explains') return attempt;
    best = betterOf(best, attempt);
    lanes = nextLanes(attempt.choices);
  }
  return best as Attempt;
}

/** An order that ends where the model cannot tell may be the one; else the one that explains most. */
function betterOf(one: Attempt | undefined, two: Attempt): Attempt {
  if (one === undefined) return two;
  if (one.end !== two.end) return one.end === 'untold' ? one : two.end === 'untold' ? two : one;
  return two.order.length > one.order.length ? two : one;
}

/** The lanes that go on at each choice of the next order; undefined after the last order. */
function nextLanes(choices: readonly Choice[]): readonly number[] | undefined {
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

/** One way through a program. */
class OrderRun {
  readonly #verdicts: StepVerdict[];
  readonly #order: number[] = [];
  readonly #choices: Choice[] = [];
  #end: Attempt['end'] = 'explains';

  constructor(
    private readonly program: AssembledProgram,
    private readonly outcomes: readonly Outcome[],
    private readonly run: ModelRun,
    /** The lane that goes on at each choice, as far as that is decided; then the first. */
    private readonly lanes: readonly number[],
    /** States after lanes from which all that can follow has been tried or is being tried, with the choices that led there. */
    private readonly explored: Map<string, string>,
  ) {
    this.#verdicts = program.steps.map(() => UNJUDGED);
  }

  judge(): Attempt {
    const { steps } = this.program;
    for (let at = 0; at < steps.length && this.#end === 'explains'; at++) {
      const step = steps[at] as RawStep;
      this.#judge(at, []);
      if (step.do === 'lanes') at = this.#judgeLanes(step, at + 1);
    }
    return {
      run: this.run,
      verdicts: this.#verdicts,
      order: this.#order,
      choices: this.#choices,
      end: this.#end,
    };
  }

  /** Returns the index of the last step of the lanes. */
  #judgeLanes({ counts }: RawLanes, first: number): number {
    const left = lanesOf(counts, first);
    const writes = this.#writes();
    while (this.#end === 'explains') {
      const able = left.filter(({ next, end }) => next < end);
      if (able.length === 0) break;
      const lane = left[this.#choose(able.map(({ index }) => index))] as Lane;
      this.#judge(lane.next, this.#underWay(left, lane));
      lane.next += 1;
    }
    if (this.#end === 'explains' && this.#writes() === writes && this.#isKnown(first)) this.#end = 'refuses';
    return (left.at(-1)?.end ?? first) - 1;
  }

  /** How often memory has been written to, whose contents a snapshot does not have. */
  #writes(): number {
    return this.run.world.memory.physical.contents.writes;
  }

  /** Whether another order of the lanes has led to the same state, from which nothing explains the rest. */
  #isKnown(first: number): boolean {
    const { values, ids } = takeSnapshot(this.run.world);
    const state = [first, ...values, ...[...ids].flat(2)].join();
    const path = this.#choices.map(({ taken }) => taken).join();
    const known = this.explored.get(state);
    if (known === undefined) this.explored.set(state, path);
    return known !== undefined && known !== path;
  }

  /** In each other lane, the step before this moment and the one after it: between them is where the lane is. */
  #underWay(lanes: readonly Lane[], lane: Lane): CallUnderWay[] {
    return lanes
      .filter((other) => other !== lane)
      .flatMap(({ start, next, end }) => [next - 1, next].filter((at) => at >= start && at < end))
      .flatMap((at) => {
        const step = this.program.steps[at];
        return step === undefined ? [] : [{ step, call: this.program.calls[at] }];
      });
  }

  #choose(able: readonly number[]): number {
    const [only = 0, ...others] = able;
    if (others.length === 0) return only;
    const taken = this.lanes[this.#choices.length] ?? only;
    this.#choices.push({ taken, untried: able.filter((lane) => lane > taken) });
    return taken;
  }

  #judge(at: number, underWay: readonly CallUnderWay[]): void {
    const { steps, calls } = this.program;
    const moment = { at, underWay };
    const verdict = this.run.judge(steps[at] as RawStep, calls[at], this.outcomes[at] ?? LOST, moment);
    this.#verdicts[at] = verdict;
    this.#order.push(at);
    if (verdict.kind === 'mismatch' || verdict.kind === 'violation') this.#end = 'refuses';
    if (verdict.kind === 'unspecified') this.#end = 'untold';
  }
}

/** The steps of one lane: those before `next` have been judged. */
interface Lane {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  next: number;
}

function lanesOf(counts: readonly number[], first: number): Lane[] {
  let start = first;
  return counts.map((count, index) => {
    const lane = { index, start, end: start + count, next: start };
    start += count;
    return lane;
  });
}

const LOST: Outcome = { status: 'skipped', why: 'the target gave no result' };
const UNJUDGED: StepVerdict = { kind: 'unjudged', why: 'an earlier answer was not allowed' };
