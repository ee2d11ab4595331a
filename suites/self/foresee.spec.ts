import { assert } from 'chai';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { Behaviour } from '../../models/behaviour.js';
import { takeSnapshot } from '../../models/invariants/snapshot.js';
import { ModelRun } from '../../models/model_run.js';
import { assemble } from '../../models/program/assemble.js';
import { PROFILES } from '../../models/profiles/index.js';
import type { World } from '../../models/state/world.js';

/** All that a step could change. */
function stateOf(world: World): unknown {
  const { values, writes } = takeSnapshot(world);
  return { values, writes, contents: world.memory.physical.contents.describe() };
}

/** Failing calls are held against the state after they have been foreseen: foreseeing must leave it alone. */
describe('a step that is foreseen', () => {
  for (const profile of PROFILES) {
    it(`changes nothing until it is carried out (${profile.id})`, () => {
      const behaviour = new Behaviour(profile);
      let foreseen = 0;
      for (const program of samplePrograms(behaviour, { seed: 21, count: 200, stepsMax: 20 })) {
        const run = new ModelRun(behaviour, 'exact', []);
        for (const raw of assemble(program).steps) {
          const before = stateOf(run.world);
          const step = run.foresee(raw);
          run.objectionsTo(step);
          assert.deepEqual(stateOf(run.world), before);
          foreseen += 1;
          if (run.carryOut(step) === undefined) break;
        }
      }
      assert.isAbove(foreseen, 4000);
    });
  }
});
