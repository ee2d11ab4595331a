import { seed3Balances } from './seed3_balances.js';
import { seed3Chunks } from './seed3_chunks.js';
import type { RowFile } from './row.js';

/** Rows of the discussion of page hinting. */
export const seed3: RowFile = {
  seed: 3,
  proposal: 'page-hinting',
  merged: 'page-hinting-reviewed',
  bystanders: ['D3.19'],
  rows: [...seed3Chunks, ...seed3Balances].sort((one, two) => (one.id < two.id ? -1 : 1)),
};
