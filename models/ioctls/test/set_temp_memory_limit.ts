import { u32 } from '../../layout/field.js';
import { defineTestOp } from './test_command.js';

/** Bytes of one element of a batch: an address and a count. */
const ELEMENT_BYTES = 12;

const SOURCE = 'selftest.c:iommufd_test';

export const setTempMemoryLimit = defineTestOp(
  {
    op: 'SET_TEMP_MEMORY_LIMIT',
    member: 'memory_limit',
    doc: 'Limits temporary arrays, and so how many pages are pinned at once: for all files, until it is set again.',
    source: SOURCE,
    id: u32('unused'),
    respond: 'nothing',
    allocates: false,
  },
  () => ({}),
).behaves({
  rules: [
    {
      id: 'EINVAL.limit',
      says: 'the limit is less than an element takes',
      cite: SOURCE,
      when: ({ args }) => args.limit < ELEMENT_BYTES,
    },
  ],
  effect: ({ world, args }) => {
    world.memory.physical.temporaryBytesMax = args.limit;
  },
});
