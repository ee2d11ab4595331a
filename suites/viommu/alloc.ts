import { FROZEN, HOLE } from '../../models/program/arena.js';
import { NO_SUCH_ID } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndParent } from '../hwpt/set_up.js';

/** struct iommu_viommu_selftest with in_data: three pairs of words. */
const data = (words: readonly number[], bytes = 4 * words.length) => ({
  data_len: bytes,
  data_uptr: { words },
});

/** What the driver makes of in_data 7: out_data 7, the first region at 0x1000, 0x2000 bytes. */
const ANSWER = Uint8Array.of(7, 0, 0, 0, 7, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0);

export const viommuAlloc = suite('viommu/alloc', 'IOMMU_VIOMMU_ALLOC: arguments, driver data, life.', [
  scenario('command,not_yet_there', {
    doc: '6.12 does not have the command.',
    covers: ['envelope/ENOTTY.number'],
    setup: (t) => t.ioas(),
    cases: {
      viommu: (t) => t.ioctl('IOMMU_VIOMMU_ALLOC', {}).fails({ '7.3': 'EOPNOTSUPP', '6.12': 'ENOTTY' }),
      vdevice: (t) => t.ioctl('IOMMU_VDEVICE_ALLOC', {}).fails({ '7.3': 'ENOENT', '6.12': 'ENOTTY' }),
      check_cache: (t) =>
        t.ioctl('IOMMU_TEST_OP_DEV_CHECK_CACHE', {}).fails({ '7.3': 'ENOENT', '6.12': 'EOPNOTSUPP' }),
    },
    control: (t) => t.ioas(),
  }),
  scenario('arguments,refused', {
    doc: 'Flags, type 0 and a type that the driver does not have are EOPNOTSUPP, a missing device or page table ENOENT, one that is no parent EINVAL, in the order: flags, device, type, page table, parent.',
    covers: [
      'IOMMU_VIOMMU_ALLOC/EOPNOTSUPP.flags',
      'IOMMU_VIOMMU_ALLOC/ENOENT.device',
      'IOMMU_VIOMMU_ALLOC/EOPNOTSUPP.type',
      'IOMMU_VIOMMU_ALLOC/ENOENT.hwpt',
      'IOMMU_VIOMMU_ALLOC/EINVAL.parent',
    ],
    seeds: ['S0-32'],
    source: 'device.md 2.6',
    gaps: [43],
    kselftest: ['iommufd_viommu.viommu_negative_tests'],
    needs: ['viommu'],
    setup: deviceAndParent,
    cases: {
      flags: (t, { device, parent }) => t.viommu(device, parent, { flags: 1 }).fails('EOPNOTSUPP'),
      type_default: (t, { device, parent }) => t.viommu(device, parent, { type: 0 }).fails('EOPNOTSUPP'),
      type_of_another_driver: (t, { device, parent }) =>
        t.viommu(device, parent, { type: 1 }).fails('EOPNOTSUPP'),
      device_zero: (t, { parent }) => t.viommu(0, parent).fails('ENOENT'),
      device_is_handle: (t, { handle, parent }) => t.viommu(handle, parent).fails('ENOENT'),
      page_table_zero: (t, { device }) => t.viommu(device, 0).fails('ENOENT'),
      page_table_is_ioas: (t, { device, ioas }) => t.viommu(device, ioas).fails('ENOENT'),
      page_table_is_nested: (t, { device, parent }) => {
        const nested = t.nestedHwpt(device, parent, 0).out('out_hwpt_id');
        t.viommu(device, nested).fails('ENOENT');
      },
      automatic: (t, { device, mock }) => t.viommu(device, mock.out('out_hwpt_id')).fails('EINVAL'),
      flags_before_device: (t) => t.viommu(0, 0, { flags: 1 }).fails('EOPNOTSUPP'),
      device_before_type: (t) => t.viommu(NO_SUCH_ID, 0, { type: 1 }).fails('ENOENT'),
      type_before_page_table: (t, { device }) => t.viommu(device, 0, { type: 1 }).fails('EOPNOTSUPP'),
      parent_before_data: (t, { device, mock }) =>
        t.viommu(device, mock.out('out_hwpt_id'), data([7], 4)).fails('EINVAL'),
    },
    control: (t, { device, parent }) => t.viommu(device, parent, { __reserved: 1 }),
  }),
  scenario('data,answered', {
    doc: 'The mock takes 8 to 24 bytes, returns in_data as out_data, and offers a region of two pages for mmap at the lowest free offset.',
    covers: [
      'IOMMU_VIOMMU_ALLOC/OK',
      'IOMMU_VIOMMU_ALLOC/EINVAL.data_size',
      'IOMMU_VIOMMU_ALLOC/EFAULT.data',
      'IOMMU_VIOMMU_ALLOC/EFAULT.respond',
    ],
    source: 'mock.md 8.1',
    gaps: [3, 43],
    seeds: ['S0-01', 'S0-19', 'S0-27', 'S0-32'],
    needs: ['viommu'],
    setup: deviceAndParent,
    cases: {
      first_version: (t, { device, parent }) =>
        t.viommu(device, parent, data([7, 9])).ok({ data_uptr: ANSWER.subarray(0, 8) }),
      in_between: (t, { device, parent }) =>
        t
          .viommu(device, parent, data([7, 9, 9, 9, 9], 18))
          .ok({ data_uptr: Uint8Array.of(...ANSWER.subarray(0, 18), 0, 0) }),
      second_region: (t, { device, parent }) => {
        t.viommu(device, parent, data([1, 0]));
        const answer = ANSWER.slice();
        answer[9] = 0x30;
        t.viommu(device, parent, data([7, 9, 9, 9, 9, 9])).ok({ data_uptr: answer });
      },
      region_taken_again: (t, { device, parent }) => {
        const first = t.viommu(device, parent, data([1, 0])).out('out_viommu_id');
        t.viommu(device, parent, data([2, 0]));
        t.destroy(first);
        t.viommu(device, parent, data([7, 9, 9, 9, 9, 9])).ok({ data_uptr: ANSWER });
      },
      first_and_offset: (t, { device, parent }) =>
        t.viommu(device, parent, data([7, 9, 9, 9])).ok({ data_uptr: ANSWER.subarray(0, 16) }),
      one_byte: (t, { device, parent }) => t.viommu(device, parent, data([7, 9], 1)).fails('EINVAL'),
      short: (t, { device, parent }) => t.viommu(device, parent, data([7, 9], 7)).fails('EINVAL'),
      long: (t, { device, parent }) =>
        t.viommu(device, parent, data([7, 9, 9, 9, 9, 9, 9], 25)).fails('EINVAL'),
      short_and_unreadable: (t, { device, parent }) =>
        t.viommu(device, parent, { data_len: 7, data_uptr: HOLE }).fails('EINVAL'),
      unreadable: (t, { device, parent }) =>
        t.viommu(device, parent, { data_len: 8, data_uptr: HOLE }).fails('EFAULT'),
      unwritable: (t, { device, parent }) =>
        t.viommu(device, parent, { data_len: 8, data_uptr: { words: [7, 9], in: 'sealed' } }).fails('EFAULT'),
      unwritable_leaves_no_region: (t, { device, parent }) => {
        t.viommu(device, parent, {
          data_len: 24,
          data_uptr: { words: [7, 9, 9, 9, 9, 9], in: 'sealed' },
        }).fails('EFAULT');
        t.mmapFile('f', 0x1000n, 2n).fails('ENXIO');
        t.viommu(device, parent, data([7, 9, 9, 9, 9, 9])).ok({ data_uptr: ANSWER });
      },
      response_unwritable: (t, { device, parent }) => {
        t.viommu(device, parent, data([7, 9, 9, 9, 9, 9]), { at: 'sealed' }).fails('EFAULT', {
          data_uptr: ANSWER,
        });
        t.destroy(parent);
      },
      data_before_response: (t, { device, parent }) =>
        t.viommu(device, parent, data([7, 9], 7), { at: 'sealed' }).fails('EINVAL'),
      read_only_pointer_before_response: (t, { device, parent }) =>
        t
          .viommu(device, parent, { data_len: 8, data_uptr: FROZEN.start + FROZEN.bytes }, { at: 'sealed' })
          .fails('EFAULT'),
    },
    control: (t, { device, parent }) =>
      t.viommu(device, parent, data([7, 9, 9, 9, 9, 9])).ok({ data_uptr: ANSWER }),
  }),
  scenario('life,holds_its_parent', {
    doc: 'A vIOMMU holds its page table, needs no attached device, and outlives the one it was made with.',
    covers: ['IOMMU_VIOMMU_ALLOC/OK', 'IOMMU_DESTROY/EBUSY.users'],
    gaps: [43],
    kselftest: ['iommufd_viommu.mock_viommu.viommu_negative_tests'],
    needs: ['viommu'],
    setup: deviceAndParent,
    cases: {
      parent_is_busy: (t, { device, parent }) => {
        const viommu = t.viommu(device, parent).out('out_viommu_id');
        t.destroy(parent).fails('EBUSY');
        t.destroy(viommu);
        t.destroy(parent);
      },
      two_of_one_parent: (t, { device, parent }) => {
        const first = t.viommu(device, parent).out('out_viommu_id');
        t.viommu(device, parent);
        t.destroy(first);
        t.destroy(parent).fails('EBUSY');
      },
      outlives_the_device: (t, { handle, device, parent }) => {
        const viommu = t.viommu(device, parent).out('out_viommu_id');
        t.destroy(handle);
        t.destroy(viommu);
        t.destroy(parent);
      },
    },
    control: (t, { device, parent }) => t.viommu(device, parent),
  }),
]);
