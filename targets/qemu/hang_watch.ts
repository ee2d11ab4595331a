import type { Progress } from './shared_memory.js';
import { type Moment, momentNow, ownTime } from './own_time.js';

/** However slow a machine is and however much a kernel has to say, a step does not take so many times as long as it may. */
const SLOW_MAX = 10;

const NOTHING: Moment = { ms: 0, stolen: 0, all: 0 };

/** What a guest was doing when it was last seen. */
interface Seen {
  readonly progress: Progress | undefined;
  readonly printed: number;
  readonly at: Moment;
  /** When it came to the step. */
  readonly since: Moment;
  /** How long it has neither gone on nor printed anything, at this step. */
  readonly silent: Moment;
}

/**
 * Tells whether a step that a guest is at takes too long. One that waits for a processor that others have is slow, and does not hang;
 * nor does one of which the kernel has a lot to print, which on an emulated line takes longer than anything else.
 */
export class HangWatch {
  #last: Seen | undefined;

  /**
   * @param stepMs how long a step may take, in milliseconds
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
   * @param printed how much it has printed so far
   */
  sees(progress: Progress | undefined, printed: number): boolean {
    const at = this.now();
    const last = this.#last;
    if (last === undefined || JSON.stringify(progress) !== JSON.stringify(last.progress)) {
      this.#last = { progress, printed, at, since: at, silent: NOTHING };
      return false;
    }
    const silent = printed === last.printed ? addTime(last.silent, last.at, at) : last.silent;
    this.#last = { ...last, printed, at, silent };
    return ownTime(NOTHING, silent) > this.stepMs || at.ms - last.since.ms > this.stepMs * SLOW_MAX;
  }
}

/** With what was from one moment to another. */
function addTime(sum: Moment, from: Moment, to: Moment): Moment {
  return {
    ms: sum.ms + to.ms - from.ms,
    stolen: sum.stolen + to.stolen - from.stolen,
    all: sum.all + to.all - from.all,
  };
}
