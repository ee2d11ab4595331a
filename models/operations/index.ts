import type { VfioNode } from '../program/program.js';
import type { RawStep } from '../program/raw.js';
import type { OpenFile, OpenFileKind } from '../state/open_file.js';
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

const byPlace = new Map(OPERATIONS.map((operation) => [placeOf(operation.step, operation.of), operation]));

/** What a step on a file does, by the kind of the file; undefined for steps that are on none. */
export function operationOf(step: RawStep, file: OpenFile | undefined): OperationDescription | undefined {
  if (step.do === 'open') return byPlace.get(placeOf(step.do, step.node));
  return byPlace.get(placeOf(step.do, file?.kind)) ?? byPlace.get(placeOf(step.do));
}

function placeOf(step: RawStep['do'], kind?: OpenFileKind | VfioNode): string {
  return `${step}/${kind ?? 'any'}`;
}
