import type { ProgramOutcome } from '../../models/outcome.js';
import type { Behaviour } from '../../models/behaviour.js';
import type { Reading } from '../../models/prediction.js';
import type { AssembledProgram } from '../../models/program/assemble.js';
import type { ModelWatcher } from '../../models/model_run.js';
import { OwnWalk, type ProgramVerdict, hasOneAnswer, judgeByModel } from '../../models/program_verdict.js';
import type { World } from '../../models/state/world.js';
import { runOnModel } from '../../targets/sim.js';
import { STATE_CODES, addStateFeatures, stateFeatureName } from './state_features.js';

/**
 * What programs have in common or not: a (call, rule that decided), a pair of consecutive ones, something of the state, or an edge of
 * the kernel's code: two places that kcov told of one after the other. A number,
 * because there are many; names are for people and files, since numbers are given in the order of coming.
 */
export type Feature = number;

/** More than all calls have rules. */
const PLACES_MAX = 1 << 14;

const FIRST_PLACE = STATE_CODES;
const FIRST_PAIR = FIRST_PLACE + PLACES_MAX;
const FIRST_EDGE = FIRST_PAIR + PLACES_MAX * PLACES_MAX;

/** Numbers of (call, rule) in the order of their first coming. */
const placeNumbers = new Map<string, number>();
const places: string[] = [];

function numberOf(place: string): number {
  const known = placeNumbers.get(place);
  if (known !== undefined) return known;
  const number = places.length;
  places.push(place);
  placeNumbers.set(place, number);
  return number;
}

/** The name of a feature, the same in every run. */
export function featureName(feature: Feature): string {
  if (feature < FIRST_PLACE) return stateFeatureName(feature);
  if (feature < FIRST_PAIR) return nameOfPlace(feature - FIRST_PLACE);
  if (isEdge(feature)) return `edge ${String(feature - FIRST_EDGE)}`;
  const pair = feature - FIRST_PAIR;
  return `${nameOfPlace(Math.floor(pair / PLACES_MAX))} > ${nameOfPlace(pair % PLACES_MAX)}`;
}

/** Whether a feature is a (call, rule), without which the others would not be. */
export function isPlace(feature: Feature): boolean {
  return feature >= FIRST_PLACE && feature < FIRST_PAIR;
}

/** Whether a feature is an edge of the kernel's code. */
export function isEdge(feature: Feature): boolean {
  return feature >= FIRST_EDGE;
}

function nameOfPlace(number: number): string {
  return places[number] ?? 'unknown';
}

/** A verdict with what the program has shown on the way. */
export interface Judged {
  readonly verdict: ProgramVerdict;
  readonly features: ReadonlySet<Feature>;
}

/** Judges what a target made of a program, and notes what there is of news in it. */
export function judgeWithFeatures(
  program: AssembledProgram,
  outcome: ProgramOutcome,
  behaviour: Behaviour,
  reading: Reading,
): Judged {
  const judged = notingFeatures((watcher) => judgeByModel(program, outcome, behaviour, reading, { watcher }));
  for (const edge of outcome.coverage?.numbers ?? []) judged.features.add(FIRST_EDGE + edge);
  return judged;
}

/** What `judgeWithFeatures` says of the model's own answers: in one walk, where that can show no less. */
export function judgeOnModel(program: AssembledProgram, behaviour: Behaviour): Judged {
  const inOneWalk = hasOneAnswer(program) ? inOneWalkOnModel(program, behaviour) : undefined;
  return inOneWalk ?? judgeWithFeatures(program, runOnModel(program, behaviour), behaviour, 'exact');
}

/** Undefined where the model breaks: as a target, it crashes there. */
function inOneWalkOnModel({ steps }: AssembledProgram, behaviour: Behaviour): Judged | undefined {
  const walk = new JudgedWalk(behaviour);
  try {
    for (const step of steps) walk.follow(step);
    return walk.judged();
  } catch {
    return undefined;
  }
}

/** The model's own walk through a program, noting what there is of news. */
export class JudgedWalk extends OwnWalk {
  readonly #features: Set<Feature>;

  constructor(behaviour: Behaviour) {
    const features = new Set<Feature>();
    super(behaviour, {
      changed: (world) => {
        addStateFeatures(world, features);
      },
    });
    this.#features = features;
  }

  /** Undefined if it was abandoned. */
  judged(): Judged | undefined {
    if (this.isAbandoned) return undefined;
    const verdict = this.verdict();
    addPlaces(verdict, this.#features);
    return { verdict, features: this.#features };
  }
}

function notingFeatures(
  judge: (watcher: ModelWatcher) => ProgramVerdict,
): Judged & { readonly features: Set<Feature> } {
  const features = new Set<Feature>();
  let watched: World | undefined;
  const verdict = judge({
    changed: (world) => {
      // Another order of lanes is tried: what was seen in the one before has not happened.
      if (watched !== world) features.clear();
      watched = world;
      addStateFeatures(world, features);
    },
  });
  addPlaces(verdict, features);
  return { verdict, features };
}

function addPlaces({ verdicts, order }: ProgramVerdict, features: Set<Feature>): void {
  let last: number | undefined;
  for (const at of order) {
    const verdict = verdicts[at];
    if (verdict === undefined || !('because' in verdict)) continue;
    const number = numberOf(verdict.because);
    features.add(FIRST_PLACE + number);
    if (last !== undefined) features.add(FIRST_PAIR + last * PLACES_MAX + number);
    last = number;
  }
}
