import type { RawStep } from '../program/raw.js';
import type { OpenFile } from '../state/open_file.js';
import { type OperationContext, defineOperation } from './operation.js';

type Mprotect = Extract<RawStep, { do: 'mprotect' }>;

/** mprotect(). */
export const mprotect = defineOperation<Mprotect, OpenFile>({
  name: 'mprotect',
  step: 'mprotect',
  doc: 'Changes what may be done with memory; a mapping of which a part changes becomes several.',
  source: 'mm/mprotect.c:do_mprotect_pkey',
  rules: [
    {
      id: 'ENOMEM.hole',
      says: 'a page of the range is not mapped',
      cite: 'mm/mprotect.c:do_mprotect_pkey',
      when: ({ world, step }) => world.memory.mappedBytes(step.start, step.bytes) < step.bytes,
      leaves: {
        what: 'the pages before the first that is not mapped have changed',
        cite: 'mm/mprotect.c:do_mprotect_pkey',
        does: (c) => {
          protect(c);
        },
      },
    },
  ],
  findings: [
    {
      id: 'mmap-made-executable',
      says: 'a region of an iommufd becomes executable, which mmap() refuses',
      isShown: ({ world, step }) => step.access === 'rwx' && world.memory.showsRegion(step.start, step.bytes),
    },
  ],
  effect: (c) => {
    protect(c);
    return 0;
  },
});

function protect({ world, step }: OperationContext<Mprotect>): void {
  const { start, bytes, access } = step;
  world.protectMemory(start, world.memory.mappedBytes(start, bytes), access === 'rwx' ? 'rw' : access);
}
