import { present } from '../../base/assert.js';
import { wrapU64 } from '../../base/u64.js';
import { INVARIANTS_OF_DESIGNS } from '../invariants/index.js';
import type { DesignMoment } from '../invariants/invariant.js';
import { ActiveCall, type CallHost, resultOf } from './active_call.js';
import { type Argument, NO_SUCH_HANDLE, type Value, valueOfName } from './argument.js';
import type { AnyValues, DefectId } from './call.js';
import { type Design, callOf } from './design.js';
import { Locks } from './locks.js';
import type { StepOutcome } from './outcome.js';
import type { DesignOperand, DesignStep } from './program.js';
import { type View, viewText } from './view.js';

/** Something that a step has broken. */
export interface Breach {
  readonly invariant: string;
  readonly what: string;
  /** Index of the step. */
  readonly step: number;
  /** The defects that it shows, as far as they can be told. */
  readonly defects: readonly string[];
}

/** A design at work: calls are started, run from pause to pause, and judged when they return. */
export class DesignRun implements CallHost {
  readonly state: unknown;
  readonly locks = new Locks();
  readonly breaches: Breach[] = [];
  readonly #outcomes = new Map<number, StepOutcome>();
  readonly #labels = new Map<string, number>();
  /** Step by which a defect was traced last. */
  readonly #traces = new Map<string, number>();
  #view: View;
  #text: string;
  /** The state that each call found. */
  readonly #entered = new Map<number, { readonly view: View; readonly text: string }>();
  /** What is broken at the moment, so that it is told once. */
  #standing = new Set<string>();
  /** Set by behaviour that nobody can follow. */
  #isOver = false;

  constructor(readonly design: Design) {
    this.state = design.initial();
    this.#view = design.view(this.state);
    this.#text = viewText(this.#view);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get view(): View {
    return this.#view;
  }

  outcomeOf(step: number): StepOutcome | undefined {
    return this.#outcomes.get(step);
  }

  trace(defect: DefectId, step: number): void {
    this.#traces.set(defect, step);
  }

  /** Enters a call. */
  start(step: DesignStep, index: number): ActiveCall {
    const call = present(callOf(this.design, step.call), `call ${step.call}`);
    const args = Object.entries(call.args).map(([name, argument]): [string, Value] => {
      const operand = step.args?.[name];
      return [name, operand === undefined ? present(argument.usual, name) : this.#valueOf(argument, operand)];
    });
    if (step.as !== undefined) this.#labels.set(step.as, index);
    this.#entered.set(index, { view: this.#view, text: this.#text });
    return new ActiveCall(this, call, Object.fromEntries(args), index);
  }

  /** A call from entry to return, with nobody else at work. */
  perform(step: DesignStep, index: number): StepOutcome {
    const active = this.start(step, index);
    while (active.outcome === undefined) {
      if (active.blockedOn === undefined) active.advance();
      else active.starve();
    }
    this.settle(active, true);
    return active.outcome;
  }

  /**
   * Judges what a call has come to.
   * @param isAlone whether nobody else has run since it entered
   */
  settle(active: ActiveCall, isAlone: boolean): void {
    const outcome = present(active.outcome, 'an outcome');
    this.#outcomes.set(active.step, outcome);
    if (outcome.is === 'undefined') this.#isOver = true;
    const { call, args, printed, contradictions, cause, mayLeave } = active;
    const { destroyed } = active;
    const ended = { call, args, outcome, printed, contradictions, cause, mayLeave, isAlone, destroyed };
    this.#judge({ ended, step: active.step });
  }

  /** Judges the state while calls are under way. */
  settlePause(step: number): void {
    this.#judge({ ended: undefined, step });
  }

  #judge({ ended, step }: Pick<DesignMoment, 'ended'> & { readonly step: number }): void {
    const { view: before, text: textBefore } =
      ended === undefined
        ? { view: this.#view, text: this.#text }
        : present(this.#entered.get(step), 'an entry');
    // After undefined behaviour there is no state to look at.
    if (!this.#isOver) {
      this.#view = this.design.view(this.state);
      this.#text = viewText(this.#view);
    }
    const moment: DesignMoment = {
      ended,
      before,
      after: this.#view,
      isChanged: this.#text !== textBefore,
    };
    const standing = new Set<string>();
    for (const invariant of INVARIANTS_OF_DESIGNS) {
      if (ended === undefined && !invariant.holdsAtPauses) continue;
      if (invariant.facet !== undefined && moment.after[invariant.facet] === undefined) continue;
      for (const what of invariant.check(moment)) {
        const key = `${invariant.id} ${what}`;
        standing.add(key);
        if (this.#standing.has(key)) continue;
        const defects = this.#blame(invariant.id, step, ended);
        this.breaches.push({ invariant: invariant.id, what, step, defects });
      }
    }
    this.#standing = standing;
  }

  /** The defects behind a breach: what the outcome names, else those of the invariant that this step traced, else any. */
  #blame(invariant: string, step: number, ended: EndedCall | undefined): string[] {
    const outcome = ended?.outcome;
    if (invariant === 'defined_result' && outcome !== undefined && 'defect' in outcome) {
      if (outcome.defect !== undefined) return [outcome.defect];
    }
    const broken = this.design.defects.filter(({ breaks }) => breaks.some((id) => id === invariant));
    const shown = broken.filter(
      ({ id, shownBy = [] }) => this.#traces.get(id) === step || shownBy.includes(ended?.call.name ?? ''),
    );
    const blamed = shown.length > 0 ? shown : broken.filter(({ id }) => this.#traces.has(id));
    return blamed.map(({ id }) => id);
  }

  #valueOf(argument: Argument, operand: DesignOperand): Value {
    const value =
      typeof operand === 'object'
        ? this.#refer(operand.ref, operand.plus ?? 0)
        : typeof operand === 'string'
          ? present(valueOfName(argument, operand), operand)
          : operand;
    return argument.isWide ? wrapU64(BigInt(value)) : Number(value);
  }

  #refer(reference: string, plus: Value): Value {
    const [label = '', output] = reference.split('.');
    const step = this.#labels.get(label);
    const outcome = step === undefined ? undefined : this.#outcomes.get(step);
    const found = resultOf(outcome, output);
    return found === undefined ? NO_SUCH_HANDLE : BigInt(found) + BigInt(plus);
  }
}

/** What a moment knows of a call that has just returned. */
export interface EndedCall {
  readonly call: ActiveCall['call'];
  readonly args: AnyValues;
  readonly outcome: StepOutcome;
  readonly printed: readonly string[];
  readonly contradictions: readonly string[];
  readonly cause: ActiveCall['cause'];
  readonly mayLeave: boolean;
  readonly isAlone: boolean;
  /** The object that the call was to remove, as views name it. */
  readonly destroyed: string | undefined;
}
