import { takeSnapshot } from '../invariants/snapshot.js';
import type { ModelRun, StepVerdict } from '../model_run.js';
import type { Outcome } from '../outcome.js';
import type { AssembledProgram } from '../program/assemble.js';
import type { RawLanes, RawStep } from '../program/raw.js';
import type { CopySource } from '../state/copy_source.js';
import type { HwptPaging } from '../state/objects.js';
import type { Steps } from '../state/steps.js';
import { type CallUnderWay, UNMAPPING } from './lane_call.js';

/** What the model says of a whole program. */
export interface JudgedSteps {
  readonly run: ModelRun;
  /** In the order of the program's steps. */
  readonly verdicts: readonly StepVerdict[];
  /** The order of the steps that explains the answers, or that explains most of them. */
  readonly order: readonly number[];
}

/** Which of several lanes went on, or which of several things happened. */
export interface Choice {
  readonly taken: number;
  /** What could have been instead, and has not been tried. */
  readonly untried: readonly number[];
}

/** One order, up to where it does not explain an answer. */
export interface Attempt extends JudgedSteps {
  readonly choices: readonly Choice[];
  /** What ended it: nothing, an answer that is not allowed, or one that the model cannot tell. */
  readonly end: 'explains' | 'refuses' | 'untold';
}

/** One way through a program. */
export class OrderRun {
  readonly #verdicts: StepVerdict[];
  readonly #order: number[] = [];
  readonly #choices: Choice[] = [];
  #end: Attempt['end'] = 'explains';

  constructor(
    private readonly program: AssembledProgram,
    private readonly outcomes: readonly Outcome[],
    private readonly run: ModelRun,
    /** What is taken at each choice, as far as that is decided; then the first. */
    private readonly decided: readonly number[],
    /** States in lanes from which all that can follow has been tried or is being tried, with the choices that led there. */
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
    const lanes = lanesOf(counts, first);
    while (this.#end === 'explains') {
      const able = lanes.filter(({ next, end, rest }) => next < end || rest !== undefined);
      if (able.length === 0) break;
      this.#take(lanes, this.#choose([...able.map(({ index }) => index), ...this.#lookingUp(lanes)]));
      this.#leaveKnown(lanes);
    }
    return (lanes.at(-1)?.end ?? first) - 1;
  }

  /** Numbers of the lanes whose copy can look its source up now, and go on when others have removed it; above those of lanes. */
  #lookingUp(lanes: readonly Lane[]): number[] {
    const isLooking = ({ index, next, end, rest, found }: Lane): boolean =>
      next < end &&
      rest === undefined &&
      found === undefined &&
      this.program.calls[next]?.name === 'IOMMU_IOAS_COPY' &&
      lanes.some((other) => other.index !== index && this.#removes(other));
    return lanes.filter(isLooking).map(({ index }) => lanes.length + index);
  }

