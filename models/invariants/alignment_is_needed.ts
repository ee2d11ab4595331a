import type { Invariant } from './invariant.js';

export const alignmentIsNeeded: Invariant = {
  id: 'alignment_is_needed',
  statement: 'The alignment of an IOAS is the largest that its settings, domains and accesses ask for.',
  notCovered: 'Areas below it that a COPY of several areas made.',
  cite: 'io_pagetable.c:iopt_calculate_iova_alignment',
  looksAt: ({ ioases }) =>
    ioases.some(({ table }) => table.alignment !== 1n || table.alignmentNeeded() !== 1n),
  check: ({ ioases }) => {
    for (const { id, table } of ioases) {
      if (table.alignment !== table.alignmentNeeded()) {
        return `the alignment of IOAS ${String(id)} is ${String(table.alignment)}, needed is ${String(table.alignmentNeeded())}`;
      }
    }
    return undefined;
  },
};
