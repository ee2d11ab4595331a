import { MultiBar, type Options, type SingleBar } from 'cli-progress';
import type { Context } from './context.js';

/** Shows how far something is. */
export interface Progress {
  /** @param what of which there are so many: `programs`, and what else there is to say */
  update(done: number, total: number, what: string): void;
  stop(): void;
}

const FORMAT: Options = {
  format: '{bar} {percentage}% {value}/{total} {what}',
  hideCursor: true,
  clearOnComplete: true,
  stopOnComplete: false,
  barsize: 30,
  etaBuffer: 50,
};

/** A bar on a terminal; elsewhere a line now and then, so that a log shows that something moves. */
export function showProgress(name: string, { isInteractive, progressEvery }: Context): Progress {
  return isInteractive ? new BarProgress(name) : new LineProgress(name, progressEvery);
}

/** Says what goes on in work that has no bar, a line each. */
export function tell(what: string): void {
  process.stderr.write(`${what}\n`);
}

/** The bars on the terminal, one below the other. */
class Terminal {
  readonly #shown = new Set<SingleBar>();
  #bars: MultiBar | undefined;

  add(total: number, what: string): SingleBar {
    this.#bars ??= new MultiBar({ ...FORMAT, stream: process.stderr });
    const bar = this.#bars.create(total, 0, { what });
    this.#shown.add(bar);
    return bar;
  }

  remove(bar: SingleBar): void {
    this.#bars?.remove(bar);
    this.#shown.delete(bar);
    if (this.#shown.size > 0) return;
    this.#bars?.stop();
    this.#bars = undefined;
  }
}

const TERMINAL = new Terminal();

class BarProgress implements Progress {
  #bar: SingleBar | undefined;

  constructor(private readonly name: string) {}

  update(done: number, total: number, what: string): void {
    this.#bar ??= TERMINAL.add(total, this.name);
    this.#bar.setTotal(total);
    this.#bar.update(done, { what });
  }

  stop(): void {
    if (this.#bar !== undefined) TERMINAL.remove(this.#bar);
    this.#bar = undefined;
  }
}

class LineProgress implements Progress {
  #last = performance.now();

  constructor(
    private readonly name: string,
    /** At most one line in so many milliseconds. */
    private readonly every: number,
  ) {}

  update(done: number, total: number, what: string): void {
    const now = performance.now();
    if (now - this.#last < this.every) return;
    this.#last = now;
    process.stderr.write(`${this.name}: ${String(done)} of ${String(total)} ${what}\n`);
  }

  stop(): void {
    // Nothing is drawn, so nothing has to go.
  }
}

/** How long something that is partly done will take, in words; nothing is said before there is a rate to go by. */
export function remaining(done: number, total: number, startedAt: number): string {
  const seconds = (performance.now() - startedAt) / 1000;
  if (done < 20 || seconds < 5) return 'estimating';
  if (done >= total) return 'longer than expected';
  const left = Math.max(0, (seconds / done) * (total - done));
  return left >= 90
    ? `about ${String(Math.round(left / 60))} min left`
    : `about ${String(Math.ceil(left / 5) * 5)} s left`;
}
