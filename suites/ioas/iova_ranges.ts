import { NO_SUCH_ID } from '../harness/builder.js';
import { APERTURE_LAST, APERTURE_START, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { HOLE } from '../../models/program/arena.js';

export const ioasIovaRanges = suite(
  'ioas/iova_ranges',
  'IOMMU_IOAS_IOVA_RANGES: the ranges between reservations, the room user space gave, and unwritable arrays.',
  [
    scenario('arguments,refused', {
      doc: 'A reserved member is EOPNOTSUPP, a bad id ENOENT, in this order.',
      covers: ['IOMMU_IOAS_IOVA_RANGES/EOPNOTSUPP.reserved', 'IOMMU_IOAS_IOVA_RANGES/ENOENT.ioas'],
      gaps: [5],
      setup: (t) => t.ioas(),
      cases: {
        reserved: (t, ioas) =>
          t.ioctl('IOMMU_IOAS_IOVA_RANGES', { ioas_id: ioas, __reserved: 1 }).fails('EOPNOTSUPP'),
        no_ioas: (t) => t.ranges(NO_SUCH_ID, 1).fails('ENOENT'),
        id_zero: (t) => t.ranges(0, 1).fails('ENOENT'),
        reserved_before_id: (t) =>
          t.ioctl('IOMMU_IOAS_IOVA_RANGES', { ioas_id: 0, __reserved: 1 }).fails('EOPNOTSUPP'),
      },
      control: (t, ioas) => t.ranges(ioas, 1),
    }),
    scenario('arguments,wrong_type', {
      doc: 'An id of another type is as good as none.',
      covers: ['IOMMU_IOAS_IOVA_RANGES/ENOENT.ioas'],
      setup: (t) => {
        const ioas = t.ioas();
        return { ioas, device: t.mockDomain(ioas) };
      },
      cases: {
        page_table: (t, { device }) => t.ranges(device.out('out_hwpt_id'), 1).fails('ENOENT'),
        device: (t, { device }) => t.ranges(device.out('out_idev_id'), 1).fails('ENOENT'),
        handle: (t, { device }) => t.ranges(device.out('out_stdev_id'), 1).fails('ENOENT'),
      },
      control: (t, { ioas }) => t.ranges(ioas, 1),
    }),
    scenario('room,too_small', {
      doc: 'With less room than ranges the call answers EMSGSIZE, and still fills the array and reports how many there are.',
      covers: ['IOMMU_IOAS_IOVA_RANGES/EMSGSIZE.num_iovas'],
      source: 'core.md 3.2',
      kselftest: ['iommufd_ioas.no_domain.iova_ranges'],
      seeds: ['S1-27'],
      setup: (t) => {
        const ioas = t.ioas();
        t.reserve(ioas, P, P);
        t.reserve(ioas, 0x10000n, 0x10000n);
        return ioas;
      },
      cases: {
        none: (t, ioas) => t.ranges(ioas, 0).fails('EMSGSIZE', { num_iovas: 3, out_iova_alignment: 1 }),
        one: (t, ioas) =>
          t
            .ranges(ioas, 1)
            .fails('EMSGSIZE', { num_iovas: 3, out_iova_alignment: 1, allowed_iovas: [[0n, 0xfffn]] }),
        two: (t, ioas) =>
          t.ranges(ioas, 2).fails('EMSGSIZE', {
            num_iovas: 3,
            allowed_iovas: [
              [0n, 0xfffn],
              [0x2000n, 0xffffn],
            ],
          }),
      },
      control: (t, ioas) =>
        t.ranges(ioas, 3).ok({
          num_iovas: 3,
          allowed_iovas: [
            [0n, 0xfffn],
            [0x2000n, 0xffffn],
            [0x20000n, U64_MAX],
          ],
        }),
    }),
    scenario('room,unused_elements', {
      doc: 'Elements beyond the number of ranges are not written.',
      covers: ['IOMMU_IOAS_IOVA_RANGES/OK'],
      setup: (t) => t.ioas(),
      cases: {
        three: (t, ioas) => {
          const untouched = 0xa5a5_a5a5_a5a5_a5a5n;
          t.ranges(ioas, 3).ok({
            num_iovas: 1,
            allowed_iovas: [
              [0n, U64_MAX],
              [untouched, untouched],
              [untouched, untouched],
            ],
          });
        },
      },
      control: (t, ioas) => t.ranges(ioas, 1).ok({ num_iovas: 1 }),
    }),
    scenario('ranges,merged', {
      doc: 'Reservations that overlap or touch leave one gap; the ends of the space may be reserved; a full space has no range.',
      covers: ['IOMMU_IOAS_IOVA_RANGES/OK'],
      seeds: ['S1-33'],
      setup: (t) => t.ioas(),
      cases: {
        overlapping: (t, ioas) => {
          t.reserve(ioas, 0x1000n, 0x3000n);
          t.reserve(ioas, 0x2000n, 0x4000n);
          t.ranges(ioas, 2).ok({
            num_iovas: 2,
            allowed_iovas: [
              [0n, 0xfffn],
              [0x6000n, U64_MAX],
            ],
          });
        },
        touching: (t, ioas) => {
          t.reserve(ioas, 0x2000n, 0x1000n);
          t.reserve(ioas, 0x1000n, 0x1000n);
          t.ranges(ioas, 2).ok({
            num_iovas: 2,
            allowed_iovas: [
              [0n, 0xfffn],
              [0x3000n, U64_MAX],
            ],
          });
        },
        one_inside_another: (t, ioas) => {
          t.reserve(ioas, 0x1000n, 0x9000n);
          t.reserve(ioas, 0x2000n, 0x1000n);
          t.ranges(ioas, 2).ok({
            num_iovas: 2,
            allowed_iovas: [
              [0n, 0xfffn],
              [0xa000n, U64_MAX],
            ],
          });
        },
        both_ends: (t, ioas) => {
          t.reserve(ioas, 0n, 1n);
          t.reserve(ioas, U64_MAX, 1n);
          t.ranges(ioas, 1).ok({ num_iovas: 1, allowed_iovas: [[1n, U64_MAX - 1n]] });
        },
        nothing_left: (t, ioas) => {
          t.reserve(ioas, 0n, U64_MAX);
          t.reserve(ioas, U64_MAX, 1n);
          t.ranges(ioas, 0).ok({ num_iovas: 0 });
        },
      },
      control: (t, ioas) => t.ranges(ioas, 1),
    }),
    scenario('ranges,not_affected_by', {
      doc: 'Areas and the allowed list do not show in the ranges.',
      covers: ['IOMMU_IOAS_IOVA_RANGES/OK'],
      setup: (t) => t.ioas(),
      cases: {
        area: (t, ioas) => {
          t.map(ioas, { iova: 0x8000n });
          t.ranges(ioas, 1).ok({ num_iovas: 1, allowed_iovas: [[0n, U64_MAX]] });
        },
        allowed: (t, ioas) => {
          t.allow(ioas, [[0x1000n, 0x1fffn]]);
          t.ranges(ioas, 1).ok({ num_iovas: 1, allowed_iovas: [[0n, U64_MAX]] });
        },
      },
      control: (t, ioas) => t.ranges(ioas, 1),
    }),
    scenario('ranges,aperture', {
      doc: 'A mock domain confines the IOAS to its aperture at alignment 2048 for as long as it exists.',
      covers: ['IOMMU_IOAS_IOVA_RANGES/OK', 'IOMMU_TEST_OP_MOCK_DOMAIN/OK'],
      gaps: [15],
      kselftest: ['iommufd_ioas.mock_domain.iova_ranges'],
      seeds: ['S1-11', 'S1-28'],
      setup: (t) => {
        const ioas = t.ioas();
        return { ioas, device: t.mockDomain(ioas) };
      },
      cases: {
        while_attached: (t, { ioas }) =>
          t.ranges(ioas, 1).ok({
            num_iovas: 1,
            out_iova_alignment: 2048,
            allowed_iovas: [[APERTURE_START, APERTURE_LAST]],
          }),
        after_detach: (t, { ioas, device }) => {
          t.destroy(device.out('out_stdev_id'));
          t.ranges(ioas, 1).ok({ num_iovas: 1, out_iova_alignment: 1, allowed_iovas: [[0n, U64_MAX]] });
        },
        no_room: (t, { ioas }) =>
          t.ranges(ioas, 0).fails('EMSGSIZE', { num_iovas: 1, out_iova_alignment: 2048 }),
        reservation_outside: (t, { ioas }) => {
          t.reserve(ioas, P, P);
          t.ranges(ioas, 1).ok({ num_iovas: 1, allowed_iovas: [[APERTURE_START, APERTURE_LAST]] });
        },
        with_reservation: (t, { ioas }) => {
          t.reserve(ioas, APERTURE_START, 0x1000n);
          t.ranges(ioas, 1).ok({ num_iovas: 1, allowed_iovas: [[APERTURE_START + 0x1000n, APERTURE_LAST]] });
        },
        without_large_pages: (t, { ioas }) => {
          t.setOption('HUGE_PAGES', 0n, ioas);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 4096 });
        },
      },
      control: (t, { ioas }) => t.ranges(ioas, 1),
    }),
    scenario('array,unwritable', {
      doc: 'An element that cannot be written is EFAULT at once: the struct stays as it was, elements before it are filled.',
      covers: ['IOMMU_IOAS_IOVA_RANGES/EFAULT.allowed_iovas'],
      source: 'core.md 3.2',
      setup: (t) => {
        const ioas = t.ioas();
        t.reserve(ioas, P, P);
        return ioas;
      },
      cases: {
        unmapped: (t, ioas) =>
          t
            .ioctl('IOMMU_IOAS_IOVA_RANGES', { ioas_id: ioas, num_iovas: 2, allowed_iovas: HOLE })
            .fails('EFAULT'),
        sealed: (t, ioas) => t.ranges(ioas, 2, 'sealed').fails('EFAULT'),
        second_element: (t, ioas) =>
          t.ranges(ioas, 2, { edge: 1 }).fails('EFAULT', { num_iovas: 2, allowed_iovas: [[0n, 0xfffn]] }),
        before_too_small: (t, ioas) =>
          t
            .ioctl('IOMMU_IOAS_IOVA_RANGES', { ioas_id: ioas, num_iovas: 1, allowed_iovas: HOLE })
            .fails('EFAULT'),
      },
      control: (t, ioas) => t.ranges(ioas, 2, { edge: 2 }).ok({ num_iovas: 2 }),
    }),
    scenario('array,not_needed', {
      doc: 'Without room, or without ranges, the pointer is not used.',
      covers: ['IOMMU_IOAS_IOVA_RANGES/EMSGSIZE.num_iovas', 'IOMMU_IOAS_IOVA_RANGES/OK'],
      setup: (t) => t.ioas(),
      cases: {
        no_room: (t, ioas) =>
          t
            .ioctl('IOMMU_IOAS_IOVA_RANGES', { ioas_id: ioas, num_iovas: 0, allowed_iovas: HOLE })
            .fails('EMSGSIZE', { num_iovas: 1 }),
        more_room_than_memory: (t, ioas) => t.ranges(ioas, 8, { edge: 1 }).ok({ num_iovas: 1 }),
      },
      control: (t, ioas) => t.ranges(ioas, 1),
    }),
    scenario('response,unwritable', {
      doc: 'A struct that cannot be written back is EFAULT even where the array was filled, and wins over EMSGSIZE.',
      covers: ['IOMMU_IOAS_IOVA_RANGES/EFAULT.respond'],
      setup: (t) => t.ioas(),
      cases: {
        filled: (t, ioas) => {
          const args = { ioas_id: ioas, num_iovas: 1, allowed_iovas: { room: 1 } };
          t.ioctl('IOMMU_IOAS_IOVA_RANGES', args, { at: 'sealed' }).fails('EFAULT', {
            allowed_iovas: [[0n, U64_MAX]],
          });
        },
        too_small: (t, ioas) =>
          t
            .ioctl('IOMMU_IOAS_IOVA_RANGES', { ioas_id: ioas, num_iovas: 0 }, { at: 'sealed' })
            .fails('EFAULT'),
      },
      control: (t, ioas) => t.ranges(ioas, 1),
    }),
  ],
);
