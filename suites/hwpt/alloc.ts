import { BUFFER, HOLE } from '../../models/program/arena.js';
import type { Scalar } from '../../models/program/program.js';
import { NO_SUCH_ID, type ScenarioBuilder, hwptData } from '../harness/builder.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

const NEST_PARENT = 1;
const DIRTY_TRACKING = 2;
const FAULT_ID_VALID = 4;
const PASID = 8;

/** A mock device on an IOAS, and a second IOAS without any. */
function deviceAndIoases(t: ScenarioBuilder) {
  const ioas = t.ioas();
  const mock = t.mockDomain(ioas);
  return { ioas, mock, device: mock.out('out_idev_id'), other: t.ioas() };
}

/** No page table came into being: its IOAS can be destroyed. */
function nothingStays(t: ScenarioBuilder, ioas: Scalar): void {
  t.destroy(ioas);
}

export const hwptAlloc = suite(
  'hwpt/alloc',
  'IOMMU_HWPT_ALLOC over an IOAS: arguments, driver data, filling, life. Nested page tables have their own file; fault queues are not covered yet.',
  [
    scenario('arguments,refused', {
      doc: '__reserved is EOPNOTSUPP; data without a type, or a type without data, EINVAL; a missing device ENOENT, a missing target EINVAL.',
      covers: [
        'IOMMU_HWPT_ALLOC/EOPNOTSUPP.reserved',
        'IOMMU_HWPT_ALLOC/EINVAL.data_len',
        'IOMMU_HWPT_ALLOC/ENOENT.device',
        'IOMMU_HWPT_ALLOC/EINVAL.target',
        'IOMMU_HWPT_ALLOC/EINVAL.target_type',
      ],
      gaps: [5, 24],
      kselftest: ['iommufd_ioas.no_domain.alloc_hwpt_nested'],
      seeds: ['S1-35'],
      setup: deviceAndIoases,
      cases: {
        reserved: (t, { device, ioas }) => t.hwptAlloc(device, ioas, { __reserved: 1 }).fails('EOPNOTSUPP'),
        data_without_type: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, { ...hwptData([0]), data_type: 0 }).fails('EINVAL'),
        type_without_data: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, { data_type: 0xdead }).fails('EINVAL'),
        device_zero: (t, { ioas }) => t.hwptAlloc(0, ioas).fails('ENOENT'),
        device_never_used: (t, { ioas }) => t.hwptAlloc(NO_SUCH_ID, ioas).fails('ENOENT'),
        device_is_ioas: (t, { ioas }) => t.hwptAlloc(ioas, ioas).fails('ENOENT'),
        device_is_handle: (t, { mock, ioas }) => t.hwptAlloc(mock.out('out_stdev_id'), ioas).fails('ENOENT'),
        target_zero: (t, { device }) => t.hwptAlloc(device, 0).fails('EINVAL'),
        target_never_used: (t, { device }) => t.hwptAlloc(device, NO_SUCH_ID).fails('EINVAL'),
        target_is_device: (t, { device }) => t.hwptAlloc(device, device).fails('EINVAL'),
        target_is_handle: (t, { mock, device }) =>
          t.hwptAlloc(device, mock.out('out_stdev_id')).fails('EINVAL'),
      },
      control: (t, { device, ioas }) => t.hwptAlloc(device, ioas, { __reserved2: 1, fault_id: 77 }),
    }),
    scenario('flags,paging', {
      doc: 'Unknown flags, dirty tracking of a device that cannot, and a fault queue of a parent are EOPNOTSUPP. 6.12 knows no PASIDs and no fault queue here.',
      covers: [
        'IOMMU_HWPT_ALLOC/EOPNOTSUPP.paging_flags',
        'IOMMU_HWPT_ALLOC/EOPNOTSUPP.dirty_tracking',
        'IOMMU_HWPT_ALLOC/EOPNOTSUPP.fault_of_parent',
        'IOMMU_HWPT_ALLOC/ENOENT.fault',
      ],
      source: 'mock.md 5.1, 16',
      gaps: [24],
      kselftest: ['iommufd_mock_domain.alloc_hwpt'],
      setup: deviceAndIoases,
      cases: {
        bit_4: (t, { device, ioas }) => t.hwptAlloc(device, ioas, { flags: 0x10 }).fails('EOPNOTSUPP'),
        bit_31: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, { flags: 0x8000_0001 }).fails('EOPNOTSUPP'),
        pasid: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, { flags: PASID }).fails({ '7.3': 'OK', '6.12': 'EOPNOTSUPP' }),
        fault_of_parent: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, { flags: FAULT_ID_VALID | NEST_PARENT }).fails('EOPNOTSUPP'),
        fault_without_queue: (t, { device, ioas }) =>
          t
            .hwptAlloc(device, ioas, { flags: FAULT_ID_VALID, fault_id: NO_SUCH_ID })
            .fails({ '7.3': 'ENOENT', '6.12': 'EOPNOTSUPP' }),
        fault_is_ioas: (t, { device, ioas }) =>
          t
            .hwptAlloc(device, ioas, { flags: FAULT_ID_VALID, fault_id: ioas })
            .fails({ '7.3': 'ENOENT', '6.12': 'EOPNOTSUPP' }),
        dirty_of_device_that_cannot: (t, { ioas }) => {
          const unable = t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 1 });
          t.hwptAlloc(unable.out('out_idev_id'), ioas, { flags: DIRTY_TRACKING }).fails('EOPNOTSUPP');
        },
      },
      control: (t, { device, ioas }) => t.hwptAlloc(device, ioas, { flags: NEST_PARENT | DIRTY_TRACKING }),
    }),
    scenario('data,paging', {
      doc: '7.3 takes the mock’s data of 4 to 8 bytes, zero-extended, with a known format; 6.12 takes none.',
      covers: [
        'IOMMU_HWPT_ALLOC/EOPNOTSUPP.paging_data',
        'IOMMU_HWPT_ALLOC/EINVAL.data_size',
        'IOMMU_HWPT_ALLOC/EFAULT.data',
        'IOMMU_HWPT_ALLOC/EOPNOTSUPP.pagetable_type',
      ],
      source: 'mock.md 5.1, 16',
      gaps: [23],
      setup: deviceAndIoases,
      cases: {
        other_type: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, { ...hwptData([0, 0]), data_type: 1 }).fails('EOPNOTSUPP'),
        short: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, hwptData([0], 3)).fails({ '7.3': 'EINVAL', '6.12': 'EOPNOTSUPP' }),
        first_version: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, hwptData([7])).fails({ '7.3': 'OK', '6.12': 'EOPNOTSUPP' }),
        in_between: (t, { device, ioas }) =>
          t
            .hwptAlloc(device, ioas, hwptData([7, 0xff00_0000], 7))
            .fails({ '7.3': 'OK', '6.12': 'EOPNOTSUPP' }),
        whole: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, hwptData([7, 1])).fails({ '7.3': 'OK', '6.12': 'EOPNOTSUPP' }),
        long: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, hwptData([0, 0, 0], 9)).fails({ '7.3': 'EINVAL', '6.12': 'EOPNOTSUPP' }),
        unknown_format: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, hwptData([0, 2])).fails('EOPNOTSUPP'),
        unreadable: (t, { device, ioas }) =>
          t
            .hwptAlloc(device, ioas, { ...hwptData([0]), data_uptr: HOLE })
            .fails({ '7.3': 'EFAULT', '6.12': 'EOPNOTSUPP' }),
        partly_unreadable: (t, { device, ioas }) =>
          t
            .hwptAlloc(device, ioas, { ...hwptData([0, 0]), data_uptr: { words: [0, 0], in: { edge: 4 } } })
            .fails({ '7.3': 'EFAULT', '6.12': 'EOPNOTSUPP' }),
      },
      control: (t, { device, ioas }) => t.hwptAlloc(device, ioas),
    }),
    scenario('order,arguments', {
      doc: 'Checks come in the order: reserved, data length, device, target, flags, data, filling, fault queue.',
      covers: ['IOMMU_HWPT_ALLOC/EINVAL.data_len', 'IOMMU_HWPT_ALLOC/ENOENT.device'],
      source: 'device.md 2.1',
      setup: (t) => {
        const all = deviceAndIoases(t);
        t.map(all.other, { iova: 0n });
        return all;
      },
      cases: {
        reserved_and_length: (t) =>
          t.hwptAlloc(0, 0, { __reserved: 1, data_type: 0xdead }).fails('EOPNOTSUPP'),
        length_and_device: (t) => t.hwptAlloc(0, 0, { data_type: 0xdead }).fails('EINVAL'),
        device_and_target: (t) => t.hwptAlloc(0, 0).fails('ENOENT'),
        target_and_flags: (t, { device }) => t.hwptAlloc(device, 0, { flags: 0x10 }).fails('EINVAL'),
        flags_and_size: (t, { device, other }) =>
          t.hwptAlloc(device, other, { ...hwptData([0], 3), flags: 0x10 }).fails('EOPNOTSUPP'),
        type_and_size: (t, { device, other }) =>
          t.hwptAlloc(device, other, { ...hwptData([0], 3), data_type: 2 }).fails('EOPNOTSUPP'),
        dirty_and_type: (t, { ioas, other }) => {
          const unable = t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 1 });
          const args = { ...hwptData([0], 3), flags: DIRTY_TRACKING };
          t.hwptAlloc(unable.out('out_idev_id'), other, args).fails('EOPNOTSUPP');
        },
        format_and_filling: (t, { device, other }) =>
          t.hwptAlloc(device, other, hwptData([0, 2])).fails('EOPNOTSUPP'),
        size_and_filling: (t, { device, other }) =>
          t.hwptAlloc(device, other, hwptData([0], 3)).fails({ '7.3': 'EINVAL', '6.12': 'EOPNOTSUPP' }),
        filling_and_fault: (t, { device, other }) =>
          t
            .hwptAlloc(device, other, { flags: FAULT_ID_VALID })
            .fails({ '7.3': 'EADDRINUSE', '6.12': 'EOPNOTSUPP' }),
        fault_and_response: (t, { device, ioas }) =>
          t
            .hwptAlloc(device, ioas, { flags: FAULT_ID_VALID }, { at: 'sealed' })
            .fails({ '7.3': 'ENOENT', '6.12': 'EOPNOTSUPP' }),
      },
      control: (t, { device, ioas }) => t.hwptAlloc(device, ioas),
    }),
    scenario('fill,refused', {
      doc: 'The new page table takes every area of the IOAS at once: misaligned or outside of the aperture is EADDRINUSE, memory that cannot be pinned EFAULT, over the limit ENOMEM, and nothing stays.',
      covers: [
        'IOMMU_HWPT_ALLOC/EADDRINUSE.alignment',
        'IOMMU_HWPT_ALLOC/EADDRINUSE.aperture',
        'IOMMU_HWPT_ALLOC/EFAULT.user_memory',
        'IOMMU_HWPT_ALLOC/EOVERFLOW.user_memory_end',
        'IOMMU_HWPT_ALLOC/ENOMEM.memlock',
      ],
      setup: (t) => {
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 2n * P });
        return deviceAndIoases(t);
      },
      cases: {
        misaligned: (t, { device, other }) => {
          t.map(other, { iova: A + 0x400n });
          t.hwptAlloc(device, other).fails('EADDRINUSE');
          nothingStays(t, other);
        },
        outside: (t, { device, other }) => {
          t.map(other, { iova: 0n });
          t.hwptAlloc(device, other).fails('EADDRINUSE');
          nothingStays(t, other);
        },
        allowed_outside: (t, { device, other }) => {
          t.allow(other, [[0n, 0xfffn]]);
          t.hwptAlloc(device, other).fails('EADDRINUSE');
        },
        memory: (t, { device, other }) => {
          t.map(other, { iova: A, va: HOLE });
          t.hwptAlloc(device, other).fails('EFAULT');
          t.counters(0);
          nothingStays(t, other);
        },
        memory_after_good_area: (t, { device, other }) => {
          t.map(other, { iova: A });
          t.map(other, { iova: A + P, va: HOLE });
          t.hwptAlloc(device, other).fails('EFAULT');
          t.counters(0);
        },
        end_of_space: (t, { device, other }) => {
          t.map(other, { iova: A, va: U64_MAX - P + 1n, length: 0x800n });
          t.hwptAlloc(device, other).fails('EOVERFLOW');
        },
        over_the_limit: (t, { device, other }) => {
          t.map(other, { iova: A, length: 3n * P });
          t.hwptAlloc(device, other).fails('ENOMEM');
          t.counters(0);
        },
        limit_before_fault_queue: (t, { device, other }) => {
          t.map(other, { iova: A, length: 3n * P });
          t.hwptAlloc(device, other, { flags: FAULT_ID_VALID }).fails({
            '7.3': 'ENOMEM',
            '6.12': 'EOPNOTSUPP',
          });
        },
        alignment_before_aperture: (t, { device, other }) => {
          t.map(other, { iova: 0x400n });
          t.hwptAlloc(device, other).fails('EADDRINUSE');
        },
        aperture_before_memory: (t, { device, other }) => {
          t.map(other, { iova: 0n, va: HOLE });
          t.hwptAlloc(device, other).fails('EADDRINUSE');
        },
      },
      control: (t, { device, other }) => {
        t.map(other, { iova: A, length: 2n * P });
        t.hwptAlloc(device, other);
        t.counters(2);
      },
    }),
    scenario('life,without_devices', {
      doc: 'A page table of user space stays without any device, follows every map and unmap, holds its IOAS, and goes by DESTROY.',
      covers: ['IOMMU_HWPT_ALLOC/OK', 'IOMMU_DESTROY/EBUSY.users'],
      setup: deviceAndIoases,
      cases: {
        takes_areas_that_are_there: (t, { device, other }) => {
          t.map(other, { iova: A, length: 2n * P });
          const hwpt = t.hwptAlloc(device, other).out('out_hwpt_id');
          t.checkMap(hwpt, A, BUFFER.start, 2n * P);
          t.counters(2);
        },
        takes_areas_that_come: (t, { device, other }) => {
          const hwpt = t.hwptAlloc(device, other).out('out_hwpt_id');
          t.map(other, { iova: A });
          t.checkMap(hwpt, A, BUFFER.start);
          t.unmap(other, A, P);
          t.checkMap(hwpt, A, BUFFER.start).fails('EINVAL');
        },
        holds_the_ioas: (t, { device, other }) => {
          const hwpt = t.hwptAlloc(device, other).out('out_hwpt_id');
          t.destroy(other).fails('EBUSY');
          t.destroy(hwpt);
          t.destroy(hwpt).fails('ENOENT');
          t.destroy(other);
        },
        unpins_when_it_goes: (t, { device, other }) => {
          t.map(other, { iova: A, length: 2n * P });
          const hwpt = t.hwptAlloc(device, other).out('out_hwpt_id');
          t.counters(2);
          t.destroy(hwpt);
          t.counters(0);
        },
        outlives_the_device: (t, { mock, device, other }) => {
          t.map(other, { iova: A });
          const hwpt = t.hwptAlloc(device, other).out('out_hwpt_id');
          t.destroy(mock.out('out_stdev_id'));
          t.checkMap(hwpt, A, BUFFER.start);
          t.destroy(hwpt);
        },
        limits_go_with_it: (t, { device, other }) => {
          const hwpt = t.hwptAlloc(device, other).out('out_hwpt_id');
          t.map(other, { iova: 0n }).fails('EINVAL');
          t.destroy(hwpt);
          t.map(other, { iova: 0n });
        },
      },
      control: (t, { device, other }) => t.hwptAlloc(device, other),
    }),
    scenario('life,several', {
      doc: 'Page tables of one IOAS all translate its areas; memory is pinned once, until the last one goes.',
      covers: ['IOMMU_HWPT_ALLOC/OK', 'IOMMU_IOAS_MAP/OK'],
      gaps: [21],
      setup: (t) => {
        const all = deviceAndIoases(t);
        const [one, two] = [t.hwptAlloc(all.device, all.other), t.hwptAlloc(all.device, all.other)];
        return { ...all, one: one.out('out_hwpt_id'), two: two.out('out_hwpt_id') };
      },
      cases: {
        both_translate: (t, { other, one, two }) => {
          t.map(other, { iova: A, length: 3n * P });
          t.checkMap(one, A, BUFFER.start, 3n * P);
          t.checkMap(two, A, BUFFER.start, 3n * P);
          t.checkRefs(BUFFER.start, 1, 3n * P);
          t.counters(3);
        },
        first_goes: (t, { other, one, two }) => {
          t.map(other, { iova: A, length: 3n * P });
          t.destroy(one);
          t.checkMap(two, A, BUFFER.start, 3n * P);
          t.counters(3);
          t.destroy(two);
          t.counters(0);
        },
        second_goes: (t, { other, one, two }) => {
          t.map(other, { iova: A, length: 3n * P });
          t.destroy(two);
          t.checkMap(one, A, BUFFER.start, 3n * P);
          t.unmap(other, A, 3n * P);
          t.counters(0);
        },
        with_the_automatic_one: (t, { ioas, device, mock }) => {
          t.map(ioas, { iova: A });
          const hwpt = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          t.destroy(mock.out('out_stdev_id'));
          t.checkMap(hwpt, A, BUFFER.start);
          t.counters(1);
        },
      },
      control: (t, { other }) => t.map(other, { iova: A }),
    }),
    scenario('life,with_devices', {
      doc: 'A device can be attached to a page table by its id; the page table stays when the device goes, and is busy while it is there.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/OK', 'IOMMU_DESTROY/EBUSY.users'],
      kselftest: ['iommufd_mock_domain.alloc_hwpt'],
      setup: (t) => {
        const all = deviceAndIoases(t);
        return { ...all, hwpt: t.hwptAlloc(all.device, all.other).out('out_hwpt_id') };
      },
      cases: {
        busy: (t, { hwpt }) => {
          const mock = t.mockDomain(hwpt);
          t.destroy(hwpt).fails('EBUSY');
          t.destroy(mock.out('out_stdev_id'));
          t.destroy(hwpt);
        },
        devices_take_turns: (t, { ioas, mock, device, other, hwpt }) => {
          const first = mock.out('out_stdev_id');
          const second = t.mockDomain(ioas).out('out_stdev_id');
          const parent = t.hwptAlloc(device, other, { flags: NEST_PARENT }).out('out_hwpt_id');
          for (const handle of [first, second]) {
            t.replace(handle, hwpt);
            t.destroy(hwpt).fails('EBUSY');
            t.replace(handle, parent);
            t.destroy(parent).fails('EBUSY');
          }
          t.replace(second, hwpt);
          t.destroy(parent).fails('EBUSY');
          t.replace(first, hwpt);
          t.destroy(parent);
          t.replace(first, ioas);
          t.destroy(hwpt).fails('EBUSY');
          t.replace(second, ioas);
          t.destroy(hwpt);
          t.destroy(other);
        },
        not_chosen_for_the_ioas: (t, { other, hwpt }) => {
          t.mockDomain(hwpt);
          const automatic = t.mockDomain(other).out('out_hwpt_id');
          t.destroy(automatic).fails('EBUSY');
          t.map(other, { iova: A });
          t.checkMap(automatic, A, BUFFER.start);
          t.checkMap(hwpt, A, BUFFER.start);
        },
      },
      control: (t, { hwpt }) => t.mockDomain(hwpt),
    }),
    scenario('response,undone', {
      doc: 'A page table whose id cannot be written back is gone again, and what it pinned with it.',
      covers: ['IOMMU_HWPT_ALLOC/EFAULT.respond'],
      gaps: [3, 4],
      setup: (t) => {
        const all = deviceAndIoases(t);
        t.map(all.other, { iova: A });
        return all;
      },
      cases: {
        sealed: (t, { device, other }) => {
          t.hwptAlloc(device, other, {}, { at: 'sealed' }).fails('EFAULT');
          t.counters(0);
          nothingStays(t, other);
        },
        short_struct: (t, { device, other }) => t.hwptAlloc(device, other, { size: 24 }),
        too_short_struct: (t, { device, other }) => t.hwptAlloc(device, other, { size: 23 }).fails('EINVAL'),
      },
      control: (t, { device, other }) => t.hwptAlloc(device, other),
    }),
  ],
);
