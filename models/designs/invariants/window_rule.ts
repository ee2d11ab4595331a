import type { View } from '../framework/view.js';
import type { DesignInvariant } from './invariant.js';

export const windowRule: DesignInvariant = {
  id: 'window_rule',
  statement:
    'Offset k of a region’s window shows byte k of the region, windows of different regions are disjoint, and where only whole regions may be mapped, no part is.',
  notCovered: 'What a window shows once its region is gone; that is no_unmapped_while_mmapped.',
  facet: 'windows',
  holdsAtPauses: false,
  check: ({ after }) => [...overlaps(after), ...wrongWindows(after)],
};

function overlaps({ regions = [] }: View): string[] {
  const sorted = [...regions].sort((one, two) => (one.start < two.start ? -1 : 1));
  return sorted.flatMap((region, at) => {
    const next = sorted[at + 1];
    return next !== undefined && region.start + region.length > next.start
      ? [`the offsets of ${region.of} and ${next.of} overlap`]
      : [];
  });
}

function wrongWindows({ windows = [], regions = [] }: View): string[] {
  return windows.flatMap(({ by, region: name, offset, length, shows, mustBeWhole }) => {
    const region = regions.find(({ of }) => of === name);
    if (region === undefined) return [];
    const due = offset - region.start;
    if (shows !== due) {
      return [`${by} shows byte ${String(shows)} of ${name} at its offset ${String(due)}`];
    }
    if (shows + length > region.length) return [`${by} reaches beyond ${name}`];
    const isWhole = shows === 0n && length === region.length;
    return mustBeWhole && !isWhole ? [`${by} shows a part of ${name}`] : [];
  });
}
