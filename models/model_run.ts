import { present } from './base/assert.js';
import type { Behaviour } from './behaviour.js';
import { type Comparison, type Mismatch, compare } from './compare.js';
import type { CallDescription, Splat } from './ioctls/description.js';
import type { FindingId } from './findings.js';
import type { Invariant } from './invariants/index.js';
import { type Moment, NOTHING_TAKEN, ioasesOf, pagesOf, takenIdsOf } from './invariants/invariant.js';
import { type Snapshot, takeSnapshot } from './invariants/snapshot.js';
import type { Outcome, Returned } from './outcome.js';
import type { Branch, Prediction, Reading, Unspecified } from './prediction.js';
import { predictStep } from './predict_step.js';
import type { CallUnderWay } from './lanes/lane_call.js';
import {
  type RaceContext,
  mayMeetPassing,
  mayOutlive,
  racingAnswers,
  answersOfPassing,
} from './lanes/races.js';
import type { RawStep } from './program/raw.js';
import { PASIDS_OUTLIVE_DEVICE } from './pasids_outlive.js';
import type { CopySource } from './state/copy_source.js';
import { usesPasids } from './state/destroy.js';
import type { HwptPaging } from './state/objects.js';
import type { Steps } from './state/steps.js';
import { World } from './state/world.js';
import { StepLog } from './step_log.js';

/** Where a step of a lane stands in a serial order. */
interface LaneMoment {
  /** The index of the step in its program. */
  readonly at: number;
  /** What other lanes may be doing: in each, the step before this moment and the one after it. */
  readonly underWay: readonly CallUnderWay[];
  /** Takes one of so many possibilities, by its index. */
  choose(this: void, count: number): number;
}

/** Where a call of a lane gives up an automatic page table. */
interface LeavingMoment {
  readonly underWay: readonly CallUnderWay[];
  readonly goesNext: HwptPaging;
}

/** An invariant that does not hold, and how. */
export interface Violation {
  readonly invariant: string;
  readonly what: string;
}

interface Violated {
  readonly kind: 'violation';
  readonly because: string;
  readonly violation: Violation;
}

/** How far a call has come with what follows its answer. */
interface WentOn {
  readonly isDone: boolean;
  /** What goes in the next step, unless another call uses it. */
  readonly goesNext: HwptPaging | undefined;
  readonly violation: Violated | undefined;
}

/** What the model says of one step of a target's run. */
export type StepVerdict =
  | {
      readonly kind: 'exact' | 'legal';
      readonly because: string;
      readonly splat?: Splat;
      /** Kernel findings that the answer shows. */
      readonly findings: readonly FindingId[];
    }
  | { readonly kind: 'mismatch'; readonly mismatch: Mismatch }
  | Violated
  | Unspecified
  | { readonly kind: 'unjudged'; readonly why: string };

/** Sees what a program makes of the model's state; the same world belongs to one run. */
export interface ModelWatcher {
  /** Told after each step that may have changed it. */
  readonly changed?: (world: World) => void;
  /** Told of each call and of the state that it meets; what comes of it is told the rule that decided, if no other answer came. */
  readonly met?: (
    world: World,
    step: RawStep,
    call: CallDescription | undefined,
  ) => (because: string) => void;
}

/** A step with its references resolved, and what the model says of it. */
export interface Foreseen {
  readonly step: RawStep;
  readonly prediction: Prediction;
}

/** What the model does with a step of its own accord. */
export interface Executed {
  readonly returned: Returned;
  readonly because: string;
  readonly splat: Splat | undefined;
  readonly violation: Violation | undefined;
}

/** The model on its way through one program: it executes steps itself, or judges what a target made of them. */
export class ModelRun {
  readonly world = new World();
  readonly #log = new StepLog();
  readonly #possibleSplats = new Map<string, FindingId>();
  /** The state as it is, if somebody has looked since it changed. */
  #snapshot: Snapshot | undefined;
  #taken = NOTHING_TAKEN;
  #lost: string | undefined;
  /** What a later answer that does not fit may come of. */
  #doubt: Unspecified | undefined;

