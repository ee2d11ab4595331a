import { id32 } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import type { Range } from '../../base/ranges.js';
import { emptyRange, noSuchIoas, rangeTooHigh } from '../shared_rules.js';
import { defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_add_reserved';

export const addReserved = defineTestOp(
  {
    op: 'ADD_RESERVED',
    member: 'add_reserved',
    doc: 'Reserves a range of an IOAS for as long as the IOAS lives.',
    source: SOURCE,
    id: id32(['IOAS']),
    respond: 'nothing',
    allocates: true,
  },
  ({ args, file }) => ({ ioas: file.objects.findOfType(args.id, 'IOAS') }),
).behaves({
  rules: [
    emptyRange(SOURCE),
    rangeTooHigh(SOURCE, ({ args }) => args.start),
    noSuchIoas(SOURCE),
    {
      id: 'EADDRINUSE.range',
      says: 'the range meets an area or an allowed range',
      cite: 'io_pagetable.c:iopt_reserve_iova',
      when: ({ args, ioas }) => args.length > 0n && ioas?.table.refusesReservation(rangeOf(args)) === true,
    },
  ],
  effect: ({ args, ioas }) => {
    present(ioas, 'IOAS').table.reserved.push({ ...rangeOf(args), owner: 'selftest' });
  },
});

function rangeOf({ start, length }: { start: bigint; length: bigint }): Range {
  return { start, last: start + length - 1n };
}
