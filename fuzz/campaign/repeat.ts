import type { Behaviour } from '../../models/behaviour.js';
import { SimTarget } from '../../targets/sim.js';
import { hashOfProgram } from '../corpus/store.js';
import { mutateProgram } from '../mutate/mutate.js';
import { emptyStats } from './events.js';
import type { Mutate } from './stream.js';
import { Worker } from './worker.js';
import { Workplace } from './workplace.js';

/** One thing that a campaign came to. */
interface Told {
  readonly what: string;
  /** What must be the same. */
  readonly exactly: string;
}

const MUTATE: Mutate = (program, donors, behaviour, picks, { walk }) =>
  mutateProgram(program, donors, behaviour, picks, { canFail: true, walk });

/**
 * Carries the beginning of a campaign on the model out twice: what is drawn, mutated, answered, judged and kept must be the same, or
 * no seed reproduces anything.
 * @param programs how many; only those after the first three batches are made of others
 * @param mutate for tests
 * @returns what is different, in one sentence; undefined if nothing is
 */
export async function findUnrepeated(
  behaviour: Behaviour,
  seed: number,
  programs: number,
  mutate = MUTATE,
): Promise<string | undefined> {
  const first = await storyOf(behaviour, seed, programs, mutate);
  const second = await storyOf(behaviour, seed, programs, mutate);
  const other = first.find(({ exactly }, at) => exactly !== second[at]?.exactly);
  return (
    other && `of a campaign with seed ${String(seed)}, ${other.what} came out differently the second time`
  );
}

async function storyOf(
  behaviour: Behaviour,
  seed: number,
  programs: number,
  mutate: Mutate,
): Promise<Told[]> {
  const target = new SimTarget(behaviour);
  const place = { start: () => target.start(), behaviour, isDeterministic: true, answersBy: behaviour };
  const stats = emptyStats();
  const story: Told[] = [];
  const worker = new Worker(
    new Workplace(place, await target.start(), () => Promise.resolve()),
    { seed, worker: 0, stepsMax: 20, focus: [], programs, reductions: 0, target: 'sim' },
    { stats, entries: [], first: [], titles: [] },
    (event) => {
      if (event.kind === 'entry') {
        const { index, program, news } = event;
        story.push({
          what: `program ${String(index)}`,
          exactly: [index, hashOfProgram(program), ...news].join(' '),
        });
      }
      return Promise.resolve();
    },
    mutate,
  );
  await worker.run(new AbortController().signal);
  return [...story, { what: 'what was counted', exactly: JSON.stringify(stats) }];
}
