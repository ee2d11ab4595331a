import { assert } from 'chai';
import { emptyStats } from '../../fuzz/campaign/events.js';
import { huntMutants } from '../../fuzz/campaign/hunt.js';
import { Worker } from '../../fuzz/campaign/worker.js';
import { Workplace } from '../../fuzz/campaign/workplace.js';
import { mutateProgram } from '../../fuzz/mutate/mutate.js';
import { Behaviour } from '../../models/behaviour.js';
import { type Mutant, mutantName } from '../../models/mutants.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { SimTarget } from '../../targets/sim.js';
import { EQUIVALENT_MUTANTS } from '../harness/equivalent_mutants.js';
import { MISSED_MUTANTS } from '../harness/missed_mutants.js';
import { allMutants } from '../harness/mutation.js';

const OPTIONS = { seed: 3, programs: 128, stepsMax: 12 } as const;

/** A rule that decides in hardly any program, the order of two, and what calls do. */
const NAMES = [
  'IOMMU_DESTROY/EBUSY.users:drop',
  'IOMMU_IOAS_UNMAP/ENOENT.ioas:errno:EINVAL',
  'IOMMU_IOAS_MAP/EOPNOTSUPP.flags:swap:EOPNOTSUPP.reserved',
  'IOMMU_IOAS_UNMAP/OK:unpins_beside_accesses',
];

/** The number of the first program of a campaign of its own that shows a mutant. */
async function foundByCampaign(mutant: Mutant): Promise<number | undefined> {
  const behaviour = new Behaviour(DEFAULT_PROFILE);
  const target = new SimTarget(new Behaviour(DEFAULT_PROFILE, mutant));
  const place = { start: () => target.start(), behaviour, isDeterministic: true };
  const over = new AbortController();
  let found: number | undefined;
  const worker = new Worker(
    new Workplace(place, await target.start(), () => Promise.resolve()),
    { ...OPTIONS, worker: 0, focus: [], reductions: 0, target: 'test' },
    { stats: emptyStats(), entries: [], first: [], titles: [] },
    (event) => {
      if (event.kind === 'sighting') {
        found ??= event.index + 1;
        over.abort();
      }
      return Promise.resolve();
    },
    (program, donors, model, picks) => mutateProgram(program, donors, model, picks, { canFail: true }),
  );
  await worker.run(over.signal);
  return found;
}

describe('a hunt for mutants', () => {
  const all = new Map(allMutants(DEFAULT_PROFILE).map((mutant) => [mutantName(mutant), mutant]));

  it('finds each with the program of its own campaign', async () => {
    const mutants = NAMES.flatMap((name) => all.get(name) ?? []);
    const hunted = await huntMutants(
      new Behaviour(DEFAULT_PROFILE),
      mutants,
      OPTIONS,
      () => undefined,
      new AbortController().signal,
    );
    const numbers = hunted.map(({ found }) => found);
    assert.isAtLeast(numbers.filter((found) => found !== undefined).length, 2);
    for (const [at, mutant] of mutants.entries()) {
      assert.equal(numbers[at], await foundByCampaign(mutant), mutantName(mutant));
    }
  });

  it('misses only what there is, and what scenarios kill', () => {
    const names = [...MISSED_MUTANTS.keys()];
    assert.deepEqual(
      names.filter((name) => !all.has(name) || EQUIVALENT_MUTANTS.has(name)),
      [],
    );
  });
});
