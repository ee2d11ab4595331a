import type { RowFile } from './row.js';
import { seed2Access } from './seed2_access.js';
import { seed2Copy } from './seed2_copy.js';
import { seed2Ranges } from './seed2_ranges.js';
import { seed2Tiers } from './seed2_tiers.js';

/** Rows of the discussion of iopt_pages. */
export const seed2: RowFile = {
  seed: 2,
  proposal: 'iopt-pages-rfc',
  merged: 'iopt-pages-rfc-merged',
  bystanders: [],
  rows: [...seed2Tiers, ...seed2Ranges, ...seed2Copy, ...seed2Access].sort((one, two) =>
    one.id < two.id ? -1 : 1,
  ),
};
