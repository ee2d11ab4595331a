import { present } from '../../models/base/assert.js';
import { takeSnapshot } from '../../models/invariants/snapshot.js';
import type { Behaviour } from '../../models/behaviour.js';
import type { Splat } from '../../models/ioctls/description.js';
import type { CallUnderWay } from '../../models/lanes/lane_call.js';
import {
  type RaceContext,
  mayMeetPageTable,
  mayMeetPassing,
  mayOutlive,
  racingAnswers,
} from '../../models/lanes/races.js';
import type { Counters, Injection, Returned } from '../../models/outcome.js';
import type { Branch, Prediction } from '../../models/prediction.js';
import { predictStep } from '../../models/predict_step.js';
import type { AssembledProgram } from '../../models/program/assemble.js';
import { type RawLanes, type RawStep, buffersOf } from '../../models/program/raw.js';
import type { HwptPaging } from '../../models/state/objects.js';
import type { Steps } from '../../models/state/steps.js';
import { World } from '../../models/state/world.js';
import { StepLog } from '../../models/step_log.js';

/** What a step may answer. */
export interface Answer {
  /** The rule that decides it. */
  readonly because: string;
  readonly errno: number;
  readonly value: number;
  readonly counters: Counters | undefined;
  /** What must have been made to fail; undefined where that does not matter. */
  readonly injections: readonly Injection[] | undefined;
  /** Each buffer afterwards: its bytes, as before, or anything. */
  readonly buffers: readonly (Uint8Array | 'before' | 'anything')[];
}

/** A place where the program may go on in several ways. */
interface Choice {
  readonly taken: number;
  readonly count: number;
}

/** A lane on its way. */
interface Lane {
  readonly start: number;
  readonly end: number;
  next: number;
  /** What the call before `next` still does. */
  rest: Steps | undefined;
  /** What goes in its next step, unless another call uses it. */
  goesNext: HwptPaging | undefined;
}

/** One way through a program, part by part: lanes are a part, and so is each step without lanes. */
export class Walk {
  readonly answers: (Answer | undefined)[];
  /** Titles of messages that come each time. */
  readonly splats = new Set<string>();
  readonly possibleSplats = new Set<string>();
  hasFreeChoices = false;
  /** Whether the model does not know the state any more. */
  isLost = false;
  /** Index of the first step of the next part. */
  #next = 0;
  readonly #world = new World();
  readonly #log = new StepLog();
  readonly #choices: Choice[] = [];

  constructor(
    private readonly program: AssembledProgram,
    private readonly behaviour: Behaviour,
    private readonly wanted: readonly number[],
  ) {
    this.answers = program.steps.map(() => undefined);
  }

  /** The choices so far. */
  get choices(): readonly number[] {
    return this.#choices.map(({ taken }) => taken);
  }

