import { type Program, hasLanes } from '../../models/program/program.js';
import type { Reliability } from '../findings/finding.js';
import { type Reduction, type ReduceOptions, reduceProgram } from './reduce.js';
import { type Goal, type Judge, goalOf, measureReliability, showsGoal } from './shows.js';

/** What became of a program that shows something. */
export interface ReducedFinding extends Reduction {
  readonly reliability: Reliability;
}

export interface ReduceOnOptions extends Omit<ReduceOptions, 'batch'> {
  /** How often the result is run again to see how reliable it is; with lanes, as often as they need at least. */
  readonly times: number;
  /** The model alone, where what it knows of can be reduced without the target. */
  readonly model?: Judge;
}

/** Programs that a virtual machine gets at a time: it runs more of them while a frame travels. */
const MACHINE_BATCH = 64;

/** Runs of a program with lanes, which shows what it shows in some orders alone. */
const LANE_TIMES_MIN = 10;

/** The smallest program that shows a goal on a target; what the model shows too is reduced there before. */
export async function reduceOn(
  judge: Judge,
  program: Program,
  goal: Goal,
  options: ReduceOnOptions,
): Promise<ReducedFinding> {
  const begun = await reduceOnModel(program, goal, options);
  const start = await confirmed(judge, program, begun, goal);
  const batch = judge.session.info.accelerator === undefined ? 1 : MACHINE_BATCH;
  const reduction = await reduceProgram(start, showsGoal(judge, goal), { ...options, batch });
  const times = hasLanes(reduction.program) ? Math.max(options.times, LANE_TIMES_MIN) : options.times;
  const reliability = await measureReliability(judge, reduction.program, goal, times);
  return { ...reduction, tried: reduction.tried + begun.tried, reliability };
}

type Begun = Pick<Reduction, 'program' | 'tried'>;

async function reduceOnModel(program: Program, goal: Goal, options: ReduceOnOptions): Promise<Begun> {
  const { model } = options;
  if (model === undefined || (await goalOf(model, program))?.title !== goal.title)
    return { program, tried: 0 };
  return reduceProgram(program, showsGoal(model, goal), { ...options, batch: 1 });
}

/** What the model made of a program, if the target shows the same of it. */
async function confirmed(judge: Judge, program: Program, begun: Begun, goal: Goal): Promise<Program> {
  if (begun.tried === 0) return program;
  const [isShown] = await showsGoal(judge, goal)([begun.program]);
  return isShown === true ? begun.program : program;
}
