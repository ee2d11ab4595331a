import { count32, id32, rangeArray64, reserved32, sizeField } from '../../layout/field.js';
import { IOVA_RANGE, decodeRange } from '../../layout/iova_range.js';
import { type Range, intersectsAny } from '../../base/ranges.js';
import { present } from '../../base/assert.js';
import { type CallContext, defineCall, once } from '../description.js';
import { noSuchIoas, reservedNotZero } from '../shared_rules.js';

const LOAD = 'ioas.c:iommufd_ioas_load_iovas';

interface Loaded {
  readonly ranges: readonly Range[];
  /** Why the first bad element is refused. */
  readonly failure?: 'fault' | 'order' | 'overlap';
  /** Whether it is in order, being one IOVA. */
  readonly isOneIova?: boolean;
}

export const ioasAllowIovas = defineCall(
  {
    name: 'IOMMU_IOAS_ALLOW_IOVAS',
    command: 0x3b82,
    doc: 'Replaces the list of ranges that automatic placement keeps to and that later reservations must not touch.',
    source: 'ioas.c:iommufd_ioas_allow_iovas',
    fields: {
      size: sizeField(),
      ioas_id: id32(['IOAS']),
      num_iovas: count32('elements of the array; 0 lifts the confinement'),
      __reserved: reserved32(),
      allowed_iovas: rangeArray64('the ranges', 'in'),
    },
    lastRequired: 'allowed_iovas',
    respond: 'nothing',
    allocates: true,
  },
  (c) => {
    const ioas = c.file.objects.findOfType(c.args.ioas_id, 'IOAS');
    const loaded = once(() => loadRanges(c));
    return { ioas, loaded };
  },
).behaves({
  rules: [
    reservedNotZero('ioas.c:iommufd_ioas_allow_iovas'),
    noSuchIoas('ioas.c:iommufd_ioas_allow_iovas'),
    {
      id: 'EFAULT.allowed_iovas',
      says: 'an element of the array cannot be read',
      cite: LOAD,
      when: ({ loaded }) => loaded().failure === 'fault',
    },
    {
      id: 'EINVAL.range_order',
      says: 'the start of a range is not below its last byte',
      cite: LOAD,
      when: ({ loaded }) => loaded().failure === 'order',
      finding: { id: 'one-iova-refused', isShown: ({ loaded }) => loaded().isOneIova === true },
    },
    {
      id: 'EINVAL.range_overlap',
      says: 'a range meets an earlier one of the array',
      cite: LOAD,
      when: ({ loaded }) => loaded().failure === 'overlap',
    },
    {
      id: 'EADDRINUSE.reserved',
      says: 'a range meets a reserved range',
      cite: 'io_pagetable.c:iopt_set_allow_iova',
      when: ({ ioas, loaded }) => loaded().ranges.some((range) => ioas?.table.isReserved(range)),
    },
  ],
  effect: ({ ioas, loaded }) => {
    present(ioas, 'IOAS').table.allowed = loaded().ranges;
  },
});

function loadRanges({ args, memory }: CallContext<{ num_iovas: number; allowed_iovas: bigint }>): Loaded {
  const ranges: Range[] = [];
  for (let index = 0; index < args.num_iovas; index++) {
    const address = args.allowed_iovas + BigInt(index * IOVA_RANGE.bytes);
    if (!memory.isReadable(address, IOVA_RANGE.bytes)) return { ranges, failure: 'fault' };
    const range = decodeRange(memory.read(address, IOVA_RANGE.bytes));
    if (range.start >= range.last) {
      return { ranges, failure: 'order', isOneIova: range.start === range.last };
    }
    if (intersectsAny(range, ranges)) return { ranges, failure: 'overlap' };
    ranges.push(range);
  }
  return { ranges };
}
