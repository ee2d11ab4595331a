import { HOLE } from '../../models/program/arena.js';
import type { Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndParent } from './set_up.js';

const ALL = 1;
const IOTLB = 0x0bad_beef;

/** A nested page table whose entries are all full. */
function nestedPageTable(t: ScenarioBuilder) {
  const { ioas, device, parent } = deviceAndParent(t);
  return { ioas, parent, nested: t.nestedHwpt(device, parent, IOTLB).out('out_hwpt_id') };
}

/** Which entries are still full. */
function expectFull(t: ScenarioBuilder, nested: Scalar, full: readonly number[]): void {
  for (let entry = 0; entry < 4; entry++) t.checkIotlb(nested, entry, full.includes(entry) ? IOTLB : 0);
}

export const hwptInvalidate = suite(
  'hwpt/invalidate',
  'IOMMU_HWPT_INVALIDATE of a nested page table: the struct is written back whatever happens, with the number of requests carried out. vIOMMUs are not covered yet.',
  [
    scenario('requests,carried_out', {
      doc: 'A request invalidates one entry, or with ALL every one.',
      covers: ['IOMMU_HWPT_INVALIDATE/OK'],
      setup: nestedPageTable,
      cases: {
        one: (t, { nested }) => {
          t.invalidate(nested, [0, 2]).ok({ entry_num: 1 });
          expectFull(t, nested, [0, 1, 3]);
        },
        two: (t, { nested }) => {
          t.invalidate(nested, [0, 0, 0, 3]).ok({ entry_num: 2 });
          expectFull(t, nested, [1, 2]);
        },
        twice_the_same: (t, { nested }) => {
          t.invalidate(nested, [0, 1, 0, 1]).ok({ entry_num: 2 });
          expectFull(t, nested, [0, 2, 3]);
        },
        all: (t, { nested }) => {
          t.invalidate(nested, [ALL, 1]).ok({ entry_num: 1 });
          expectFull(t, nested, []);
        },
        none: (t, { nested }) => {
          t.invalidate(nested, []).ok({ entry_num: 0 });
          expectFull(t, nested, [0, 1, 2, 3]);
        },
        none_without_pointer: (t, { nested }) =>
          t.invalidate(nested, [], { data_uptr: 0, entry_len: 0 }).ok({ entry_num: 0 }),
      },
      control: (t, { nested }) => t.invalidate(nested, [0, 0]).ok({ entry_num: 1 }),
    }),
    scenario('requests,stopped', {
      doc: 'The first bad request ends the call; those before it have been carried out and are counted.',
      covers: [
        'IOMMU_HWPT_INVALIDATE/EFAULT.request',
        'IOMMU_HWPT_INVALIDATE/EOPNOTSUPP.request_flags',
        'IOMMU_HWPT_INVALIDATE/EINVAL.entry',
        'IOMMU_HWPT_INVALIDATE/EINVAL.entry_len',
      ],
      setup: nestedPageTable,
      cases: {
        unknown_flag: (t, { nested }) => {
          t.invalidate(nested, [2, 0]).fails('EOPNOTSUPP', { entry_num: 0 });
          expectFull(t, nested, [0, 1, 2, 3]);
        },
        unknown_flag_beside_all: (t, { nested }) => {
          t.invalidate(nested, [0, 0, 0x8000_0001, 1]).fails('EOPNOTSUPP', { entry_num: 1 });
          expectFull(t, nested, [1, 2, 3]);
        },
        entry_beyond: (t, { nested }) => {
          t.invalidate(nested, [0, 3, 0, 4, 0, 1]).fails('EINVAL', { entry_num: 1 });
          expectFull(t, nested, [0, 1, 2]);
        },
        entry_beyond_with_all: (t, { nested }) => {
          t.invalidate(nested, [ALL, 4]).fails('EINVAL', { entry_num: 0 });
          expectFull(t, nested, [0, 1, 2, 3]);
        },
        flag_before_entry: (t, { nested }) =>
          t.invalidate(nested, [2, 4]).fails('EOPNOTSUPP', { entry_num: 0 }),
        unreadable: (t, { nested }) =>
          t.invalidate(nested, [], { data_uptr: HOLE, entry_num: 1 }).fails('EFAULT', { entry_num: 0 }),
        second_unreadable: (t, { nested }) => {
          const data = { words: [0, 1, 0, 2], in: { edge: 8 } };
          t.invalidate(nested, [], { data_uptr: data, entry_num: 2 }).fails('EFAULT', { entry_num: 1 });
          expectFull(t, nested, [0, 2, 3]);
        },
        too_short: (t, { nested }) =>
          t.invalidate(nested, [0, 1], { entry_len: 4 }).fails('EINVAL', { entry_num: 0 }),
        too_long: (t, { nested }) =>
          t
            .invalidate(nested, [0, 1, 0, 0], { entry_len: 16, entry_num: 1 })
            .fails('EINVAL', { entry_num: 0 }),
        length_before_memory: (t, { nested }) =>
          t
            .invalidate(nested, [], { data_uptr: HOLE, entry_num: 1, entry_len: 4 })
            .fails('EINVAL', { entry_num: 0 }),
      },
      control: (t, { nested }) => t.invalidate(nested, [0, 3, 0, 1]).ok({ entry_num: 2 }),
    }),
    scenario('arguments,refused', {
      doc: '__reserved is EOPNOTSUPP, requests without pointer or of an unreasonable size or number EINVAL, another type of data EINVAL even without requests; entry_num is 0 then.',
      covers: [
        'IOMMU_HWPT_INVALIDATE/EOPNOTSUPP.reserved',
        'IOMMU_HWPT_INVALIDATE/EINVAL.requests',
        'IOMMU_HWPT_INVALIDATE/EINVAL.data_type',
      ],
      source: 'device.md 2.2',
      gaps: [5],
      kselftest: ['iommufd_viommu.mock_viommu.vdevice_cache'],
      setup: nestedPageTable,
      cases: {
        reserved: (t, { nested }) =>
          t.invalidate(nested, [0, 0], { __reserved: 1 }).fails('EOPNOTSUPP', { entry_num: 0 }),
        no_pointer: (t, { nested }) =>
          t.invalidate(nested, [], { data_uptr: 0, entry_num: 1 }).fails('EINVAL', { entry_num: 0 }),
        no_length: (t, { nested }) =>
          t.invalidate(nested, [0, 0], { entry_len: 0 }).fails('EINVAL', { entry_num: 0 }),
        length_of_a_page: (t, { nested }) =>
          t
            .invalidate(nested, [], { data_uptr: HOLE, entry_num: 1, entry_len: 4096 })
            .fails('EINVAL', { entry_num: 0 }),
        longer_than_a_page: (t, { nested }) =>
          t.invalidate(nested, [0, 0], { entry_len: 4097 }).fails('EINVAL', { entry_num: 0 }),
        too_many: (t, { nested }) =>
          t.invalidate(nested, [0, 0], { entry_num: (1 << 19) + 1 }).fails('EINVAL', { entry_num: 0 }),
        other_data: (t, { nested }) =>
          t.invalidate(nested, [0, 0], { data_type: 0 }).fails('EINVAL', { entry_num: 0 }),
        other_data_without_requests: (t, { nested }) =>
          t.invalidate(nested, [], { data_type: 0x0dad_beef }).fails('EINVAL', { entry_num: 0 }),
        reserved_before_requests: (t, { nested }) =>
          t.invalidate(nested, [0, 0], { __reserved: 1, entry_len: 0 }).fails('EOPNOTSUPP', { entry_num: 0 }),
        nothing_was_done: (t, { nested }) => {
          t.invalidate(nested, [0, 0], { __reserved: 1 }).fails('EOPNOTSUPP', { entry_num: 0 });
          t.invalidate(nested, [0, 1], { data_type: 1 }).fails('EINVAL', { entry_num: 0 });
          expectFull(t, nested, [0, 1, 2, 3]);
        },
      },
      control: (t, { nested }) => t.invalidate(nested, [0, 0]),
    }),
    scenario('target,refused', {
      doc: 'A missing target is ENOENT; one that is no nested page table EINVAL, up to 6.12 ENOENT.',
      covers: ['IOMMU_HWPT_INVALIDATE/ENOENT.hwpt', 'IOMMU_HWPT_INVALIDATE/EINVAL.target_type'],
      source: 'mock.md 16',
      setup: nestedPageTable,
      cases: {
        zero: (t) => t.invalidate(0, [0, 0]).fails('ENOENT', { entry_num: 0 }),
        ioas: (t, { ioas }) =>
          t.invalidate(ioas, [0, 0]).fails({ '7.3': 'EINVAL', '6.12': 'ENOENT' }, { entry_num: 0 }),
        parent: (t, { parent }) =>
          t.invalidate(parent, [0, 0]).fails({ '7.3': 'EINVAL', '6.12': 'ENOENT' }, { entry_num: 0 }),
        requests_before_target: (t) =>
          t.invalidate(0, [0, 0], { entry_len: 0 }).fails('EINVAL', { entry_num: 0 }),
        target_before_type: (t) =>
          t.invalidate(0, [0, 0], { data_type: 0 }).fails('ENOENT', { entry_num: 0 }),
        type_before_length: (t, { nested }) =>
          t.invalidate(nested, [0, 0], { data_type: 0, entry_len: 4 }).fails('EINVAL', { entry_num: 0 }),
      },
      control: (t, { nested }) => t.invalidate(nested, [0, 0]),
    }),
    scenario('response,unwritable', {
      doc: 'If the struct cannot be written back the answer is EFAULT, whatever it would have been, and what could be done has been.',
      covers: ['IOMMU_HWPT_INVALIDATE/EFAULT.respond'],
      setup: nestedPageTable,
      cases: {
        done: (t, { nested }) => {
          t.invalidate(nested, [0, 2], {}, { at: 'sealed' }).fails('EFAULT');
          expectFull(t, nested, [0, 1, 3]);
        },
        partly_done: (t, { nested }) => {
          t.invalidate(nested, [0, 2, 0, 4], {}, { at: 'sealed' }).fails('EFAULT');
          expectFull(t, nested, [0, 1, 3]);
        },
        instead_of_reserved: (t, { nested }) => {
          t.invalidate(nested, [0, 2], { __reserved: 1 }, { at: 'sealed' }).fails('EFAULT');
          expectFull(t, nested, [0, 1, 2, 3]);
        },
        instead_of_missing: (t) => t.invalidate(0, [0, 2], {}, { at: 'sealed' }).fails('EFAULT'),
      },
      control: (t, { nested }) => t.invalidate(nested, [0, 0]),
    }),
  ],
);
