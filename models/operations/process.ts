import { PASIDS_OUTLIVE_DEVICE } from '../pasids_outlive.js';
import type { RawStep } from '../program/raw.js';
import { usesPasids } from '../state/destroy.js';
import type { OpenFile } from '../state/open_file.js';
import type { World } from '../state/world.js';
import { closedFile, defineOperation } from './operation.js';

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
      splat: PASIDS_OUTLIVE_DEVICE,
    },
  ],
  effect: ({ world }) => {
    world.exit();
    return 0;
  },
});

export const exec = defineOperation<Extract<RawStep, { do: 'exec' }>, OpenFile>({
  name: 'exec',
  step: 'exec',
  doc: 'Starts a program in the process: its memory is new, and what it had pinned before stays pinned and charged to what it was; descriptors that are marked so close, after the mappings have gone; the first user gets all capabilities back. Limits stay.',
  source: 'fs/exec.c:begin_new_exec',
  rules: [
    {
      id: 'unspecified.pasids_attached',
      says: 'the last descriptors of a file with PASIDs attached close: as the file goes the kernel warns, and uses memory that it has freed',
      cite: 'selftest.c:iommufd_selftest_destroy',
      when: ({ world }) => closesPasids(world),
      splat: PASIDS_OUTLIVE_DEVICE,
    },
  ],
  effect: ({ world }) => {
    world.exec();
    return 0;
  },
});

export const cloexec = defineOperation<Extract<RawStep, { do: 'cloexec' }>, OpenFile>({
  name: 'cloexec',
  step: 'cloexec',
  doc: 'fcntl(F_SETFD): says whether a descriptor closes on exec().',
  source: 'fs/fcntl.c:do_fcntl',
  rules: [closedFile()],
  effect: ({ world, step }) => {
    world.fds.markOnExec(step.slot, step.isSet);
    return 0;
  },
});

export const pass = defineOperation<Extract<RawStep, { do: 'pass' }>, OpenFile>({
  name: 'pass',
  step: 'pass',
  doc: 'Sends a descriptor over a socket (SCM_RIGHTS): the process that receives it has another one of the same open file.',
  source: 'net/core/scm.c:scm_fp_copy, scm_detach_fds',
  rules: [closedFile()],
  effect: ({ world, step, file }) => {
    if (file !== undefined) world.processOf(step.to).fds.install(step.as, file);
    return 0;
  },
});

function holdsPasids(world: World): boolean {
  return world.contexts.some(
    (file) => usesPasids(file) && world.descriptorsOf(file) === world.fds.countOf(file),
  );
}

function closesPasids(world: World): boolean {
  const closing = world.fds.slotsClosingOnExec.map((slot) => world.fds.get(slot));
  return world.contexts.some(
    (file) =>
      usesPasids(file) && world.descriptorsOf(file) === closing.filter((other) => other === file).length,
  );
}
