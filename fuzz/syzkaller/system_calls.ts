import { PAGE_SIZE } from '../../models/base/u64.js';
import { BUFFER } from '../../models/program/arena.js';
import type { RawIoctl, RawMmap, RawStep, RawTransfer } from '../../models/program/raw.js';
import { MAP, MREMAP, NAMES, NO_FD, PROTECTION, toData } from './memory.js';
import {
  type PointerValue,
  type SyzCall,
  type Value,
  data,
  num,
  pointer,
  room,
  text,
  variable,
} from './text.js';

/** How files are called in a text. */
export interface FileNames {
  /** The file in a slot. */
  file(this: void, slot: number): Value;
  /** The variable for a file that is opened now; undefined if nothing uses it. */
  takes(this: void, slot: number): string | undefined;
  /** A variable for a file that is none of the program's. */
  other(this: void): string;
}

/** AT_FDCWD. Source: linux/fcntl.h. */
const HERE = -100n;

/** O_RDWR. Source: asm-generic/fcntl.h. */
export const READ_AND_WRITE = 2n;

/** MFD_HUGETLB. Source: linux/memfd.h. */
export const MEMFD_HUGE = 4n;

/** F_SETFD. Source: asm-generic/fcntl.h. */
export const SET_FLAGS = 2n;

/** RLIMIT_MEMLOCK. Source: asm-generic/resource.h. */
export const LIMIT_OF_LOCKED = 8n;

/** Where memory files get what is written to them from, and the most that a call takes from there. */
const FILLING = { start: BUFFER.start, bytes: BUFFER.bytes } as const;

const DEVICE = '/dev/iommu';
const DEVICE_NAME = NAMES;
const MEMFD_NAME = NAMES + 0x40n;
const POLLED = NAMES + 0x80n;
const LIMITS = NAMES + 0xc0n;
const STATUS_NAME = NAMES + 0x100n;
const STATUS_TEXT = NAMES + 0x200n;

/** What of /proc/self has the counters VmPin and VmLck. */
export const STATUS = 'status';

/** Room for all of it. */
const STATUS_BYTES = 0xd00;

/** Every event that poll() can be asked for. */
const ALL_EVENTS = 0x3fff;

/** A step that is no ioctl; as a text, the reason why it cannot be said. */
export function exportSystemCall(raw: Exclude<RawStep, RawIoctl>, names: FileNames): SyzCall[] | string {
  switch (raw.do) {
    case 'open': {
      const args = [
        num(HERE),
        pointer(DEVICE_NAME, text(DEVICE)),
        num(raw.isReadOnly ? 0 : READ_AND_WRITE),
        num(0),
      ];
      return [taking({ name: 'openat$iommufd', args }, names.takes(raw.slot))];
    }
    case 'memfd':
      return makeMemfd(raw, names);
    case 'truncate':
      return [{ name: 'ftruncate', args: [names.file(raw.slot), num(raw.bytes)] }];
    case 'dup': {
      const args = [names.file(raw.slot)];
      return [taking({ name: 'dup', args }, names.takes(raw.as))];
    }
    case 'close':
      return [{ name: 'close', args: [names.file(raw.slot)] }];
    case 'poll': {
      const asked: Value = { is: 'struct', members: [names.file(raw.slot), num(ALL_EVENTS), num(0)] };
      return [{ name: 'poll', args: [pointer(POLLED, { is: 'array', items: [asked] }), num(1), num(0)] }];
    }
    case 'read':
    case 'write':
      return [transfer(raw, names)];
    case 'process': {
      const bytes = raw.memlockBytes;
      if (bytes === undefined) return [];
      const limits: Value = { is: 'struct', members: [num(bytes), num(bytes)] };
      return [{ name: 'setrlimit', args: [num(LIMIT_OF_LOCKED), pointer(LIMITS, limits)] }];
    }
    case 'mmap':
      return [mmap(raw, names)];
    case 'mremap':
      return [mremap(raw)];
    case 'mprotect':
      return [{ name: 'mprotect', args: [...range(raw.start, raw.bytes), num(PROTECTION[raw.access])] }];
    case 'munmap':
      return [{ name: 'munmap', args: range(raw.start, raw.bytes) }];
    case 'counters':
      return readStatus(names.other());
    case 'cloexec':
      return [
        { name: 'fcntl$setflags', args: [names.file(raw.slot), num(SET_FLAGS), num(raw.isSet ? 1 : 0)] },
      ];
    case 'lanes':
    case 'fork':
    case 'exec':
    case 'pass':
    case 'exit':
      return `there is no such call: ${raw.do}`;
  }
}

