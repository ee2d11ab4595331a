import { assert } from './base/assert.js';
import type { AnyRule, CallDescription, Rule } from './ioctls/description.js';
import { ENVELOPE_RULES, type EnvelopeContext } from './ioctls/envelope.js';
import { CALLS } from './ioctls/index.js';
import { LANES, RACES, type Race } from './lanes/races.js';
import { TEST_COMMAND } from './ioctls/test/test_command.js';
import { type Mutant, mutateRules } from './mutants.js';
import { OPERATIONS } from './operations/index.js';
import type { OperationDescription } from './operations/operation.js';
import type { Profile } from './profiles/index.js';

/** The rules of a kernel: those its profile has, in the order of its profile, with at most one planted difference. */
export class Behaviour {
  readonly envelope: readonly Rule<EnvelopeContext>[];
  /** What calls of lanes may answer because they overlap. */
  readonly races: readonly Race[];
  readonly #rules: ReadonlyMap<CallDescription, readonly AnyRule[]>;
  readonly #operationRules: ReadonlyMap<OperationDescription, OperationDescription['rules']>;

  constructor(
    readonly profile: Profile,
    readonly mutant?: Mutant,
  ) {
    this.envelope = mutant === undefined ? ENVELOPE_RULES : mutateRules('envelope', ENVELOPE_RULES, mutant);
    this.races = mutant === undefined ? RACES : mutateRules(LANES, RACES, mutant);
    this.#rules = new Map(
      CALLS.map((call) => {
        const rules = rulesInOrder(call, profile);
        return [call, mutant === undefined ? rules : mutateRules(call.name, rules, mutant)];
      }),
    );
    this.#operationRules = new Map(
      OPERATIONS.map((operation) => {
        const rules = operation.rules.filter((rule) => rule.isFor?.(profile) ?? true);
        return [operation, mutant === undefined ? rules : mutateRules(operation.name, rules, mutant)];
      }),
    );
  }

  rulesOfOperation(operation: OperationDescription): OperationDescription['rules'] {
    return this.#operationRules.get(operation) ?? [];
  }

  rulesOf(call: CallDescription): readonly AnyRule[] {
    return this.#rules.get(call) ?? [];
  }
}

/** Whether a profile's kernel has a call at all. */
export function hasCall({ lastCommand, lastTestOp }: Profile, call: CallDescription): boolean {
  const { command, op, protocol } = call;
  if (protocol === 'vfio') return true;
  return op === undefined ? (command & 0xff) <= lastCommand || command === TEST_COMMAND : op <= lastTestOp;
}

/** Whether a profile's kernel has a rule of a call, or of the envelope, which has no call. */
export function hasRule(
  profile: Profile,
  { isFor }: { isFor?: (profile: Profile) => boolean },
  call?: CallDescription,
): boolean {
  return (call === undefined || hasCall(profile, call)) && (isFor?.(profile) ?? true);
}

/** The rules that a profile's kernel has, in its order. */
export function rulesInOrder(call: CallDescription, profile: Profile): readonly AnyRule[] {
  const rules = call.rules.filter((rule) => rule.isFor?.(profile) ?? true);
  for (const move of profile.movedRules.filter((moved) => moved.call === call.name)) {
    const from = rules.findIndex(({ id }) => id === move.rule);
    const [moved] = rules.splice(from, 1);
    const to = rules.findIndex(({ id }) => id === move.before);
    assert(from >= 0 && moved !== undefined && to >= 0, `${call.name} has ${move.rule} and ${move.before}`);
    rules.splice(to, 0, moved);
  }
  return rules;
}
