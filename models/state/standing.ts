import { hasPasids } from './attach.js';
import type { IoPagetable } from './io_pagetable.js';
import { type Device, type IommufdObject, NO_PASID, type ObjectTable } from './objects.js';

/**
 * How the object of an id stands, in a few words: what the rules and the effects of calls that name it may depend on. There are few
 * of them for each type, so that they can be counted.
 */
export function standingOf(id: number, objects: ObjectTable): string {
  if (id === 0) return 'id 0';
  const object = objects.find(id);
  if (object === undefined) return objects.has(id) ? 'tombstone' : 'no object';
  const words = wordsOf(object);
  return `${object.type}${words.length === 0 ? '' : `: ${words.join(', ')}`}`;
}

function wordsOf(object: IommufdObject): string[] {
  switch (object.type) {
    case 'IOAS':
      return wordsOfTable(object.table);
    case 'HWPT_PAGING': {
      const { domain } = object;
      return chosen({
        automatic: object.isAutomatic,
        'nest parent': object.isNestParent,
        tracking: domain.tracksDirty,
        dirty: domain.dirtyEntries.length > 0,
        faulting: object.fault !== undefined,
        used: isUsed(object),
      });
    }
    case 'HWPT_NESTED':
      return chosen({
        'of a vIOMMU': object.base.type === 'VIOMMU',
        faulting: object.fault !== undefined,
        used: isUsed(object),
      });
    case 'DEVICE':
      return wordsOfDevice(object);
    case 'SELFTEST':
      return wordsOfDevice(object.device);
    case 'VIOMMU':
      return chosen({
        'with a region': object.region !== undefined,
        'with queues': object.queueSlots.some((slot) => slot !== undefined && slot !== 'freed'),
        used: isUsed(object),
      });
    case 'FAULT':
      return chosen({
        waiting: object.queue.waiting.length > 0,
        answerable: object.queue.answerable.size > 0,
      });
    case 'VEVENTQ': {
      const { eventCount, records } = object.queue;
      return chosen({ 'with events': eventCount > 0, 'lost some': records.length > eventCount });
    }
    case 'ACCESS':
      return chosen({ pinning: object.items.length > 0 });
    case 'VDEVICE':
    case 'HW_QUEUE':
      return chosen({ used: isUsed(object) });
  }
}

function wordsOfTable({ areas, domains, accesses }: IoPagetable): string[] {
  return chosen({
    empty: areas.length === 0,
    mapped: areas.length > 0,
    translated: domains.length > 0,
    accessed: accesses.length > 0,
    pinned: areas.some(({ hasAccesses }) => hasAccesses),
    locked: areas.some(({ isLocked }) => isLocked),
  });
}

function wordsOfDevice(device: Device): string[] {
  const { attachments, vdevice } = device;
  const hwpts = [...attachments.values()];
  return chosen({
    attached: attachments.has(NO_PASID),
    'with PASIDs': hasPasids(device),
    nested: hwpts.some(({ type }) => type === 'HWPT_NESTED'),
    'with a vDEVICE': vdevice !== undefined,
  });
}

/** Beside the reference of the table. */
function isUsed({ users }: IommufdObject): boolean {
  return users > 1;
}

function chosen(words: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(words).filter((word) => words[word]);
}
