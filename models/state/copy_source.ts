import type { IoPagetable } from './io_pagetable.js';
import type { Ioas } from './objects.js';
import type { Pages } from './pages.js';

/** A part of one source area that is copied. */
export interface Slice {
  readonly pages: Pages;
  readonly startByte: bigint;
  readonly length: bigint;
}

/** What a copy finds under its source range, before it looks for a place. Source: io_pagetable.c:iopt_get_pages. */
export interface CopySource {
  readonly ioas: Ioas | undefined;
  /** Undefined where the range is not covered without gap. */
  readonly slices: readonly Slice[] | undefined;
  /** Whether it is one area, and that as a whole. */
  readonly isOneArea: boolean;
}

export function findCopySource(ioas: Ioas | undefined, start: bigint, length: bigint): CopySource {
  if (ioas === undefined) return { ioas, slices: undefined, isOneArea: false };
  const { table } = ioas;
  const [area] = table.areasIntersecting({ start, last: start });
  const isOneArea = area?.iova === start && area.length === length;
  return { ioas, slices: slicesOf(table, start, length), isOneArea };
}

function slicesOf(table: IoPagetable, start: bigint, length: bigint): Slice[] | undefined {
  if (length === 0n) return undefined;
  const last = start + length - 1n;
  const slices: Slice[] = [];
  let next = start;
  for (const area of table.areasIntersecting({ start, last })) {
    if (area.iova > next) return undefined;
    const end = area.last < last ? area.last : last;
    slices.push({
      pages: area.pages,
      startByte: area.startByte + (next - area.iova),
      length: end - next + 1n,
    });
    next = end + 1n;
  }
  return next > last ? slices : undefined;
}
