import { BUFFER } from '../../models/program/arena.js';
import { hwptData } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

const NEST_PARENT = 1;

export const hwptFormat = suite(
  'hwpt/format',
  'The formats of page tables that the mock has besides its usual one.',
  [
    scenario('format,huge', {
      doc: 'The mock’s huge format begins at 0, ends at 2^38 and has pages of 4096 bytes. 6.12 does not have it.',
      covers: ['IOMMU_HWPT_ALLOC/OK'],
      source: 'mock.md 1, 5.2',
      gaps: [22, 24],
      setup: (t) => {
        const device = t.mockDomain(t.ioas()).out('out_idev_id');
        const other = t.ioas();
        const hwpt = t.hwptAlloc(device, other, hwptData([0, 1]));
        hwpt.fails({ '7.3': 'OK', '6.12': 'EOPNOTSUPP' });
        return { device, other, huge: hwpt.out('out_hwpt_id') };
      },
      cases: {
        half_page: (t, { other }) =>
          t.map(other, { iova: A, length: 0x800n }).fails({ '7.3': 'EINVAL', '6.12': 'OK' }),
        half_a_page_further: (t, { other }) =>
          t.map(other, { iova: A + 0x800n }).fails({ '7.3': 'EINVAL', '6.12': 'OK' }),
        checked_page_by_page: (t, { other, huge }) => {
          t.map(other, { iova: A, length: 2n * P });
          t.checkMap(huge, A, BUFFER.start, 2n * P).fails({ '7.3': 'OK', '6.12': 'ENOENT' });
          t.checkMap(huge, A + 0x800n, BUFFER.start + 0x800n).fails({ '7.3': 'EINVAL', '6.12': 'ENOENT' });
          t.checkMap(huge, A, BUFFER.start, 0x800n).fails({ '7.3': 'EINVAL', '6.12': 'ENOENT' });
        },
        as_a_parent: (t, { device, other }) => {
          const args = { ...hwptData([0, 1]), flags: NEST_PARENT };
          const parent = t.hwptAlloc(device, other, args).fails({ '7.3': 'OK', '6.12': 'EOPNOTSUPP' });
          t.nestedHwpt(device, parent.out('out_hwpt_id'), 5).fails({ '7.3': 'OK', '6.12': 'EINVAL' });
        },
        beyond_the_end: (t, { other }) =>
          t.map(other, { iova: 1n << 38n }).fails({ '7.3': 'EINVAL', '6.12': 'OK' }),
        last_page: (t, { other }) => t.map(other, { iova: (1n << 38n) - P }),
        with_the_default_one: (t, { device, other }) => {
          t.hwptAlloc(device, other);
          t.map(other, { iova: 0n }).fails('EINVAL');
          t.map(other, { iova: A, length: 0x800n }).fails({ '7.3': 'EINVAL', '6.12': 'OK' });
        },
      },
      control: (t, { other }) => t.map(other, { iova: 0n }),
    }),
  ],
);
