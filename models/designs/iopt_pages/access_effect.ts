import { PAGE_SIZE, isAligned, minU64 } from '../../base/u64.js';
import type { RuleId } from '../../ioctls/description.js';
import type { DesignContext } from '../framework/call.js';
import { fillXarray, unfillXarray } from './fill.js';
import { pfnBehind } from './memory.js';
import {
  type Access,
  type Area,
  type Holder,
  type Ioas,
  type IoptPages,
  type Machine,
  type TierFailure,
  areasIn,
  indexOfIova,
} from './state.js';
import { type Span, addressOf } from './tiers.js';

type Context<A> = DesignContext<Machine, A>;

/** What the RFC and what was merged answer. */
export interface PinErrors {
  readonly hole: RuleId;
  readonly write: RuleId;
  readonly gone: RuleId;
  /** Whether a user that reads must not use pages that are writable, as in the RFC. */
  readonly isReadExact: boolean;
}

interface PinRequest {
  readonly ioas: Ioas;
  readonly iova: bigint;
  readonly length: bigint;
  readonly isWrite: boolean;
  readonly failsAt: number;
  readonly access: Access | undefined;
  readonly errors: PinErrors;
}

/**
 * Pins the pages of a range for a user in the kernel.
 * @returns who holds them, not yet among those that are known
 * Source: io_pagetable.c:iopt_access_pages; device.c:iommufd_access_pin_pages.
 */
export function pinRange<A>(c: Context<A>, request: PinRequest): Holder {
  const { ioas, iova, length, isWrite, errors } = request;
  const last = iova + length - 1n;
  const parts: Holder['parts'][number][] = [];
  const out: number[] = [];
  const back = (rule: RuleId): never => {
    for (const part of parts) unpinPart(c, part);
    return c.fail(rule);
  };
  let current = iova;
  for (const area of areasIn(ioas, iova, last)) {
    const { pages } = area;
    const isMisplaced = area.iova > current !== (area.iova !== current && c.has('D2.13'));
    if (isMisplaced || pages === undefined || area.isPreventingUsers) return back(gapRule(area, errors));
    if (area.iova > current) {
      c.undefined('D2.13', 'out of bounds', 'the index of an IOVA in front of its area');
    }
    if (isWrite ? !pages.isWritable : errors.isReadExact && pages.isWritable) return back(errors.write);
    const end = minU64(last, area.last);
    const span = { start: indexOfIova(area, current), last: indexOfIova(area, end) };
    // The answer begins anew one page short, where the text advances too little.
    if (parts.length > 0 && c.has('D2.13')) out.pop();
    const failure = addUser(c, pages, span, { out, failsAt: request.failsAt });
    if (failure !== undefined) return back(failure === 'EFAULT.mm' ? errors.gone : failure);
    parts.push({ area, pages, ...span });
    if (end !== last || !c.has('D2.13')) area.users += 1;
    current = end + 1n;
    if (end !== last && !isAligned(current, PAGE_SIZE)) return back('EINVAL.unaligned');
  }
  if (current !== last + 1n) {
    if (!c.has('D2.13')) return back(errors.hole);
    c.contradicts('the range goes beyond the last area, and the call succeeds');
  }
  if (!isTrue(out, { parts, iova })) c.contradicts('the answer does not name the pages of the range');
  return { ioas, iova, length, access: request.access, parts };
}

/** Why an area in the way is no part of the range. */
function gapRule(area: Area, errors: PinErrors): RuleId {
  return area.isPreventingUsers ? 'EINVAL.prevented' : errors.hole;
}

/** Whether the pages that are handed out are those behind the IOVAs. */
function isTrue(out: readonly number[], { parts }: Pick<Holder, 'parts' | 'iova'>): boolean {
  const due = parts.flatMap(({ pages, start, last }) =>
    Array.from({ length: last - start + 1 }, (_, at) => pfnBehind(addressOf(pages, start + at), false)),
  );
  return out.length === due.length && due.every((pfn, at) => pfn === out[at]);
}

/** Source: pages.c:iopt_pages_add_user, later iopt_area_add_access. */
function addUser<A>(
  c: Context<A>,
  pages: IoptPages,
  span: Span,
  { out, failsAt }: { readonly out: number[]; readonly failsAt: number },
): TierFailure | undefined {
  const known = pages.users.find(({ start, last }) => start === span.start && last === span.last);
  if (known !== undefined) {
    known.references += 1;
    for (let index = span.start; index <= span.last; index++) out.push(pages.pinnedPfns.get(index) ?? 0);
    return undefined;
  }
  c.state.failsIn = failsAt;
  const failure = fillXarray(c, pages, span, out);
  c.state.failsIn = 0;
  if (failure === undefined) pages.users.push({ ...span, references: 1 });
  return failure;
}

/** Gives back what a user has of an area. Source: pages.c:iopt_pages_remove_user, later iopt_area_remove_access. */
function unpinPart<A>(c: Context<A>, part: Holder['parts'][number], isCounted = true): void {
  const { area, pages, start, last } = part;
  const at = pages.users.findIndex((range) => range.start === start && range.last === last);
  const known = pages.users[at];
  if (isCounted) area.users -= 1;
  if (known === undefined) return;
  known.references -= 1;
  if (known.references > 0) return;
  pages.users.splice(at, 1);
  unfillXarray(c, pages, { start, last });
}

/** Gives back all that a user has. */
export function releaseHolder<A>(c: Context<A>, holder: Holder): void {
  const { state } = c;
  state.holders.splice(state.holders.indexOf(holder), 1);
  for (const part of holder.parts) {
    const isLast = part === holder.parts.at(-1) && part.area.last >= holder.iova + holder.length - 1n;
    if (!holder.ioas.areas.includes(part.area)) continue;
    if (part.area.pages === undefined) {
      c.undefined('D2.14', 'NULL dereference', 'the pages of an area that could not be unmapped');
    }
    unpinPart(c, part, !isLast || !c.has('D2.13'));
  }
}
