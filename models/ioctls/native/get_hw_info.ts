import { present } from '../../base/assert.js';
import { TEST_HW_INFO } from '../../layout/driver_data.js';
import {
  type ArgsOf,
  choice32,
  data64,
  dataBytes32,
  flags32,
  id32,
  reserved8,
  sizeField,
  u64,
  u8,
} from '../../layout/field.js';
import { bytesOf } from '../../layout/struct.js';
import type { Device } from '../../state/objects.js';
import { type CallContext, defineCall } from '../description.js';
import { cannotRespond } from '../shared_rules.js';

const SOURCE = 'device.c:iommufd_get_hw_info';

/** IOMMU_HW_INFO_FLAG_INPUT_TYPE. */
const FLAGS = { INPUT_TYPE: 1 } as const;

/** Types of hardware information. Source: iommufd.h, enum iommu_hw_info_type; iommufd_test.h. */
const TYPES = { DEFAULT: 0, INTEL_VTD: 1, ARM_SMMUV3: 2, SELFTEST: 0xfeed_beef } as const;

/** flags 0 and IOMMU_HW_INFO_SELFTEST_REGVAL. Source: selftest.c:mock_domain_hw_info. */
const MOCK_INFO = bytesOf(TEST_HW_INFO, { flags: 0, test_reg: 0xdead_beef });

/** IOMMU_HW_CAP_DIRTY_TRACKING. */
const CAPABILITY_DIRTY = 1n;

const FIELDS = {
  size: sizeField(),
  flags: flags32(FLAGS),
  dev_id: id32(['DEVICE']),
  data_len: dataBytes32('in: bytes of the buffer; out: bytes that the kernel has', 'inout'),
  data_uptr: data64('receives the driver’s information, zero-filled', 'out', 'iommu_test_hw_info'),
  out_data_type: choice32(TYPES, 'inout'),
  out_max_pasid_log2: u8('bits of a PASID', 'out'),
  __reserved0: reserved8(),
  __reserved1: reserved8(),
  __reserved2: reserved8(),
  out_capabilities: u64('IOMMU_HW_CAP_*', 'out'),
};

type Args = ArgsOf<typeof FIELDS>;

type Context = CallContext<Args> & { readonly device: Device | undefined };

export const getHwInfo = defineCall(
  {
    name: 'IOMMU_GET_HW_INFO',
    command: 0x3b8a,
    doc: 'Reports what the IOMMU of a device is and can, in the driver’s words and in general ones.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: '__reserved2',
    respond: 'struct',
    allocates: true,
  },
  ({ args, file }) => ({ device: file.objects.findOfType(args.dev_id, 'DEVICE') }),
).behaves({
  findings: [
    {
      id: 'hw-info-takes-flag',
      says: 'a flag is taken, although the header says that flags must be 0',
      isShown: ({ args }) => args.flags !== 0,
    },
  ],
  rules: [
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags has a bit that this kernel does not know',
      cite: SOURCE,
      when: ({ args, profile }) => (args.flags & ~profile.hwInfoFlags) !== 0,
    },
    {
      id: 'EOPNOTSUPP.reserved',
      says: '__reserved is not 0',
      cite: SOURCE,
      when: ({ args }) => args.__reserved0 !== 0 || args.__reserved1 !== 0 || args.__reserved2 !== 0,
    },
    {
      id: 'ENOENT.device',
      says: 'no device of this file has the id',
      cite: SOURCE,
      when: ({ device }) => device === undefined,
    },
    {
      id: 'EOPNOTSUPP.type',
      says: 'with INPUT_TYPE, information is asked for that the driver does not have',
      cite: 'selftest.c:mock_domain_hw_info',
      isFor: (profile) => (profile.hwInfoFlags & FLAGS.INPUT_TYPE) !== 0,
      when: ({ args }) =>
        (args.flags & FLAGS.INPUT_TYPE) !== 0 &&
        args.out_data_type !== TYPES.DEFAULT &&
        args.out_data_type !== TYPES.SELFTEST,
    },
    {
      id: 'EFAULT.data',
      says: 'a byte of the buffer cannot be written',
      cite: SOURCE,
      when: ({ args, memory }) => !memory.isWritable(args.data_uptr, args.data_len),
      leaves: { what: 'the bytes before it are written', cite: SOURCE, does: writeInfo },
    },
    cannotRespond({ what: 'the buffer is written', does: writeInfo }),
  ],
  effect: (c) => {
    const { args, profile } = c;
    const { hardware } = present(c.device, 'a device');
    writeInfo(c);
    args.data_len = MOCK_INFO.length;
    args.out_data_type = TYPES.SELFTEST;
    args.out_max_pasid_log2 = hardware.pasidBits;
    args.out_capabilities = profile.hwInfoCapabilities | (hardware.canTrackDirty ? CAPABILITY_DIRTY : 0n);
  },
});

/** Information and zeros as far as memory reaches; user space looks at no more than it has a buffer for. */
function writeInfo({ args, memory }: Context): void {
  const bytes = new Uint8Array(memory.writableBytes(args.data_uptr, args.data_len));
  bytes.set(MOCK_INFO.subarray(0, bytes.length));
  memory.write(args.data_uptr, bytes);
}
