import { U64_MAX, isAligned, pageOffset } from '../../base/u64.js';
import type { RuleId } from '../../ioctls/description.js';
import type { DesignContext } from '../framework/call.js';
import { PAUSE, type Pause } from '../framework/locks.js';
import { CALLERS, MAP_FLAGS } from './arguments.js';
import { fillDomains } from './fill.js';
import { addressAt } from './memory.js';
import { allocateIova, isAreaRangeAligned, isReserved, newPages, putPages, removeArea } from './space.js';
import {
  type Area,
  type Ioas,
  type IoptPages,
  type Machine,
  type Slice,
  areasIn,
  ioasAt,
  newArea,
} from './state.js';

/** What the RFC and what was merged answer. */
export interface MapErrors {
  readonly reserved: RuleId;
  readonly mapped: RuleId;
  readonly gone: RuleId;
}

export interface MapArguments {
  readonly caller: number;
  readonly flags: number;
  readonly ioas: number;
  /** One of PLACES. */
  readonly va: number;
  readonly length: bigint;
  readonly iova: bigint;
  readonly place: number;
  readonly fails_at: number;
}

type Context<A> = DesignContext<Machine, A>;

/** What MAP does once its numbers are checked. Source: io_pagetable.c:iopt_map_user_pages. */
export function* mapUserMemory(
  c: Context<MapArguments>,
  errors: MapErrors,
): Generator<Pause, { readonly iova: bigint }> {
  const { state, args } = c;
  const ioas = ioasAt(state, args.ioas);
  const address = addressAt(args.va);
  const isWritable = (args.flags & MAP_FLAGS.WRITEABLE) !== 0;
  const pages = newPages(
    state,
    { address, length: args.length },
    { isWritable, hasIpcLock: args.caller === CALLERS.root },
  );
  const isFixed = (args.flags & MAP_FLAGS.FIXED) !== 0;
  const slice = { startByte: pageOffset(address), length: args.length };
  const iova = yield* mapPages(c, ioas, {
    pages,
    slice,
    iova: isFixed ? args.iova : undefined,
    isWritable,
    failsAt: args.fails_at,
    errors,
  });
  pages.isOrphan = args.caller === CALLERS.child;
  if (args.place === 1) c.fail('EFAULT.answer');
  return { iova };
}

/** A slice of pages for an IOVA, or for any. */
interface Mapping {
  readonly pages: IoptPages;
  readonly slice: Slice;
  readonly iova: bigint | undefined;
  readonly isWritable: boolean;
  readonly failsAt: number;
  readonly errors: MapErrors;
}

/** Enters an area that shows pages. Source: io_pagetable.c:iopt_map_pages. */
export function* mapPages<A>(c: Context<A>, ioas: Ioas, mapping: Mapping): Generator<Pause, bigint> {
  const { pages, slice, isWritable, errors } = mapping;
  const iova = placeOf(c, ioas, mapping);
  const area = newArea(iova, slice, isWritable);
  ioas.areas.push(area);
  // Others see the area, which has no pages yet.
  yield PAUSE;
  c.state.failsIn = mapping.failsAt;
  const isKnown = c.state.pages.includes(pages);
  if (!isKnown) c.state.pages.push(pages);
  const failure = fillArea(c, ioas, area, pages);
  c.state.failsIn = 0;
  if (failure === undefined) {
    area.pages = pages;
    pages.references += 1;
    return iova;
  }
  removeArea(ioas, area);
  if (!isKnown) c.state.pages.splice(c.state.pages.indexOf(pages), 1);
  return c.fail(failure === 'EFAULT.mm' ? errors.gone : failure);
}

function fillArea<A>(
  c: Context<A>,
  ioas: Ioas,
  area: Area,
  pages: IoptPages,
): RuleId | 'EFAULT.mm' | undefined {
  const { iova, last, pageOffset: offset } = area;
  const isOff = !isAreaRangeAligned({ iova, last }, ioas.alignment) || !isAligned(offset, ioas.alignment);
  if (ioas.domains.length > 0 && isOff) {
    c.prints('unaligned: iommu_map() is given less than the pages of the IOMMU');
    return 'EINVAL.unaligned';
  }
  return fillDomains(c, ioas, area, pages);
}

/** The IOVA of a mapping: the one that is asked for, if it is free, or any. Source: io_pagetable.c:iopt_alloc_area_pages. */
function placeOf<A>(c: Context<A>, ioas: Ioas, { pages, slice, iova, errors }: Mapping): bigint {
  const { length, startByte } = slice;
  if (iova === undefined) {
    const isOff = !isAligned(length, ioas.alignment) || !isAligned(startByte, ioas.alignment);
    if (isOff && !c.has('D2.21')) c.fail('EINVAL.alignment');
    const found = allocateIova(c, ioas, pages.uptr + startByte, length);
    return typeof found === 'string' ? c.fail(found) : found;
  }
  const last = iova + length - 1n;
  if (last > U64_MAX || (last === U64_MAX && length === U64_MAX)) c.fail('EOVERFLOW.range');
  if (!isAreaRangeAligned({ iova, last }, ioas.alignment)) c.fail('EINVAL.alignment');
  if (!isAligned(startByte, ioas.alignment) && !c.has('D2.22')) c.fail('EINVAL.alignment');
  if (isReserved(ioas, iova, last)) c.fail(errors.reserved);
  if (areasIn(ioas, iova, last).length > 0) c.fail(errors.mapped);
  return iova;
}

/** Ends UNMAP of an area. Source: io_pagetable.c:iopt_unmap_iova_range. */
export function dropArea<A>(c: Context<A>, ioas: Ioas, area: Area, pages: IoptPages): void {
  removeArea(ioas, area);
  putPages(c, pages);
}
