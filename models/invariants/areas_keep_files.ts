import type { OpenFile } from '../state/open_file.js';
import type { Invariant } from './invariant.js';

export const areasKeepFiles: Invariant = {
  id: 'areas_keep_files',
  statement:
    'Each file of memory and each dma-buf has one reference for each descriptor and one for each mapping that shows it.',
  notCovered: 'Files of iommufds, which other files keep open too; mappings of processes by mmap().',
  cite: 'pages.c:iopt_alloc_file_pages, iopt_map_dmabuf, iopt_release_pages',
  looksAt: ({ pages }) => [...pages].some(({ source }) => source.kind !== 'user'),
  check: ({ world, pages }) => {
    let held: Map<OpenFile, number> | undefined;
    const hold = (file: OpenFile): void => {
      if (file.kind !== 'memfd' && file.kind !== 'dmabuf') return;
      held ??= new Map();
      held.set(file, (held.get(file) ?? 0) + 1);
    };
    for (const { fds } of world.processes) for (const [, file] of fds.entries) hold(file);
    for (const { source } of pages) if (source.kind !== 'user') hold(source.file);
    for (const [file, count] of held ?? []) {
      if (file.references !== count)
        return `a ${file.kind} has ${String(file.references)} references, holders are ${String(count)}`;
    }
    return undefined;
  },
};
