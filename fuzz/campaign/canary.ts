import { Behaviour } from '../../models/behaviour.js';
import { type Mutant, mutantName } from '../../models/mutants.js';
import { type CanaryResult, emptyStats } from './events.js';
import type { Mutate } from './stream.js';
import { Worker } from './worker.js';
import type { Workplace } from './workplace.js';

/** Programs within which the planted difference must be found; most are within a tenth of them. */
const PROGRAMS_MAX = 4000;

/**
 * Searches for a difference planted in the judge, in the way of the campaign and on its target: a fuzzer that does not find it would
 * not find anything.
 */
export async function runCanary(
  workplace: Workplace,
  mutant: Mutant,
  seed: number,
  mutate: Mutate | undefined,
): Promise<CanaryResult> {
  const { place } = workplace;
  const judge = new Behaviour(place.behaviour.profile, mutant);
  const found = new AbortController();
  let programs = PROGRAMS_MAX;
  const search = new Worker(
    workplace,
    { seed, worker: 0, stepsMax: 20, focus: [], programs: PROGRAMS_MAX, reductions: 0, target: 'canary' },
    { stats: emptyStats(), entries: [], first: [], titles: [] },
    (event) => {
      if (event.kind === 'sighting' && !found.signal.aborted) {
        programs = event.index + 1;
        found.abort();
      }
      return Promise.resolve();
    },
    mutate,
    judge,
  );
  await search.run(found.signal);
  return { mutant: mutantName(mutant), found: found.signal.aborted, programs };
}
