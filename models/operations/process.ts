import type { RawStep } from '../program/raw.js';
import { usesPasids } from '../state/destroy.js';
import type { OpenFile } from '../state/open_file.js';
import type { World } from '../state/world.js';
import { defineOperation } from './operation.js';

export const fork = defineOperation<Extract<RawStep, { do: 'fork' }>, OpenFile>({
  name: 'fork',
  step: 'fork',
  doc: 'Makes a process with a copy of the memory and the descriptors of the one that calls.',
  source: 'kernel/fork.c:copy_process',
  rules: [],
  effect: ({ world }) => {
    world.fork();
    return 0;
  },
});

export const exit = defineOperation<Extract<RawStep, { do: 'exit' }>, OpenFile>({
  name: 'exit',
  step: 'exit',
  doc: 'Ends the process: its memory goes, then its descriptors. What it had pinned stays pinned.',
  source: 'kernel/exit.c:do_exit',
  rules: [
    {
      id: 'unspecified.pasids_attached',
      says: 'it has the last descriptors of a file with PASIDs attached: as the file goes the kernel warns, and uses memory that it has freed',
      cite: 'selftest.c:iommufd_selftest_destroy',
      when: ({ world }) => holdsPasids(world),
    },
  ],
  effect: ({ world }) => {
    world.exit();
    return 0;
  },
});

function holdsPasids(world: World): boolean {
  return [...world.contexts].some(
    (file) => usesPasids(file) && world.descriptorsOf(file) === world.fds.countOf(file),
  );
}
