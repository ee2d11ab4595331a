import { type ArgsOf, count32, id32, rangeArray64, reserved32, sizeField, u64 } from '../../layout/field.js';
import { IOVA_RANGE, encodeRange } from '../../layout/iova_range.js';
import type { Range } from '../../base/ranges.js';
import { present } from '../../base/assert.js';
import type { Ioas } from '../../state/objects.js';
import { type CallContext, defineCall, once } from '../description.js';
import { cannotRespond, noSuchIoas, reservedNotZero } from '../shared_rules.js';

const SOURCE = 'ioas.c:iommufd_ioas_iova_ranges';

const FIELDS = {
  size: sizeField(),
  ioas_id: id32(['IOAS']),
  num_iovas: count32('in: elements the array has room for; out: ranges there are', 'inout'),
  __reserved: reserved32(),
  allowed_iovas: rangeArray64('receives the ranges, ascending', 'out'),
  out_iova_alignment: u64('smallest alignment of IOVA and length, in bytes', 'out'),
};

type Args = ArgsOf<typeof FIELDS>;

type Context = CallContext<Args> & { ioas: Ioas | undefined; ranges: () => readonly Range[] };

export const ioasIovaRanges = defineCall(
  {
    name: 'IOMMU_IOAS_IOVA_RANGES',
    command: 0x3b84,
    doc: 'Reports the ranges of IOVAs that no reservation touches, and the alignment of the IOAS.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'out_iova_alignment',
    respond: 'struct',
    allocates: false,
  },
  ({ args, file }) => {
    const ioas = file.objects.findOfType(args.ioas_id, 'IOAS');
    return { ioas, ranges: once(() => ioas?.table.usableRanges() ?? []) };
  },
).behaves({
  rules: [
    reservedNotZero(SOURCE),
    noSuchIoas(SOURCE),
    {
      id: 'EFAULT.allowed_iovas',
      says: 'an element of the array that is to be filled cannot be written',
      cite: SOURCE,
      when: (c) => firstUnwritable(c) !== undefined,
      leaves: {
        what: 'the elements before it are written',
        cite: SOURCE,
        does: (c) => {
          writeRanges(c, present(firstUnwritable(c), 'an unwritable element'));
        },
      },
    },
    cannotRespond({
      what: 'the array is written',
      does: (c: Context) => {
        writeRanges(c, c.ranges().length);
      },
    }),
    {
      id: 'EMSGSIZE.num_iovas',
      says: 'there are more ranges than the array has room for',
      cite: SOURCE,
      when: ({ args, ranges }) => ranges().length > args.num_iovas,
      leaves: {
        what: 'the array is filled and the struct is written back with the number of ranges',
        cite: SOURCE,
        does: report,
        isResponding: true,
      },
    },
  ],
  effect: report,
});

function report(c: Context): void {
  writeRanges(c, c.ranges().length);
  c.args.num_iovas = c.ranges().length;
  c.args.out_iova_alignment = present(c.ioas, 'IOAS').table.alignment;
}

function elementAddress({ args }: Context, index: number): bigint {
  return args.allowed_iovas + BigInt(index * IOVA_RANGE.bytes);
}

function firstUnwritable(c: Context): number | undefined {
  const filled = Math.min(c.ranges().length, c.args.num_iovas);
  for (let index = 0; index < filled; index++) {
    if (!c.memory.isWritable(elementAddress(c, index), IOVA_RANGE.bytes)) return index;
  }
  return undefined;
}

function writeRanges(c: Context, count: number): void {
  const filled = c.ranges().slice(0, Math.min(count, c.args.num_iovas));
  for (const [index, range] of filled.entries()) {
    c.memory.write(elementAddress(c, index), encodeRange(range));
  }
}
