import { HWPT_PAGE_RESPONSE, HWPT_PGFAULT } from '../layout/event_records.js';
import { bytesOf } from '../layout/struct.js';
import { viewOf } from '../base/bytes.js';
import type { RawStep, RawTransfer } from '../program/raw.js';
import type { FaultFile } from '../state/event_files.js';
import type { PageFault } from '../state/fault_queue.js';
import { type OperationContext, defineOperation } from './operation.js';
import { POLL } from './poll_events.js';
import { UNPOSITIONED, writeWhole } from './transfer.js';

const READ = 'eventq.c:iommufd_fault_fops_read';
const WRITE = 'eventq.c:iommufd_fault_fops_write';

/** Source: iommufd.h, enum iommu_hwpt_pgfault_flags. */
const FLAGS = { PASID_VALID: 1, LAST_PAGE: 2 } as const;

/** Source: iommufd.h, enum iommufd_page_response_code. */
const CODES_MAX = 1;

type Transfer = OperationContext<RawTransfer, FaultFile>;

export const faultRead = defineOperation<RawTransfer, FaultFile>({
  name: 'fault_read',
  step: 'read',
  of: 'fault',
  doc: 'Takes faults from a fault queue, oldest first, each under a cookie; 0 if there are none.',
  source: READ,
  findings: [
    {
      id: 'fault-cookie-zero',
      says: 'a refused answer to cookie 0 makes 0 a cookie that a later fault is given',
      isShown: ({ file }) => file !== undefined && isWaiting(file) && file.object.queue.nextCookie === 0,
    },
  ],
  rules: [
    UNPOSITIONED,
    {
      id: 'ESPIPE.count',
      says: 'the count is not a multiple of the size of a fault',
      cite: READ,
      when: ({ step }) => step.bytes % HWPT_PGFAULT.bytes !== 0,
    },
    {
      id: 'EINVAL.count',
      says: 'the count is 0, and a fault waits',
      cite: READ,
      when: ({ step, file }) => step.bytes === 0 && isWaiting(file),
    },
    {
      id: 'EFAULT.buffer',
      says: 'the first fault cannot be written to the buffer; it stays in the queue',
      cite: READ,
      when: ({ step, file, memory }) =>
        step.bytes > 0 && isWaiting(file) && !memory.isWritable(step.address, HWPT_PGFAULT.bytes),
      leaves: {
        what: 'the bytes of the fault before the first that cannot be written are there',
        cite: 'arch/x86/lib/copy_user_64.S',
        does: (c) => {
          readFaults(c);
        },
      },
    },
  ],
  effect: readFaults,
});

export const faultWrite = defineOperation<RawTransfer, FaultFile>({
  name: 'fault_write',
  step: 'write',
  of: 'fault',
  doc: 'Answers faults that have been read; stops at the first answer that it does not take.',
  source: WRITE,
  rules: [
    UNPOSITIONED,
    {
      id: 'ESPIPE.count',
      says: 'the count is not a multiple of the size of an answer',
      cite: WRITE,
      when: ({ step }) => step.bytes % HWPT_PAGE_RESPONSE.bytes !== 0,
    },
    {
      id: 'EFAULT.response',
      says: 'the first answer cannot be read',
      cite: WRITE,
      when: (c) => c.step.bytes > 0 && responseAt(c, 0) === undefined,
    },
    {
      id: 'EINVAL.code',
      says: 'the code of the first answer is neither SUCCESS nor INVALID',
      cite: WRITE,
      when: (c) => c.step.bytes > 0 && (responseAt(c, 0)?.code ?? 0) > CODES_MAX,
    },
    {
      id: 'EINVAL.cookie',
      says: 'no fault waits for an answer under the cookie of the first',
      cite: WRITE,
      when: (c) => {
        const response = c.step.bytes > 0 ? responseAt(c, 0) : undefined;
        return response !== undefined && c.file?.object.queue.answerable.has(response.cookie) === false;
      },
      leaves: {
        what: 'an answer to cookie 0, while other faults have been read, lets the next fault have the cookie 0',
        cite: 'lib/xarray.c:xas_create, xas_store',
        does: (c) => {
          takeAnswers(c);
        },
      },
    },
  ],
  effect: takeAnswers,
});

/** Takes answers until one is not good, and returns the bytes of those taken. */
function takeAnswers(c: Transfer): number {
  const queue = c.file?.object.queue;
  let done = 0;
  for (; done < c.step.bytes; done += HWPT_PAGE_RESPONSE.bytes) {
    const response = responseAt(c, done);
    if (response === undefined || response.code > CODES_MAX) break;
    if (queue?.answerable.has(response.cookie) !== true) {
      queue?.refuse(response.cookie);
      break;
    }
    queue.answer(response.cookie);
  }
  return done;
}

export const faultPoll = defineOperation<Extract<RawStep, { do: 'poll' }>, FaultFile>({
  name: 'fault_poll',
  step: 'poll',
  of: 'fault',
  doc: 'A fault queue can always be written to, and be read while faults wait.',
  source: 'eventq.c:iommufd_eventq_fops_poll',
  rules: [],
  effect: ({ file }) => POLL.OUT | (isWaiting(file) ? POLL.IN | POLL.RDNORM : 0),
});

function isWaiting(file: FaultFile | undefined): boolean {
  return file !== undefined && file.object.queue.waiting.length > 0;
}

/** Reads as many whole faults as there is room for, and returns their bytes. */
function readFaults({ step, file, memory }: Transfer): number {
  const queue = file?.object.queue;
  let done = 0;
  for (let fault = queue?.waiting[0]; fault !== undefined; fault = queue?.waiting[0]) {
    if (done >= step.bytes) break;
    const record = recordOf(fault, queue?.nextCookie ?? 0);
    if (!writeWhole(memory, step.address + BigInt(done), record)) break;
    queue?.deliver();
    done += record.length;
  }
  return done;
}

function recordOf({ request, device }: PageFault, cookie: number): Uint8Array {
  const { pasid, grpid, perm, addr } = request;
  const flags = FLAGS.LAST_PAGE | (pasid === 0 ? 0 : FLAGS.PASID_VALID);
  const members = { flags, dev_id: device.id, pasid, grpid, perm, addr, cookie };
  return bytesOf(HWPT_PGFAULT, { ...members, __reserved: 0, length: 0 });
}

/** The answer at an offset into what is written; undefined where it cannot be read. */
function responseAt(
  { step, memory }: Transfer,
  offset: number,
): { cookie: number; code: number } | undefined {
  const address = step.address + BigInt(offset);
  const { bytes } = HWPT_PAGE_RESPONSE;
  if (!memory.isReadable(address, bytes)) return undefined;
  return HWPT_PAGE_RESPONSE.decode(viewOf(memory.read(address, bytes)));
}
