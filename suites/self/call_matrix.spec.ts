import { assert } from 'chai';
import { Behaviour } from '../../models/behaviour.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { assemble } from '../../models/program/assemble.js';
import { BUFFER } from '../../models/program/arena.js';
import type { Step } from '../../models/program/program.js';
import { judgeByModel } from '../../models/program_verdict.js';
import { runOnModel } from '../../targets/sim.js';
import { CallMatrix } from '../harness/call_matrix.js';

const IOAS = { ref: 'ioas.out_ioas_id' };

function ioctl(call: string, args: Record<string, unknown>, label?: string): Step {
  return { do: 'ioctl', file: 'f', call, args, ...(label === undefined ? {} : { label }) } as Step;
}

function map(flags: number): Step {
  const range = { user_va: BUFFER.start, length: 0x1000n, iova: 0x100_0000n };
  return ioctl('IOMMU_IOAS_MAP', { ioas_id: IOAS, flags, ...range });
}

describe('the matrix of calls, states and flags', () => {
  const matrix = new CallMatrix();

  before(() => {
    const behaviour = new Behaviour(DEFAULT_PROFILE);
    const program = assemble({
      schema: 1,
      steps: [
        { do: 'open', label: 'f' },
        ioctl('IOMMU_IOAS_ALLOC', {}, 'ioas'),
        map(7),
        map(7),
        map(0),
        ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: IOAS }, 'mock'),
        ioctl('IOMMU_DESTROY', { id: IOAS }),
        ioctl('IOMMU_DESTROY', { id: { ref: 'mock.out_stdev_id' } }),
        ioctl('IOMMU_DESTROY', { id: IOAS }),
        ioctl('IOMMU_DESTROY', { id: IOAS }),
      ],
    });
    const { watcher, over } = matrix.watch();
    judgeByModel(program, runOnModel(program, behaviour), behaviour, 'exact', { watcher });
    over();
  });

  it('has the state that each call met, not the one that it left', () => {
    assert.deepEqual(matrix.states.IOMMU_DESTROY, {
      'id: IOAS: mapped, translated': { '-': { 'EBUSY.users': 1 } },
      'id: SELFTEST: attached': { '-': { OK: 1 } },
      'id: IOAS: mapped': { '-': { OK: 1 } },
      'id: no object': { '-': { 'ENOENT.object': 1 } },
    });
  });

  it('has each flag that a call was made with, and what answered', () => {
    const fixed = { OK: 1, 'EEXIST.area': 1 };
    const none = { 'EINVAL.no_access': 1 };
    assert.deepEqual(matrix.states.IOMMU_IOAS_MAP, {
      'ioas_id: IOAS: empty': { FIXED_IOVA: { OK: 1 }, WRITEABLE: { OK: 1 }, READABLE: { OK: 1 } },
      'ioas_id: IOAS: mapped': {
        FIXED_IOVA: { 'EEXIST.area': 1 },
        WRITEABLE: { 'EEXIST.area': 1 },
        READABLE: { 'EEXIST.area': 1 },
        none,
      },
    });
    assert.deepEqual(matrix.flags.IOMMU_IOAS_MAP, {
      FIXED_IOVA: fixed,
      WRITEABLE: fixed,
      READABLE: fixed,
      none,
    });
  });

  it('has nothing of a program that is not over', () => {
    const other = new CallMatrix();
    other.watch();
    assert.deepEqual(other.states, {});
  });
});
