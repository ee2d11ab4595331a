import type { Range } from '../base/ranges.js';
import { dropArea } from './fill.js';
import type { IoPagetable } from './io_pagetable.js';
import type { Area } from './pages.js';

/** The areas that an unmap meets, up to the first that it cannot take. */
export interface Reach {
  readonly whole: readonly Area[];
  /** The area that begins before the range or ends after it. */
  readonly straddler: Area | undefined;
}

export const NOTHING: Reach = { whole: [], straddler: undefined };

/** Source: io_pagetable.c:iopt_unmap_iova_range. */
export function reachOf(table: IoPagetable, range: Range): Reach {
  const met = table.areasIntersecting(range);
  const at = met.findIndex((area) => area.iova < range.start || area.last > range.last);
  return at < 0 ? { whole: met, straddler: undefined } : { whole: met.slice(0, at), straddler: met[at] };
}

/** Removes areas in their order. Returns the bytes that were mapped. */
export function dropAreas(table: IoPagetable, areas: readonly Area[]): bigint {
  let unmappedBytes = 0n;
  for (const area of areas) {
    unmappedBytes += area.length;
    dropArea(table, area);
  }
  return unmappedBytes;
}
