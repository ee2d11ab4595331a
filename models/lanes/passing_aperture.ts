import { MockDomain } from '../hardware/mock_domain.js';
import type { Branch, Prediction } from '../prediction.js';
import { type IoPagetable, outsideAperture } from '../state/io_pagetable.js';
import { type LaneCall, MAPPING, tableOf } from './lane_call.js';

/**
 * Success in the place that the kernel has found while a domain still limited where areas may come, which another call has taken away
 * before the area was filled. Domains without that limit leave nothing to tell: what they translate begins where the search does.
 * Source: io_pagetable.c:iopt_map_pages, which lets go of the IOAS between the two.
 */
export function placedInAperture(own: LaneCall, predict: () => Prediction): Branch[] {
  const ioas = own.file.objects.findOfType(Number(tableOf(own, MAPPING) ?? 0n), 'IOAS');
  if (ioas === undefined) return [];
  const prediction = withinAperture(ioas.table, predict);
  if (prediction.kind === 'unspecified') return [];
  return prediction.branches
    .filter(({ errno }) => errno === 0)
    .map((branch) => ({
      ...branch,
      enact: (seen) => withinAperture(ioas.table, () => branch.enact(seen)),
    }));
}

/** Does something as if a domain limited an IOAS. */
function withinAperture<T>(table: IoPagetable, what: () => T): T {
  const owner = new MockDomain();
  const outside = outsideAperture(owner).map((range) => ({ ...range, owner }));
  table.reserved.push(...outside);
  try {
    return what();
  } finally {
    table.removeReservationsOf(owner);
  }
}
