import { viewOf } from '../../base/bytes.js';
import { present } from '../../base/assert.js';
import { VIOMMU_SELFTEST } from '../../layout/driver_data.js';
import { type ArgsOf, choice32, data64, dataBytes32, id32, sizeField, u32 } from '../../layout/field.js';
import { bytesOf } from '../../layout/struct.js';
import type { Frame } from '../../state/physical_memory.js';
import type { Device, HwptPaging } from '../../state/objects.js';
import { chooseIds } from '../choices.js';
import { type CallContext, defineCall } from '../description.js';
import { cannotRespond, noSuchDevice } from '../shared_rules.js';

const SOURCE = 'viommu.c:iommufd_viommu_alloc_ioctl';
const MOCK = 'selftest.c:mock_viommu_init';

/** Source: iommufd.h, enum iommu_viommu_type; iommufd_test.h. */
export const VIOMMU_TYPES = { DEFAULT: 0, ARM_SMMUV3: 1, SELFTEST: 0xdead_beef } as const;

/** The data of the first version of its struct. */
const DATA_BYTES_MIN = VIOMMU_SELFTEST.endOf('out_data');

/** in_data is the first member of the driver data. */
const IN_DATA_BYTES = 4;

/** The region that the mock offers for mmap. */
const REGION_BYTES = 8192;

const FIELDS = {
  size: sizeField(),
  flags: u32('must be 0'),
  type: choice32(VIOMMU_TYPES),
  dev_id: id32(['DEVICE']),
  hwpt_id: id32(['HWPT_PAGING']),
  out_viommu_id: id32(['VIOMMU'], 'out'),
  data_len: dataBytes32('bytes of the driver data'),
  __reserved: u32('never checked'),
  data_uptr: data64('driver data, of which the driver fills in the rest', 'inout', 'iommu_viommu_selftest'),
};

type Args = ArgsOf<typeof FIELDS>;

type Context = CallContext<Args> & {
  readonly device: Device | undefined;
  readonly hwpt: HwptPaging | undefined;
};

export const viommuAlloc = defineCall(
  {
    name: 'IOMMU_VIOMMU_ALLOC',
    command: 0x3b90,
    doc: 'Makes what a guest sees of an IOMMU, on top of a paging page table.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'out_viommu_id',
    respond: 'struct',
    allocates: true,
  },
  ({ args, file }) => ({
    device: file.objects.findOfType(args.dev_id, 'DEVICE'),
    hwpt: file.objects.findOfType(args.hwpt_id, 'HWPT_PAGING'),
  }),
).behaves({
  findings: [
    {
      id: 'reserved-not-checked',
      says: '__reserved is never looked at, although it must be 0',
      isShown: ({ args }) => args.__reserved !== 0,
    },
  ],
  rules: [
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags is not 0, or type is DEFAULT',
      cite: SOURCE,
      when: ({ args }) => args.flags !== 0 || args.type === VIOMMU_TYPES.DEFAULT,
    },
    noSuchDevice(SOURCE),
    {
      id: 'EOPNOTSUPP.type',
      says: 'the driver has no vIOMMU of the type',
      cite: 'selftest.c:mock_get_viommu_size',
      when: ({ args }) => args.type !== VIOMMU_TYPES.SELFTEST,
    },
    {
      id: 'ENOENT.hwpt',
      says: 'no paging page table of this file has the id hwpt_id',
      cite: SOURCE,
      when: ({ hwpt }) => hwpt === undefined,
    },
    {
      id: 'EINVAL.parent',
      says: 'the page table was not made with NEST_PARENT',
      cite: SOURCE,
      when: ({ hwpt }) => hwpt?.isNestParent === false,
    },
    {
      id: 'EINVAL.data_size',
      says: 'the data is shorter than the first version of its struct, or longer than the one the kernel knows',
      cite: MOCK,
      when: ({ args }) =>
        args.data_len !== 0 && (args.data_len < DATA_BYTES_MIN || args.data_len > VIOMMU_SELFTEST.bytes),
    },
    {
      id: 'EFAULT.data',
      says: 'a byte of the data cannot be read, or not be written back',
      cite: MOCK,
      when: ({ args, memory }) => memory.writableBytes(args.data_uptr, args.data_len) < args.data_len,
    },
    cannotRespond({
      what: 'the driver data is written back',
      does: (c: Context) => {
        answerData(c);
      },
    }),
  ],
  effect: (c: Context) => {
    const { args, file } = c;
    const [id] = chooseIds(c, ['out_viommu_id']);
    args.out_viommu_id = present(id, 'id');
    const parent = present(c.hwpt, 'a page table');
    parent.users += 1;
    answerData(c);
    const region = args.data_len === 0 ? undefined : file.regions.add(REGION_BYTES, takePages(c));
    file.objects.insert({ type: 'VIOMMU', id: args.out_viommu_id, users: 1, parent, region, queueSlots: [] });
  },
});

/** The pages of a region: new ones that begin with in_data. Source: selftest.c:mock_viommu_init. */
function takePages({ args, memory, world }: Context): Frame {
  const { physical } = world.memory;
  const first = physical.takeFrames(BigInt(REGION_BYTES));
  physical.contents.write(first, 0, memory.read(args.data_uptr, IN_DATA_BYTES));
  return first;
}

/** out_data becomes in_data; offset and length of the region follow, as far as the struct of user space reaches. */
function answerData({ args, file, memory }: Context): void {
  const { data_len: bytes, data_uptr: address } = args;
  if (bytes === 0) return;
  const data = new Uint8Array(VIOMMU_SELFTEST.bytes);
  memory.copyGiven(address, bytes, data);
  const { in_data } = VIOMMU_SELFTEST.decode(viewOf(data));
  const answer = bytesOf(VIOMMU_SELFTEST, {
    in_data,
    out_data: in_data,
    out_mmap_offset: BigInt(file.regions.nextOffset(REGION_BYTES)),
    out_mmap_length: BigInt(REGION_BYTES),
  });
  memory.write(address, answer.slice(0, bytes));
}
