/** A cache of the mock hardware: entries of one value, which invalidation makes 0. */
export class MockCache {
  readonly #entries: number[];

  constructor(value: number, count: number) {
    this.#entries = new Array<number>(count).fill(value);
  }

  /** All entries, in order. */
  get entries(): readonly number[] {
    return this.#entries;
  }

  has(index: number): boolean {
    return index < this.#entries.length;
  }

  /** Undefined beyond the last entry. */
  at(index: number): number | undefined {
    return this.#entries[index];
  }

  invalidate(index: number): void {
    if (this.has(index)) this.#entries[index] = 0;
  }

  invalidateAll(): void {
    this.#entries.fill(0);
  }
}
