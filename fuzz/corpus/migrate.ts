import { assemble } from '../../models/program/assemble.js';
import { type Program, ProgramError, type Step } from '../../models/program/program.js';

/** Of a program of which less is left, what it was stored for is most likely gone. */
const SHARE_LEFT_MIN = 0.5;

export interface MigratedProgram {
  readonly program: Program;
  /** What had to go, if anything; a part of a sentence. */
  readonly change?: string;
}

/**
 * A stored program as the present descriptions take it: without the steps that they refuse, and so without those that need their
 * results.
 * @throws ProgramError saying why, if too little of it is left
 */
export function migrateProgram(program: Program): MigratedProgram {
  const complaint = complaintOf(program.steps);
  if (complaint === undefined) return { program };
  const kept: Step[] = [];
  for (const step of program.steps) if (complaintOf([...kept, step]) === undefined) kept.push(step);
  if (kept.length < program.steps.length * SHARE_LEFT_MIN || kept.every((step) => step.do !== 'ioctl')) {
    throw new ProgramError(complaint);
  }
  const dropped = program.steps.length - kept.length;
  return {
    program: { ...program, steps: kept },
    change: `${String(dropped)} of ${String(program.steps.length)} steps were dropped (${complaint})`,
  };

  function complaintOf(steps: readonly Step[]): string | undefined {
    try {
      assemble({ ...program, steps });
      return undefined;
    } catch (error) {
      if (error instanceof ProgramError) return error.message;
      throw error;
    }
  }
}
