import type { Campaign } from '../../fuzz/campaign/campaign.js';
import type { Context } from '../context.js';
import { type Progress, showProgress } from '../progress.js';

/** How far a campaign is to go. */
export interface Goal {
  /** Programs of all workers; undefined for as many as there is time for. */
  readonly programs: number | undefined;
  /** Of this run. */
  readonly seconds: number | undefined;
}

const REFRESH_MS = 500;

/** Shows what a campaign comes to while it runs. */
export class Display {
  readonly #progress: Progress;
  readonly #timer: NodeJS.Timeout;
  readonly #began = performance.now();
  readonly #programsBefore: number;
  readonly #callsBefore: number;

  constructor(
    private readonly campaign: Campaign,
    private readonly goal: Goal,
    context: Context,
  ) {
    const { next, calls } = campaign.totals;
    this.#programsBefore = next;
    this.#callsBefore = calls;
    this.#progress = showProgress('fuzz', context);
    this.#timer = setInterval(() => {
      this.#show();
    }, REFRESH_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#progress.stop();
  }

  #show(): void {
    const { next } = this.campaign.totals;
    const seconds = (performance.now() - this.#began) / 1000;
    const byPrograms = this.goal.programs === undefined ? 0 : next / this.goal.programs;
    const byTime = this.goal.seconds === undefined ? 0 : seconds / this.goal.seconds;
    if (byTime > byPrograms && this.goal.seconds !== undefined) {
      const total = Math.round(this.goal.seconds);
      this.#progress.update(Math.min(total, Math.round(seconds)), total, `s, ${this.#figures(seconds)}`);
    } else {
      const total = this.goal.programs ?? next;
      this.#progress.update(Math.min(total, next), total, `programs, ${this.#figures(seconds)}`);
    }
  }

  #figures(seconds: number): string {
    const { next, calls, problems, restarts, lost } = this.campaign.totals;
    const rate = (count: number): string => Math.round(count / Math.max(0.001, seconds)).toLocaleString('en');
    const { writes, failures } = this.campaign.unwritten;
    return [
      `${rate(next - this.#programsBefore)} programs/s`,
      `${rate(calls - this.#callsBefore)} calls/s`,
      `coverage ${String(this.campaign.coverage)}`,
      `corpus ${String(this.campaign.corpus.size)}`,
      `${String(this.campaign.findings.length)} findings`,
      `agreement ${agreement(next, problems)}`,
      ...(restarts === 0 ? [] : [`${String(restarts)} VM restarts`]),
      ...(lost === 0 ? [] : [`${String(lost)} lost`]),
      ...(failures === 0 || writes === 0 ? [] : [`${String(writes)} not written`]),
    ].join(', ');
  }
}

/** The share of programs in which target and model agreed. */
export function agreement(programs: number, problems: number): string {
  if (programs === 0) return '-';
  const share = (1 - problems / programs) * 100;
  return `${problems > 0 && share > 99.99 ? '99.99' : share.toFixed(share === 100 ? 0 : 2)} %`;
}
