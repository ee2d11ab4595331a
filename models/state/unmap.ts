import type { Range } from '../base/ranges.js';
import { dropArea } from './fill.js';
import type { IoPagetable } from './io_pagetable.js';
import type { Area } from './pages.js';

/** The areas that an unmap meets, up to the first that it cannot take. */
export interface Reach {
  readonly whole: readonly Area[];
  /** What keeps the next area: a hardware queue that uses it, or that it begins before the range or ends after it. */
  readonly obstacle: 'locked' | 'straddles' | undefined;
}

export const NOTHING: Reach = { whole: [], obstacle: undefined };

/** Source: io_pagetable.c:iopt_unmap_iova_range. */
export function reachOf(table: IoPagetable, range: Range): Reach {
  const whole: Area[] = [];
  for (const area of table.areasIntersecting(range)) {
    if (area.isLocked) return { whole, obstacle: 'locked' };
    if (area.iova < range.start || area.last > range.last) return { whole, obstacle: 'straddles' };
    whole.push(area);
  }
  return { whole, obstacle: undefined };
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
