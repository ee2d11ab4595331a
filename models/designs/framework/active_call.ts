import { present } from '../../base/assert.js';
import type { RuleId } from '../../ioctls/description.js';
import { errnoOf } from '../../mutants.js';
import type { Value } from './argument.js';
import {
  type AnyDesignContext,
  type AnyDesignRule,
  type AnyValues,
  type Cause,
  type DefectId,
  type DesignCall,
  type Result,
  rulesOf,
} from './call.js';
import type { Design } from './design.js';
import type { Locks, Pause } from './locks.js';
import { CallFailure, type StepOutcome, UndefinedBehaviour, Uninitialised } from './outcome.js';

/** What a call belongs to. */
export interface CallHost {
  readonly design: Design;
  readonly state: unknown;
  readonly locks: Locks;
  /** Notes that a defect made a difference. */
  trace(defect: DefectId, step: number): void;
}

/** A call between its entry and its return: it runs from pause to pause. */
export class ActiveCall {
  readonly printed: string[] = [];
  readonly contradictions: string[] = [];
  /** The object that it is to remove, named when it enters. */
  readonly destroyed: string | undefined;
  #outcome: StepOutcome | undefined;
  #failedBy: AnyDesignRule | undefined;
  #waitingFor: Pause | undefined;
  readonly #body: Generator<Pause, StepOutcome>;
  readonly #context: AnyDesignContext;

  constructor(
    private readonly host: CallHost,
    readonly call: DesignCall,
    readonly args: AnyValues,
    readonly step: number,
  ) {
    this.destroyed = call.destroys(args, host.state);
    this.#context = this.#makeContext();
    this.#body = this.#run();
  }

  /** How it ended; undefined while it runs. */
  get outcome(): StepOutcome | undefined {
    return this.#outcome;
  }

  /** What a failing call was about, as far as its rule says. */
  get cause(): Cause | undefined {
    const reports = this.#failedBy?.reports;
    return typeof reports === 'function' ? reports(this.#context) : reports;
  }

  /** Whether the rule that it failed by says what stays behind. */
  get mayLeave(): boolean {
    return this.#failedBy?.leaves !== undefined;
  }

  /** What it waits for; undefined if it can go on. */
  get blockedOn(): string | undefined {
    return this.#waitingFor === undefined || this.#waitingFor.isOver()
      ? undefined
      : this.#waitingFor.waitsFor;
  }

  /** Runs up to the next pause, or to the end. */
  advance(): void {
    try {
      const { done, value } = this.#body.next();
      if (done === true) this.#outcome = value;
      else this.#waitingFor = value;
    } catch (error) {
      this.#outcome = this.#outcomeOf(error);
    }
  }

  /** Ends a call that can never go on. */
  starve(): void {
    const says = `waits for ${this.blockedOn ?? 'nothing'}, which nobody will release`;
    this.#outcome = { is: 'undefined', kind: 'deadlock', says, defect: undefined };
  }

  *#run(): Generator<Pause, StepOutcome> {
    const taken: string[] = [];
    try {
      for (const rule of this.call.rules) {
        if ('takes' in rule) {
          yield* this.#context.lock(rule.takes);
          taken.push(rule.takes);
        } else if (rule.when(this.#context)) return this.#failBy(rule);
      }
      const started = this.call.effect(this.#context);
      const result = isGenerator(started) ? yield* started : started;
      return outcomeOfResult(result);
    } catch (error) {
      if (error instanceof CallFailure) return this.#failBy(this.#ruleOf(error.rule));
      throw error;
    } finally {
      const { locks } = this.host;
      for (const name of taken) if (locks.isHeldBy(name, this.step)) locks.release(name, this.step);
    }
  }

  #failBy(rule: AnyDesignRule): StepOutcome {
    this.#failedBy = rule;
    rule.leaves?.does(this.#context);
    const contradiction = rule.contradicts?.(this.#context);
    if (contradiction !== undefined) this.contradictions.push(contradiction);
    return { is: 'errno', errno: present(errnoOf(rule.id), `errno of ${rule.id}`), rule: rule.id };
  }

  #ruleOf(id: RuleId): AnyDesignRule {
    return present(
      rulesOf(this.call).find((rule) => rule.id === id),
      `rule ${id} of ${this.call.name}`,
    );
  }

  #outcomeOf(error: unknown): StepOutcome {
    if (!(error instanceof UndefinedBehaviour)) throw error;
    return { is: 'undefined', kind: error.kind, says: error.says, defect: error.defect };
  }

  #makeContext(): AnyDesignContext {
    const { host, args, step, printed, contradictions } = this;
    const { locks, design } = host;
    return {
      state: host.state,
      args,
      step,
      has: (defect) => {
        const isThere = design.defects.some(({ id }) => id === defect);
        if (isThere) host.trace(defect, step);
        return isThere;
      },
      undefined: (defect, kind, says) => {
        throw new UndefinedBehaviour(kind, says, defect);
      },
      unset: (defect, says) => new Uninitialised(defect, says),
      fail: (rule) => {
        throw new CallFailure(rule);
      },
      prints: (line) => {
        printed.push(line);
      },
      contradicts: (says) => {
        contradictions.push(says);
      },
      lock: (name, kind = 'mutex') => locks.take(name, step, kind === 'atomic'),
      unlock: (name) => {
        locks.release(name, step);
      },
      sleeps: (what) => {
        locks.mustSleep(step, what);
      },
      *until(waitsFor, isOver) {
        yield { waitsFor, isOver };
      },
    };
  }
}

function outcomeOfResult(result: Result): StepOutcome {
  if (result instanceof Uninitialised) return { is: 'unset', defect: result.defect, says: result.says };
  if (typeof result === 'object') return { is: 'value', value: 0, outputs: result };
  return { is: 'value', value: result ?? 0, outputs: {} };
}

function isGenerator(started: unknown): started is Generator<Pause, Result> {
  return typeof started === 'object' && started !== null && 'next' in started;
}

/** The value that a reference to a step finds; undefined if the step has none of that name. */
export function resultOf(outcome: StepOutcome | undefined, output: string | undefined): Value | undefined {
  if (outcome?.is !== 'value') return undefined;
  return output === undefined ? outcome.value : outcome.outputs[output];
}
