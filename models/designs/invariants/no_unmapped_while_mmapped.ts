import type { DesignInvariant } from './invariant.js';

export const noUnmappedWhileMmapped: DesignInvariant = {
  id: 'no_unmapped_while_mmapped',
  statement: 'A page that is mapped into user space or into a device is not freed.',
  notCovered: 'Pages that a design does not show; a page that is freed and at once used again.',
  facet: 'pages',
  holdsAtPauses: true,
  check: ({ after: { pages = [], mappings = [] } }) => {
    const freed = new Set(pages.filter(({ isFreed }) => isFreed).map(({ page }) => page));
    return mappings
      .filter(({ page }) => freed.has(page))
      .map(({ by, page }) => `${page} is freed and ${by} still maps it`);
  },
};
