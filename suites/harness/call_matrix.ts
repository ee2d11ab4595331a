import { type LaneCall, idsNamedBy, laneCall } from '../../models/lanes/lane_call.js';
import type { ModelWatcher } from '../../models/model_run.js';
import { standingOf } from '../../models/state/standing.js';
import type { World } from '../../models/state/world.js';

/** How often calls were answered by each rule, by flag and rule. */
type ByFlag = Record<string, Record<string, number>>;

/** A call as it is made. */
interface Made {
  readonly call: string;
  /** How the objects stand that it names, as `member: state`. */
  readonly states: readonly string[];
  readonly flags: readonly string[];
}

/** What stands for a call that has no flags, or that names no object. */
const NOTHING = '-';

/** Counts how calls are made, with which flags and on objects in which state, and what answers. */
export class CallMatrix {
  readonly #flags: Record<string, ByFlag> = {};
  readonly #states: Record<string, Record<string, ByFlag>> = {};

  /** By call, flag and rule; `none` and `unknown` stand for no flag and for bits without a name. */
  get flags(): Readonly<Record<string, ByFlag>> {
    return this.#flags;
  }

  /** By call, state, flag and rule; a call that names two objects counts for both. */
  get states(): Readonly<Record<string, Record<string, ByFlag>>> {
    return this.#states;
  }

  /** Watches the model while it judges one program; nothing counts before it is told that this is over. */
  watch(): { readonly watcher: ModelWatcher; over(this: void): void } {
    const answered: { readonly made: Made; readonly rule: string }[] = [];
    let watched: World | undefined;
    const watcher: ModelWatcher = {
      met: (world, step, description) => {
        // Another order of lanes is tried: what was seen in the one before has not happened.
        if (world !== watched) answered.length = 0;
        watched = world;
        const call = laneCall(world, { step, call: description });
        if (call === undefined) return () => undefined;
        const made = madeOf(call);
        return (because) => answered.push({ made, rule: ruleOf(made.call, because) });
      },
    };
    return {
      watcher,
      over: () => {
        for (const { made, rule } of answered) this.#add(made, rule);
      },
    };
  }

  #add({ call, states, flags }: Made, rule: string): void {
    for (const flag of flags) count((this.#flags[call] ??= {}), flag, rule);
    const byState = (this.#states[call] ??= {});
    for (const state of orNothing(states)) {
      for (const flag of orNothing(flags)) count((byState[state] ??= {}), flag, rule);
    }
  }
}

function count(byFlag: ByFlag, flag: string, rule: string): void {
  const rules = (byFlag[flag] ??= {});
  rules[rule] = (rules[rule] ?? 0) + 1;
}

function orNothing(names: readonly string[]): readonly string[] {
  return names.length === 0 ? [NOTHING] : names;
}

function ruleOf(call: string, because: string): string {
  return because.startsWith(`${call}/`) ? because.slice(call.length + 1) : because;
}

function madeOf(call: LaneCall): Made {
  return { call: call.call.name, states: statesMetBy(call), flags: flagsOf(call) };
}

function statesMetBy(made: LaneCall): string[] {
  const { call, file } = made;
  if (call.protocol === 'vfio') return [`compat: ${standingOf(file.compatIoas?.id ?? 0, file.objects)}`];
  return idsNamedBy(made).map(({ name, id }) => `${name}: ${standingOf(Number(id), file.objects)}`);
}

/** Names of the flags that a call is made with, in each of its members that hold flags. */
function flagsOf({ call, member }: LaneCall): string[] {
  return call.layout.members.flatMap(({ name, field: { role } }) => {
    const value = role.is === 'flags' ? member(name) : undefined;
    if (role.is !== 'flags' || value === undefined) return [];
    if (value === 0n) return ['none'];
    const known = Object.entries(role.bits).filter(([, bit]) => (value & BigInt(bit)) !== 0n);
    const rest = known.reduce((left, [, bit]) => left & ~BigInt(bit), value);
    return [...known.map(([flag]) => flag), ...(rest === 0n ? [] : ['unknown'])];
  });
}
