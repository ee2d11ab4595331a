import type { RawStep } from '../program/raw.js';
import type { OpenFile } from '../state/open_file.js';
import { close, dup } from './close.js';
import { faultPoll, faultRead, faultWrite } from './fault_file.js';
import { mmap } from './mmap.js';
import { mremap } from './mremap.js';
import { mprotect } from './mprotect.js';
import type { OperationDescription } from './operation.js';
import { cloexec, exec, exit, fork, pass } from './process.js';
import { dmabufPoll, poll, read, write } from './read_write.js';
import { openVfioDevice, openVfioGroup, openVfioPci } from './open_vfio.js';
import { truncate } from './truncate.js';
import { veventqPoll, veventqRead, veventqWrite } from './veventq_file.js';

/** The only registry of system calls on files beside ioctl(). */
export const OPERATIONS: readonly OperationDescription[] = [
  openVfioDevice,
  openVfioGroup,
  openVfioPci,
  close,
  dup,
  read,
  write,
  poll,
  dmabufPoll,
  faultRead,
  faultWrite,
  faultPoll,
  veventqRead,
  veventqWrite,
  veventqPoll,
  truncate,
  mmap,
  mprotect,
  mremap,
  fork,
  exec,
  cloexec,
  pass,
  exit,
];

type Kinds = ReadonlyMap<OperationDescription['of'], OperationDescription>;

/** By step, then by the kind of file, which those that are for any do not have. */
const byStep: ReadonlyMap<RawStep['do'], Kinds> = new Map(
  OPERATIONS.map(({ step }) => [step, new Map(ofStep(step).map((operation) => [operation.of, operation]))]),
);

function ofStep(step: RawStep['do']): OperationDescription[] {
  return OPERATIONS.filter((operation) => operation.step === step);
}

/** What a step on a file does, by the kind of the file; undefined for steps that are on none. */
export function operationOf(step: RawStep, file: OpenFile | undefined): OperationDescription | undefined {
  const kinds = byStep.get(step.do);
  if (step.do === 'open') return kinds?.get(step.node);
  return kinds?.get(file?.kind) ?? kinds?.get(undefined);
}
