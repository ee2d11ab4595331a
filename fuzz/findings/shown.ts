import type { Behaviour } from '../../models/behaviour.js';
import { assemble } from '../../models/program/assemble.js';
import type { Program } from '../../models/program/program.js';
import { judgeByModel } from '../../models/program_verdict.js';
import { runOnModel } from '../../targets/sim.js';
import { factsOf } from './facts.js';

/** The title of what a program shows where a kernel does as one behaviour and is judged by another; undefined for nothing. */
export function titleShown(program: Program, kernel: Behaviour, model: Behaviour): string | undefined {
  const assembled = assemble(program);
  return factsOf(assembled, judgeByModel(assembled, runOnModel(assembled, kernel), model, 'exact'))?.title;
}
