import { present } from '../../base/assert.js';
import { fd32, flags32, id32, sizeField } from '../../layout/field.js';
import { FaultFile } from '../../state/event_files.js';
import { FaultQueue } from '../../state/fault_queue.js';
import type { Fault } from '../../state/objects.js';
import { chooseIds } from '../choices.js';
import { defineCall } from '../description.js';
import { cannotRespond, hasUnknownBits } from '../shared_rules.js';

const SOURCE = 'eventq.c:iommufd_fault_alloc';

/** There are none. */
const FLAGS = {} as const;

export const faultQueueAlloc = defineCall(
  {
    name: 'IOMMU_FAULT_QUEUE_ALLOC',
    command: 0x3b8e,
    doc: 'Makes a queue of the page faults of devices, and a descriptor to read and to answer them.',
    source: SOURCE,
    fields: {
      size: sizeField(),
      flags: flags32(FLAGS),
      out_fault_id: id32(['FAULT'], 'out'),
      out_fault_fd: fd32(['fault'], 'out'),
    },
    lastRequired: 'out_fault_fd',
    respond: 'struct',
    allocates: true,
  },
  () => ({}),
).behaves({
  rules: [
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags is not 0',
      cite: SOURCE,
      when: ({ args }) => hasUnknownBits(args.flags, FLAGS),
    },
    cannotRespond(),
  ],
  effect: (c) => {
    const { args, file } = c;
    args.out_fault_id = present(chooseIds(c, ['out_fault_id'])[0], 'id');
    const fault: Fault = { type: 'FAULT', id: args.out_fault_id, users: 1, queue: new FaultQueue() };
    file.objects.insert(fault);
    args.out_fault_fd = c.installFd(new FaultFile(file, fault), true);
  },
});
