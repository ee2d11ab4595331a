import { BIASES, type BiasName, type ChangedBiases } from './biases.js';

/** Numbers drawn beforehand, spent one after another: all the chance a generated program has. */
export class Picks {
  #next: number;

  /**
   * @param offset where to begin, so that a second attempt at the same step differs from the first
   * @param changed what is more or less unusual here than elsewhere
   */
  constructor(
    private readonly numbers: readonly number[],
    offset = 0,
    private readonly changed: ChangedBiases = {},
  ) {
    this.#next = offset;
  }

  /** A number below `limit` ≥ 1. */
  below(limit: number): number {
    const drawn = this.numbers[this.#next % this.numbers.length] ?? 0;
    // Wrapping around would repeat the same decisions; mixing the round in keeps them apart.
    const round = Math.floor(this.#next / this.numbers.length);
    this.#next += 1;
    return (drawn + round * 7919) % limit;
  }

  /** True once in `times`. */
  rarely(times: number): boolean {
    return this.below(times) === times - 1;
  }

  /** True as often as something unusual comes. */
  unusual(name: BiasName): boolean {
    return this.rarely(this.changed[name] ?? BIASES[name].oneIn);
  }

  one<T>(values: readonly [T, ...T[]]): T {
    return values[this.below(values.length)] ?? values[0];
  }

  /** One of a list that may be empty. */
  any<T>(values: readonly T[]): T | undefined {
    return values.length === 0 ? undefined : values[this.below(values.length)];
  }
}

/** The same numbers, from another one on: for a step that belongs to another. */
export function rotated(numbers: readonly number[], by: number): readonly number[] {
  return [...numbers.slice(by), ...numbers.slice(0, by)];
}
