import type { RawStep } from '../program/raw.js';
import type { OpenFile } from '../state/open_file.js';
import { type OperationContext, defineOperation } from './operation.js';

type Mremap = Extract<RawStep, { do: 'mremap' }>;

const SOURCE = 'mm/mremap.c:do_mremap';

/** mremap(). */
export const mremap = defineOperation<Mremap, OpenFile>({
  name: 'mremap',
  step: 'mremap',
  doc: 'Moves or shrinks memory; a mapping of a region of an iommufd does not grow.',
  source: SOURCE,
  rules: [
    {
      id: 'EFAULT.hole',
      says: 'nothing is mapped at the start',
      cite: 'mm/mremap.c:check_prep_vma',
      when: (c) => mappingOf(c) === undefined,
    },
    {
      id: 'unspecified.several_mappings',
      says: 'the range is not of one mapping for the model, which does not follow how the kernel joins them',
      cite: 'mm/mremap.c:check_prep_vma',
      when: (c) => isCutShort(c),
    },
    {
      id: 'EFAULT.region_grows',
      says: 'a mapping of a region of an iommufd would grow',
      cite: 'mm/mremap.c: VM_DONTEXPAND, VM_PFNMAP',
      isFor: ({ hasViommus }) => hasViommus,
      when: (c) => grows(c) && mappingOf(c)?.isRegion === true,
    },
    {
      id: 'unspecified.grows',
      says: 'memory would grow, and the model does not follow where to',
      cite: SOURCE,
      when: (c) => grows(c) && mappingOf(c)?.isRegion === false,
    },
  ],
  effect: ({ world, step }) => {
    world.moveMemory(step.start, step.bytes, step.newBytes, step.to ?? step.start);
    return 0;
  },
});

function mappingOf({ world, step }: OperationContext<Mremap>) {
  return world.memory.mappingAt(step.start);
}

function isCutShort(c: OperationContext<Mremap>): boolean {
  const mapping = mappingOf(c);
  return mapping !== undefined && mapping.end < c.step.start + c.step.bytes;
}

function grows({ step }: OperationContext<Mremap>): boolean {
  return step.newBytes > step.bytes;
}
