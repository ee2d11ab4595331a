import { hex } from '../base/u64.js';
import { intersectsAny } from '../base/ranges.js';
import type { Invariant } from './invariant.js';

export const areasAvoidReserved: Invariant = {
  id: 'areas_avoid_reserved',
  statement: 'No area and no allowed range of an IOAS meets a reserved range.',
  notCovered: 'Regions that a hardware driver reserves: the mock has none.',
  cite: 'io_pagetable.c:iopt_reserve_iova, iopt_set_allow_iova',
  looksAt: ({ ioases }) =>
    ioases.some(
      ({ table: { reserved, areas, allowed } }) => reserved.length > 0 && areas.length + allowed.length > 0,
    ),
  check: ({ ioases }) => {
    for (const { id, table } of ioases) {
      if (table.reserved.length === 0) continue;
      for (const { iova, last } of table.areas) {
        if (intersectsAny({ start: iova, last }, table.reserved)) {
          return `the area at ${hex(iova)} of IOAS ${String(id)} meets a reserved range`;
        }
      }
      for (const range of table.allowed) {
        if (intersectsAny(range, table.reserved)) {
          return `the allowed range at ${hex(range.start)} of IOAS ${String(id)} meets a reserved range`;
        }
      }
    }
    return undefined;
  },
};
