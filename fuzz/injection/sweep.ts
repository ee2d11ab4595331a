import { present } from '../../models/base/assert.js';
import type { Behaviour } from '../../models/behaviour.js';
import { INJECTIONS, type Injection, type ProgramOutcome } from '../../models/outcome.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import { type Problem, judgeByModel } from '../../models/program_verdict.js';
import type { Session } from '../../targets/target.js';
import { BATCH_PROGRAMS } from '../differential.js';
import { type SweptCall, failing } from './targets.js';

/** A call that did not do as the model allows when one of its allocations failed. */
export interface SweepMismatch {
  readonly swept: SweptCall;
  /** Which allocation failed, from 1. */
  readonly nth: number;
  readonly problem: Problem;
}

export interface SweepStats {
  /** Calls whose allocations have all failed once. */
  swept: number;
  /** Calls that still allocated when the bound was reached. */
  unfinished: number;
  programs: number;
  infra: number;
  /** What has failed, and how often. */
  readonly failed: Map<Injection, number>;
  /** How often the model could not tell, by reason. */
  readonly unspecified: Map<string, number>;
}

export interface SweepOptions {
  /** The last allocation that fails; a call that makes more is left at that. */
  readonly nthMax: number;
  readonly stopped?: AbortSignal;
  onMismatch(mismatch: SweepMismatch): void;
  onProgress?(stats: SweepStats): void;
}

/** A sweep under way. */
interface Round {
  readonly swept: SweptCall;
  nth: number;
}

/**
 * Makes the first allocation of each call fail, then the second, and so on until nothing fails any more: each time the call has to
 * end as the model allows, and leave the state that it predicts.
 */
export async function sweepFailures(
  session: Session,
  behaviour: Behaviour,
  calls: readonly SweptCall[],
  options: SweepOptions,
): Promise<SweepStats> {
  const failed = new Map(INJECTIONS.map((injection) => [injection, 0]));
  const stats: SweepStats = {
    swept: 0,
    unfinished: 0,
    programs: 0,
    infra: 0,
    failed,
    unspecified: new Map(),
  };
  const sweep = new Sweep(behaviour, options, stats);
  const waiting = calls.map((swept): Round => ({ swept, nth: 1 }));
  while (waiting.length > 0 && stats.infra === 0 && options.stopped?.aborted !== true) {
    const rounds = waiting.splice(0, BATCH_PROGRAMS);
    const programs = rounds.map(({ swept, nth }) => assemble(failing(swept, nth)));
    const outcomes = await session.run(programs);
    const going = rounds.filter((round, index) => {
      const [program, outcome] = [programs[index], outcomes[index]];
      return program !== undefined && outcome !== undefined && sweep.takes(round, program, outcome);
    });
    for (const round of going) round.nth += 1;
    waiting.unshift(...going);
    options.onProgress?.(stats);
  }
  return stats;
}

class Sweep {
  constructor(
    private readonly behaviour: Behaviour,
    private readonly options: SweepOptions,
    private readonly stats: SweepStats,
  ) {}

  /** Judges a round; returns whether there is another one. */
  takes({ swept, nth }: Round, program: AssembledProgram, outcome: ProgramOutcome): boolean {
    const { stats, options } = this;
    const { problems, unspecified, infra } = judgeByModel(program, outcome, this.behaviour, 'exact');
    stats.programs += 1;
    if (infra !== undefined) stats.infra += 1;
    for (const why of unspecified) stats.unspecified.set(why, (stats.unspecified.get(why) ?? 0) + 1);
    const [problem] = problems;
    if (problem !== undefined) options.onMismatch({ swept, nth, problem });
    const end = present(outcome.steps[swept.at], 'an outcome');
    const injected = end.status === 'returned' ? end.injected : undefined;
    if (injected === undefined) {
      stats.swept += 1;
      return false;
    }
    stats.failed.set(injected, (stats.failed.get(injected) ?? 0) + 1);
    if (problem === undefined && nth < options.nthMax) return true;
    stats.unfinished += 1;
    return false;
  }
}
