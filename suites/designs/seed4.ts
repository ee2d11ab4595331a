import type { RowFile } from './row.js';
import { seed4Areas } from './seed4_areas.js';
import { seed4Exporter } from './seed4_exporter.js';

/** Rows of the discussion of dma-bufs and the private interconnect. */
export const seed4: RowFile = {
  seed: 4,
  proposal: 'dmabuf-private',
  merged: 'dmabuf-private-merged',
  bystanders: ['D4.1'],
  rows: [...seed4Areas, ...seed4Exporter].sort((one, two) => (one.id < two.id ? -1 : 1)),
};
