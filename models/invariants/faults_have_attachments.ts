import type { IommufdFile } from '../state/iommufd_file.js';
import type { PageFault } from '../state/fault_queue.js';
import type { Fault } from '../state/objects.js';
import { someObject } from '../state/world.js';
import type { Invariant } from './invariant.js';

export const faultsHaveAttachments: Invariant = {
  id: 'faults_have_attachments',
  statement:
    'Each fault in a queue came through an attachment that is there still, to a page table of that queue.',
  notCovered: 'What the hardware is told when the kernel answers a fault: the mock does not listen.',
  cite: 'eventq.c:iommufd_auto_response_faults',
  looksAt: ({ world }) =>
    someObject(
      world,
      (object) => object.type === 'FAULT' && object.queue.waiting.length + object.queue.answerable.size > 0,
    ),
  check: ({ world }) => {
    for (const file of world.contexts) {
      for (const object of file.objects.objects) {
        if (object.type !== 'FAULT') continue;
        const { waiting, answerable } = object.queue;
        const stray = [...waiting, ...answerable.values()].find((fault) => !isAttached(fault, object, file));
        if (stray !== undefined) {
          return `FAULT ${String(object.id)} has a fault of device ${String(stray.device.id)}, which has left it`;
        }
      }
    }
    return undefined;
  },
};

function isAttached({ device, attachedPasid }: PageFault, queue: Fault, { objects }: IommufdFile): boolean {
  return objects.find(device.id) === device && device.attachments.get(attachedPasid)?.fault === queue;
}
