import fc from 'fast-check';
import { present } from '../../models/base/assert.js';
import type { Behaviour } from '../../models/behaviour.js';
import type { Program } from '../../models/program/program.js';
import { focusThemes } from './focus.js';
import { Picks } from './picks.js';
import type { Theme } from './theme.js';
import { themesFor } from './themes.js';
import { ProgramWriter } from './writer.js';

/** The numbers behind one step. */
interface Intent {
  readonly kind: number;
  readonly picks: readonly number[];
}

/** Numbers for one step: more than any call has members and decisions. */
const PICKS_PER_STEP = 40;

/** Kinds are drawn from lists much shorter than this. */
const KIND_MAX = 0xffff;

/** Numbers for programs of up to `stepsMax` steps. Plain records and arrays, so that they shrink and can be stored. */
function intentsArbitrary(stepsMax: number): fc.Arbitrary<readonly Intent[]> {
  const intent = fc.record({
    kind: fc.nat(KIND_MAX),
    picks: fc.array(fc.nat(0xffff), { minLength: PICKS_PER_STEP, maxLength: PICKS_PER_STEP, size: 'max' }),
  });
  // Without bias: small numbers mean nothing here, and would only make programs alike.
  return fc.noBias(fc.array(intent, { minLength: 1, maxLength: stepsMax, size: 'max' }));
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
  },
): Program[] {
  const { seed, count, stepsMax, focus = [] } = options;
  const themes = focusThemes(themesFor(behaviour.profile), focus);
  const samples = fc.sample(intentsArbitrary(stepsMax), { seed, numRuns: count });
  return samples.map((intents) => writeProgram(intents, behaviour, themes));
}

/** Turns numbers into a program, step by step beside the model, so that arguments name what is there. */
function writeProgram(intents: readonly Intent[], behaviour: Behaviour, themes: readonly Theme[]): Program {
  const writer = new ProgramWriter(behaviour);
  writer.open('f');
  const theme = present(new Picks(intents[0]?.picks ?? []).any(themes), 'a theme');
  for (const [index, { kind, picks }] of intents.entries()) {
    const drawn = theme.kinds[kind % theme.kinds.length];
    const prepared = theme.prelude[index];
    if (prepared !== undefined) writer.prepare(prepared, picks);
    else writer.addStep(present(drawn, 'kind of a step'), picks);
  }
  return writer.finish();
}
