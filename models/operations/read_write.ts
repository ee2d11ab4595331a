import type { RawStep, RawTransfer } from '../program/raw.js';
import type { Profile } from '../profiles/index.js';
import type { DmaBuf } from '../state/dma_buf.js';
import type { OpenFile } from '../state/open_file.js';
import { type OperationContext, closedFile, defineOperation } from './operation.js';
import { POLL } from './poll_events.js';
import { UNPOSITIONED } from './transfer.js';

const NO_METHOD = {
  id: 'EINVAL.no_method',
  says: 'the file has no such operation',
  cite: 'fs/read_write.c: FMODE_CAN_READ, FMODE_CAN_WRITE',
  when: ({ file }: OperationContext) =>
    file?.kind === 'iommufd' ||
    file?.kind === 'dmabuf' ||
    file?.kind === 'access' ||
    file?.kind === 'vfio_group',
} as const;

/** Files of anonymous inodes have no positions; an iommufd is opened by its path, and has. */
const NO_POSITIONS = {
  ...UNPOSITIONED,
  when: ({ file, step }: OperationContext<RawTransfer>) =>
    step.offset !== undefined && (file?.kind === 'dmabuf' || file?.kind === 'access'),
} as const;

const NOT_OPENED = {
  id: 'EBADF.access',
  says: 'the descriptor was not opened for it',
  cite: 'fs/read_write.c:vfs_read, vfs_write',
} as const;

const NOT_READABLE = {
  ...NOT_OPENED,
  isFor: ({ hasFileMappings }: Profile) => hasFileMappings,
  when: ({ file }: OperationContext) => file?.kind === 'dmabuf' && !file.isReadable,
} as const;

const NOT_WRITABLE = {
  ...NOT_OPENED,
  when: ({ file }: OperationContext) =>
    (file?.kind === 'dmabuf' && !file.isWritable) || (file?.kind === 'iommufd' && file.isReadOnly),
} as const;

const UNBOUND = {
  id: 'EINVAL.unbound',
  says: 'the file is of a device of VFIO, and is not bound',
  cite: 'drivers/vfio/vfio_main.c:vfio_device_fops_read, vfio_device_fops_write',
  when: ({ file }: OperationContext) => file?.kind === 'vfio_device' && file.bound === undefined,
} as const;

const REGIONS = {
  id: 'unspecified.vfio_device',
  says: 'the model does not know what the registers of VFIO’s sample device hold',
  cite: 'samples/vfio-mdev/mtty.c:mtty_read, mtty_write',
  when: ({ file }: OperationContext) => file?.kind === 'vfio_device' && file.bound !== undefined,
} as const;

const MEMORY_FILE = {
  id: 'unspecified.memory_file',
  says: 'the model does not keep what files of memory contain',
  cite: 'models/state/memory_file.ts',
  when: ({ file }: OperationContext) => file?.kind === 'memfd',
} as const;

/** read() of files that have nothing to read. */
export const read = defineOperation<RawTransfer, OpenFile>({
  name: 'read',
  step: 'read',
  doc: 'Reads from a file; an iommufd has nothing to read.',
  source: 'fs/read_write.c:vfs_read',
  rules: [closedFile(), NO_POSITIONS, NOT_READABLE, NO_METHOD, UNBOUND, REGIONS, MEMORY_FILE],
  effect: () => 0,
});

/** write() to files that take nothing. */
export const write = defineOperation<RawTransfer, OpenFile>({
  name: 'write',
  step: 'write',
  doc: 'Writes to a file; an iommufd takes nothing.',
  source: 'fs/read_write.c:vfs_write',
  rules: [closedFile(), NO_POSITIONS, NOT_WRITABLE, NO_METHOD, UNBOUND, REGIONS, MEMORY_FILE],
  effect: () => 0,
});

/** ppoll() of all events for a nanosecond. A closed descriptor is -1 to it, which it passes over. */
export const poll = defineOperation<Extract<RawStep, { do: 'poll' }>, OpenFile>({
  name: 'poll',
  step: 'poll',
  doc: 'Asks which events a file has; one without an answer of its own is always ready.',
  source: 'fs/select.c:do_pollfd, vfs_poll',
  rules: [],
  effect: ({ file }) => (file === undefined ? 0 : POLL.IN | POLL.OUT | POLL.RDNORM | POLL.WRNORM),
});

/** A buffer that nobody's work is pending on is ready. Source: drivers/dma-buf/dma-buf.c:dma_buf_poll. */
export const dmabufPoll = defineOperation<Extract<RawStep, { do: 'poll' }>, DmaBuf>({
  name: 'dmabuf_poll',
  step: 'poll',
  of: 'dmabuf',
  isFor: ({ hasFileMappings }) => hasFileMappings,
  doc: 'Asks whether work on a dma-buf is pending; the mock has none.',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_poll',
  rules: [],
  effect: () => POLL.IN | POLL.OUT,
});
