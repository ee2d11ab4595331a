import type { Behaviour } from '../models/behaviour.js';
import type { FindingId } from '../models/findings.js';
import type { ProgramOutcome } from '../models/outcome.js';
import type { Reading } from '../models/prediction.js';
import { type AssembledProgram, assemble } from '../models/program/assemble.js';
import { describePlacedStep } from '../models/program/describe.js';
import { type Program, placedSteps } from '../models/program/program.js';
import { type Problem, countJudged, judgeByModel } from '../models/program_verdict.js';
import type { Session } from '../targets/target.js';
import { samplePrograms } from './generate/program.js';

/** Programs that are generated, run and judged together. */
export const BATCH_PROGRAMS = 256;

/** Batches under way at a time, so that the target has work while answers are judged. */
export const BATCHES_IN_FLIGHT = 3;

/** A program that a target did not run as the model allows. */
export interface Mismatch {
  readonly program: Program;
  /** Number of the program in the seed's stream. */
  readonly index: number;
  readonly problem: Problem;
  /** The problem with its step, in one line. */
  readonly description: string;
}

export interface DifferentialStats {
  programs: number;
  /** Steps that the model judged. */
  calls: number;
  /** How often the model could not tell, by reason. */
  readonly unspecified: Map<string, number>;
  /** What the test bed could not do, with how many programs were not run for it. */
  readonly troubles: Map<string, number>;
  /** Kernel findings that were seen, with how many programs have shown them. */
  readonly findings: Map<FindingId, number>;
}

export interface DifferentialOptions {
  readonly seed: number;
  readonly programs: number;
  readonly stepsMax: number;
  readonly reading: Reading;
  /** Ends the run after the programs under way. */
  readonly stopped?: AbortSignal;
  /** Hears of each mismatch as it is found. */
  onMismatch(mismatch: Mismatch): void;
  onProgress?(stats: DifferentialStats): void;
}

/** Holds a target against the model with random programs, the same for the same seed. */
export async function runDifferential(
  session: Session,
  behaviour: Behaviour,
  options: DifferentialOptions,
): Promise<DifferentialStats> {
  const stats: DifferentialStats = {
    programs: 0,
    calls: 0,
    unspecified: new Map(),
    troubles: new Map(),
    findings: new Map(),
  };
  const inFlight: Promise<void>[] = [];
  for (let first = 0; first < options.programs; first += BATCH_PROGRAMS) {
    const count = Math.min(BATCH_PROGRAMS, options.programs - first);
    const seed = batchSeed(options.seed, first);
    const programs = samplePrograms(behaviour, { seed, count, stepsMax: options.stepsMax });
    inFlight.push(runBatch(session, behaviour, options, programs, first, stats));
    if (inFlight.length >= BATCHES_IN_FLIGHT) await inFlight.shift();
    if (stats.troubles.size > 0 || options.stopped?.aborted === true) break;
  }
  await Promise.all(inFlight);
  return stats;
}

/**
 * Each batch has its own seed, so that a program is found again without those before it. The two numbers are spread over 32 bits
 * (by the golden ratio, and a constant of MurmurHash), so that neighbouring seeds share no batch.
 */
function batchSeed(seed: number, first: number): number {
  return Math.imul(seed, 0x9e37_79b1) ^ Math.imul(first, 0x85eb_ca6b);
}

async function runBatch(
  session: Session,
  behaviour: Behaviour,
  options: DifferentialOptions,
  programs: readonly Program[],
  first: number,
  stats: DifferentialStats,
): Promise<void> {
  const assembled = programs.map(assemble);
  const outcomes = await session.run(assembled);
  for (const [index, program] of programs.entries()) {
    const [bytes, outcome] = [assembled[index], outcomes[index]];
    if (bytes === undefined || outcome === undefined) continue;
    const problem = judge(bytes, outcome, behaviour, options.reading, stats);
    if (problem === undefined) continue;
    options.onMismatch({
      program,
      index: first + index,
      problem,
      description: describeInProgram(program, problem),
    });
  }
  options.onProgress?.(stats);
}

function judge(
  program: AssembledProgram,
  outcome: ProgramOutcome,
  behaviour: Behaviour,
  reading: Reading,
  stats: DifferentialStats,
): Problem | undefined {
  const { problems, findings, unspecified, infra, verdicts } = judgeByModel(
    program,
    outcome,
    behaviour,
    reading,
  );
  stats.programs += 1;
  stats.calls += countJudged(verdicts);
  for (const id of findings) stats.findings.set(id, (stats.findings.get(id) ?? 0) + 1);
  for (const why of unspecified) stats.unspecified.set(why, (stats.unspecified.get(why) ?? 0) + 1);
  if (infra !== undefined) stats.troubles.set(infra, (stats.troubles.get(infra) ?? 0) + 1);
  return problems[0];
}

/** A problem with its step, in one line. */
export function describeInProgram(program: Program, { step, what }: Problem): string {
  const place = step === undefined ? undefined : placedSteps(program)[step];
  return place === undefined
    ? what
    : `step ${String((step ?? 0) + 1)}, ${describePlacedStep(place)}: ${what}`;
}
