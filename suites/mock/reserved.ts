import { NO_SUCH_ID } from '../harness/builder.js';
import { P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

export const mockReserved = suite(
  'mock/reserved',
  'ADD_RESERVED: reserving ranges of an IOAS for its lifetime.',
  [
    scenario('arguments,refused', {
      doc: 'An empty range is EINVAL, one that wraps EOVERFLOW, a bad IOAS ENOENT, in this order.',
      covers: [
        'IOMMU_TEST_OP_ADD_RESERVED/EINVAL.length_zero',
        'IOMMU_TEST_OP_ADD_RESERVED/EOVERFLOW.wrap',
        'IOMMU_TEST_OP_ADD_RESERVED/ENOENT.ioas',
      ],
      setup: (t) => t.ioas(),
      cases: {
        empty: (t, ioas) => t.reserve(ioas, 0n, 0n).fails('EINVAL'),
        wraps: (t, ioas) => t.reserve(ioas, U64_MAX, 2n).fails('EOVERFLOW'),
        no_ioas: (t) => t.reserve(NO_SUCH_ID, 0n, P).fails('ENOENT'),
        empty_before_ioas: (t) => t.reserve(0, 0n, 0n).fails('EINVAL'),
        wrap_before_ioas: (t) => t.reserve(0, U64_MAX, 2n).fails('EOVERFLOW'),
      },
      control: (t, ioas) => t.reserve(ioas, U64_MAX, 1n),
    }),
    scenario('range,meets_area', {
      doc: 'A range that meets an area is EADDRINUSE; one that meets a reservation is fine.',
      covers: ['IOMMU_TEST_OP_ADD_RESERVED/EADDRINUSE.range'],
      seeds: ['S2-21'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: 0x10000n, length: 0x2000n });
        return ioas;
      },
      cases: {
        equal: (t, ioas) => t.reserve(ioas, 0x10000n, 0x2000n).fails('EADDRINUSE'),
        first_byte: (t, ioas) => t.reserve(ioas, 0xffffn, 2n).fails('EADDRINUSE'),
        last_byte: (t, ioas) => t.reserve(ioas, 0x11fffn, 1n).fails('EADDRINUSE'),
        everything: (t, ioas) => t.reserve(ioas, 0n, U64_MAX).fails('EADDRINUSE'),
        twice: (t, ioas) => {
          t.reserve(ioas, 0x20000n, 0x1000n);
          t.reserve(ioas, 0x20000n, 0x1000n).ok();
        },
        unmapped_again: (t, ioas) => {
          t.unmap(ioas, 0x10000n, 0x2000n);
          t.reserve(ioas, 0x10000n, 0x2000n).ok();
        },
      },
      control: (t, ioas) => t.reserve(ioas, 0x12000n, 0x1000n),
    }),
    scenario('lifetime,of_the_ioas', {
      doc: 'A reservation outlives devices and is gone with the IOAS.',
      covers: ['IOMMU_TEST_OP_ADD_RESERVED/OK'],
      setup: (t) => {
        const ioas = t.ioas();
        t.reserve(ioas, 0x100_0000n, P);
        return ioas;
      },
      cases: {
        outlives_device: (t, ioas) => {
          const device = t.mockDomain(ioas);
          t.destroy(device.out('out_stdev_id'));
          t.map(ioas, { iova: 0x100_0000n }).fails('EINVAL');
        },
        gone_with_ioas: (t, ioas) => {
          t.destroy(ioas);
          t.map(t.ioas(), { iova: 0x100_0000n }).ok();
        },
      },
      control: (t, ioas) => t.map(ioas, { iova: 0x100_1000n }),
    }),
  ],
);
