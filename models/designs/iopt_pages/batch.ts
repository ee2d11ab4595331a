import { present } from '../../base/assert.js';
import type { TierContext } from './state.js';

/**
 * The largest count of a run, and the runs of a batch. Kernels have 65535 and some thousands; both are small here, so that short
 * programs need several runs and several batches.
 */
const RUN_MAX = 4;
const RUNS_MAX = 4;

/** Pages with consecutive frame numbers. */
interface Run {
  readonly pfn: number;
  count: number;
}

/** Frame numbers on the way from one tier to another. Source: pages.c:struct pfn_batch. */
export class PfnBatch {
  readonly runs: Run[] = [];
  /** Pages that were added. */
  total = 0;

  clear(): void {
    this.runs.length = 0;
    this.total = 0;
  }

  /** Adds a page; false if there is no room. Source: pages.c:batch_add_pfn. */
  add(pfn: number, has: TierContext['has']): boolean {
    const last = this.runs.at(-1);
    if (last !== undefined && last.pfn + last.count === pfn && (last.count < RUN_MAX || has('D2.10'))) {
      // The count of D2.10 starts again at 0, and the pages that it stood for are lost.
      last.count = last.count < RUN_MAX ? last.count + 1 : 0;
      this.total += 1;
      return true;
    }
    if (this.runs.length === RUNS_MAX) return false;
    this.runs.push({ pfn, count: 1 });
    this.total += 1;
    return true;
  }

  /** The frame numbers that the runs stand for. */
  pfns(): number[] {
    return this.runs.flatMap(({ pfn, count }) => Array.from({ length: count }, (_, at) => pfn + at));
  }

  /** The frame number at an offset; undefined where the runs have lost it. */
  at(offset: number): number | undefined {
    return this.pfns()[offset];
  }

  /** The last frame number. */
  get last(): number {
    return present(this.pfns().at(-1), 'a page of the batch');
  }
}
