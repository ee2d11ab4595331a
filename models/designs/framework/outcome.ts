import type { Errno } from '../../base/errno.js';
import { hex } from '../../base/u64.js';
import type { RuleId } from '../../ioctls/description.js';
import type { Value } from './argument.js';

/** What may happen to a kernel that runs into what C and its interfaces leave undefined. */
export const UNDEFINED_KINDS = [
  'NULL dereference',
  'use after free',
  'double free',
  'wild pointer',
  'out of bounds',
  'uninitialised value',
  'overflow',
  'underflow',
  'deadlock',
  'sleep in atomic context',
  'endless loop',
] as const;

export type UndefinedKind = (typeof UNDEFINED_KINDS)[number];

/** Ends a call whose behaviour nobody can tell from here on; the runner turns it into an outcome. */
export class UndefinedBehaviour extends Error {
  override readonly name = 'UndefinedBehaviour';

  constructor(
    readonly kind: UndefinedKind,
    readonly says: string,
    /** The defect that it is; undefined if a rule of the framework noticed it. */
    readonly defect?: string,
  ) {
    super(`${kind}: ${says}`);
  }
}

/** Ends a call with the errno of a rule that its effect has come to. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';

  constructor(readonly rule: RuleId) {
    super(rule);
  }
}

/** A returned value that nothing has set: the call ends, and what it returns is anything. */
export class Uninitialised {
  constructor(
    readonly defect: string,
    readonly says: string,
  ) {}
}

/** What a call hands out besides what it returns. */
export type Outputs = Readonly<Record<string, Value>>;

/** How one step ended. */
export type StepOutcome =
  | { readonly is: 'value'; readonly value: Value; readonly outputs: Outputs }
  | { readonly is: 'errno'; readonly errno: Errno; readonly rule: RuleId }
  | { readonly is: 'unset'; readonly defect: string; readonly says: string }
  | {
      readonly is: 'undefined';
      readonly kind: UndefinedKind;
      readonly says: string;
      readonly defect: string | undefined;
    };

/** An outcome in a few words: `0`, `OK`-values as numbers, an errno, or what is undefined. */
export function describeOutcome(outcome: StepOutcome): string {
  switch (outcome.is) {
    case 'errno':
      return outcome.errno;
    case 'unset':
      return 'uninitialised value';
    case 'undefined':
      return outcome.kind;
    case 'value': {
      const outputs = Object.entries(outcome.outputs).map(([name, value]) => `${name} ${number(value)}`);
      const isPlain = outputs.length === 0 || outcome.value !== 0;
      return [...(isPlain ? [number(outcome.value)] : []), ...outputs].join(', ');
    }
  }
}

function number(value: Value): string {
  return value >= 0x1000 ? hex(value) : String(value);
}
