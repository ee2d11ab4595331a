import type { IommufdFile } from '../state/iommufd_file.js';
import type { Fault, Hwpt, IommufdObject, Veventq, Viommu } from '../state/objects.js';
import type { OpenFile } from '../state/open_file.js';
import type { Process } from '../state/process.js';
import { type World, someObject } from '../state/world.js';
import type { Invariant } from './invariant.js';

export const usersMatchHolders: Invariant = {
  id: 'users_match_holders',
  statement: 'Each object has one user for the table and one for each object that depends on it.',
  notCovered: 'References of calls in flight, except those that are about to go with what they destroy.',
  cite: 'iommufd_private.h: struct iommufd_object users',
  looksAt: ({ world }) => someObject(world, ({ users }) => users > 1),
  check: ({ world }) => {
    for (const file of world.contexts) {
      for (const object of file.objects.objects) {
        let holders = 1 + holdersOf(object, file, world);
        for (const other of file.held) if (other === object) holders += 1;
        if (object.users !== holders) {
          return `${object.type} ${String(object.id)} has ${String(object.users)} users, holders are ${String(holders)}`;
        }
      }
    }
    return undefined;
  },
};

function holdersOf(object: IommufdObject, file: IommufdFile, { processes }: World): number {
  switch (object.type) {
    case 'IOAS':
      return count(
        file,
        (other) => (other.type === 'HWPT_PAGING' || other.type === 'ACCESS') && other.ioas === object,
      );
    case 'HWPT_PAGING':
      return (
        attachmentsTo(object, file) +
        count(file, (other) => other.type === 'HWPT_NESTED' && other.base === object) +
        count(file, (other) => other.type === 'VIOMMU' && other.parent === object)
      );
    case 'HWPT_NESTED':
      return attachmentsTo(object, file);
    case 'DEVICE':
      return (
        count(file, (other) => other.type === 'SELFTEST' && other.device === object) +
        object.attachments.size +
        (object.vdevice === undefined ? 0 : 1)
      );
    case 'VIOMMU':
      return (
        mappingsOf(processes, object) +
        count(file, (other) => other.type === 'HWPT_NESTED' && other.base === object) +
        count(
          file,
          (other) =>
            (other.type === 'VDEVICE' || other.type === 'VEVENTQ' || other.type === 'HW_QUEUE') &&
            other.viommu === object,
        )
      );
    case 'FAULT':
      return openFilesOf(object, processes) + count(file, (other) => isHwpt(other) && other.fault === object);
    case 'VEVENTQ':
      return openFilesOf(object, processes);
    case 'ACCESS':
      // Whoever made it.
      return 1;
    case 'HW_QUEUE':
      return count(file, (other) => other.type === 'HW_QUEUE' && other.previous === object);
    case 'SELFTEST':
    case 'VDEVICE':
      return 0;
  }
}

function isHwpt(object: IommufdObject): object is Hwpt {
  return object.type === 'HWPT_PAGING' || object.type === 'HWPT_NESTED';
}

/** However many descriptors a file has, it counts once. */
function openFilesOf(object: Fault | Veventq, processes: readonly Process[]): number {
  const files = new Set<OpenFile>();
  for (const { fds } of processes)
    for (const [, opened] of fds.entries)
      if ('object' in opened && opened.object === object) files.add(opened);
  return files.size;
}

/** Each PASID of each device counts. */
function attachmentsTo(hwpt: Hwpt, file: IommufdFile): number {
  let attachments = 0;
  for (const object of file.objects.objects) {
    if (object.type !== 'DEVICE') continue;
    for (const attached of object.attachments.values()) if (attached === hwpt) attachments += 1;
  }
  return attachments;
}

function count(file: IommufdFile, holds: (other: IommufdObject) => boolean): number {
  let holders = 0;
  for (const other of file.objects.objects) if (holds(other)) holders += 1;
  for (const other of file.going) if (holds(other)) holders += 1;
  return holders;
}

/** Mappings of an object's region in all processes. */
function mappingsOf(processes: readonly Process[], owner: Viommu): number {
  return processes.reduce((sum, { memory }) => sum + memory.mappingsOf(owner), 0);
}
