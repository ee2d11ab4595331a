import type { Progress } from './progress_page.js';
import { type Moment, momentNow, ownTime } from './own_time.js';

/** However little of the processors there is to have, a step does not take so many times as long as it may. */
const STARVED_MAX = 10;

/** Tells whether a step that a guest is at takes too long. One that waits for a processor that others have is slow, and does not hang. */
export class HangWatch {
  #last: { readonly progress: Progress | undefined; readonly since: Moment } | undefined;

  /**
   * @param stepMs how long a step may take, in milliseconds, the share that others have of the processors not counted
   * @param now for tests
   */
  constructor(
    private readonly stepMs: number,
    private readonly now = momentNow,
  ) {}

  /** Nothing runs. */
  rest(): void {
    this.#last = undefined;
  }

  /**
   * Whether a guest hangs.
   * @param progress what it is at; undefined if that cannot be seen
   */
  sees(progress: Progress | undefined): boolean {
    const now = this.now();
    if (this.#last !== undefined && JSON.stringify(progress) === JSON.stringify(this.#last.progress)) {
      const { since } = this.#last;
      return ownTime(since, now) > this.stepMs || now.ms - since.ms > this.stepMs * STARVED_MAX;
    }
    this.#last = { progress, since: now };
    return false;
  }
}
