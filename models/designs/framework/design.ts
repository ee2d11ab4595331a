import { assert } from '../../base/assert.js';
import type { InvariantId } from '../invariants/index.js';
import type { DefectId, DesignCall } from './call.js';
import type { View } from './view.js';

/** What is wrong with a proposal. */
export interface Defect {
  readonly id: DefectId;
  /** What is wrong, as half a sentence. */
  readonly says: string;
  /** What it breaks. */
  readonly breaks: readonly InvariantId[];
  /** Patch, message or fix that shows it. */
  readonly source: string;
  /** Calls whose breach of `breaks` is this defect, whether they ask for it or not. */
  readonly shownBy?: readonly string[];
  /** Whether it takes two lanes to show. */
  readonly isRace?: boolean;
  /** Why no program of the design can show it. */
  readonly unseen?: string;
}

/** What a design is in the discussion. */
export type DesignKind = 'proposal' | 'merged' | 'reviewed' | 'planted';

interface DesignFace {
  /** As the command line takes it. */
  readonly name: string;
  readonly title: string;
  /** Message subject and date, or kernel version. */
  readonly source: string;
  readonly kind: DesignKind;
  /** Number of the discussion. */
  readonly seed: number;
  /** What it has of what is known to be wrong. */
  readonly defects: readonly Defect[];
}

/** An interface that runs. */
export interface Design extends DesignFace {
  readonly calls: readonly DesignCall[];
  initial(this: void): unknown;
  view(this: void, state: unknown): View;
}

interface DesignSpec<S> extends DesignFace {
  readonly calls: readonly DesignCall[];
  /** A fresh state; runs change it. */
  initial(this: void): S;
  view(this: void, state: S): View;
}

export function defineDesign<S>(spec: DesignSpec<S>): Design {
  const names = spec.calls.map(({ name }) => name);
  assert(new Set(names).size === names.length, `${spec.name} has each call once`);
  return spec;
}

/** How one design differs from another. */
interface Differences<S> extends Omit<DesignFace, 'seed' | 'defects'> {
  /** Defects that it has; without them, none. */
  readonly defects?: readonly Defect[];
  /** Calls that take the place of those of the same name, or are added. */
  readonly calls?: readonly DesignCall[];
  /** Calls that it does not have. */
  readonly drops?: readonly string[];
  /** Another state to begin with, of the same shape. */
  initial?(this: void): S;
  /** What else invariants see of it. */
  view?(this: void, state: S): View;
}

/** A design made of the parts of another. */
export function variantOf<S = unknown>(base: Design, differences: Differences<S>): Design {
  const { calls = [], drops = [], defects = [], ...face } = differences;
  const names = new Set([...calls.map(({ name }) => name), ...drops]);
  for (const name of drops) {
    assert(
      base.calls.some((call) => call.name === name),
      `${base.name} has the call ${name}`,
    );
  }
  const kept = base.calls.filter(({ name }) => !names.has(name));
  const variant: DesignSpec<S> = {
    ...base,
    initial: base.initial as () => S,
    ...face,
    defects,
    calls: [...kept, ...calls],
  };
  return variant;
}

export function callOf({ calls }: Design, name: string): DesignCall | undefined {
  return calls.find((call) => call.name === name);
}
