import { HOLE } from '../../models/program/arena.js';
import type { Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndViommu } from './set_up.js';

const ALL = 1;
const FULL = 0x00ba_ddad;
const VIRT_ID = 5;

/** A vIOMMU with a vDEVICE. */
function deviceAndVdevice(t: ScenarioBuilder) {
  const all = deviceAndViommu(t);
  t.vdevice(all.viommu, all.device, BigInt(VIRT_ID));
  return all;
}

/** Requests of three words: flags, name of the device, entry. */
const invalidate = (
  t: ScenarioBuilder,
  viommu: Scalar,
  words: readonly number[],
  args: Parameters<ScenarioBuilder['invalidate']>[2] = {},
) => t.invalidate(viommu, words, { entry_len: 12, entry_num: words.length / 3, ...args });

function expectFull(t: ScenarioBuilder, device: Scalar, full: readonly number[]): void {
  for (let entry = 0; entry < 4; entry++) t.checkCache(device, entry, full.includes(entry) ? FULL : 0);
}

export const viommuInvalidate = suite(
  'viommu/invalidate',
  'IOMMU_HWPT_INVALIDATE of a vIOMMU, and DEV_CHECK_CACHE: requests name a device of the guest; all are copied before the first is carried out.',
  [
    scenario('requests,carried_out', {
      doc: 'A request invalidates one entry of a device’s cache, or with ALL every one.',
      covers: ['IOMMU_HWPT_INVALIDATE/OK'],
      source: 'mock.md 6',
      gaps: [46],
      kselftest: ['iommufd_viommu.mock_viommu.vdevice_cache'],
      needs: ['viommu'],
      setup: deviceAndVdevice,
      cases: {
        one: (t, { viommu, device }) => {
          invalidate(t, viommu, [0, VIRT_ID, 2]).ok({ entry_num: 1 });
          expectFull(t, device, [0, 1, 3]);
        },
        all: (t, { viommu, device }) => {
          invalidate(t, viommu, [ALL, VIRT_ID, 0]).ok({ entry_num: 1 });
          expectFull(t, device, []);
        },
        none: (t, { viommu, device }) => {
          invalidate(t, viommu, []).ok({ entry_num: 0 });
          expectFull(t, device, [0, 1, 2, 3]);
        },
        none_of_another_type: (t, { viommu }) =>
          invalidate(t, viommu, [], { data_type: 1 }).fails('EINVAL', { entry_num: 0 }),
        shorter_requests: (t, { viommu, device }) => {
          invalidate(t, viommu, [0, VIRT_ID], { entry_len: 8, entry_num: 1 }).ok({ entry_num: 1 });
          expectFull(t, device, [1, 2, 3]);
        },
        longer_requests: (t, { viommu, device }) => {
          const words = [0, VIRT_ID, 1, 0, 0, VIRT_ID, 3, 0];
          invalidate(t, viommu, words, { entry_len: 16, entry_num: 2 }).ok({ entry_num: 2 });
          expectFull(t, device, [0, 2]);
        },
        other_device: (t, { viommu, ioas, device }) => {
          const second = t.mockDomain(ioas).out('out_idev_id');
          t.vdevice(viommu, second, 9n);
          invalidate(t, viommu, [ALL, 9, 0]).ok({ entry_num: 1 });
          expectFull(t, device, [0, 1, 2, 3]);
          expectFull(t, second, []);
        },
      },
      control: (t, { viommu }) => invalidate(t, viommu, [0, VIRT_ID, 0]).ok({ entry_num: 1 }),
    }),
    scenario('requests,too_many', {
      doc: 'Requests that need more than 4 MiB in one piece are ENOMEM, whatever their type; the kernel warns the first time, and says that it has carried out all of them.',
      covers: ['IOMMU_HWPT_INVALIDATE/ENOMEM.requests', 'IOMMU_HWPT_INVALIDATE/EFAULT.respond'],
      source: 'mock.md 15; docs/findings/viommu-invalidate-warn.md',
      needs: ['viommu'],
      setup: deviceAndVdevice,
      cases: {
        one_more: (t, { viommu, device }) => {
          const requests = [ALL, VIRT_ID, 0];
          invalidate(t, viommu, requests, { entry_num: 349_526 }).fails('ENOMEM', { entry_num: 349_526 });
          expectFull(t, device, [0, 1, 2, 3]);
        },
        all_that_the_core_takes: (t, { viommu }) =>
          invalidate(t, viommu, [ALL, VIRT_ID, 0], { entry_num: 1 << 19 }).fails('ENOMEM', {
            entry_num: 1 << 19,
          }),
        more_than_the_core_takes: (t, { viommu }) =>
          invalidate(t, viommu, [ALL, VIRT_ID, 0], { entry_num: (1 << 19) + 1 }).fails('EINVAL', {
            entry_num: 0,
          }),
        not_written_back: (t, { viommu }) =>
          t
            .ioctl(
              'IOMMU_HWPT_INVALIDATE',
              { hwpt_id: viommu, data_uptr: HOLE, data_type: 1, entry_len: 12, entry_num: 349_526 },
              { at: 'sealed' },
            )
            .fails('EFAULT'),
        of_another_type: (t, { viommu }) =>
          invalidate(t, viommu, [ALL, VIRT_ID, 0], { data_type: 1, entry_num: 349_526 }).fails('ENOMEM', {
            entry_num: 349_526,
          }),
        without_memory: (t, { viommu }) =>
          invalidate(t, viommu, [], { data_uptr: HOLE, entry_num: 349_526 }).fails('ENOMEM', {
            entry_num: 349_526,
          }),
      },
      control: (t, { viommu }) =>
        invalidate(t, viommu, [], { data_uptr: HOLE, entry_num: 349_525 }).fails('EFAULT', { entry_num: 0 }),
    }),
    scenario('requests,stopped', {
      doc: 'The first bad request ends the call; if one cannot be copied, none is carried out.',
      covers: [
        'IOMMU_HWPT_INVALIDATE/EINVAL.vdevice',
        'IOMMU_HWPT_INVALIDATE/EINVAL.entry',
        'IOMMU_HWPT_INVALIDATE/E2BIG.request',
        'IOMMU_HWPT_INVALIDATE/EOPNOTSUPP.request_flags',
      ],
      source: 'mock.md 6',
      gaps: [45, 46],
      kselftest: ['iommufd_viommu.mock_viommu.vdevice_cache'],
      needs: ['viommu'],
      setup: deviceAndVdevice,
      cases: {
        unknown_device: (t, { viommu, device }) => {
          invalidate(t, viommu, [0, VIRT_ID, 0, 0, 6, 1]).fails('EINVAL', { entry_num: 1 });
          expectFull(t, device, [1, 2, 3]);
        },
        unknown_device_with_all: (t, { viommu }) =>
          invalidate(t, viommu, [ALL, 6, 0]).fails('EINVAL', { entry_num: 0 }),
        entry_beyond: (t, { viommu }) =>
          invalidate(t, viommu, [0, VIRT_ID, 4]).fails('EINVAL', { entry_num: 0 }),
        entry_beyond_with_all: (t, { viommu, device }) => {
          invalidate(t, viommu, [ALL, VIRT_ID, 4]).fails('EINVAL', { entry_num: 0 });
          expectFull(t, device, [0, 1, 2, 3]);
        },
        unknown_flag: (t, { viommu }) =>
          invalidate(t, viommu, [2, VIRT_ID, 0]).fails('EOPNOTSUPP', { entry_num: 0 }),
        flag_before_entry_and_device: (t, { viommu }) =>
          invalidate(t, viommu, [2, 6, 4]).fails('EOPNOTSUPP', { entry_num: 0 }),
        tail: (t, { viommu, device }) => {
          const words = [0, VIRT_ID, 0, 0, 0, VIRT_ID, 1, 9];
          invalidate(t, viommu, words, { entry_len: 16, entry_num: 2 }).fails('E2BIG', { entry_num: 0 });
          expectFull(t, device, [0, 1, 2, 3]);
        },
        unreadable: (t, { viommu }) =>
          invalidate(t, viommu, [], { data_uptr: HOLE, entry_num: 1 }).fails('EFAULT', { entry_num: 0 }),
        second_unreadable: (t, { viommu, device }) => {
          const data = { words: [0, VIRT_ID, 0, 0, VIRT_ID, 1], in: { edge: 12 } };
          invalidate(t, viommu, [], { data_uptr: data, entry_num: 2 }).fails('EFAULT', { entry_num: 0 });
          expectFull(t, device, [0, 1, 2, 3]);
        },
        wide_name: (t, { viommu, ioas }) => {
          t.vdevice(viommu, t.mockDomain(ioas).out('out_idev_id'), (1n << 32n) + 6n);
          invalidate(t, viommu, [0, 6, 0]).fails('EINVAL', { entry_num: 0 });
        },
        name_taken_over: (t, { viommu, handle, ioas }) => {
          t.destroy(handle);
          const second = t.mockDomain(ioas).out('out_idev_id');
          t.vdevice(viommu, second, BigInt(VIRT_ID));
          invalidate(t, viommu, [0, VIRT_ID, 0]).ok({ entry_num: 1 });
          expectFull(t, second, [1, 2, 3]);
        },
        vdevice_is_gone: (t, { viommu, handle }) => {
          t.destroy(handle);
          invalidate(t, viommu, [0, VIRT_ID, 0]).fails('EINVAL', { entry_num: 0 });
        },
      },
      control: (t, { viommu }) => invalidate(t, viommu, [0, VIRT_ID, 3]),
    }),
    scenario('cache,checked', {
      doc: 'All four entries of a new device are full; another value or a fifth entry is EINVAL, what is no device ENOENT.',
      covers: [
        'IOMMU_TEST_OP_DEV_CHECK_CACHE/ENOENT.device',
        'IOMMU_TEST_OP_DEV_CHECK_CACHE/EINVAL.cache',
        'IOMMU_TEST_OP_DEV_CHECK_CACHE/OK',
      ],
      kselftest: ['iommufd_viommu.mock_viommu.vdevice_cache'],
      needs: ['viommu'],
      setup: deviceAndViommu,
      cases: {
        fifth: (t, { device }) => t.checkCache(device, 4, FULL).fails('EINVAL'),
        other_value: (t, { device }) => t.checkCache(device, 0, 0).fails('EINVAL'),
        handle: (t, { handle }) => t.checkCache(handle, 0, FULL).fails('ENOENT'),
        zero: (t) => t.checkCache(0, 0, FULL).fails('ENOENT'),
        each: (t, { device }) => {
          expectFull(t, device, [0, 1, 2, 3]);
        },
      },
      control: (t, { device }) => t.checkCache(device, 3, FULL),
    }),
  ],
);
