import { isDeepStrictEqual } from 'node:util';
import { Behaviour } from '../../models/behaviour.js';
import { type IsMetBy, meetingOf } from '../../models/mutant_meeting.js';
import { type Mutant, mutantName } from '../../models/mutants.js';
import type { Outcome, ProgramOutcome } from '../../models/outcome.js';
import type { AssembledProgram } from '../../models/program/assemble.js';
import { judgeByModel } from '../../models/program_verdict.js';
import { SimTarget, runOnModel, stepsOnModel } from '../../targets/sim.js';
import { mutateProgram } from '../mutate/mutate.js';
import { emptyStats } from './events.js';
import { Worker } from './worker.js';
import { Workplace } from './workplace.js';

/** A planted difference that a campaign looks for, and what has come of it. */
export interface Hunted {
  readonly name: string;
  readonly mutant: Mutant;
  /** Programs in which the model did what the difference is about. */
  met: number;
  /** The number of the program that showed it, from 1 on. */
  found?: number;
  /** The number of the first program that it answered otherwise, as the judge allows too: a campaign of its own may go on otherwise. */
  parted?: number;
}

interface Quarry {
  readonly hunted: Hunted;
  readonly behaviour: Behaviour;
  readonly isMetBy: IsMetBy;
}

interface HuntOptions {
  readonly seed: number;
  readonly programs: number;
  /** The most steps of a fresh program. */
  readonly stepsMax: number;
}

/**
 * Looks for many planted differences with the programs of one campaign. Until a campaign meets its difference, each of its programs
 * answers as the model does, so that all campaigns of a seed have the same programs up to there: one stream shows of each difference
 * what a campaign of its own would, and only programs have to be run with it in which the rule that it is about decided.
 */
export async function huntMutants(
  behaviour: Behaviour,
  mutants: readonly Mutant[],
  { seed, programs, stepsMax }: HuntOptions,
  onProgress: (programs: number, left: number) => void,
  stopped: AbortSignal,
): Promise<Hunted[]> {
  const quarries = mutants.map((mutant) => quarryOf(mutant, behaviour));
  const over = new AbortController();
  const endsWith = AbortSignal.any([stopped, over.signal]);
  let left = quarries;
  let number = 0;
  const sim = await new SimTarget(behaviour).start();
  const session = {
    ...sim,
    run: (batch: readonly AssembledProgram[]): Promise<ProgramOutcome[]> => {
      const outcomes = batch.map((program) => {
        number += 1;
        const decided = new Set<string>();
        const outcome = runOnModel(program, behaviour, (because) => decided.add(because));
        for (const quarry of left)
          if (quarry.isMetBy(decided)) chase(quarry, { program, outcome, number }, behaviour);
        left = left.filter(({ hunted }) => hunted.found === undefined);
        return outcome;
      });
      onProgress(number, left.length);
      if (left.length === 0) over.abort();
      return Promise.resolve(outcomes);
    },
  };
  const place = { start: () => Promise.resolve(session), behaviour, isDeterministic: true };
  const worker = new Worker(
    new Workplace(place, session, () => Promise.resolve()),
    { seed, worker: 0, stepsMax, focus: [], programs, reductions: 0, target: 'mutants' },
    { stats: emptyStats(), entries: [], first: [], titles: [] },
    () => Promise.resolve(),
    (program, donors, model, picks, { walk }) =>
      mutateProgram(program, donors, model, picks, { canFail: true, walk }),
  );
  await worker.run(endsWith);
  return quarries.map(({ hunted }) => hunted);
}

interface Ran {
  readonly program: AssembledProgram;
  readonly outcome: ProgramOutcome;
  readonly number: number;
}

/** @param original what has run the program */
function chase({ hunted, behaviour }: Quarry, { program, outcome, number }: Ran, original: Behaviour): void {
  hunted.met += 1;
  if (!answersOtherwise(program, outcome, behaviour)) return;
  const wrong = runOnModel(program, behaviour);
  if (judgeByModel(program, wrong, original, 'exact').problems.length > 0) hunted.found = number;
  else hunted.parted ??= number;
}

function answersOtherwise(
  program: AssembledProgram,
  { steps, splats }: ProgramOutcome,
  behaviour: Behaviour,
): boolean {
  const printed: ProgramOutcome['splats'][number][] = [];
  let at = 0;
  for (const outcome of stepsOnModel(program, behaviour, printed)) {
    if (!isSame(outcome, steps[at])) return true;
    at += 1;
  }
  return !isDeepStrictEqual(printed, splats);
}

function isSame(one: Outcome, two: Outcome | undefined): boolean {
  if (one.status !== 'returned' || two?.status !== 'returned') return isDeepStrictEqual(one, two);
  const { out, ...rest } = one;
  const { out: otherOut, ...otherRest } = two;
  return (
    isDeepStrictEqual(rest, otherRest) &&
    out.length === otherOut.length &&
    out.every((bytes, index) => areSame(bytes, otherOut[index]))
  );
}

function areSame(one: Uint8Array | null, two: Uint8Array | null | undefined): boolean {
  if (one === null || two === null || two === undefined) return one === two;
  return Buffer.compare(one, two) === 0;
}

function quarryOf(mutant: Mutant, { profile }: Behaviour): Quarry {
  const name = mutantName(mutant);
  const behaviour = new Behaviour(profile, mutant);
  return { hunted: { name, mutant, met: 0 }, behaviour, isMetBy: meetingOf(mutant, profile) };
}
