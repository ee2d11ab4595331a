import { U64_MAX } from '../../base/u64.js';
import type { DesignContext } from '../framework/call.js';
import { PAUSE, type Pause } from '../framework/locks.js';
import { releaseHolder } from './access_effect.js';
import { unfillDomains } from './fill.js';
import { dropArea } from './map_effect.js';
import { type Area, type Ioas, type Machine, areasIn } from './state.js';

type Context<A> = DesignContext<Machine, A>;

/** Removes an area that nobody uses. */
export function removeMapping<A>(c: Context<A>, ioas: Ioas, area: Area): bigint {
  const { pages } = area;
  if (pages === undefined) return 0n;
  unfillDomains(c, ioas, area, pages);
  dropArea(c, ioas, area, pages);
  return area.last - area.iova + 1n;
}

/** How often users are told to let go before UNMAP gives up; a hundred times in kernels. */
const TRIES = 3;

/**
 * Removes all areas of a range, and tells those who use them to let go; the range must not cut any.
 * Source: io_pagetable.c:iopt_unmap_iova_range.
 */
export function* unmapRange<A>(
  c: Context<A>,
  ioas: Ioas,
  start: bigint,
  last: bigint,
): Generator<Pause, bigint> {
  let unmapped = 0n;
  for (const area of areasIn(ioas, start, last)) {
    if (area.pages === undefined) c.fail('EBUSY.area');
    if (area.iova < start || area.last > last) c.fail('ENOENT.cut');
    yield* tellUsers(c, ioas, area);
    if (ioas.areas.includes(area)) unmapped += removeMapping(c, ioas, area);
  }
  const isAll = start === 0n && last === U64_MAX;
  if (unmapped === 0n && (!isAll || c.has('D2.19'))) c.fail('ENOENT.nothing');
  return unmapped;
}

function* tellUsers<A>(c: Context<A>, ioas: Ioas, area: Area): Generator<Pause, void> {
  for (let tries = 0; area.users > 0; tries++) {
    area.isPreventingUsers = true;
    if (tries === TRIES) {
      area.isPreventingUsers = false;
      c.prints('WARNING: users do not let go of an area that is unmapped');
      c.fail('EDEADLK.users');
    }
    yield PAUSE;
    for (const holder of c.state.holders.filter(({ ioas: of }) => of === ioas)) {
      if (holder.parts.some((part) => part.area === area)) releaseHolder(c, holder);
    }
  }
}
