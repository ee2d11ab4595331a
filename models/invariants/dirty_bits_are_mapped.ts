import { hex } from '../base/u64.js';
import type { Invariant } from './invariant.js';

export const dirtyBitsAreMapped: Invariant = {
  id: 'dirty_bits_are_mapped',
  statement: 'A domain has dirty bits only where it translates, and only if it was made with dirty tracking.',
  notCovered: 'Dirty bits of leaves whose size the model does not know.',
  cite: 'io_pagetable.c:iopt_set_dirty_tracking, selftest.c:iommufd_test_dirty',
  looksAt: ({ ioases }) =>
    ioases.some(({ table }) =>
      table.domains.some((domain) => domain.tracksDirty || domain.dirtyEntries.length > 0),
    ),
  check: ({ ioases }) => {
    for (const { id, table } of ioases) {
      for (const domain of table.domains) {
        const stray = domain.dirtyEntries.find((iova) => domain.translate(iova) === undefined);
        if (stray !== undefined) return `a domain of IOAS ${String(id)} has ${hex(stray)} dirty and unmapped`;
        const isUsed = domain.tracksDirty || domain.dirtyEntries.length > 0;
        if (isUsed && !domain.hasDirtyBits) return `a domain of IOAS ${String(id)} tracks without dirty bits`;
      }
    }
    return undefined;
  },
};