  constructor(
    private readonly behaviour: Behaviour,
    private readonly reading: Reading,
    private readonly invariants: readonly Invariant[],
    private readonly watcher: ModelWatcher = {},
  ) {
    behaviour.plantIn(this.world);
  }

  /** Kernel messages that may have come with the steps judged so far, by title, with the findings that they show. */
  get possibleSplats(): ReadonlyMap<string, FindingId> {
    return this.#possibleSplats;
  }

  /** What comes of a step if it is the next: nothing changes. */
  foresee(raw: RawStep): Foreseen {
    const step = this.#log.resolve(raw);
    return { step, prediction: predictStep(this.world, this.behaviour, step, 'exact') };
  }

  /** How many rules object to a step that nothing has happened since it was foreseen: the first of them decides. */
  objectionsTo({ step }: Foreseen): number {
    const prediction = predictStep(this.world, this.behaviour, step, 'contract');
    if (prediction.kind === 'unspecified') return 1;
    return prediction.branches.filter(({ errno, because }) => errno !== 0 && !isExhaustion(because)).length;
  }

  /** Carries a step out as the profile's kernel would; undefined where the model cannot tell. */
  execute(raw: RawStep): Executed | undefined {
    return this.carryOut(this.foresee(raw));
  }

  /** Carries a step out that nothing has happened since it was foreseen. */
  carryOut({ step, prediction }: Foreseen): Executed | undefined {
    if (prediction.kind === 'unspecified') return undefined;
    const branch = ownBranch(prediction);
    if (branch.untold !== undefined) return undefined;
    this.#lookBefore(branch.errno);
    const { returned } = branch.enact();
    this.#log.record(step, returned);
    const { because, splat } = branch;
    return { returned, because, splat, violation: this.#violation(step, branch) };
  }

  /** Carries a step out as the profile's kernel would, and says of it what it would say of a target that answers so. */
  follow(raw: RawStep): StepVerdict {
    if (this.#lost !== undefined) return { kind: 'unjudged', why: this.#lost };
    return this.followForeseen(this.foresee(raw));
  }

  /** Follows a step that nothing has happened since it was foreseen; one that it cannot follow leaves everything as it was. */
  followForeseen({ step, prediction }: Foreseen): StepVerdict {
    if (prediction.kind === 'unspecified') return this.#refuse(prediction);
    const branch = ownBranch(prediction);
    if (branch.untold !== undefined) return this.#refuse(unspecifiedAfter(branch, branch.untold));
    this.#lookBefore(branch.errno);
    this.#log.record(step, branch.enact().returned);
    return this.#accept(step, branch);
  }

  /** Where the model cannot tell what a step answers: why, and the kernel findings that it shows whatever that is. */
  untold(raw: RawStep): Unspecified | undefined {
    const { prediction } = this.foresee(raw);
    if (prediction.kind === 'unspecified') return prediction;
    const branch = ownBranch(prediction);
    return branch.untold === undefined ? undefined : unspecifiedAfter(branch, branch.untold);
  }

  /** What cannot be told of the files that are still open when all steps are over: they close without one. */
  end(): Unspecified | undefined {
    if (this.#lost !== undefined || !this.world.contexts.some(usesPasids)) return undefined;
    const untold: Unspecified = {
      kind: 'unspecified',
      because: 'close/unspecified.pasids_attached',
      why: 'a file is left open to which devices with PASIDs attached are bound: as it goes, the kernel warns, and uses memory that it has freed',
      findings: [PASIDS_OUTLIVE_DEVICE.finding],
      splat: PASIDS_OUTLIVE_DEVICE,
    };
    this.#refuse(untold);
    return untold;
  }

  /** Judges what a target made of a step. After an answer that the model cannot follow, it judges no more. */
  judge(raw: RawStep, call: CallDescription | undefined, outcome: Outcome, lane?: LaneMoment): StepVerdict {
    if (this.#lost !== undefined) return { kind: 'unjudged', why: this.#lost };
    if (outcome.status !== 'returned') return this.#notRun(raw, outcome);
    this.#notePossibleSplats();
    this.#lookBefore(outcome.errno);
    const step = this.#log.resolve(raw);
    const prediction = this.#predict(step, call, outcome.errno, lane);
    const decided = this.watcher.met?.(this.world, step, call);
    const comparison = compare(prediction, step, call, outcome);
    if (comparison.kind === 'unspecified') decided?.(comparison.because);
    if (comparison.kind === 'fits') {
      decided?.(comparison.branch.because);
      this.#log.record(step, outcome, lane?.at);
      const { branch } = comparison;
      if (branch.doubt !== undefined) this.#doubt = unspecifiedAfter(branch, branch.doubt);
      for (const splat of branch.maySplat ?? []) this.#mayPrint(splat);
      return branch.untold === undefined
        ? this.#accept(step, branch)
        : this.#refuse(unspecifiedAfter(branch, branch.untold));
    }
    return this.#refuse((comparison.kind === 'mismatch' ? this.#doubt : undefined) ?? comparison);
  }

  /**
   * Lets a call of a lane take the next of the steps that follow its answer.
   * @param isUsed whether another call uses what goes in it
   */
  goOn(raw: RawStep, rest: Steps, isUsed: boolean): WentOn {
    const because = 'lanes/rest';
    const { done, value } = rest.next(isUsed);
    this.watcher.changed?.(this.world);
    const violation = this.#violation(this.#log.resolve(raw), { errno: 0, mayLeave: 'anything' });
    return {
      isDone: done === true,
      goesNext: value ?? undefined,
      violation: violation && { kind: 'violation', because, violation },
    };
  }

  #predict(
    step: RawStep,
    call: CallDescription | undefined,
    errno: number,
    lane: LaneMoment | undefined,
  ): Prediction {
    const prediction = this.#plain(step);
    if (lane === undefined || lane.underWay.length === 0 || prediction.kind === 'unspecified')
      return prediction;
    const c = this.#raceOf(step, call, lane.underWay);
    const usual = mayMeetPassing(c) ? this.#withAnyChoice(step, prediction.branches) : prediction.branches;
    const passing = answersOfPassing(c, () => this.#plain(step));
    return { kind: 'allowed', branches: oneOf([...usual, ...passing, ...racingAnswers(c)], errno, lane) };
  }

  #plain(step: RawStep): Prediction {
    return predictStep(this.world, this.behaviour, step, this.reading);
  }

  /** What a copy would find under its source range now. */
  findCopySource(raw: RawStep): CopySource | undefined {
    this.world.copySource = undefined;
    predictStep(this.world, this.behaviour, this.#log.resolve(raw), this.reading);
    return this.world.copySource;
  }

  /** Whether an automatic page table that a call gives up may stay because others use it. */
  mayStay(raw: RawStep, call: CallDescription | undefined, moment: LeavingMoment): boolean {
    const { underWay, goesNext } = moment;
    return mayOutlive({ ...this.#raceOf(this.#log.resolve(raw), call, underWay), goesNext });
  }

  #raceOf(step: RawStep, call: CallDescription | undefined, underWay: readonly CallUnderWay[]): RaceContext {
    const others = underWay.map((other) => ({ ...other, step: this.#log.resolve(other.step) }));
    return { world: this.world, races: this.behaviour.races, step, call, others };
  }

  /** Success with whatever the kernel has chosen that is free. */
  #withAnyChoice(step: RawStep, branches: readonly Branch[]): readonly Branch[] {
    if (branches.some(({ errno }) => errno !== 0)) return branches;
    const free = predictStep(this.world, this.behaviour, step, 'contract');
    if (free.kind === 'unspecified') return branches;
    return free.branches
      .filter(({ errno }) => errno === 0)
      .map((branch) => ({ ...branch, reading: 'contract' as const }));
  }

  #notePossibleSplats(): void {
    for (const { title, finding, canFollow } of this.behaviour.profile.possibleSplats) {
      if (!this.#possibleSplats.has(title) && canFollow(this.world)) this.#possibleSplats.set(title, finding);
    }
  }

  #accept(step: RawStep, branch: Branch): StepVerdict {
    const { because, splat, findings } = branch;
    if (branch.mayLeave === 'anything') this.watcher.changed?.(this.world);
    const violation = this.#violation(step, branch);
    if (violation !== undefined) return { kind: 'violation', because, violation };
    const kind = this.reading === 'exact' ? 'exact' : 'legal';
    return { kind, because, findings, ...(splat === undefined ? {} : { splat }) };
  }

  #refuse(comparison: Exclude<Comparison, { kind: 'fits' }>): StepVerdict {
    if (comparison.kind === 'mismatch') this.#lost = 'an earlier answer was not allowed';
    else {
      this.#lost = 'the model does not know the state after an unspecified answer';
      if (comparison.splat !== undefined) this.#mayPrint(comparison.splat);
    }
    return comparison;
  }

  #mayPrint({ title, finding, followedBy = [] }: Splat): void {
    for (const possible of [title, ...followedBy]) this.#possibleSplats.set(possible, finding);
  }

  /** A step without an answer: the embedded model goes no further where it cannot tell. */
  #notRun(raw: RawStep, { status }: Outcome): StepVerdict {
    const untold = status === 'skipped' ? this.untold(raw) : undefined;
    if (untold !== undefined) return this.#refuse(untold);
    this.#lost = `the step ${status}`;
    return { kind: 'unjudged', why: this.#lost };
  }

  /** What a failing call meets, which it must leave. */
  #lookBefore(errno: number): void {
    if (errno !== 0 && this.invariants.length > 0) this.#snapshot ??= takeSnapshot(this.world);
  }

  #lookAfter(): NonNullable<Moment['failed']> {
    return { before: present(this.#snapshot, 'a look before the call'), after: takeSnapshot(this.world) };
  }

  #violation(
    step: RawStep,
    { errno, mayLeave, reading = this.reading }: Pick<Branch, 'errno' | 'mayLeave' | 'reading'>,
  ): Violation | undefined {
    if (this.invariants.length === 0) return undefined;
    const failed = errno === 0 || mayLeave === 'anything' ? undefined : this.#lookAfter();
    this.#snapshot = failed?.after;
    const takenBefore = this.#taken;
    const taken = takenIdsOf(this.world, takenBefore);
    this.#taken = taken;
    const ioases = ioasesOf(this.world);
    const moment = {
      world: this.world,
      ioases,
      pages: pagesOf(ioases),
      step,
      reading,
      errno,
      mayLeave,
      failed,
      takenBefore,
      taken,
    };
    for (const { id, check } of this.invariants) {
      const what = check(moment);
      if (what !== undefined) return { invariant: id, what };
    }
    return undefined;
  }
}

/** Of several things that an answer can have left, one. */
function oneOf(branches: readonly Branch[], errno: number, { choose }: LaneMoment): readonly Branch[] {
  const fitting = branches.filter((branch) => branch.errno === errno);
  const first = fitting.find(({ mayLeave }) => mayLeave !== 'anything');
  const different = fitting.filter((branch) => branch === first || branch.mayLeave === 'anything');
  if (different.length < 2) return branches;
  return different.slice(choose(different.length));
}

/** Of memory that may run out in any call that allocates. */
function isExhaustion(because: string): boolean {
  return because.endsWith('/ENOMEM.memory');
}

/** What the model answers as a target. */
function ownBranch({ own, branches }: Extract<Prediction, { kind: 'allowed' }>): Branch {
  return present(own ?? branches[0], 'an answer');
}

/** What is said of an answer after which the model does not know the state. */
function unspecifiedAfter({ because, findings }: Branch, why: string): Unspecified {
  return { kind: 'unspecified', because, why, findings };
}
