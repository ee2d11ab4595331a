import { U64_MAX } from './u64.js';

/** A closed interval of addresses, as iommufd counts them: `last` is the last byte, not one past it. */
export interface Range {
  readonly start: bigint;
  readonly last: bigint;
}

/** The whole 64-bit address space. */
export const WHOLE_SPACE: Range = { start: 0n, last: U64_MAX };

/** Whether two ranges share a byte. */
function rangesIntersect(a: Range, b: Range): boolean {
  return a.start <= b.last && b.start <= a.last;
}

/** Whether a range shares a byte with any of a list. */
export function intersectsAny(range: Range, others: readonly Range[]): boolean {
  for (const other of others) if (rangesIntersect(range, other)) return true;
  return false;
}

/** Sorted copies with overlapping and touching ranges joined. */
export function mergeRanges(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const merged: { start: bigint; last: bigint }[] = [];
  for (const { start, last } of sorted) {
    const previous = merged.at(-1);
    if (previous !== undefined && start <= previous.last + 1n) {
      if (last > previous.last) previous.last = last;
    } else {
      merged.push({ start, last });
    }
  }
  return merged;
}

/**
 * The maximal gaps that a list leaves inside a window, ascending.
 * @param busy merged and ascending, as `mergeRanges` returns it
 */
export function gapsWithin(busy: readonly Range[], window: Range): Range[] {
  const gaps: Range[] = [];
  findInGaps(busy, window, (start, last) => {
    gaps.push({ start, last });
    return undefined;
  });
  return gaps;
}

/** What is found in the first of those gaps that has something. */
export function findInGaps<T>(
  busy: readonly Range[],
  window: Range,
  find: (start: bigint, last: bigint) => T | undefined,
): T | undefined {
  let { start } = window;
  for (const range of busy) {
    if (range.last < start) continue;
    if (range.start > window.last) break;
    const found = range.start > start ? find(start, range.start - 1n) : undefined;
    if (found !== undefined) return found;
    start = range.last + 1n;
  }
  return start <= window.last ? find(start, window.last) : undefined;
}

/** The parts of a list that lie inside a window. */
export function clipRanges(ranges: readonly Range[], window: Range): Range[] {
  const clipped: Range[] = [];
  for (const range of ranges) {
    if (!rangesIntersect(range, window)) continue;
    clipped.push({
      start: range.start > window.start ? range.start : window.start,
      last: range.last < window.last ? range.last : window.last,
    });
  }
  return clipped;
}
