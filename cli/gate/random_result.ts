import type { DifferentialStats, Mismatch } from '../../fuzz/differential.js';
import { sumOf } from '../../models/base/counts.js';
import type { Behaviour } from '../../models/behaviour.js';
import type { ResultLine } from '../../reports/run_report.js';
import type { Session } from '../../targets/target.js';
import { describeBroken } from '../broken_rules.js';
import { isCertain } from '../certainty.js';
import type { Context } from '../context.js';
import { type RandomPrograms, runRandomPrograms } from '../random_programs.js';
import { reduceMismatches, storeMismatches } from '../reduce_mismatches.js';

/** Mismatches that are told; all are stored. */
const TOLD_MAX = 10;

/**
 * Random programs, all of them one result.
 * @param directory where programs go that find a mismatch
 */
export async function resultOfRandomPrograms(
  session: Session,
  behaviour: Behaviour,
  request: RandomPrograms,
  directory: string,
  context: Context,
  stopped: AbortSignal,
): Promise<ResultLine> {
  const start = performance.now();
  const { programs, steps, seed } = request;
  const watched = { name: 'random programs', stopped };
  const { stats, mismatches } = await runRandomPrograms(session, behaviour, request, context, watched);
  const told = await tell(session, behaviour, mismatches, directory, stopped);
  return {
    id: `random/programs:seed,${String(seed)}`,
    doc: `${String(programs)} random programs of up to ${String(steps)} steps are as the model allows`,
    ...statusOf(stats, mismatches, programs),
    source: 'fuzz/generate/program.ts',
    details: told,
    broken: mismatches
      .flatMap(({ problem, description }) =>
        (problem.rules ?? []).map((rule) => describeBroken(rule, description)),
      )
      .filter(isFirstOfItsRule),
    findings: [...stats.findings.keys()].sort(),
    skippedCases: [],
    ms: performance.now() - start,
    programs: stats.programs,
    covers: [],
  };
}

function isFirstOfItsRule({ rule }: { rule: string }, at: number, all: readonly { rule: string }[]): boolean {
  return all.findIndex((other) => other.rule === rule) === at;
}

async function tell(
  session: Session,
  behaviour: Behaviour,
  mismatches: readonly Mismatch[],
  directory: string,
  stopped: AbortSignal,
): Promise<string[]> {
  if (mismatches.length === 0) return [];
  const judge = { session, behaviour, reading: 'exact' } as const;
  const said = mismatches
    .slice(0, TOLD_MAX)
    .map(({ index, description }) => `program ${String(index)}: ${description}`);
  const texts = [
    await storeMismatches(mismatches, directory),
    await reduceMismatches(judge, mismatches, directory, stopped),
  ];
  return [
    ...said,
    ...texts
      .join('')
      .trim()
      .split('\n')
      .map((text) => text.trim()),
  ];
}

function statusOf(
  { programs: done, calls, troubles, unspecified }: DifferentialStats,
  [first]: readonly Mismatch[],
  programs: number,
): Pick<ResultLine, 'status' | 'reason'> {
  if (first !== undefined) return { status: 'failed', reason: first.description };
  const [trouble] = troubles.keys();
  if (trouble !== undefined)
    return { status: 'infra', reason: `${String(sumOf(troubles))} programs were not run: ${trouble}` };
  if (done < programs)
    return {
      status: 'infra',
      reason: `the time was over after ${String(done)} of ${String(programs)} programs`,
    };
  const untold = sumOf(unspecified);
  if (isCertain(calls, untold)) return { status: 'passed' };
  return { status: 'unspecified', reason: `the model cannot tell of ${String(untold)} answers` };
}
