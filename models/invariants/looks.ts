import { INVARIANTS, type Invariant } from './index.js';

/**
 * Counts how often each invariant had something to look at: one that never had is a hole, and not a pass. Where orders of lanes are
 * tried, moments of all of them count.
 */
export class InvariantLooks {
  /** The registry, which counts. */
  readonly invariants: readonly Invariant[];
  readonly #looked = new Map(INVARIANTS.map(({ id }) => [id, 0]));

  constructor() {
    this.invariants = INVARIANTS.map((invariant) => ({
      ...invariant,
      check: (moment) => {
        const { id, looksAt, check } = invariant;
        if (looksAt(moment)) this.#looked.set(id, (this.#looked.get(id) ?? 0) + 1);
        return check(moment);
      },
    }));
  }

  /** Steps after which there was something, by invariant. */
  get looked(): ReadonlyMap<string, number> {
    return this.#looked;
  }
}
