import { present } from '../../models/base/assert.js';
import type { Behaviour } from '../../models/behaviour.js';
import type { Program, Step } from '../../models/program/program.js';
import type { OwnWalk } from '../../models/program_verdict.js';
import type { Picks } from '../generate/picks.js';
import { themesFor } from '../generate/themes.js';
import { Names } from './labels.js';
import { type Material, OPERATORS, type Written } from './operators.js';
import { type Candidate, Rewriter } from './rewriter.js';
import { drawBias } from './values.js';

/** Operators that one mutation applies at most; few, so that what made a program interesting stays. */
const OPERATORS_MAX = 4;

/** Steps of a mutated program at most, without those that end it. */
const STEPS_MAX = 48;

/** How a program is mutated. */
export interface MutationOptions {
  /** Whether the target can make allocations fail. */
  readonly canFail?: boolean;
  /** Judges the program while it is written, unless it is abandoned. */
  readonly walk?: OwnWalk | undefined;
}

/**
 * A program like another: some steps removed, repeated, moved, drawn anew, taken from donors or with other arguments. It can always be
 * assembled, ends as generated programs do, and is the same for the same numbers. The model can tell the outcome of each of its steps.
 * @param donors make programs that steps may be taken of
 */
export function mutateProgram(
  program: Program,
  donors: readonly (() => Program)[],
  behaviour: Behaviour,
  picks: Picks,
  { canFail = false, walk }: MutationOptions = {},
): Program {
  const themes = themesFor(behaviour.profile);
  const theme = present(picks.any(themes), 'a theme');
  const material: Material = {
    picks,
    drawDonor: () => {
      const donor = picks.any(donors);
      return donor === undefined ? [] : writtenSteps(donor());
    },
    canFail,
    drawKind: () => present(picks.any(theme.kinds), 'kind of a step'),
  };
  let steps: readonly Candidate[] = writtenSteps(program);
  for (let count = 1 + picks.below(OPERATORS_MAX); count > 0; count--) {
    steps = drawBias(OPERATORS, picks)(steps, material);
  }
  return new Rewriter(behaviour, picks, walk).write(shorten(steps, picks));
}

/** Steps under the names of their program, without the end that each program gets anew. */
function writtenSteps(program: Program): Written[] {
  const from = new Names(program);
  return bodyOf(program.steps).map((step) => ({ step, from }));
}

/** Generated programs end with questions, which have no labels, and then close their files. */
function bodyOf(steps: readonly Step[]): readonly Step[] {
  const [before, last] = steps.slice(-2);
  if (last?.do !== 'counters' || before?.do !== 'close') return steps;
  const end = steps.findLastIndex((step) => !isEnding(step));
  return steps.slice(0, end + 1);
}

function isEnding(step: Step): boolean {
  return ENDING.has(step.do) || (step.do === 'ioctl' && step.label === undefined);
}

const ENDING: ReadonlySet<Step['do']> = new Set(['close', 'counters', 'poll', 'read', 'write', 'exit']);

/** Drops steps at random until the rest is short enough. */
function shorten(steps: readonly Candidate[], picks: Picks): readonly Candidate[] {
  const kept = [...steps];
  while (kept.length > STEPS_MAX) kept.splice(1 + picks.below(kept.length - 1), 1);
  return kept;
}