  /** Goes on to a part. */
  goTo(first: number): void {
    while (this.#next < first && !this.isLost) this.goThroughPart();
  }

  /** Carries a part out; returns the index of the first step of the next one. */
  goThroughPart(): number {
    const at = this.#next;
    const step = present(this.program.steps[at], 'a step');
    this.#step(at, []);
    this.#next = step.do === 'lanes' ? this.#lanes(step, at + 1) + 1 : at + 1;
    return this.#next;
  }

  /** The choices of the next walk, of which so many stay as they are, without these; undefined after the last. */
  nextChoices(kept: number): readonly number[] | undefined {
    for (let at = this.#choices.length - 1; at >= kept; at--) {
      const { taken, count } = present(this.#choices[at], 'a choice');
      if (taken + 1 < count) return [...this.choices.slice(kept, at), taken + 1];
    }
    return undefined;
  }

  /** All that later answers depend on, as a text that is the same for the same. */
  describeState(): string {
    const { values } = takeSnapshot(this.#world);
    const { contents } = this.#world.memory.physical;
    const read = this.#readLater().map((at) => this.answers[at]?.buffers.map(String).join(';'));
    return [...values, contents.describe(), ...read, ...this.splats].join();
  }

  /** Steps so far whose buffers later steps read. */
  #readLater(): number[] {
    const later = this.program.steps.slice(this.#next);
    const sources = later
      .flatMap((step) => (step.do === 'ioctl' ? step.patches : []))
      .map(({ from }) => from.step);
    return [...new Set(sources)].filter((at) => at < this.#next);
  }

  #choose(count: number): number {
    if (count === 1) return 0;
    const taken = this.wanted[this.#choices.length] ?? 0;
    this.#choices.push({ taken, count });
    return taken;
  }

  /** Returns the index of the last step of the lanes. */
  #lanes({ counts }: RawLanes, first: number): number {
    let start = first;
    const lanes = counts.map((count): Lane => {
      const lane = { start, end: start + count, next: start, rest: undefined, goesNext: undefined };
      start += count;
      return lane;
    });
    while (!this.isLost) {
      const able = lanes.filter(({ next, end, rest }) => next < end || rest !== undefined);
      if (able.length === 0) break;
      this.#goOn(lanes, present(able[this.#choose(able.length)], 'a lane'));
    }
    return start - 1;
  }

  /** A lane finishes the call that it has begun, or begins the next. */
  #goOn(lanes: readonly Lane[], lane: Lane): void {
    if (lane.rest !== undefined) {
      const { done, value } = lane.rest.next(this.#isUsed(lanes, lane));
      lane.goesNext = value ?? undefined;
      if (done === true) lane.rest = undefined;
      return;
    }
    this.#world.onSteps = (rest, goesNext) => {
      lane.rest = rest;
      lane.goesNext = goesNext;
    };
    this.#step(lane.next, this.#underWay(lanes, lane));
    this.#world.onSteps = undefined;
    lane.next += 1;
  }

  /** Whether what goes next is used by a call of another lane: where one may use it, both is possible. */
  #isUsed(lanes: readonly Lane[], lane: Lane): boolean {
    const { goesNext } = lane;
    if (goesNext === undefined) return false;
    const at = lane.next - 1;
    const step = this.#log.resolve(present(this.program.steps[at], 'a step'));
    const c = { ...this.#raceOf(step, at, this.#underWay(lanes, lane)), goesNext };
    return mayOutlive(c) && this.#choose(2) === 1;
  }

  /** In each other lane, the step before this moment and the one after it. */
  #underWay(lanes: readonly Lane[], lane: Lane): CallUnderWay[] {
    return lanes
      .filter((other) => other !== lane)
      .flatMap(({ start, next, end }) => [next - 1, next].filter((at) => at >= start && at < end))
      .map((at) => ({
        step: this.#log.resolve(present(this.program.steps[at], 'a step')),
        call: this.program.calls[at],
      }));
  }

  #step(at: number, others: readonly CallUnderWay[]): void {
    const step = this.#log.resolve(present(this.program.steps[at], 'a step'));
    for (const { title, canFollow } of this.behaviour.profile.possibleSplats)
      if (canFollow(this.#world)) this.possibleSplats.add(title);
    const prediction = predictStep(this.#world, this.behaviour, step, 'exact');
    if (prediction.kind === 'unspecified') {
      if (prediction.splat !== undefined) this.possibleSplats.add(prediction.splat.title);
      this.isLost = true;
      return;
    }
    const branches = this.#branches(prediction, step, at, others);
    this.#take(branches[this.#choose(branches.length)] ?? present(branches[0], 'an answer'), step, at);
  }

  #branches(
    { branches }: Extract<Prediction, { kind: 'allowed' }>,
    step: RawStep,
    at: number,
    others: readonly CallUnderWay[],
  ): readonly Branch[] {
    if (others.length === 0) return withoutHidden(branches);
    const c = this.#raceOf(step, at, others);
    if (mayMeetPassing(c) || mayMeetPageTable(c)) this.hasFreeChoices = true;
    // Several may answer the same, and leave something else.
    return [...branches, ...racingAnswers(c)];
  }

  #raceOf(step: RawStep, at: number, others: readonly CallUnderWay[]): RaceContext {
    return {
      world: this.#world,
      races: this.behaviour.races,
      step,
      call: this.program.calls[at],
      others,
    };
  }

  #take(branch: Branch, step: RawStep, at: number): void {
    let isObserved = false;
    const seen: Returned = {
      status: 'returned',
      errno: branch.errno,
      value: 0,
      get out() {
        isObserved = true;
        return [];
      },
    };
    const { returned } = branch.enact(seen);
    if (branch.untold !== undefined) {
      this.isLost = true;
      return;
    }
    this.#log.record(step, returned, at);
    this.#noteSplat(branch.splat);
    this.answers[at] = {
      because: branch.because,
      errno: branch.errno,
      value: branch.errno === 0 ? returned.value : 0,
      counters: returned.counters,
      injections: branch.injections,
      buffers: buffersOf(step).map(
        (_, index) => returned.out[index] ?? (isObserved && index > 0 ? 'anything' : 'before'),
      ),
    };
  }

  #noteSplat(splat: Splat | undefined): void {
    if (splat === undefined) return;
    (splat.isOnce === true ? this.possibleSplats : this.splats).add(splat.title);
  }
}

/** The first that an answer fits is the one that counts. */
function withoutHidden(branches: readonly Branch[]): readonly Branch[] {
  return branches.filter(
    (branch, at) =>
      !branches.slice(0, at).some((earlier) => earlier.errno === branch.errno && covers(earlier, branch)),
  );
}

function covers({ injections: all }: Branch, { injections: some }: Branch): boolean {
  return all === undefined || (some?.every((one) => all.includes(one)) ?? false);
}
