import { assert } from 'chai';
import { Pool } from '../../fuzz/campaign/pool.js';
import { BATCH_PROGRAMS, ProgramStream } from '../../fuzz/campaign/stream.js';
import { JudgedWalk, judgeOnModel } from '../../fuzz/feedback/features.js';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { mutateProgram } from '../../fuzz/mutate/mutate.js';
import { Behaviour } from '../../models/behaviour.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { assemble } from '../../models/program/assemble.js';
import { hasLanes } from '../../models/program/program.js';

const BEHAVIOUR = new Behaviour(DEFAULT_PROFILE);
const OPTIONS = { seed: 7, worker: 0, stepsMax: 20, focus: [] };
const BATCHES = 6;

/** Fresh programs, and some that are made of others. */
function batchesOf(newWalk?: () => JudgedWalk) {
  const pool = new Pool();
  for (const [at, program] of samplePrograms(BEHAVIOUR, { seed: 8, count: 32, stepsMax: 20 }).entries())
    pool.add(at - 32, program);
  const stream = new ProgramStream(BEHAVIOUR, OPTIONS, pool, mutateProgram, newWalk);
  return Array.from({ length: BATCHES }, (_, batch) => stream.batch(batch)).flat();
}

describe('a program that is judged while it is drawn', () => {
  const drawn = batchesOf(() => new JudgedWalk(BEHAVIOUR));

  it('is the one that would be drawn otherwise', () => {
    assert.deepStrictEqual(
      drawn.map(({ program }) => program),
      batchesOf().map(({ program }) => program),
    );
  });

  it('has the verdict and the features that it has when it is carried out by itself', () => {
    const judged = drawn.flatMap(({ program, judged }) =>
      judged === undefined ? [] : [{ program, judged }],
    );
    assert.isAbove(judged.length, (BATCHES * BATCH_PROGRAMS) / 2);
    for (const { program, judged: onTheWay } of judged) {
      const { verdict, features } = judgeOnModel(assemble(program), BEHAVIOUR);
      assert.deepStrictEqual(onTheWay.verdict, verdict);
      assert.sameMembers([...onTheWay.features], [...features]);
    }
  });

  it('is not judged so if its lanes have more orders than one', () => {
    const withLanes = drawn.filter(({ program }) => hasLanes(program));
    assert.isNotEmpty(withLanes);
    for (const { judged } of withLanes) assert.isUndefined(judged);
  });
});
