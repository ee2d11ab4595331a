import { NO_SUCH_ID } from '../harness/builder.js';
import { APERTURE_LAST, APERTURE_START, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { HOLE } from '../../models/program/arena.js';

export const ioasAllowIovas = suite(
  'ioas/allow_iovas',
  'IOMMU_IOAS_ALLOW_IOVAS: its list, what it refuses, and what it confines.',
  [
    scenario('arguments,refused', {
      doc: 'A reserved member is EOPNOTSUPP, a bad id ENOENT, in this order and before the array is read.',
      covers: ['IOMMU_IOAS_ALLOW_IOVAS/EOPNOTSUPP.reserved', 'IOMMU_IOAS_ALLOW_IOVAS/ENOENT.ioas'],
      gaps: [5],
      seeds: ['S2-43'],
      setup: (t) => t.ioas(),
      cases: {
        reserved: (t, ioas) =>
          t.ioctl('IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: ioas, __reserved: 1 }).fails('EOPNOTSUPP'),
        no_ioas: (t) => t.allow(NO_SUCH_ID, []).fails('ENOENT'),
        reserved_before_id: (t) =>
          t.ioctl('IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: 0, __reserved: 1 }).fails('EOPNOTSUPP'),
        id_before_array: (t) =>
          t
            .ioctl('IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: 0, num_iovas: 1, allowed_iovas: HOLE })
            .fails('ENOENT'),
        id_before_order: (t) => t.allow(NO_SUCH_ID, [[2n, 1n]]).fails('ENOENT'),
      },
      control: (t, ioas) => t.allow(ioas, [[P, 2n * P]]),
    }),
    scenario('array,unreadable', {
      doc: 'An element that cannot be read is EFAULT; the elements before it are checked first.',
      covers: ['IOMMU_IOAS_ALLOW_IOVAS/EFAULT.allowed_iovas'],
      gaps: [13],
      setup: (t) => t.ioas(),
      cases: {
        unmapped: (t, ioas) =>
          t
            .ioctl('IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: ioas, num_iovas: 1, allowed_iovas: HOLE })
            .fails('EFAULT'),
        second: (t, ioas) =>
          t
            .allow(
              ioas,
              [
                [P, 2n * P],
                [8n * P, 9n * P],
              ],
              { edge: 1 },
            )
            .fails('EFAULT'),
        after_bad_first: (t, ioas) =>
          t
            .allow(
              ioas,
              [
                [P, P],
                [8n * P, 9n * P],
              ],
              { edge: 1 },
            )
            .fails('EINVAL'),
        list_kept: (t, ioas) => {
          t.allow(ioas, [[0x10000n, 0x1ffffn]]);
          t.ioctl('IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: ioas, num_iovas: 1, allowed_iovas: HOLE }).fails(
            'EFAULT',
          );
          t.map(ioas).ok({ iova: 0x10000n });
        },
      },
      control: (t, ioas) => t.allow(ioas, [[P, 2n * P]], { edge: 1 }),
    }),
    scenario('array,not_read_when_empty', {
      doc: 'With num_iovas 0 the pointer is not used and the confinement is lifted.',
      covers: ['IOMMU_IOAS_ALLOW_IOVAS/OK'],
      setup: (t) => t.ioas(),
      cases: {
        bad_pointer: (t, ioas) =>
          t.ioctl('IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: ioas, num_iovas: 0, allowed_iovas: HOLE }).ok(),
        lifts: (t, ioas) => {
          t.allow(ioas, [[0x10000n, 0x1ffffn]]);
          t.allow(ioas, []);
          t.map(ioas).ok({ iova: 0x1000n });
        },
      },
      control: (t, ioas) => t.allow(ioas, []),
    }),
    scenario('range,order', {
      doc: 'The start of a range must be below its last byte; a range of one byte is refused like an inverted one.',
      covers: ['IOMMU_IOAS_ALLOW_IOVAS/EINVAL.range_order'],
      gaps: [13],
      seeds: ['S2-43'],
      setup: (t) => t.ioas(),
      cases: {
        one_byte: (t, ioas) => t.allow(ioas, [[0x5000n, 0x5000n]]).fails('EINVAL'),
        inverted: (t, ioas) => t.allow(ioas, [[0x5001n, 0x5000n]]).fails('EINVAL'),
        second_inverted: (t, ioas) =>
          t
            .allow(ioas, [
              [0x1000n, 0x1fffn],
              [0x5000n, 0x4fffn],
            ])
            .fails('EINVAL'),
        order_before_overlap: (t, ioas) =>
          t
            .allow(ioas, [
              [0x1000n, 0x1fffn],
              [0x1800n, 0x1800n],
            ])
            .fails('EINVAL'),
      },
      control: (t, ioas) => t.allow(ioas, [[0x5000n, 0x5001n]]),
    }),
    scenario('range,overlap', {
      doc: 'Ranges of one call must not overlap; touching is fine.',
      covers: ['IOMMU_IOAS_ALLOW_IOVAS/EINVAL.range_overlap'],
      gaps: [13],
      seeds: ['S2-43'],
      setup: (t) => t.ioas(),
      cases: {
        equal: (t, ioas) =>
          t
            .allow(ioas, [
              [0x1000n, 0x1fffn],
              [0x1000n, 0x1fffn],
            ])
            .fails('EINVAL'),
        one_shared_byte: (t, ioas) =>
          t
            .allow(ioas, [
              [0x1000n, 0x2000n],
              [0x2000n, 0x2fffn],
            ])
            .fails('EINVAL'),
        with_the_first_of_three: (t, ioas) =>
          t
            .allow(ioas, [
              [0x1000n, 0x1fffn],
              [0x8000n, 0x8fffn],
              [0x0n, 0x1000n],
            ])
            .fails('EINVAL'),
      },
      control: (t, ioas) =>
        t.allow(ioas, [
          [0x2000n, 0x2fffn],
          [0x1000n, 0x1fffn],
        ]),
    }),
    scenario('range,meets_reservation', {
      doc: 'A range that meets a reservation is EADDRINUSE, and the old list stays.',
      covers: ['IOMMU_IOAS_ALLOW_IOVAS/EADDRINUSE.reserved'],
      kselftest: ['iommufd_ioas.no_domain.area_allowed', 'iommufd_ioas.no_domain.area_auto_iova'],
      setup: (t) => {
        const ioas = t.ioas();
        t.reserve(ioas, 0x4000n, 0x1000n);
        return ioas;
      },
      cases: {
        inside: (t, ioas) => t.allow(ioas, [[0x4000n, 0x4fffn]]).fails('EADDRINUSE'),
        one_byte: (t, ioas) => t.allow(ioas, [[0x3000n, 0x4000n]]).fails('EADDRINUSE'),
        second: (t, ioas) =>
          t
            .allow(ioas, [
              [0x1000n, 0x1fffn],
              [0x4fffn, 0x8000n],
            ])
            .fails('EADDRINUSE'),
        old_list_kept: (t, ioas) => {
          t.allow(ioas, [[0x10000n, 0x1ffffn]]);
          t.allow(ioas, [[0x4000n, 0x8000n]]).fails('EADDRINUSE');
          t.map(ioas).ok({ iova: 0x10000n });
        },
        bad_range_first: (t, ioas) =>
          t
            .allow(ioas, [
              [0x4000n, 0x4fffn],
              [0x9000n, 0x9000n],
            ])
            .fails('EINVAL'),
        overlap_first: (t, ioas) =>
          t
            .allow(ioas, [
              [0x4000n, 0x4fffn],
              [0x4800n, 0x5fffn],
            ])
            .fails('EINVAL'),
      },
      control: (t, ioas) => t.allow(ioas, [[0x5000n, 0x5fffn]]),
    }),
    scenario('range,of_a_device', {
      doc: 'With a device, what lies outside of its aperture can not be allowed; what lies inside can.',
      covers: ['IOMMU_IOAS_ALLOW_IOVAS/EADDRINUSE.reserved', 'IOMMU_IOAS_ALLOW_IOVAS/OK'],
      seeds: ['S1-30'],
      setup: (t) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        below: (t, ioas) => t.allow(ioas, [[0x1000n, 0x1fffn]]).fails('EADDRINUSE'),
        above: (t, ioas) =>
          t.allow(ioas, [[APERTURE_LAST + 1n, APERTURE_LAST + 0x1000n]]).fails('EADDRINUSE'),
        across_the_start: (t, ioas) =>
          t.allow(ioas, [[APERTURE_START - 1n, APERTURE_START]]).fails('EADDRINUSE'),
        across_the_end: (t, ioas) => t.allow(ioas, [[APERTURE_LAST, APERTURE_LAST + 1n]]).fails('EADDRINUSE'),
      },
      control: (t, ioas) => t.allow(ioas, [[APERTURE_START, APERTURE_LAST]]).ok(),
    }),
    scenario('list,confines_automatic_maps', {
      doc: 'Automatic IOVAs keep to the list; fixed ones do not look at it; an existing area does not matter.',
      covers: ['IOMMU_IOAS_ALLOW_IOVAS/OK', 'IOMMU_IOAS_MAP/ENOSPC.no_hole'],
      gaps: [13],
      kselftest: ['iommufd_ioas.no_domain.area_auto_iova'],
      seeds: ['S1-31', 'S2-44'],
      setup: (t) => {
        const ioas = t.ioas();
        t.allow(ioas, [[0x10000n, 0x11fffn]]);
        return ioas;
      },
      cases: {
        inside: (t, ioas) => {
          t.map(ioas).ok({ iova: 0x10000n });
          t.map(ioas).ok({ iova: 0x11000n });
          t.map(ioas).fails('ENOSPC');
        },
        too_long: (t, ioas) => t.map(ioas, { length: 0x3000n }).fails('ENOSPC'),
        fixed_outside: (t, ioas) => t.map(ioas, { iova: 0x40000n }).ok({ iova: 0x40000n }),
        over_an_area: (t, ioas) => {
          t.map(ioas, { iova: 0x40000n });
          t.allow(ioas, [[0x40000n, 0x41fffn]]);
          t.map(ioas).ok({ iova: 0x41000n });
        },
        replaced: (t, ioas) => {
          t.allow(ioas, [[0x20000n, 0x2ffffn]]);
          t.map(ioas).ok({ iova: 0x20000n });
        },
      },
      control: (t, ioas) => t.map(ioas).ok({ iova: 0x10000n }),
    }),
    scenario('list,blocks_reservations', {
      doc: 'What the list allows can not be reserved, neither by the test driver nor by the aperture of a domain.',
      covers: [
        'IOMMU_TEST_OP_ADD_RESERVED/EADDRINUSE.range',
        'IOMMU_TEST_OP_MOCK_DOMAIN/EADDRINUSE.aperture',
      ],
      gaps: [13],
      kselftest: ['iommufd_ioas.no_domain.area_allowed'],
      seeds: ['S1-29', 'S2-21'],
      setup: (t) => t.ioas(),
      cases: {
        reservation: (t, ioas) => {
          t.allow(ioas, [[0x10000n, 0x1ffffn]]);
          t.reserve(ioas, 0x1ffffn, 1n).fails('EADDRINUSE');
        },
        aperture_below: (t, ioas) => {
          t.allow(ioas, [[APERTURE_START - 1n, APERTURE_START]]);
          t.mockDomain(ioas).fails('EADDRINUSE');
        },
        aperture_above: (t, ioas) => {
          t.allow(ioas, [[APERTURE_LAST, APERTURE_LAST + 1n]]);
          t.mockDomain(ioas).fails('EADDRINUSE');
        },
        anything: (t, ioas) => {
          t.allow(ioas, [[0n, U64_MAX]]);
          t.mockDomain(ioas).fails('EADDRINUSE');
        },
        lifted: (t, ioas) => {
          t.allow(ioas, [[0n, U64_MAX]]);
          t.allow(ioas, []);
          t.mockDomain(ioas).ok();
        },
      },
      control: (t, ioas) => {
        t.allow(ioas, [[APERTURE_START, APERTURE_LAST]]);
        t.mockDomain(ioas);
      },
    }),
  ],
);
