import { errnoName } from './base/errno.js';
import { type Difference, compareOutputs } from './difference.js';
import type { CallDescription } from './ioctls/description.js';
import type { Returned } from './outcome.js';
import type { Branch, Enacted, Prediction, Unspecified } from './prediction.js';
import type { RawStep } from './program/raw.js';

/** What the model makes of an observed answer. */
export type Comparison =
  | { readonly kind: 'fits'; readonly branch: Branch; readonly enacted: Enacted }
  | Unspecified
  | { readonly kind: 'mismatch'; readonly mismatch: Mismatch };

/** An answer that is not allowed. */
export interface Mismatch {
  /** The answers that were allowed, each with the rule that gives it. */
  readonly allowed: readonly string[];
  readonly seen: string;
  /** The rules that give the answers that were allowed. */
  readonly rules: readonly string[];
  readonly differences: readonly Difference[];
}

/** Holds a prediction against an answer; the state takes the branch that the answer took. */
export function compare(
  prediction: Prediction,
  step: RawStep,
  call: CallDescription | undefined,
  seen: Returned,
): Comparison {
  if (prediction.kind === 'unspecified') return prediction;
  const branch = prediction.branches.find((allowed) => isOf(allowed, seen));
  if (branch === undefined) return mismatch(prediction.branches, seen, []);
  const enacted = branch.enact(seen);
  const { returned, illegal } = enacted;
  const differences: Difference[] = [
    ...illegal.map((seenText) => ({ where: 'choice', expected: 'a legal value', seen: seenText })),
    ...compareValue(returned, seen),
    ...compareOutputs(step, call, returned, seen),
  ];
  return differences.length === 0 ? { kind: 'fits', branch, enacted } : mismatch([branch], seen, differences);
}

function isOf({ errno, injections }: Branch, { errno: seen, injected }: Returned): boolean {
  if (errno !== seen) return false;
  return injections === undefined || (injected !== undefined && injections.includes(injected));
}

function compareValue({ value: expected }: Returned, { value, errno }: Returned): Difference[] {
  if (errno !== 0 || expected === value) return [];
  return [{ where: 'return value', expected: String(expected), seen: String(value) }];
}

function mismatch(
  branches: readonly Branch[],
  seen: Returned,
  differences: readonly Difference[],
): Comparison {
  const allowed = branches.map(({ errno, because }) => `${errnoName(errno)} (${because})`);
  const rules = branches.map(({ because }) => because);
  return { kind: 'mismatch', mismatch: { allowed, rules, seen: errnoName(seen.errno), differences } };
}
