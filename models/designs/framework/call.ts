import type { Rule, RuleId } from '../../ioctls/description.js';
import type { ArgumentTable, Value, ValuesOf } from './argument.js';
import type { Pause } from './locks.js';
import type { Outputs, Uninitialised, UndefinedKind } from './outcome.js';

/** A defect as the table of seeds counts it. */
export type DefectId = `D${number}.${number}`;

/** What a failing call is about, where an errno is meant to tell it. */
export type Cause = 'unknown input' | 'missing object' | 'unknown call';

/** What rules and effect of a call see; `S` is the design's state, `A` the decoded arguments. */
export interface DesignContext<S, A> {
  readonly state: S;
  readonly args: A;
  /** Number of the step, from 0: a name for who holds what. */
  readonly step: number;
  /**
   * Whether the design has a defect. Ask last in a condition, where it makes the difference: what breaks afterwards is
   * attributed to the defects that were asked for and are there.
   */
  has(this: void, defect: DefectId): boolean;
  /** Ends the run here: nobody can tell what follows. */
  undefined(this: void, defect: DefectId, kind: UndefinedKind, says: string): never;
  /** The value of a return that nothing has set; the call has done its work. */
  unset(this: void, defect: DefectId, says: string): Uninitialised;
  /** Ends the call by one of its rules, wherever the effect has come to. */
  fail(this: void, rule: RuleId): never;
  /** The kernel prints a line or a warning because of this call. */
  prints(this: void, line: string): void;
  /** The call contradicts what is written about it. */
  contradicts(this: void, says: string): void;
  /** Takes a mutex, or a spinlock (`atomic`), which must be released; others run while it waits. */
  lock(this: void, name: string, kind?: 'mutex' | 'atomic'): Generator<Pause, void>;
  unlock(this: void, name: string): void;
  /** Something that may sleep: undefined behaviour under a spinlock. */
  sleeps(this: void, what: string): void;
  /** Waits until something is the case. */
  until(this: void, what: string, isOver: () => boolean): Generator<Pause, void>;
}

/** A rule of a design's call; `when` is `decidedInEffect` for those that its effect comes to by `fail`. */
export type DesignRule<C> = Rule<C> & {
  /** What a failure by this rule means, where the errno should tell; a function if one test covers several. */
  readonly reports?: Cause | ((this: void, c: C) => Cause | undefined);
  /** What is written about the call and denied by this answer; asked when the rule decides. */
  readonly contradicts?: (this: void, c: C) => string | undefined;
};

/** Between two rules: takes a mutex that the call holds to its end. */
export interface Take {
  readonly takes: string;
}

export function take(takes: string): Take {
  return { takes };
}

/** Of a rule that only the effect can come to. */
export const decidedInEffect = (): boolean => false;

/** What an effect may return. */
export type Result = Outputs | Value | Uninitialised | undefined;

/** A handle that a call makes. */
export interface Product {
  readonly kind: string;
  /** The output that holds it; without one, the returned value. */
  readonly output?: string;
}

interface CallFace {
  /** As the patch or the kernel spells it. */
  readonly name: string;
  readonly doc: string;
  /** Patch and function. */
  readonly source: string;
  /** Whether it is a function inside the kernel. */
  readonly isKernel?: boolean;
  readonly makes?: readonly Product[];
}

/** A call before its types are erased. */
export interface DesignCallSpec<S, T extends ArgumentTable> extends CallFace {
  readonly args: T;
  /** The object that the call removes, as the view names it. */
  destroys?(this: void, args: ValuesOf<T>, state: S): string | undefined;
  /** In the order of the text. */
  readonly rules: readonly (DesignRule<DesignContext<S, ValuesOf<T>>> | Take)[];
  /** What the call does; a generator yields where others may run. */
  effect(this: void, c: DesignContext<S, ValuesOf<T>>): Result | Generator<Pause, Result>;
}

export type AnyValues = Readonly<Record<string, Value>>;
export type AnyDesignContext = DesignContext<unknown, AnyValues>;
export type AnyDesignRule = DesignRule<AnyDesignContext>;

/** A call as the framework sees it. */
export interface DesignCall extends CallFace {
  readonly isKernel: boolean;
  readonly makes: readonly Product[];
  readonly args: ArgumentTable;
  destroys(this: void, args: AnyValues, state: unknown): string | undefined;
  readonly rules: readonly (AnyDesignRule | Take)[];
  effect(this: void, c: AnyDesignContext): Result | Generator<Pause, Result>;
}

/** The maker of calls on a state. */
export function callsOn<S>(): <T extends ArgumentTable>(spec: DesignCallSpec<S, T>) => DesignCall {
  return (spec) =>
    ({
      isKernel: false,
      makes: [],
      destroys: () => undefined,
      ...spec,
    }) as unknown as DesignCall;
}

/** The rules of a call without what stands between them. */
export function rulesOf({ rules }: Pick<DesignCall, 'rules'>): AnyDesignRule[] {
  return rules.flatMap((rule) => ('takes' in rule ? [] : [rule]));
}
