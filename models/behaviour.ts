import { assert } from './base/assert.js';
import type { EffectMutant } from './effects/effect_mutant.js';
import { type Decision, decisionsOf } from './decision.js';
import type { AnyContext, AnyRule, CallDescription, Rule } from './ioctls/description.js';
import { ENVELOPE_RULES, type EnvelopeContext } from './ioctls/envelope.js';
import { CALLS } from './ioctls/index.js';
import { LANES, RACES, type Race } from './lanes/races.js';
import { TEST_COMMAND } from './ioctls/test/test_command.js';
import { type Mutant, isOfEffect, mutateRules } from './mutants.js';
import { OPERATIONS } from './operations/index.js';
import type { OperationContext, OperationDescription } from './operations/operation.js';
import type { Profile } from './profiles/index.js';
import type { World } from './state/world.js';

/** What a kernel does: the rules that its profile has, in its order, and the effects, with at most one planted difference. */
export class Behaviour {
  readonly envelope: readonly Decision<EnvelopeContext>[];
  /** What calls of lanes may answer because they overlap. */
  readonly races: readonly Race[];
  readonly #rules: ReadonlyMap<CallDescription, readonly Decision<AnyContext>[]>;
  readonly #operationRules: ReadonlyMap<OperationDescription, readonly Decision<OperationContext>[]>;
  /** The difference, if it is one of effects. */
  readonly #wrong: EffectMutant | undefined;
  readonly #alteredCalls = new Map<CallDescription, CallDescription>();
  readonly #alteredOperations = new Map<OperationDescription, OperationDescription>();

  constructor(
    readonly profile: Profile,
    readonly mutant?: Mutant,
  ) {
    this.#wrong = mutant !== undefined && isOfEffect(mutant) ? mutant : undefined;
    const decide = <C>(name: string, rules: readonly Rule<C>[]): readonly Decision<C>[] =>
      decisionsOf(name, mutant === undefined ? rules : mutateRules(name, rules, mutant));
    this.envelope = decide('envelope', ENVELOPE_RULES);
    this.races = mutant === undefined ? RACES : mutateRules(LANES, RACES, mutant);
    this.#rules = new Map(
      CALLS.map((described) => {
        const call = this.#alterCall(described);
        return [call, decide(call.name, rulesInOrder(call, profile))];
      }),
    );
    this.#operationRules = new Map(
      OPERATIONS.map((described) => {
        const operation = this.#alterOperation(described);
        const rules = operation.rules.filter((rule) => rule.isFor?.(profile) ?? true);
        return [operation, decide(operation.name, rules)];
      }),
    );
  }

  /** A call as this kernel carries it out. */
  callOf(described: CallDescription): CallDescription {
    return this.#wrong === undefined ? described : (this.#alteredCalls.get(described) ?? described);
  }

  operationOf(described: OperationDescription): OperationDescription {
    return this.#wrong === undefined ? described : (this.#alteredOperations.get(described) ?? described);
  }

  /** Plants a difference in a world in which nothing has happened yet. */
  plantIn(world: World): void {
    this.#wrong?.plant?.(world);
  }

  #alterCall(described: CallDescription): CallDescription {
    const changes = this.#wrong?.alterCall?.(described);
    if (changes === undefined) return described;
    const altered = { ...described, ...changes };
    this.#alteredCalls.set(described, altered);
    return altered;
  }

  #alterOperation(described: OperationDescription): OperationDescription {
    const changes = this.#wrong?.alterOperation?.(described);
    if (changes === undefined) return described;
    const altered = { ...described, ...changes };
    this.#alteredOperations.set(described, altered);
    return altered;
  }

  rulesOfOperation(operation: OperationDescription): readonly Decision<OperationContext>[] {
    return this.#operationRules.get(operation) ?? [];
  }

  rulesOf(call: CallDescription): readonly Decision<AnyContext>[] {
    return this.#rules.get(call) ?? [];
  }
}

/** Whether a profile's kernel has a call at all. */
export function hasCall({ lastCommand, lastTestOp, hasVfioDevice }: Profile, call: CallDescription): boolean {
  const { command, op, on, protocol } = call;
  if (on !== 'iommufd') return hasVfioDevice;
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
