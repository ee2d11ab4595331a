import type { Outcome, ProgramOutcome, Returned } from '../../models/outcome.js';
import { notRun } from '../../models/outcome.js';
import type { RawProgram } from '../../models/program/raw.js';
import type { BatchResults, ProgramResults } from '../agent/decode.js';
import type { ParsedSplat } from './console.js';
import type { Progress } from './shared_memory.js';

/** What came back of a program, with what the kernel printed meanwhile, and what was left behind it. */
export function outcomeOf(
  results: ProgramResults | undefined,
  reports: readonly ParsedSplat[],
  leftover: string | undefined,
): ProgramOutcome {
  const steps: readonly Returned[] = results?.steps ?? [];
  const strayWrites = results?.strayWrites ?? [];
  const splats = reports.map(({ title, text }) => ({ title, text }));
  const leftovers = leftover === undefined ? [] : [leftover];
  const coverage = results?.coverage;
  return { steps, strayWrites, splats, leftovers, ...(coverage === undefined ? {} : { coverage }) };
}

/** What a batch left behind, in words; undefined for nothing. */
export function describeLeftover({ left, programs }: BatchResults): string | undefined {
  if (programs.some(({ foundLeakedFile }) => foundLeakedFile)) return 'a file stayed open';
  if (left === undefined || (left.pinned === 0 && left.locked === 0)) return undefined;
  return `${String(left.pinned)} pages stayed pinned and ${String(left.locked)} locked`;
}

/** Where a program was: at a step, and where its lanes were if that one had begun them. */
type Place = Pick<Progress, 'step' | 'lanes'>;

/** Where a program begins. */
export const FIRST_STEP: Place = { step: 0, lanes: [] };

/**
 * The outcome of a program that ended at a step, or in lanes at the steps that were under way; what the steps before it returned
 * went with the machine.
 */
export function crashedAt(
  { steps }: RawProgram,
  { step: at, lanes }: Place,
  outcome: Outcome,
): ProgramOutcome {
  const running = new Set(lanes.filter((next) => next > 0).map((next) => next - 1));
  const lost: Outcome = { status: 'skipped', why: 'its result was lost with the machine' };
  const never: Outcome = { status: 'skipped', why: 'the program ended before it' };
  return {
    ...notRun(steps.length, never),
    steps: steps.map((_, index) => {
      if (running.size > 0) return running.has(index) ? outcome : index <= at ? lost : never;
      return index < at ? lost : index === at ? outcome : never;
    }),
  };
}
