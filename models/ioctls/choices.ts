import { isAligned, rangeWraps } from '../base/u64.js';
import { mergeRanges } from '../base/ranges.js';
import { present } from '../base/assert.js';
import type { Placement } from '../state/placement.js';
import type { CallContext } from './description.js';

/** Ids of new objects, in the order in which the kernel takes them: the lowest free ones, or any free ones. */
export function chooseIds(
  { choose, file }: Pick<CallContext<unknown>, 'choose' | 'file'>,
  fields: readonly string[],
): number[] {
  const lowest = file.objects.lowestFreeIds(fields.length);
  const taken = new Set<number>();
  return fields.map((field, index) => {
    const isFree = (id: number) => id > 0 && !file.objects.has(id) && !taken.has(id);
    const id = choose(field, present(lowest[index], 'a free id'), isFree);
    taken.add(id);
    return id;
  });
}

/** The IOVA of an area that has a place: the one asked for, or any legal one. Source: iommufd.h, struct iommu_ioas_map. */
export function chooseIova({ choose }: CallContext<unknown>, field: string, placement: Placement): bigint {
  const exact = present(placement.iova, 'a place');
  return placement.request.isFixed ? exact : choose(field, exact, (iova) => isLegalPlace(placement, iova));
}

function isLegalPlace({ table, request: { length } }: Placement, iova: bigint): boolean {
  if (table === undefined || rangeWraps(iova, length) || !isAligned(iova, table.alignment)) return false;
  const range = { start: iova, last: iova + length - 1n };
  const isAllowed =
    table.allowed.length === 0 ||
    mergeRanges(table.allowed).some(({ start, last }) => start <= range.start && range.last <= last);
  return isAllowed && !table.isReserved(range) && !table.hasAreaIn(range);
}
