import { EXIT } from './errors.js';

/** The first Ctrl-C finishes with what there is, the second one ends at once; unless a program that is run takes the signals. */
export class Interruption {
  readonly #controller = new AbortController();
  #taker: ((signal: NodeJS.Signals) => void) | undefined;

  /** Takes the signals of this process. */
  listen(): void {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (this.#taker === undefined) this.#interrupt();
        else this.#taker(signal);
      });
    }
  }

  /** Raised by the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From now on, signals are somebody else's business. */
  handOver(taker: (signal: NodeJS.Signals) => void): void {
    this.#taker = taker;
    for (const signal of ['SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const) process.on(signal, taker);
  }

  #interrupt(): void {
    if (this.signal.aborted) process.exit(EXIT.unknown);
    process.stderr.write('\nfinishing with what there is; once more to end at once\n');
    this.#controller.abort();
  }
}
