import type { RawStep } from '../program/raw.js';
import type { OpenFile } from '../state/open_file.js';
import { closedFile, defineOperation } from './operation.js';

/** ftruncate(). */
export const truncate = defineOperation<Extract<RawStep, { do: 'truncate' }>, OpenFile>({
  name: 'truncate',
  step: 'truncate',
  doc: 'Changes the size of a file of memory; pages beyond the new end are lost to those who come later, and bytes behind it in its page are cleared.',
  source: 'fs/open.c:do_ftruncate',
  rules: [
    closedFile(),
    {
      id: 'EINVAL.kind',
      says: 'the file is no file of memory',
      cite: 'fs/open.c:do_ftruncate',
      when: ({ file }) => file !== undefined && file.kind !== 'memfd',
    },
  ],
  effect: ({ file, step }) => {
    if (file?.kind === 'memfd') file.truncate(step.bytes);
    return 0;
  },
});
