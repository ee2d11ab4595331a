import { HOLE } from '../../models/program/arena.js';
import { NO_SUCH_ID, type ScenarioBuilder } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';

const SELFTEST = 0xfeed_beef;

/** flags 0, then IOMMU_HW_INFO_SELFTEST_REGVAL. */
const INFO = Uint8Array.of(0, 0, 0, 0, 0xef, 0xbe, 0xad, 0xde);

function mockDevice(t: ScenarioBuilder) {
  const ioas = t.ioas();
  const mock = t.mockDomain(ioas);
  return { ioas, mock, device: mock.out('out_idev_id') };
}

/** Asks for information into a buffer of so many bytes. */
const ask = (
  t: ScenarioBuilder,
  device: Parameters<ScenarioBuilder['destroy']>[0],
  bytes: number,
  args: Parameters<ScenarioBuilder['ioctl']>[1] = {},
) => t.ioctl('IOMMU_GET_HW_INFO', { dev_id: device, data_len: bytes, data_uptr: { room: bytes }, ...args });

export const deviceHwInfo = suite(
  'device/hw_info',
  'IOMMU_GET_HW_INFO of a mock device: capabilities, buffers of any size, arguments.',
  [
    scenario('buffer,any_size', {
      doc: 'As much as fits is written, the rest of the buffer is zeroed, and data_len becomes what the kernel has.',
      covers: ['IOMMU_GET_HW_INFO/OK'],
      kselftest: ['iommufd_ioas.mock_domain.get_hw_info', 'iommufd_ioas.two_mock_domain.get_hw_info'],
      setup: mockDevice,
      cases: {
        none: (t, { device }) =>
          t.ioctl('IOMMU_GET_HW_INFO', { dev_id: device }).ok({ data_len: 8, out_data_type: SELFTEST }),
        none_with_bad_pointer: (t, { device }) =>
          t.ioctl('IOMMU_GET_HW_INFO', { dev_id: device, data_uptr: HOLE }).ok({ data_len: 8 }),
        short: (t, { device }) => ask(t, device, 5).ok({ data_len: 8, data_uptr: INFO.subarray(0, 5) }),
        long: (t, { device }) =>
          ask(t, device, 24).ok({ data_len: 8, data_uptr: Uint8Array.of(...INFO, ...new Uint8Array(16)) }),
      },
      control: (t, { device }) =>
        ask(t, device, 8).ok({ data_len: 8, data_uptr: INFO, out_data_type: SELFTEST }),
    }),
    scenario('capabilities,of_the_device', {
      doc: 'Dirty tracking and PASID bits are the device’s; 7.3 also says that ATS is not supported.',
      covers: ['IOMMU_GET_HW_INFO/OK'],
      source: 'mock.md 4.1, 16',
      gaps: [4, 28],
      kselftest: ['iommufd_dirty_tracking.device_dirty_capability'],
      setup: mockDevice,
      cases: {
        no_dirty_tracking: (t, { ioas }) => {
          const unable = t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 1 });
          ask(t, unable.out('out_idev_id'), 8).ok({
            out_capabilities: { byProfile: { '7.3': 8n, '6.12': 0n } },
          });
        },
        on_a_page_table_that_tracks: (t, { ioas, device }) => {
          const hwpt = t.hwptAlloc(device, ioas, { flags: 2 }).out('out_hwpt_id');
          ask(t, t.mockDomain(hwpt).out('out_idev_id'), 8).ok({
            out_capabilities: { byProfile: { '7.3': 9n, '6.12': 1n } },
          });
        },
        short_struct: (t, { device }) => ask(t, device, 8, { size: 32 }).ok({ data_len: 8 }),
        too_short_struct: (t, { device }) => ask(t, device, 8, { size: 31 }).fails('EINVAL'),
      },
      control: (t, { device }) =>
        ask(t, device, 8).ok({
          out_capabilities: { byProfile: { '7.3': 9n, '6.12': 1n } },
          out_max_pasid_log2: 0,
        }),
    }),
    scenario('capabilities,pasid', {
      doc: 'A device with PASIDs reports 20 bits; 6.12 has no such device.',
      covers: ['IOMMU_GET_HW_INFO/OK', 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EINVAL.dev_flags'],
      kselftest: ['iommufd_ioas.mock_domain.get_hw_info'],
      setup: (t) => {
        const { ioas, device } = mockDevice(t);
        const pasid = t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 4 });
        pasid.fails({ '7.3': 'OK', '6.12': 'EINVAL' });
        return { device, withPasid: pasid.out('out_idev_id') };
      },
      cases: {
        twenty_bits: (t, { withPasid }) =>
          ask(t, withPasid, 8).fails(
            { '7.3': 'OK', '6.12': 'ENOENT' },
            { out_max_pasid_log2: { byProfile: { '7.3': 20, '6.12': 0 } } },
          ),
      },
      control: (t, { device }) => ask(t, device, 8),
    }),
    scenario('arguments,refused', {
      doc: 'Unknown flags and reserved bytes are EOPNOTSUPP, a missing device ENOENT, in this order; 6.12 knows no flag.',
      covers: [
        'IOMMU_GET_HW_INFO/EOPNOTSUPP.flags',
        'IOMMU_GET_HW_INFO/EOPNOTSUPP.reserved',
        'IOMMU_GET_HW_INFO/ENOENT.device',
        'IOMMU_GET_HW_INFO/EOPNOTSUPP.type',
      ],
      source: 'device.md 2.5, mock.md 4.1',
      gaps: [5, 28],
      kselftest: [
        'iommufd_ioas.no_domain.get_hw_info',
        'iommufd_ioas.mock_domain.get_hw_info',
        'iommufd_ioas.two_mock_domain.get_hw_info',
      ],
      setup: mockDevice,
      cases: {
        bit_1: (t, { device }) => ask(t, device, 8, { flags: 2 }).fails('EOPNOTSUPP'),
        reserved_first: (t, { device }) => ask(t, device, 8, { __reserved0: 1 }).fails('EOPNOTSUPP'),
        reserved_second: (t, { device }) => ask(t, device, 8, { __reserved1: 1 }).fails('EOPNOTSUPP'),
        reserved_last: (t, { device }) => ask(t, device, 8, { __reserved2: 0x80 }).fails('EOPNOTSUPP'),
        zero: (t) => ask(t, 0, 8).fails('ENOENT'),
        never_used: (t) => ask(t, NO_SUCH_ID, 8).fails('ENOENT'),
        ioas: (t, { ioas }) => ask(t, ioas, 8).fails('ENOENT'),
        handle: (t, { mock }) => ask(t, mock.out('out_stdev_id'), 8).fails('ENOENT'),
        reserved_before_device: (t) => ask(t, 0, 8, { __reserved0: 1 }).fails('EOPNOTSUPP'),
        device_before_type: (t) =>
          ask(t, 0, 8, { flags: 1, out_data_type: 1 }).fails({ '7.3': 'ENOENT', '6.12': 'EOPNOTSUPP' }),
        device_before_buffer: (t) => ask(t, 0, 8, { data_uptr: HOLE }).fails('ENOENT'),
        type_asked_for: (t, { device }) =>
          ask(t, device, 8, { flags: 1, out_data_type: SELFTEST }).fails({
            '7.3': 'OK',
            '6.12': 'EOPNOTSUPP',
          }),
        default_asked_for: (t, { device }) =>
          ask(t, device, 8, { flags: 1 }).fails({ '7.3': 'OK', '6.12': 'EOPNOTSUPP' }),
        other_type_asked_for: (t, { device }) =>
          ask(t, device, 8, { flags: 1, out_data_type: 1 }).fails('EOPNOTSUPP'),
        type_before_buffer: (t, { device }) =>
          ask(t, device, 8, { flags: 1, out_data_type: 1, data_uptr: HOLE }).fails('EOPNOTSUPP'),
      },
      control: (t, { device }) => ask(t, device, 8, { out_data_type: 1 }).ok({ out_data_type: SELFTEST }),
    }),
    scenario('buffer,unwritable', {
      doc: 'A buffer that cannot be written to its end is EFAULT, after what could be; a struct that cannot be written back too.',
      covers: ['IOMMU_GET_HW_INFO/EFAULT.data', 'IOMMU_GET_HW_INFO/EFAULT.respond'],
      gaps: [28],
      setup: mockDevice,
      cases: {
        hole: (t, { device }) => ask(t, device, 8, { data_uptr: HOLE }).fails('EFAULT'),
        zeros_end_in_hole: (t, { device }) =>
          ask(t, device, 16, { data_uptr: { room: 16, in: { edge: 12 } } }).fails('EFAULT', {
            data_uptr: Uint8Array.of(...INFO, 0, 0, 0, 0),
          }),
        buffer_before_struct: (t, { device }) => {
          const args = { dev_id: device, data_len: 8, data_uptr: HOLE };
          t.ioctl('IOMMU_GET_HW_INFO', args, { at: 'sealed' }).fails('EFAULT');
        },
        struct: (t, { device }) => {
          const args = { dev_id: device, data_len: 8, data_uptr: { room: 8 } };
          t.ioctl('IOMMU_GET_HW_INFO', args, { at: 'sealed' }).fails('EFAULT', { data_uptr: INFO });
        },
      },
      control: (t, { device }) => ask(t, device, 8),
    }),
  ],
);