function readStatus(file: string): SyzCall[] {
  const opened = {
    name: 'syz_open_procfs',
    args: [num(0), pointer(STATUS_NAME, text(STATUS))],
    result: file,
  };
  const args = [variable(file), pointer(STATUS_TEXT, room(STATUS_BYTES)), num(STATUS_BYTES)];
  return [opened, { name: 'read', args }, { name: 'close', args: [variable(file)] }];
}

function taking(call: SyzCall, result: string | undefined): SyzCall {
  return result === undefined ? call : { ...call, result };
}

/** A file of memory has all its pages at once: written, or where that is meant, allocated. */
function makeMemfd(raw: Extract<RawStep, { readonly do: 'memfd' }>, names: FileNames): SyzCall[] {
  const flags = num(raw.isHuge ? MEMFD_HUGE : 0);
  const result = names.takes(raw.slot);
  const file = names.file(raw.slot);
  const made = taking({ name: 'memfd_create', args: [pointer(MEMFD_NAME, text('pages')), flags] }, result);
  const sized = { name: 'ftruncate', args: [file, num(raw.bytes)] };
  const bytes = num(raw.bytes);
  if (raw.isHuge || raw.isFallocated) {
    const allocated = { name: 'fallocate', args: [file, num(0), num(0), bytes] };
    return raw.bytes === 0n ? [made, sized] : [made, sized, allocated];
  }
  return [made, sized, ...fill(file, raw.bytes)];
}

function fill(file: Value, bytes: bigint): SyzCall[] {
  const calls: SyzCall[] = [];
  for (let at = 0n; at < bytes; at += FILLING.bytes) {
    const count = bytes - at < FILLING.bytes ? bytes - at : FILLING.bytes;
    calls.push({ name: 'pwrite64', args: [file, place(FILLING.start), num(count), num(at)] });
  }
  return calls;
}

function transfer(
  { do: kind, slot, address, bytes, offset, buffers }: RawTransfer,
  { file }: FileNames,
): SyzCall {
  const [buffer] = buffers;
  const contents =
    kind === 'read' ? room(buffer?.bytes.length ?? 0) : data(buffer?.bytes ?? new Uint8Array());
  const where = place(address);
  const target = where.is === 'pointer' && buffer !== undefined ? { ...where, to: contents } : where;
  const args = [file(slot), target, num(bytes)];
  if (offset === undefined) return { name: kind, args };
  return { name: kind === 'read' ? 'pread64' : 'pwrite64', args: [...args, num(offset)] };
}

function mmap({ start, bytes, access, isPrivate, file }: RawMmap, names: FileNames): SyzCall {
  const flags =
    (isPrivate ? MAP.PRIVATE : MAP.SHARED) | MAP.FIXED | (file === undefined ? MAP.ANONYMOUS : 0n);
  const descriptor = file === undefined ? num(NO_FD) : names.file(file.slot);
  const args = [
    ...range(start, bytes),
    num(PROTECTION[access]),
    num(flags),
    descriptor,
    num(file?.offset ?? 0n),
  ];
  return { name: 'mmap', args };
}

function mremap({ start, bytes, newBytes, to }: Extract<RawStep, { readonly do: 'mremap' }>): SyzCall {
  const flags = to === undefined ? 0n : MREMAP.MAYMOVE | MREMAP.FIXED;
  return {
    name: 'mremap',
    args: [...range(start, bytes), num(newBytes), num(flags), pages(to ?? start, newBytes)],
  };
}

function range(start: bigint, bytes: bigint): Value[] {
  return [pages(start, bytes), num(bytes)];
}

function pages(start: bigint, bytes: bigint): PointerValue {
  return pointer(toData(start) ?? start, undefined, bytes === 0n ? PAGE_SIZE : bytes);
}

/** A pointer to somewhere, or a number if that is no memory of a text. */
function place(address: bigint): Value {
  const where = toData(address);
  return where === undefined ? num(address) : pointer(where);
}
