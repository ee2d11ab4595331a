import { assert } from 'chai';
import { lookBack } from '../../fuzz/generate/look_back.js';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { Behaviour } from '../../models/behaviour.js';
import { assemble } from '../../models/program/assemble.js';
import { type Json, programFromJson, programText } from '../../models/program/json.js';
import { type IoctlStep, placedSteps } from '../../models/program/program.js';
import { judgeByModel } from '../../models/program_verdict.js';
import { PROFILES } from '../../models/profiles/index.js';
import { NEVER_SUCCEED } from '../harness/never_succeed.js';
import { runOnModel } from '../../targets/sim.js';

/** Whose argument does not matter. */
const NEVER_FAIL = new Set(['VFIO_GET_API_VERSION']);

/** So many that each theme comes a few hundred times. */
const PROGRAMS = 800;
const STEPS_MAX = 20;

for (const profile of PROFILES) {
  describe(`random programs for ${profile.id}`, () => {
    const behaviour = new Behaviour(profile);
    const programs = samplePrograms(behaviour, { seed: 42, count: PROGRAMS, stepsMax: STEPS_MAX });

    it('are the same for the same seed, and others for another', () => {
      const again = samplePrograms(behaviour, { seed: 42, count: PROGRAMS, stepsMax: STEPS_MAX });
      const other = samplePrograms(behaviour, { seed: 43, count: PROGRAMS, stepsMax: STEPS_MAX });
      assert.deepEqual(again, programs);
      assert.notDeepEqual(other, programs);
    });

    it('keep every word when they are stored and read again', () => {
      for (const program of programs) {
        const stored = programFromJson(JSON.parse(programText(program)) as Json);
        assert.deepEqual(assemble(stored), assemble(program));
      }
    });

    it('hold every invariant at every step, in both readings', () => {
      for (const program of programs) {
        const assembled = assemble(program);
        const outcome = runOnModel(assembled, behaviour);
        const exact = judgeByModel(assembled, outcome, behaviour, 'exact');
        assert.deepEqual([...exact.problems, ...exact.unspecified], []);
        // The contract lets any true rule win, also one that the model cannot tell the answer of.
        assert.deepEqual(judgeByModel(assembled, outcome, behaviour, 'contract').problems, []);
      }
    });

    it('succeed and fail in every call', () => {
      const answers = new Map<string, Set<boolean>>();
      for (const program of programs) {
        const { steps } = runOnModel(assemble(program), behaviour);
        for (const [at, { step }] of placedSteps(program).entries()) {
          const outcome = steps[at];
          if (step.do !== 'ioctl' || outcome?.status !== 'returned') continue;
          answers.set(step.call, (answers.get(step.call) ?? new Set()).add(outcome.errno === 0));
        }
      }
      const oneSided = [...answers]
        .filter(([call, seen]) => !NEVER_SUCCEED.has(call) && !NEVER_FAIL.has(call) && seen.size < 2)
        .map(([call]) => call);
      assert.isAtLeast(answers.size, 13);
      assert.deepEqual(oneSided, []);
    });
  });
}

describe('a look back at what failed', () => {
  const ioctl = (call: string, args: IoctlStep['args'], rest: Partial<IoctlStep> = {}): IoctlStep => ({
    do: 'ioctl',
    file: 'f',
    call,
    args,
    ...rest,
  });

  it('reads what an access was to write', () => {
    const place = { id: { fd: 'a' }, iova: 0x1000_0ffcn, length: 8n };
    const written = ioctl('IOMMU_TEST_OP_ACCESS_RW', { ...place, flags: 5, uptr: { words: [1, 2] } });
    assert.deepEqual(
      lookBack(written),
      ioctl('IOMMU_TEST_OP_ACCESS_RW', { ...place, flags: 4, uptr: { room: 8 } }),
    );
  });

  it('asks again for what could not be told', () => {
    const args = { flags: 0 };
    assert.deepEqual(
      lookBack(ioctl('IOMMU_IOAS_ALLOC', args, { at: 'sealed', label: 's1' })),
      ioctl('IOMMU_IOAS_ALLOC', args),
    );
  });

  it('maps where something was to be unmapped', () => {
    const step = lookBack(ioctl('IOMMU_IOAS_UNMAP', { ioas_id: 1, iova: 0x1000n, length: 0x3000n }));
    assert.isTrue(step?.do === 'ioctl' && step.call === 'IOMMU_IOAS_MAP');
    assert.deepInclude(step, { file: 'f' });
  });

  it('protects what was to be mapped, which is not there any more', () => {
    const range = { start: 0x100_0000_0000n, bytes: 0x2000n };
    assert.deepEqual(lookBack({ do: 'mmap', ...range, access: 'rwx', file: 'f', offset: 0n }), {
      do: 'mprotect',
      ...range,
      access: 'rw',
    });
  });

  it('is not taken at reads, and at calls that leave nothing', () => {
    const read = { flags: 4, iova: 0n, length: 8n, uptr: { room: 8 } };
    assert.isUndefined(lookBack(ioctl('IOMMU_TEST_OP_ACCESS_RW', read)));
    assert.isUndefined(lookBack(ioctl('IOMMU_DESTROY', { id: 1 })));
  });
});
