import { UndefinedBehaviour } from './outcome.js';

/** A point in a call at which others may run, and until when it has to wait. */
export interface Pause {
  /** What is waited for, in words; undefined where the call could go on at once. */
  readonly waitsFor: string | undefined;
  isOver(this: void): boolean;
}

/** A plain point between two atomic sections. */
export const PAUSE: Pause = { waitsFor: undefined, isOver: () => true };

interface Held {
  readonly holder: number;
  readonly isAtomic: boolean;
}

/** The locks of a running design; each is held by one step. */
export class Locks {
  readonly #held = new Map<string, Held>();

  isHeldBy(name: string, holder: number): boolean {
    return this.#held.get(name)?.holder === holder;
  }

  /** Waits for a lock and takes it. A step that waits for what it holds itself waits for ever. */
  *take(name: string, holder: number, isAtomic: boolean): Generator<Pause, void> {
    if (this.isHeldBy(name, holder)) throw new UndefinedBehaviour('deadlock', `takes ${name} twice`);
    if (!isAtomic) this.mustSleep(holder, `takes the mutex ${name}`);
    yield { waitsFor: name, isOver: () => !this.#held.has(name) };
    this.#held.set(name, { holder, isAtomic });
  }

  /** @throws UndefinedBehaviour when the step does not hold it */
  release(name: string, holder: number): void {
    if (!this.isHeldBy(name, holder)) {
      throw new UndefinedBehaviour('deadlock', `releases ${name}, which it does not hold`);
    }
    this.#held.delete(name);
  }

  /** @throws UndefinedBehaviour when the step holds a spinlock */
  mustSleep(holder: number, what: string): void {
    for (const [name, held] of this.#held) {
      if (held.holder === holder && held.isAtomic) {
        throw new UndefinedBehaviour('sleep in atomic context', `${what} under the spinlock ${name}`);
      }
    }
  }
}
