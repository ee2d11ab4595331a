import { present } from '../../base/assert.js';
import { viewOf } from '../../base/bytes.js';
import type { Range } from '../../base/ranges.js';
import { type ArgsOf, type FieldTable, argszField, u32, u64 } from '../../layout/field.js';
import { type StructLayout, layoutStruct } from '../../layout/struct.js';
import { INFO_CAP_DMA_AVAIL, INFO_CAP_IOVA_RANGE, VFIO_IOVA_RANGE } from '../../layout/vfio_info.js';
import type { Ioas } from '../../state/objects.js';
import { pageSizeBits } from '../../state/page_sizes.js';
import { type CallContext, defineCall, once } from '../description.js';
import { NO_COMPAT_IOAS } from './compat_ioas.js';

const SOURCE = 'vfio_compat.c:iommufd_vfio_iommu_get_info';

/** VFIO_IOMMU_INFO_PGSIZES and VFIO_IOMMU_INFO_CAPS. Source: linux/vfio.h. */
const FLAGS = { PGSIZES: 1, CAPS: 2 } as const;

/** VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL. Source: linux/vfio.h. */
const CAPABILITIES = { IOVA_RANGE: 1, DMA_AVAIL: 3 } as const;

const CAPABILITY_VERSION = 1;

/** There is no limit of mappings but memory. */
const AVAILABLE = 0xffff_ffff;

const FIELDS = {
  argsz: argszField('inout'),
  flags: u32('PGSIZES and CAPS', 'out'),
  iova_pgsizes: u64('page sizes that every page table of the IOAS has, a bit each', 'out'),
  cap_offset: u32('where the capabilities begin, or 0 if there is no room for all of them', 'out'),
  pad: u32('0', 'out'),
};

const INFO = layoutStruct(FIELDS);

/** Bytes that the kernel writes, at their offset from the start of the info. */
interface Write {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

type Context = CallContext<ArgsOf<typeof FIELDS>> & {
  readonly ioas: Ioas | undefined;
  /** In the order of the kernel: the capabilities for which there is room, the struct last. */
  readonly writes: () => readonly Write[];
};

export const vfioGetInfo = defineCall(
  {
    name: 'VFIO_IOMMU_GET_INFO',
    command: 0x3b70,
    protocol: 'vfio',
    doc: 'Reports page sizes, and behind the struct usable ranges and the mappings that may still be made, as far as argsz leaves room. argsz becomes what all of it takes.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'iova_pgsizes',
    respond: 'nothing',
    allocates: false,
  },
  ({ args, file: { compatIoas } }) => ({
    ioas: compatIoas,
    writes: once(() => (compatIoas === undefined ? [] : writesOf(compatIoas, args.argsz))),
  }),
).behaves({
  rules: [
    NO_COMPAT_IOAS,
    {
      id: 'EFAULT.info',
      says: 'a byte of the struct, or of a capability that argsz leaves room for, cannot be written',
      cite: SOURCE,
      when: (c) => c.writes().some((write) => !isWritable(c, write)),
      leaves: {
        what: 'what comes before it is written, capabilities before the struct',
        cite: SOURCE,
        does: writeUntilFault,
      },
    },
  ],
  effect: writeUntilFault,
});

function isWritable({ memory, pointer }: Context, { offset, bytes }: Write): boolean {
  return memory.isWritable(pointer + BigInt(offset), bytes.length);
}

function writeUntilFault(c: Context): void {
  for (const write of c.writes()) {
    const start = c.pointer + BigInt(write.offset);
    c.memory.write(start, write.bytes.subarray(0, c.memory.writableBytes(start, write.bytes.length)));
    if (!isWritable(c, write)) return;
  }
}

/** Source: vfio_compat.c:iommufd_fill_cap_dma_avail, iommufd_fill_cap_iova. */
function writesOf({ table }: Ioas, argsz: number): Write[] {
  const ranges = table.usableRanges();
  const first = INFO.bytes;
  const second = roundUpToWord(first + INFO_CAP_DMA_AVAIL.bytes);
  const total = second + INFO_CAP_IOVA_RANGE.bytes + ranges.length * VFIO_IOVA_RANGE.bytes;
  const header = { version: CAPABILITY_VERSION, next: 0 };
  const available = { ...header, id: CAPABILITIES.DMA_AVAIL, avail: AVAILABLE };
  const usable = { ...header, id: CAPABILITIES.IOVA_RANGE, nr_iovas: ranges.length, reserved: 0 };
  const info = {
    argsz: total,
    flags: FLAGS.PGSIZES | FLAGS.CAPS,
    iova_pgsizes: pageSizeBits(table),
    cap_offset: argsz >= total ? first : 0,
    pad: 0,
  };
  const hasRoom = ({ offset, bytes }: Write): boolean => offset + bytes.length <= argsz;
  const links = argsz >= second ? [linkTo(second, first)] : [];
  return [
    ...[encode(INFO_CAP_DMA_AVAIL, available, first)].filter(hasRoom),
    ...rangeWrites(ranges, second + INFO_CAP_IOVA_RANGE.bytes).filter(hasRoom),
    ...(argsz >= total ? [encode(INFO_CAP_IOVA_RANGE, usable, second)] : []),
    ...links,
    { offset: 0, bytes: encode(INFO, info, 0).bytes.subarray(0, argsz) },
  ];
}

function rangeWrites(ranges: readonly Range[], start: number): Write[] {
  return ranges.map(({ start: first, last }, index) =>
    encode(VFIO_IOVA_RANGE, { start: first, end: last }, start + index * VFIO_IOVA_RANGE.bytes),
  );
}

/** The member of the first capability that leads to the second. */
function linkTo(capability: number, from: number): Write {
  const { offset, field } = present(INFO_CAP_DMA_AVAIL.memberOf('next'), 'next');
  const bytes = new Uint8Array(field.bytes);
  viewOf(bytes).setUint32(0, capability, true);
  return { offset: from + offset, bytes };
}

function encode<F extends FieldTable>(layout: StructLayout<F>, args: ArgsOf<F>, offset: number): Write {
  const bytes = new Uint8Array(layout.bytes);
  layout.encode(args, viewOf(bytes));
  return { offset, bytes };
}

/** Capabilities are aligned to 8 bytes. */
function roundUpToWord(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
