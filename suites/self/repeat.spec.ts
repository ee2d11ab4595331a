import { assert } from 'chai';
import { findUnrepeated } from '../../fuzz/campaign/repeat.js';
import { mutateProgram } from '../../fuzz/mutate/mutate.js';
import { Behaviour } from '../../models/behaviour.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';

/** The fourth batch is the first that is made of others. */
const PROGRAMS = 256;

describe('the check that a seed reproduces a campaign', () => {
  const behaviour = new Behaviour(DEFAULT_PROFILE);

  it('finds nothing wrong with the fuzzer', async () => {
    assert.isUndefined(await findUnrepeated(behaviour, 5, PROGRAMS));
  });

  it('names the program that something outside of the seed has changed', async () => {
    let calls = 0;
    const different = await findUnrepeated(
      behaviour,
      5,
      PROGRAMS,
      (program, donors, model, picks, { walk }) => {
        calls += 1;
        const mutated = mutateProgram(program, donors, model, picks, { canFail: true, walk });
        // One of the second time.
        return calls === 60 ? { ...mutated, steps: mutated.steps.slice(0, -1) } : mutated;
      },
    );
    assert.match(
      different ?? '',
      /^of a campaign with seed 5, program \d+ came out differently the second time$/,
    );
  });
});
