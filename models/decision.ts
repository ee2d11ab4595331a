import { ERRNO } from './base/errno.js';
import type { Leave, Rule, Splat } from './ioctls/description.js';
import { errnoOf } from './mutants.js';

/**
 * A rule as predictions ask for it: what is the same whenever it is asked is worked out once, and all are of one shape, without
 * which asking thirty of them for each call costs more than what they look up.
 */
export class Decision<C> {
  /** `call/rule`. */
  readonly because: string;
  /** The answer; undefined where the rule says that the model cannot tell. */
  readonly errno: number | undefined;
  readonly mayLeave: Leave;
  readonly splat: Splat | undefined;
  /** Whether the rule applies. */
  readonly when: (this: void, c: C) => boolean;

  constructor(
    call: string,
    readonly rule: Rule<C>,
  ) {
    const { id, leaves, splat, when } = rule;
    const errno = errnoOf(id);
    this.because = `${call}/${id}`;
    this.errno = errno === undefined ? undefined : ERRNO[errno];
    this.mayLeave = leaves === undefined ? 'nothing' : (leaves.changesOnly ?? 'anything');
    this.splat = splat;
    this.when = when;
  }
}

/** The rules of a call, or of what has another name, in their order. */
export function decisionsOf<C>(call: string, rules: readonly Rule<C>[]): readonly Decision<C>[] {
  return rules.map((rule) => new Decision(call, rule));
}
