import fc from 'fast-check';
import { present } from '../../models/base/assert.js';
import type { Behaviour } from '../../models/behaviour.js';
import type { Program } from '../../models/program/program.js';
import type { OwnWalk } from '../../models/program_verdict.js';
import { focusThemes } from './focus.js';
import { Picks, rotated } from './picks.js';
import { type Kind, type Theme, times } from './theme.js';
import { themesFor } from './themes.js';
import { ProgramWriter } from './writer.js';

/** The numbers behind one step. */
interface Intent {
  readonly kind: number;
  readonly picks: readonly number[];
}

/** Numbers for one step: more than any call has members and decisions. */
const PICKS_PER_STEP = 40;

/** Fewer steps are little more than the beginning of a theme; mutations and reduction find shorter programs. */
const STEPS_MIN = 4;

/** Kinds are drawn from lists much shorter than this. */
const KIND_MAX = 0xffff;

/** Numbers for programs of up to `stepsMax` steps beside those that their theme begins with. Plain records and arrays, so that they shrink and can be stored. */
function intentsArbitrary(stepsMax: number): fc.Arbitrary<readonly Intent[]> {
  const intent = fc.record({
    kind: fc.nat(KIND_MAX),
    picks: fc.array(fc.nat(0xffff), { minLength: PICKS_PER_STEP, maxLength: PICKS_PER_STEP, size: 'max' }),
  });
  // Without bias: small numbers mean nothing here, and would only make programs alike.
  return fc.noBias(
    fc.array(intent, { minLength: Math.min(STEPS_MIN, stepsMax), maxLength: stepsMax, size: 'max' }),
  );
}

/** Programs drawn from a seed: the same seed gives the same programs. */
export function samplePrograms(
  behaviour: Behaviour,
  options: {
    readonly seed: number;
    readonly count: number;
    readonly stepsMax: number;
    /** Calls that programs should be about. */
    readonly focus?: readonly string[];
    /** Makes what judges a program while it is written, by the program's number. */
    readonly walkOf?: (index: number) => OwnWalk | undefined;
  },
): Program[] {
  const { seed, count, stepsMax, focus = [], walkOf } = options;
  const themes = focusThemes(themesFor(behaviour.profile), focus);
  const samples = fc.sample(intentsArbitrary(stepsMax), { seed, numRuns: count });
  return samples.map((intents, index) => writeProgram(intents, behaviour, themes, walkOf?.(index)));
}

/** Turns numbers into a program, step by step beside the model, so that arguments name what is there. */
function writeProgram(
  intents: readonly Intent[],
  behaviour: Behaviour,
  themes: readonly Theme[],
  walk: OwnWalk | undefined,
): Program {
  const first = new Picks(intents[0]?.picks ?? []);
  const theme = present(first.any(themes), 'a theme');
  const writer = new ProgramWriter(behaviour, theme.biases, walk);
  writer.open('f');
  const kinds = drawSwarm(theme.kinds, first);
  for (const [index, kind] of theme.prelude.entries()) {
    const picks = intents[index % intents.length]?.picks ?? [];
    writer.prepare(kind, rotated(picks, index));
  }
  for (const { kind, picks } of intents) {
    writer.addStep(present(kinds[kind % kinds.length], 'kind of a step'), picks);
  }
  return writer.finish();
}

/**
 * By what the weight of each kind of steps is multiplied: each program has its own subset and weights (swarm). Programs of everything
 * are alike; what is hidden by one call, or takes many of another, comes up where the one is missing or the other comes often.
 */
export const SWARM_FACTORS = [0, 1, 1, 3] as const;

/** Of so many programs, one has the weights of its theme. */
const EVEN_ONE_IN = 3;

function drawSwarm(kinds: readonly Kind[], picks: Picks): readonly Kind[] {
  if (picks.rarely(EVEN_ONE_IN)) return kinds;
  const factors = new Map([...new Set(kinds)].map((kind) => [kind, picks.one(SWARM_FACTORS)]));
  const drawn = kinds.flatMap((kind) => times(factors.get(kind) ?? 1, kind));
  return drawn.length === 0 ? kinds : drawn;
}
