import type { OpenFile } from '../state/open_file.js';
import type { Invariant } from './invariant.js';

export const areasKeepFiles: Invariant = {
  id: 'areas_keep_files',
  statement:
    'Each file of memory and each dma-buf has one reference for each descriptor and one for each mapping that shows it.',
  notCovered: 'Files of iommufds, which other files keep open too; mappings of processes by mmap().',
  cite: 'pages.c:iopt_alloc_file_pages, iopt_map_dmabuf, iopt_release_pages',
  looksAt: ({ pages }) => pages.some(({ source }) => source.kind !== 'user'),
  check: ({ world, pages }) => {
    let held: Map<OpenFile, number> | undefined;
    for (const { fds } of world.processes) for (const [, file] of fds.entries) held = hold(held, file);
    for (const { source } of pages) if (source.kind !== 'user') held = hold(held, source.file);
    for (const [file, count] of held ?? []) {
      if (file.references !== count)
        return `a ${file.kind} has ${String(file.references)} references, holders are ${String(count)}`;
    }
    return undefined;
  },
};

/** Counts a file, if it is one of those. */
function hold(held: Map<OpenFile, number> | undefined, file: OpenFile): Map<OpenFile, number> | undefined {
  if (file.kind !== 'memfd' && file.kind !== 'dmabuf') return held;
  return (held ?? new Map<OpenFile, number>()).set(file, (held?.get(file) ?? 0) + 1);
}
