import { present } from '../../models/base/assert.js';
import type { Behaviour } from '../../models/behaviour.js';
import type { Reading } from '../../models/prediction.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import { type Program, hasLanes } from '../../models/program/program.js';
import { type ProgramVerdict, judgeByModel } from '../../models/program_verdict.js';
import { type Session, TestBedError } from '../../targets/target.js';
import { type FindingFacts, factsOf } from '../findings/facts.js';
import type { Reliability } from '../findings/finding.js';
import type { Shows } from './reduce.js';

/** Where programs run, and what judges them. */
export interface Judge {
  readonly session: Session;
  readonly behaviour: Behaviour;
  readonly reading: Reading;
}

/** What a program may be reduced to: the title of something that the model does not allow, or of a finding that it knows. */
export interface Goal {
  readonly title: string;
  /** Undefined for a finding that the model knows. */
  readonly facts: FindingFacts | undefined;
}

/** Lanes may go on in another order each time: a program with some is run so often. */
const LANE_RUNS = 8;

/** What a program shows; of several runs, what the first shows that shows anything. */
export async function goalOf(judge: Judge, program: Program): Promise<Goal | undefined> {
  const runs = await titlesOf(
    judge,
    Array.from({ length: runsOf(program) }, () => program),
  );
  return runs.find((goals) => goals.length > 0)?.[0];
}

/** Asks a target whether programs show a goal. */
export function showsGoal(judge: Judge, { title }: Goal): Shows {
  return async (candidates) => {
    const runs = candidates.map((program) => Array.from({ length: runsOf(program) }, () => program));
    const goals = await titlesOf(judge, runs.flat());
    let end = 0;
    return runs.map(({ length }) => {
      end += length;
      return goals.slice(end - length, end).some((seen) => seen.some((goal) => goal.title === title));
    });
  };
}

/** How often a program shows a goal when it is run again. */
export async function measureReliability(
  judge: Judge,
  program: Program,
  { title }: Goal,
  tried: number,
): Promise<Reliability> {
  let shown = 0;
  for (let run = 0; run < tried; run++) {
    const [goals = []] = await titlesOf(judge, [program]);
    if (goals.some((goal) => goal.title === title)) shown += 1;
  }
  return { shown, tried };
}

function runsOf(program: Program): number {
  return hasLanes(program) ? LANE_RUNS : 1;
}

/** @throws TestBedError when programs cannot be run */
async function titlesOf(
  { session, behaviour, reading }: Judge,
  programs: readonly Program[],
): Promise<Goal[][]> {
  const assembled = programs.map(assemble);
  const outcomes = await session.run(assembled);
  return assembled.map((program, index) => {
    const verdict = judgeByModel(program, present(outcomes[index], 'an outcome'), behaviour, reading);
    if (verdict.infra !== undefined) throw new TestBedError(verdict.infra);
    return goalsIn(program, verdict);
  });
}

/** What is wrong comes first, and alone; else all that is known. */
function goalsIn(program: AssembledProgram, verdict: ProgramVerdict): Goal[] {
  const facts = factsOf(program, verdict);
  if (facts !== undefined) return [{ title: facts.title, facts }];
  return verdict.findings.map((id) => ({ title: `known finding ${id}`, facts: undefined }));
}
