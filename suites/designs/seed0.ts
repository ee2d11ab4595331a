import type { RowFile } from './row.js';
import { seed0Lifetimes } from './seed0_lifetimes.js';
import { seed0Queues } from './seed0_queues.js';
import { seed0Windows } from './seed0_windows.js';

/** Rows of the discussion of mmap() for vIOMMUs, and of queues of the hardware. */
export const seed0: RowFile = {
  seed: 0,
  proposal: 'mmap-v2',
  merged: 'mmap-v2-merged',
  // The first cookie of v2 is 0, and that of v4.
  bystanders: ['D0.5', 'D0.6'],
  rows: [...seed0Lifetimes, ...seed0Windows, ...seed0Queues].sort((one, two) => (one.id < two.id ? -1 : 1)),
};
