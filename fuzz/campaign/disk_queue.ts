/** Writes one after another, in the order of asking. What fails stays first in line and is tried again with the next one. */
export class DiskQueue {
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = Promise.resolve();
  #failures = 0;
  #lastFailure: unknown;

  /** How often a write has failed. */
  get failures(): number {
    return this.#failures;
  }

  /** Why the last one did; undefined if none has. */
  get lastFailure(): unknown {
    return this.#lastFailure;
  }

  /** Writes that are still to be done. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Fulfilled when the write is done, or has to wait. */
  add(write: () => Promise<void>): Promise<void> {
    this.#waiting.push(write);
    return this.flush();
  }

  /** Tries everything that waits. */
  flush(): Promise<void> {
    this.#running = this.#running.then(() => this.#drain());
    return this.#running;
  }

  async #drain(): Promise<void> {
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      try {
        await first();
      } catch (error) {
        this.#failures += 1;
        this.#lastFailure = error;
        return;
      }
      this.#waiting.shift();
    }
  }
}
