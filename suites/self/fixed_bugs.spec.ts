import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { assert } from 'chai';
import { readProgramFile } from '../../fuzz/corpus/program_file.js';
import { titleShown } from '../../fuzz/findings/shown.js';
import { reduceProgram } from '../../fuzz/reduce/reduce.js';
import { present } from '../../models/base/assert.js';
import { Behaviour } from '../../models/behaviour.js';
import { EFFECT_MUTANTS } from '../../models/effects/index.js';
import { mutantName } from '../../models/mutants.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { assemble } from '../../models/program/assemble.js';
import { judgeByModel } from '../../models/program_verdict.js';
import { runOnModel } from '../../targets/sim.js';
import { FIXED_BUGS } from '../fixed_bugs/catalogue.js';
import { MutantKiller, allMutants } from '../harness/mutation.js';
import { SCENARIOS } from '../index.js';

const CORPUS = join(resolve(import.meta.dirname, '../../..'), 'corpus/fixed-bugs');

describe('bugs that were fixed', () => {
  const mutants = new Map(allMutants(DEFAULT_PROFILE).map((mutant) => [mutantName(mutant), mutant]));
  const planted = FIXED_BUGS.flatMap(({ shown }) => ('mutant' in shown ? [shown] : []));
  const triggered = FIXED_BUGS.flatMap(({ shown }) => ('mutant' in shown ? [] : [shown]));

  for (const { mutant, scenario } of planted) {
    it(`${mutant} is noticed by ${scenario}`, () => {
      const named = SCENARIOS.filter(({ id }) => id === scenario);
      const killer = new MutantKiller(named).killerOf(present(mutants.get(mutant), mutant), DEFAULT_PROFILE);
      assert.equal(killer?.scenario.id, scenario);
    });
  }

  for (const { mutant, program: name } of planted) {
    it(`the program ${name} shows ${mutant}, and none that is shorter is found from it`, async () => {
      const stored = await readProgramFile(join(CORPUS, `${name}.json`));
      const model = new Behaviour(DEFAULT_PROFILE);
      const wrong = new Behaviour(DEFAULT_PROFILE, present(mutants.get(mutant), mutant));
      assert.isUndefined(titleShown(stored, model, model));
      const title = titleShown(stored, wrong, model);
      assert.isDefined(title);
      const { program, isMinimal } = await reduceProgram(
        stored,
        (candidates) => Promise.resolve(candidates.map((one) => titleShown(one, wrong, model) === title)),
        { budget: 5000, batch: 1 },
      );
      assert.isTrue(isMinimal);
      assert.deepEqual(program, stored);
    });
  }

  for (const { program: name } of triggered) {
    it(`the program ${name} is one that the model allows`, async () => {
      const stored = await readProgramFile(join(CORPUS, `${name}.json`));
      assert.isString(stored.about);
      const program = assemble(stored);
      const behaviour = new Behaviour(DEFAULT_PROFILE);
      const { problems } = judgeByModel(program, runOnModel(program, behaviour), behaviour, 'exact');
      assert.deepEqual(problems, []);
    });
  }

  it('are all of the list, and no mutant and no program is of another', async () => {
    assert.deepEqual(
      FIXED_BUGS.map(({ number }) => number),
      Array.from({ length: 16 }, (_, index) => index + 1),
    );
    assert.includeMembers(
      planted.map(({ mutant }) => mutant),
      EFFECT_MUTANTS.map(mutantName),
    );
    assert.sameMembers(
      await readdir(CORPUS),
      [...planted, ...triggered].map(({ program }) => `${program}.json`),
    );
  });
});
