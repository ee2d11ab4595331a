import { present } from '../models/base/assert.js';
import type { Behaviour } from '../models/behaviour.js';
import { INVARIANTS } from '../models/invariants/index.js';
import { ModelRun } from '../models/model_run.js';
import type { ProgramOutcome } from '../models/outcome.js';
import type { AssembledProgram } from '../models/program/assemble.js';
import { judgeByModel } from '../models/program_verdict.js';
import { type Session, TestBedError } from '../targets/target.js';
import { BATCHES_IN_FLIGHT, BATCH_PROGRAMS } from './differential.js';

/** A target that can run programs without anybody looking at the results. */
export interface BareRunner {
  /** Nanoseconds that so many rounds of the programs take. */
  bench(programs: readonly AssembledProgram[], repeat: number): Promise<bigint>;
}

/** Ioctls in a list of programs: open and close are not counted. */
function countCalls(programs: readonly AssembledProgram[]): number {
  return programs.reduce((sum, { steps }) => sum + steps.filter((step) => step.do === 'ioctl').length, 0);
}

/** Ioctls per second that the model carries out, checking every invariant after every step. */
export function measureModel(
  programs: readonly AssembledProgram[],
  behaviour: Behaviour,
  seconds: number,
): number {
  const calls = countCalls(programs);
  let done = 0;
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    for (const program of programs) {
      const run = new ModelRun(behaviour, 'exact', INVARIANTS);
      for (const step of program.steps) {
        const { violation } = present(run.execute(step), 'an answer of the model');
        if (violation !== undefined)
          throw new Error(`${violation.invariant} does not hold: ${violation.what}`);
      }
    }
    done += calls;
  }
  return done / ((performance.now() - start) / 1000);
}

/** Ioctls per second of the bare agent in the guest: no results, no guard bytes, no transport. */
export async function measureAgent(
  runner: BareRunner,
  programs: readonly AssembledProgram[],
  seconds: number,
): Promise<number> {
  const batch = batchOf(programs);
  const calls = countCalls(batch);
  const trial = await runner.bench(batch, 4);
  const rounds = Math.max(1, Math.round((seconds * 1e9 * 4) / Number(trial)));
  const nanoseconds = await runner.bench(batch, rounds);
  return (calls * rounds) / (Number(nanoseconds) / 1e9);
}

/**
 * Ioctls per second of the whole loop: send, run, check guard bytes, bring back, predict, compare, check invariants. The clock runs
 * from the verdicts of the first batch to those of the last: before, and behind it, only one side has something to do.
 */
export async function measureDifferential(
  session: Session,
  programs: readonly AssembledProgram[],
  behaviour: Behaviour,
  seconds: number,
): Promise<number> {
  const batch = batchOf(programs);
  const calls = countCalls(batch);
  const ends: number[] = [];
  const start = performance.now();
  const work = async () => {
    do {
      const outcomes = await session.run(batch);
      for (const [index, program] of batch.entries()) {
        demandFit(program, present(outcomes[index], 'an outcome'), behaviour);
      }
      ends.push(performance.now());
    } while (performance.now() - start < seconds * 1000);
  };
  await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, work));
  const took = present(ends.at(-1), 'the last batch') - present(ends[0], 'the first batch');
  return (calls * (ends.length - 1)) / (took / 1000);
}

/** @throws TestBedError when a program did not run as the model allows: what is measured then is something else */
function demandFit(program: AssembledProgram, outcome: ProgramOutcome, behaviour: Behaviour): void {
  const { problems, infra } = judgeByModel(program, outcome, behaviour, 'exact');
  const wrong = problems[0]?.what ?? infra;
  if (wrong !== undefined) throw new TestBedError(`a benchmark program did not run as it must: ${wrong}`);
}

function batchOf(programs: readonly AssembledProgram[]): AssembledProgram[] {
  return Array.from({ length: BATCH_PROGRAMS }, (_, at) =>
    present(programs[at % programs.length], 'a program'),
  );
}
