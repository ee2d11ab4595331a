import { type DifferentialStats, type Mismatch, runDifferential } from '../fuzz/differential.js';
import type { Behaviour } from '../models/behaviour.js';
import type { Session } from '../targets/target.js';
import type { Context } from './context.js';
import { showProgress } from './progress.js';

/** Which random programs are run. */
export interface RandomPrograms {
  readonly programs: number;
  /** The most steps that each has, before what the invariants ask at its end. */
  readonly steps: number;
  readonly seed: number;
}

/** What they came to, and the programs that did not do as the model says. */
export interface RandomResult {
  readonly stats: DifferentialStats;
  readonly mismatches: readonly Mismatch[];
}

/** Runs random programs beside the model, and shows how far they are. */
export async function runRandomPrograms(
  session: Session,
  behaviour: Behaviour,
  { programs, steps, seed }: RandomPrograms,
  context: Context,
  { name, stopped }: { readonly name: string; readonly stopped: AbortSignal },
): Promise<RandomResult> {
  const mismatches: Mismatch[] = [];
  const progress = showProgress(name, context);
  try {
    const stats = await runDifferential(session, behaviour, {
      seed,
      programs,
      stepsMax: steps,
      reading: 'exact',
      stopped,
      onMismatch: (mismatch) => mismatches.push(mismatch),
      onProgress: ({ programs: done, calls }) => {
        const found = `${String(mismatches.length)} mismatches`;
        progress.update(done, programs, `programs, ${String(calls)} steps, ${found}`);
      },
    });
    return { stats, mismatches };
  } finally {
    progress.stop();
  }
}
