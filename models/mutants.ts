import { ERRNO_NAMES, type Errno } from './base/errno.js';
import { present } from './base/assert.js';
import type { EffectMutant } from './effects/effect_mutant.js';
import type { Rule, RuleId } from './ioctls/description.js';

/**
 * One planted difference: in the rules of one call, derived from the descriptions, or in what calls do. A suite that misses one of
 * them does not test the rule, or the effect, that it is about.
 */
export type Mutant =
  | { readonly kind: 'drop'; readonly call: string; readonly rule: RuleId }
  | { readonly kind: 'swap'; readonly call: string; readonly rule: RuleId; readonly with: RuleId }
  | { readonly kind: 'errno'; readonly call: string; readonly rule: RuleId; readonly errno: Errno }
  /** A rule that applies always. */
  | { readonly kind: 'widen'; readonly call: string; readonly rule: RuleId }
  /** A refusal that leaves nothing behind. */
  | { readonly kind: 'clean'; readonly call: string; readonly rule: RuleId }
  | EffectMutant;

/** The name by which the command line and reports call a mutant. */
export function mutantName(mutant: Mutant): string {
  const place = `${mutant.call}/${mutant.rule}`;
  switch (mutant.kind) {
    case 'drop':
      return `${place}:drop`;
    case 'swap':
      return `${place}:swap:${mutant.with}`;
    case 'errno':
      return `${place}:errno:${mutant.errno}`;
    case 'widen':
      return `${place}:widen`;
    case 'clean':
      return `${place}:leaves_nothing`;
    default:
      return `${place}:${mutant.what}`;
  }
}

/**
 * Every mutant of a list of rules: each rule dropped, swapped with the next one, given another error number, and leaving nothing
 * behind. Two neighbours that answer and leave the same cannot be told apart by their order, so their swap is not made.
 */
export function mutantsOf(call: string, rules: readonly Rule<never>[]): Mutant[] {
  const mutants: Mutant[] = [];
  const answers = rules.filter((rule) => errnoOf(rule.id) !== undefined);
  for (const [index, rule] of answers.entries()) {
    mutants.push({ kind: 'drop', call, rule: rule.id });
    mutants.push({ kind: 'errno', call, rule: rule.id, errno: anotherErrno(rule.id) });
    if (rule.leaves !== undefined) mutants.push({ kind: 'clean', call, rule: rule.id });
    const next = answers[index + 1];
    if (next !== undefined && !answerAlike(rule, next)) {
      mutants.push({ kind: 'swap', call, rule: rule.id, with: next.id });
    }
  }
  return mutants;
}

/**
 * Mutants of rules of which each allows something more, and none forbids anything, so that their order means nothing: each dropped,
 * given another error number, and applied always.
 */
export function mutantsOfPermissions(call: string, rules: readonly Rule<never>[]): Mutant[] {
  return rules.flatMap(({ id: rule }): Mutant[] => [
    { kind: 'drop', call, rule },
    ...(errnoOf(rule) === undefined
      ? []
      : [{ kind: 'errno', call, rule, errno: anotherErrno(rule) } as const]),
    { kind: 'widen', call, rule },
  ]);
}

/** The rules with the difference in them; other calls' rules come back as they are. */
export function mutateRules<R extends Rule<never>>(
  call: string,
  rules: readonly R[],
  mutant: Mutant,
): readonly R[] {
  if (mutant.call !== call || isOfEffect(mutant)) return rules;
  switch (mutant.kind) {
    case 'drop':
      return rules.filter(({ id }) => id !== mutant.rule);
    case 'errno':
      return rules.map((rule) =>
        rule.id === mutant.rule ? { ...rule, id: `${mutant.errno}.mutant` as const } : rule,
      );
    case 'widen':
      return rules.map((rule) => (rule.id === mutant.rule ? { ...rule, when: () => true } : rule));
    case 'clean':
      return rules.map((rule) => (rule.id === mutant.rule ? withoutLeftover(rule) : rule));
    case 'swap':
      return swapped(rules, mutant.rule, mutant.with);
  }
}

/** Whether a difference is in what calls do, and not in whether they do it. */
export function isOfEffect(mutant: Mutant): mutant is EffectMutant {
  return 'what' in mutant;
}

/** The error number that a rule answers with; undefined for a rule that says the model cannot tell. */
export function errnoOf(id: RuleId): Errno | undefined {
  const name = id.slice(0, id.indexOf('.'));
  return ERRNOS.has(name) ? (name as Errno) : undefined;
}

const ERRNOS: ReadonlySet<string> = new Set(ERRNO_NAMES);

function withoutLeftover<R extends Rule<never>>(rule: R): R {
  const changed: { leaves?: unknown } = { ...rule };
  delete changed.leaves;
  return changed as R;
}

function swapped<R extends Rule<never>>(rules: readonly R[], first: RuleId, second: RuleId): R[] {
  const one = rules.find(({ id }) => id === first);
  const two = rules.find(({ id }) => id === second);
  return rules.map((rule) => {
    if (rule === one) return present(two, second);
    return rule === two ? present(one, first) : rule;
  });
}

function answerAlike(one: Rule<never>, two: Rule<never>): boolean {
  return errnoOf(one.id) === errnoOf(two.id) && one.leaves === two.leaves;
}

/** EINVAL, the errno a careless change would use; EFAULT where it is already that. */
function anotherErrno(id: RuleId): Errno {
  return errnoOf(id) === 'EINVAL' ? 'EFAULT' : 'EINVAL';
}
