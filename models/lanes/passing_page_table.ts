/** What a call answers because of a page table that is gone when its moment comes in the serial order, or was never there. */
import { maxU64 } from '../base/u64.js';
import { MockDomain } from '../hardware/mock_domain.js';
import type { Branch, Prediction } from '../prediction.js';
import { type IoPagetable, outsideAperture } from '../state/io_pagetable.js';
import type { Ioas } from '../state/objects.js';

/** Predicts the call as if it were made now. */
type Predict = () => Prediction;

/**
 * Success in the place that the kernel has found while a page table still limited where areas may come, which another call has taken
 * away before the area was filled. Without that limit there is nothing to tell: what such page tables translate begins where the search
 * does. Source: io_pagetable.c:iopt_map_pages, which lets go of the IOAS between the two.
 */
export function placedInAperture({ table }: Ioas, predict: Predict): Branch[] {
  return branchesWithin((what) => withAperture(table, what), predict).filter(({ errno }) => errno === 0);
}

/**
 * Answers because of a page table that another call makes in vain.
 * @param isQuestion whether the call changes nothing; if it does, what succeeds meanwhile is no different from what succeeds before
 */
export function answeredWithPageTable({ table }: Ioas, predict: Predict, isQuestion: boolean): Branch[] {
  const branches = branchesWithin((what) => withDomain(table, what), predict);
  return isQuestion ? branches : branches.filter(({ errno }) => errno !== 0);
}

/** Does something in a state that is as it was afterwards. */
type Within = <T>(what: () => T) => T;

function branchesWithin(within: Within, predict: Predict): Branch[] {
  const prediction = within(predict);
  if (prediction.kind === 'unspecified') return [];
  return prediction.branches.map((branch) => ({
    ...branch,
    enact: (seen) => within(() => branch.enact(seen)),
  }));
}

function withDomain<T>(table: IoPagetable, what: () => T): T {
  return withAperture(table, (domain) => {
    table.domains.push(domain);
    try {
      return what();
    } finally {
      table.domains.pop();
    }
  });
}

function withAperture<T>(table: IoPagetable, what: (domain: MockDomain) => T): T {
  const owner = new MockDomain();
  const { alignment } = table;
  table.alignment = maxU64(alignment, owner.pageBytesMin);
  for (const range of outsideAperture(owner)) table.reserved.push({ ...range, owner });
  try {
    return what(owner);
  } finally {
    table.removeReservationsOf(owner);
    table.alignment = alignment;
  }
}
