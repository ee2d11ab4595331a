import { PASIDS_OUTLIVE_DEVICE } from '../pasids_outlive.js';
import type { RawStep } from '../program/raw.js';
import { closedFile, defineOperation } from './operation.js';
import { usesPasids } from '../state/destroy.js';
import type { OpenFile } from '../state/open_file.js';

/** close() and dup() of any file. */
export const close = defineOperation<Extract<RawStep, { do: 'close' }>, OpenFile>({
  name: 'close',
  step: 'close',
  doc: 'Takes a descriptor away; what it referred to goes with its last reference.',
  source: 'fs/open.c:close',
  rules: [
    closedFile(),
    {
      id: 'unspecified.pasids_attached',
      says: 'it is the last descriptor of the file, and PASIDs of a mock device are attached: nothing can detach them any more, and as the file goes the kernel warns, and uses memory that it has freed',
      cite: 'selftest.c:iommufd_selftest_destroy',
      when: ({ world, file }) =>
        file?.kind === 'iommufd' && usesPasids(file) && world.descriptorsOf(file) === 1,
      splat: PASIDS_OUTLIVE_DEVICE,
    },
  ],
  effect: ({ world, step }) => {
    world.close(step.slot);
    return 0;
  },
});

export const dup = defineOperation<Extract<RawStep, { do: 'dup' }>, OpenFile>({
  name: 'dup',
  step: 'dup',
  doc: 'Makes another descriptor of the same open file.',
  source: 'fs/file.c:dup',
  rules: [closedFile()],
  effect: ({ world, step, file }) => {
    if (file !== undefined) world.fds.install(step.as, file);
    return 0;
  },
});
