import { assert } from 'chai';
import { present } from '../../models/base/assert.js';
import { compareOutputs } from '../../models/difference.js';
import type { Returned } from '../../models/outcome.js';
import { assemble } from '../../models/program/assemble.js';
import { type IoctlStep, PROGRAM_SCHEMA } from '../../models/program/program.js';

/** What is reported when some bytes of a buffer come back other than they were given. */
function placesOf(step: Omit<IoctlStep, 'do' | 'file'>, buffer: number, bytes: readonly number[]): string[] {
  const open = { do: 'open', label: 'f' } as const;
  const program = assemble({
    schema: PROGRAM_SCHEMA,
    steps: [open, { do: 'ioctl', file: 'f', ...step }],
  });
  const raw = present(program.steps[1], 'the ioctl');
  const given = raw.do === 'ioctl' ? raw.buffers.map((one) => one.bytes) : [];
  const out = given.map((one, index) => {
    const copy = one.slice();
    if (index === buffer) for (const at of bytes) copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  });
  const answer: Returned = { status: 'returned', errno: 0, value: 0, out: given };
  return compareOutputs(raw, program.calls[1], answer, { ...answer, out }).map(({ where }) => where);
}

describe('differences in what a call wrote', () => {
  it('are named by the member of the struct', () => {
    assert.deepEqual(placesOf({ call: 'IOMMU_IOAS_ALLOC', args: {} }, 0, [8]), ['out_ioas_id']);
  });

  it('are named by the element of an array', () => {
    const args = { num_iovas: 2, allowed_iovas: { room: 2 } };
    const places = placesOf({ call: 'IOMMU_IOAS_IOVA_RANGES', args }, 1, [0, 31]);
    assert.deepEqual(places, ['element 0 start', 'element 1 last']);
  });

  it('are named by the member of driver data', () => {
    const viommu = { call: 'IOMMU_VIOMMU_ALLOC', args: { data_len: 24, data_uptr: { room: 24 } } };
    assert.deepEqual(placesOf(viommu, 1, [4, 23]), [
      'iommu_viommu_selftest.out_data',
      'iommu_viommu_selftest.out_mmap_length',
    ]);
    const info = { call: 'IOMMU_GET_HW_INFO', args: { data_len: 8, data_uptr: { room: 8 } } };
    assert.deepEqual(placesOf(info, 1, [5]), ['iommu_test_hw_info.test_reg']);
  });

  it('are named by the byte where no member is', () => {
    const info = { call: 'IOMMU_GET_HW_INFO', args: { data_len: 12, data_uptr: { room: 12 } } };
    assert.deepEqual(placesOf(info, 1, [9]), ['byte 9 of buffer 1']);
    const short = { call: 'IOMMU_GET_HW_INFO', args: { data_len: 6, data_uptr: { room: 6 } } };
    assert.deepEqual(placesOf(short, 1, [4]), ['byte 4 of buffer 1']);
    const requests = { call: 'IOMMU_HWPT_INVALIDATE', args: { data_uptr: { words: [0, 1] } } };
    assert.deepEqual(placesOf(requests, 1, [4]), ['byte 4 of buffer 1']);
  });
});
