/**
 * The trace format: what the recorder writes and the reader reads. The C side includes these numbers as a generated header, so
 * there is one definition. docs/trace.md explains it for people; a test holds the two together.
 */

/** Starts a trace file. */
export const TRACE_MAGIC = 'ICTSTRC\n';

/** Raised whenever an older reader would misunderstand a newer trace. New kinds of records and members at the end do not. */
export const TRACE_VERSION = 1;

/** Bytes before the first record: one page, so that processes can share the counters in it. */
export const TRACE_HEADER_BYTES = 4096;

/** Offsets in the file's header. */
export const TRACE_HEADER = {
  /** 32 bits each. */
  VERSION: 8,
  HEADER_BYTES: 12,
  /** 64 bits each; processes that are recorded count them up while they run. */
  SEQUENCE: 64,
  LOST: 72,
} as const;

/** Starts each record: "ICTR". */
export const RECORD_MAGIC = 0x52544349;

/** Records, and each part of their bytes, begin at multiples of this. */
export const RECORD_ALIGNMENT = 8;

/** Offsets in a record's header. */
export const RECORD_HEADER = {
  /** 32 bits each; the length counts the whole record, the checksum what follows it. */
  MAGIC: 0,
  BYTES: 4,
  CHECKSUM: 8,
  /** 16 bits, then 8 bits each. */
  KIND: 12,
  MEMBERS: 14,
  PARTS: 15,
  /** 32 bits each. */
  PROCESS: 16,
  THREAD: 20,
  /** 64 bits each. */
  START: 24,
  END: 32,
  RESULT: 40,
} as const;

export const RECORD_HEADER_BYTES = 48;

/** Offsets in the header of a part, which is followed by its bytes. */
export const PART_HEADER = {
  /** 32 bits each. */
  ROLE: 0,
  BYTES: 4,
  /** 64 bits each. */
  ADDRESS: 8,
  WANTED: 16,
} as const;

export const PART_HEADER_BYTES = 24;

/** No record is longer; a length beyond it is damage. */
export const RECORD_BYTES_MAX = 16 << 20;

/** The most parts of a record, and the most of its members. */
export const PARTS_MAX = 24;
export const MEMBERS_MAX = 8;

/** The most bytes that are kept of one piece of memory that a call was given. */
export const PART_BYTES_MAX = 1 << 20;

/** What a part holds. */
export const ROLE = {
  /** Memory as it was before the call. */
  BEFORE: 1,
  /** Memory as it was after the call; left out where nothing changed. */
  AFTER: 2,
  /** The path that a call names. */
  PATH: 3,
  /** Lines of /proc/self/maps. */
  MAPS: 4,
  /**
   * Lines about descriptors: number, device, inode, size, file system, seals, flags, and what the link in /proc/self/fd says. Of one
   * that is recorded itself and that a call passes, the number alone counts.
   */
  FILES: 5,
  /** The release of the kernel. */
  RELEASE: 6,
} as const;

/** What a descriptor is of. */
export const DEVICE = {
  NONE: 0,
  /** /dev/iommu */
  IOMMUFD: 1,
  /** /dev/vfio/vfio */
  VFIO_CONTAINER: 2,
  /** Anything else below /dev/vfio, and the files that it hands out. */
  VFIO: 3,
  /** What an ioctl on one of the first two handed out: fault and event queues, accesses. */
  HANDED_OUT: 4,
} as const;

/** Why a process is introduced. */
export const REASON = { FIRST_EVENT: 1, FORK: 2, PROGRAM_START: 3 } as const;

interface Kind {
  readonly code: number;
  /** Names of its members, 64 bits each, in order. Newer recorders may add some at the end. */
  readonly members: readonly string[];
  /** One phrase for docs/trace.md. */
  readonly doc: string;
}

/** The kinds of records. */
export const KINDS = {
  process: {
    code: 1,
    members: ['reason', 'parent', 'uid', 'pointer_bytes', 'page_bytes', 'memlock', 'capabilities'],
    doc: 'introduces a process: its mappings, its descriptors, its credentials',
  },
  open: { code: 2, members: ['directory', 'flags', 'mode', 'device'], doc: 'open and its relatives' },
  ioctl: {
    code: 3,
    members: ['fd', 'command', 'argument', 'device', 'uid', 'memlock', 'capabilities'],
    doc: 'ioctl, with the memory that it reads or writes',
  },
  read: { code: 4, members: ['fd', 'offset', 'device'], doc: 'read, pread and readv' },
  write: { code: 5, members: ['fd', 'offset', 'device'], doc: 'write, pwrite and writev' },
  poll: { code: 6, members: ['count', 'timeout_ms'], doc: 'poll and ppoll' },
  mmap: {
    code: 7,
    members: ['address', 'length', 'protection', 'flags', 'fd', 'offset', 'device'],
    doc: 'mmap of anything',
  },
  munmap: { code: 8, members: ['address', 'length'], doc: 'munmap' },
  mremap: {
    code: 9,
    members: ['address', 'old_length', 'new_length', 'flags', 'new_address'],
    doc: 'mremap',
  },
  mprotect: { code: 10, members: ['address', 'length', 'protection'], doc: 'mprotect' },
  madvise: { code: 11, members: ['address', 'length', 'advice'], doc: 'madvise' },
  memfd_create: { code: 12, members: ['flags'], doc: 'memfd_create' },
  ftruncate: { code: 13, members: ['fd', 'length'], doc: 'ftruncate' },
  dup: {
    code: 14,
    members: ['fd', 'at', 'flags', 'device'],
    doc: 'dup, dup2, dup3 and fcntl(F_DUPFD…); at is the number asked for, the lowest one for fcntl, or -1',
  },
  close: { code: 15, members: ['fd', 'device'], doc: 'close' },
  close_range: { code: 16, members: ['first', 'last', 'flags'], doc: 'close_range and closefrom' },
  fork: {
    code: 17,
    members: ['spawned'],
    doc: 'fork, vfork or, with spawned 1, posix_spawn; the result is the child',
  },
  exec: {
    code: 18,
    members: ['directory'],
    doc: 'exec; written before the call, and again with the error if it fails',
  },
  exit: { code: 19, members: ['status'], doc: 'the process is about to end by itself' },
  wait: { code: 20, members: ['status'], doc: 'a child has ended; the result is the child' },
  found: {
    code: 21,
    members: ['fd', 'device'],
    doc: 'a descriptor that came from elsewhere: inherited or passed by another process',
  },
  setrlimit: {
    code: 22,
    members: ['resource', 'soft', 'hard'],
    doc: 'setrlimit and prlimit of the process itself',
  },
} as const satisfies Readonly<Record<string, Kind>>;

export type KindName = keyof typeof KINDS;

/** The bytes that start a trace file; the counters begin at 0. */
export function traceHeader(): Uint8Array {
  const bytes = new Uint8Array(TRACE_HEADER_BYTES);
  bytes.set(new TextEncoder().encode(TRACE_MAGIC));
  const view = new DataView(bytes.buffer);
  view.setUint32(TRACE_HEADER.VERSION, TRACE_VERSION, true);
  view.setUint32(TRACE_HEADER.HEADER_BYTES, TRACE_HEADER_BYTES, true);
  return bytes;
}
