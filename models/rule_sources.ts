import { hasCall, hasRule, rulesInOrder } from './behaviour.js';
import type { CallDescription, Rule } from './ioctls/description.js';
import { ENVELOPE_RULES } from './ioctls/envelope.js';
import { CALLS } from './ioctls/index.js';
import { LANES, RACES } from './lanes/races.js';
import { OPERATIONS } from './operations/index.js';
import type { OperationDescription } from './operations/operation.js';
import type { Profile } from './profiles/index.js';

/** Something that has rules: what every ioctl goes through, a call, an operation on files, or lanes. */
export interface RuleSource {
  readonly name: string;
  readonly rules: readonly Rule<never>[];
  readonly call?: CallDescription;
  readonly operation?: OperationDescription;
}

/** Everything that has rules, in the order of the manual. */
export const RULE_SOURCES: readonly RuleSource[] = [
  { name: 'envelope', rules: ENVELOPE_RULES },
  ...CALLS.map((call) => ({ name: call.name, rules: call.rules, call })),
  ...OPERATIONS.map((operation) => ({ name: operation.name, rules: operation.rules, operation })),
  { name: LANES, rules: RACES },
];

/** Those whose rules refuse. The rules of lanes allow something more, which the order of threads decides. */
export const REFUSING_SOURCES = RULE_SOURCES.filter(({ name }) => name !== LANES);

export function ruleSourceByName(name: string): RuleSource | undefined {
  return byName.get(name);
}

const byName = new Map(RULE_SOURCES.map((source) => [source.name, source]));

/** The rules of a source that a profile's kernel has, in its order; none if it lacks the call. */
export function rulesFor({ call, rules }: RuleSource, profile: Profile): readonly Rule<never>[] {
  if (call === undefined) return rules.filter((rule) => hasRule(profile, rule));
  return hasCall(profile, call) ? rulesInOrder(call, profile) : [];
}
