import { VEVENT_HEADER } from '../layout/event_records.js';
import { bytesOf } from '../layout/struct.js';
import type { RawStep, RawTransfer } from '../program/raw.js';
import type { VeventqFile } from '../state/event_files.js';
import type { VeventRecord } from '../state/vevent_queue.js';
import { type OperationContext, defineOperation } from './operation.js';
import { POLL } from './poll_events.js';
import { UNPOSITIONED, writeWhole } from './transfer.js';

const READ = 'eventq.c:iommufd_veventq_fops_read';

/** IOMMU_VEVENTQ_FLAG_LOST_EVENTS. Source: iommufd.h. */
const LOST_EVENTS = 1;

type Transfer = OperationContext<RawTransfer, VeventqFile>;

export const veventqRead = defineOperation<RawTransfer, VeventqFile>({
  name: 'veventq_read',
  step: 'read',
  of: 'veventq',
  isFor: ({ hasViommus }) => hasViommus,
  doc: 'Takes as many whole events from a vEVENTQ as there is room for; 0 if there are none.',
  source: READ,
  rules: [
    UNPOSITIONED,
    {
      id: 'EINVAL.header',
      says: 'there is not even room for the header of an event',
      cite: READ,
      when: ({ step }) => step.bytes < VEVENT_HEADER.bytes,
    },
    {
      id: 'EINVAL.event',
      says: 'there is no room for the first event',
      cite: READ,
      when: ({ step, file }) => {
        const first = firstOf(file);
        return first !== undefined && bytesOfRecord(first) > step.bytes;
      },
    },
    {
      id: 'EFAULT.buffer',
      says: 'the first record cannot be written to the buffer; it stays in the queue',
      cite: READ,
      when: ({ step, file, memory }) => {
        const first = firstOf(file);
        return first !== undefined && !memory.isWritable(step.address, bytesOfRecord(first));
      },
      leaves: {
        what: 'the bytes of the record before the first that cannot be written are there',
        cite: 'arch/x86/lib/copy_user_64.S',
        does: (c) => {
          readRecords(c);
        },
      },
    },
  ],
  effect: readRecords,
});

export const veventqWrite = defineOperation<RawTransfer, VeventqFile>({
  name: 'veventq_write',
  step: 'write',
  of: 'veventq',
  isFor: ({ hasViommus }) => hasViommus,
  doc: 'A vEVENTQ takes nothing.',
  source: 'fs/read_write.c:vfs_write',
  rules: [
    UNPOSITIONED,
    {
      id: 'EINVAL.no_method',
      says: 'the file has no such operation',
      cite: 'fs/read_write.c: FMODE_CAN_WRITE',
      when: () => true,
    },
  ],
  effect: () => 0,
});

export const veventqPoll = defineOperation<Extract<RawStep, { do: 'poll' }>, VeventqFile>({
  name: 'veventq_poll',
  step: 'poll',
  of: 'veventq',
  isFor: ({ hasViommus }) => hasViommus,
  doc: 'A vEVENTQ can be read while records wait.',
  source: 'eventq.c:iommufd_eventq_fops_poll',
  rules: [],
  effect: ({ file }) => (firstOf(file) === undefined ? 0 : POLL.IN | POLL.RDNORM),
});

function firstOf(file: VeventqFile | undefined): VeventRecord | undefined {
  return file?.object.queue.records[0];
}

function bytesOfRecord({ payload }: VeventRecord): number {
  return VEVENT_HEADER.bytes + (payload?.length ?? 0);
}

/** Reads as many whole records as there is room for, and returns their bytes. */
function readRecords({ step, file, memory }: Transfer): number {
  let done = 0;
  for (let record = firstOf(file); record !== undefined; record = firstOf(file)) {
    if (done + bytesOfRecord(record) > step.bytes) break;
    const address = step.address + BigInt(done);
    const { sequence, payload } = record;
    const flags = payload === undefined ? LOST_EVENTS : 0;
    if (!writeWhole(memory, address, bytesOf(VEVENT_HEADER, { flags, sequence }))) break;
    const behind = address + BigInt(VEVENT_HEADER.bytes);
    if (payload !== undefined && !writeWhole(memory, behind, payload)) break;
    done += bytesOfRecord(record);
    file?.object.queue.take();
  }
  return done;
}
