import { hex } from '../base/u64.js';
import type { Invariant } from './invariant.js';

export const areasDisjoint: Invariant = {
  id: 'areas_disjoint',
  statement: 'No two areas of an IOAS share an IOVA.',
  notCovered: 'Areas that another thread is still inserting or removing.',
  cite: 'io_pagetable.c: area_itree',
  looksAt: ({ ioases }) => ioases.some(({ table }) => table.areas.length > 1),
  check: ({ ioases }) => {
    for (const { id, table } of ioases) {
      let last = -1n;
      for (const area of table.areas) {
        if (area.iova <= last) return `areas of IOAS ${String(id)} share ${hex(area.iova)}`;
        last = area.last;
      }
    }
    return undefined;
  },
};