  /** Whether a lane has a call left that removes areas. */
  #removes({ next, end }: Lane): boolean {
    return this.program.calls.slice(next, end).some((call) => call !== undefined && REMOVING.has(call.name));
  }

  #take(lanes: readonly Lane[], choice: number): void {
    const lane = lanes[choice % lanes.length] as Lane;
    if (choice < lanes.length) this.#goOn(lanes, lane);
    else this.#lookUp(lane);
  }

  /** A copy finds its source. What has none is no news later. Memory of files would have to be kept for it. */
  #lookUp(lane: Lane): void {
    const source = this.run.findCopySource(this.program.steps[lane.next] as RawStep);
    if (source?.slices?.every(({ pages }) => pages.source.kind === 'user') === true) {
      lane.found = { source, after: this.#order.length };
    } else this.#end = 'refuses';
  }

  /** A lane finishes the call that it has begun, or begins the next. */
  #goOn(lanes: readonly Lane[], lane: Lane): void {
    if (lane.rest !== undefined) {
      this.#finish(lane, lane.rest, this.#isUsed(lanes, lane));
      return;
    }
    const { world } = this.run;
    world.onSteps = (rest, goesNext) => {
      lane.rest = rest;
      lane.goesNext = goesNext;
    };
    world.earlyCopySource = lane.found?.source;
    this.#judge(lane.next, this.#underWay(lanes, lane));
    world.onSteps = undefined;
    world.earlyCopySource = undefined;
    lane.found = undefined;
    lane.next += 1;
  }

  /** The next of the steps in which a call goes on after it has decided what it answers. */
  #finish(lane: Lane, rest: Steps, isUsed: boolean): void {
    const at = lane.next - 1;
    const { isDone, goesNext, violation } = this.run.goOn(this.program.steps[at] as RawStep, rest, isUsed);
    lane.restsTaken += 1;
    lane.goesNext = goesNext;
    if (isDone) lane.rest = undefined;
    if (violation === undefined) return;
    this.#verdicts[at] = violation;
    this.#end = 'refuses';
  }

  /** Whether what goes next is used by a call of another lane: where one may use it, both is tried. */
  #isUsed(lanes: readonly Lane[], lane: Lane): boolean {
    const { goesNext } = lane;
    if (goesNext === undefined) return false;
    const at = lane.next - 1;
    const moment = { underWay: this.#underWay(lanes, lane), goesNext };
    const { steps, calls } = this.program;
    return this.run.mayStay(steps[at] as RawStep, calls[at], moment) && this.#choose([0, 1]) === 1;
  }

  /** Ends where another order has led to the same state, from which nothing explains the rest. */
  #leaveKnown(lanes: readonly Lane[]): void {
    if (this.#end === 'explains' && this.#isKnown(lanes)) this.#end = 'refuses';
  }

  #isKnown(lanes: readonly Lane[]): boolean {
    const { world } = this.run;
    const { values } = takeSnapshot(world);
    const places = lanes.flatMap(({ next, restsTaken, found }) => [next, restsTaken, found?.after ?? 0]);
    const { contents } = world.memory.physical;
    const state = [...places, ...values, contents.describe()].join();
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
    const taken = this.decided[this.#choices.length] ?? only;
    this.#choices.push({ taken, untried: able.filter((other) => other > taken) });
    return taken;
  }

  #judge(at: number, underWay: readonly CallUnderWay[]): void {
    const { steps, calls } = this.program;
    const choose = (count: number): number => this.#choose([...new Array<undefined>(count).keys()]);
    const moment = { at, underWay, choose };
    const verdict = this.run.judge(steps[at] as RawStep, calls[at], this.outcomes[at] ?? LOST, moment);
    this.#verdicts[at] = verdict;
    this.#order.push(at);
    if (verdict.kind === 'mismatch' || verdict.kind === 'violation') this.#end = 'refuses';
    if (verdict.kind === 'unspecified') this.#end = 'untold';
  }
}

/** Calls that remove areas. */
const REMOVING: ReadonlySet<string> = new Set([...UNMAPPING.keys(), 'IOMMU_DESTROY']);

/** The steps of one lane: those before `next` have been judged. */
interface Lane {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  next: number;
  /** What the call before `next` still does. */
  rest: Steps | undefined;
  /** What its next call, a copy, has found already, and after how many steps. */
  found: { readonly source: CopySource; readonly after: number } | undefined;
  /** What goes in its next step, unless another call uses it. */
  goesNext: HwptPaging | undefined;
  /** How many steps of calls that went on have been taken. */
  restsTaken: number;
}

function lanesOf(counts: readonly number[], first: number): Lane[] {
  let start = first;
  return counts.map((count, index) => {
    const lane = {
      index,
      start,
      end: start + count,
      next: start,
      rest: undefined,
      found: undefined,
      goesNext: undefined,
      restsTaken: 0,
    };
    start += count;
    return lane;
  });
}

const LOST: Outcome = { status: 'skipped', why: 'the target gave no result' };
const UNJUDGED: StepVerdict = { kind: 'unjudged', why: 'an earlier answer was not allowed' };
