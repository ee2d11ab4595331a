import { SCRATCH } from '../../models/program/arena.js';
import type {
  MmapAccess,
  MmapStep,
  OpenStep,
  ReadStep,
  Step,
  StructPlace,
  WriteStep,
} from '../../models/program/program.js';
import { readNumber } from '../../models/base/bytes.js';
import type { ImportedMemory } from './import_memory.js';
import { MAP, MREMAP, PROTECTION } from './memory.js';
import { LIMIT_OF_LOCKED, MEMFD_HUGE, READ_AND_WRITE, SET_FLAGS, STATUS } from './system_calls.js';
import type { Placed, SyzCall } from './text.js';
import { Unsupported } from './unsupported.js';

/** What the import of one call knows of the others. */
export interface SystemCallContext {
  readonly memory: ImportedMemory;
  /** The label of a file; throws Unsupported for what is none. */
  fileOf(this: void, value: Placed | undefined): string;
  newFile(this: void, call: SyzCall): string;
  /** Whether a file is what has the counters of the process. */
  isStatus(this: void, value: Placed | undefined): boolean;
  newStatus(this: void, call: SyzCall): void;
  placeOf(this: void, value: Placed | undefined): StructPlace;
  last(this: void): Step | undefined;
  replaceLast(this: void, step: Step): void;
}

type Importer = (call: SyzCall) => Step | undefined;

/** Calls that are no ioctls of iommufd. A call without a step is part of the one before. */
export class SystemCallImporter {
  readonly #importers: Readonly<Record<string, Importer>> = {
    openat$iommufd: (call) => this.#open(call),
    syz_open_procfs: (call) => this.#counters(call),
    memfd_create: (call) => ({
      do: 'memfd',
      label: this.context.newFile(call),
      bytes: 0n,
      ...((number(call, 1) & MEMFD_HUGE) === 0n ? {} : { huge: true }),
    }),
    ftruncate: (call) => this.#truncate(call),
    fallocate: (call) => this.#fallocate(call),
    dup: (call) => ({ do: 'dup', file: this.#file(call), label: this.context.newFile(call) }),
    fcntl$setflags: (call) => this.#setFlags(call),
    close: (call) => ({ do: 'close', file: this.#file(call) }),
    poll: (call) => this.#poll(call),
    read: (call) => this.#read(call),
    pread64: (call) => this.#read(call),
    write: (call) => this.#write(call),
    pwrite64: (call) => (this.#isFilling(call) ? undefined : this.#write(call)),
    setrlimit: (call) => this.#setLimit(call),
    mmap: (call) => this.#mmap(call),
    munmap: (call) => ({ do: 'munmap', ...this.#range(call) }),
    mprotect: (call) => ({ do: 'mprotect', ...this.#range(call), access: accessOf(call, 2) }),
    mremap: (call) => this.#mremap(call),
  };

  /** Files of memory that have got their first size. */
  readonly #sized = new Set<string>();

  constructor(private readonly context: SystemCallContext) {}

  /** The step that a call is; undefined for one that is part of the step before. */
  stepOf(call: SyzCall): Step | undefined {
    const importer = Object.hasOwn(this.#importers, call.name) ? this.#importers[call.name] : undefined;
    // Part of reading the counters.
    if ((call.name === 'read' || call.name === 'close') && this.context.isStatus(call.args[0]))
      return undefined;
    if (importer === undefined) throw new Unsupported('iommufd-cts has nothing like it', call.at);
    return importer(call);
  }

  #file({ args }: SyzCall): string {
    return this.context.fileOf(args[0]);
  }

  #open(call: SyzCall): OpenStep {
    const isReadOnly = (number(call, 2) & READ_AND_WRITE) === 0n;
    return { do: 'open', label: this.context.newFile(call), ...(isReadOnly ? { access: 'ro' } : {}) };
  }

  #counters(call: SyzCall): Step {
    const [, name] = call.args;
    const wanted =
      name?.is === 'pointer' && name.to?.is === 'data' ? new TextDecoder().decode(name.to.bytes) : '';
    if (wanted !== `${STATUS}\0`) throw new Unsupported(`only ${STATUS} of /proc/self is read`, name?.at);
    this.context.newStatus(call);
    return { do: 'counters' };
  }

  #truncate(call: SyzCall): Step | undefined {
    const file = this.#file(call);
    const bytes = number(call, 1);
    const last = this.context.last();
    const isNew = last?.do === 'memfd' && last.label === file && !this.#sized.has(file);
    if (!isNew) return { do: 'truncate', file, bytes };
    this.#sized.add(file);
    this.context.replaceLast({ ...last, bytes });
    return undefined;
  }

  #fallocate(call: SyzCall): Step | undefined {
    const last = this.context.last();
    const isOfLast =
      last?.do === 'memfd' && last.label === this.#file(call) && last.bytes === number(call, 3);
    if (!isOfLast || number(call, 1) !== 0n || number(call, 2) !== 0n) {
      throw new Unsupported('files get all their pages when they are made', call.at);
    }
    if (last.huge !== true) this.context.replaceLast({ ...last, fallocated: true });
    return undefined;
  }

  /** Whether a call only gives a new file its pages, which it has anyway. */
  #isFilling(call: SyzCall): boolean {
    const last = this.context.last();
    const [, source] = call.args;
    const hasContents = source?.is === 'pointer' && source.to !== undefined;
    return !hasContents && last?.do === 'memfd' && last.label === this.#file(call);
  }

  #setFlags(call: SyzCall): Step {
    const flags = number(call, 2);
    if (number(call, 1) !== SET_FLAGS || flags > 1n) throw new Unsupported('only FD_CLOEXEC is set', call.at);
    return { do: 'cloexec', file: this.#file(call), isSet: flags === 1n };
  }

  #poll(call: SyzCall): Step {
    const [asked] = call.args;
    const list = asked?.is === 'pointer' && asked.to?.is === 'array' ? asked.to.items : [];
    const [only] = list;
    if (list.length !== 1 || only?.is !== 'struct')
      throw new Unsupported('it asks not for one file', call.at);
    return { do: 'poll', file: this.context.fileOf(only.members[0]) };
  }

  #read(call: SyzCall): ReadStep {
    return {
      do: 'read',
      file: this.#file(call),
      bytes: Number(number(call, 2)),
      ...offsetOf(call),
      ...this.#at(call),
    };
  }

  #write(call: SyzCall): WriteStep {
    const [, source] = call.args;
    const there = source?.is === 'pointer' && source.to?.is === 'data' ? source.to.bytes : new Uint8Array();
    const padded = new Uint8Array(Math.ceil(there.length / 4) * 4);
    padded.set(there);
    const words = Array.from({ length: padded.length / 4 }, (_, word) =>
      Number(readNumber(padded, word * 4, 4)),
    );
    const bytes = Number(number(call, 2));
    return {
      do: 'write',
      file: this.#file(call),
      words,
      ...(bytes === padded.length ? {} : { bytes }),
      ...offsetOf(call),
      ...this.#at(call),
    };
  }

  #at({ args }: SyzCall): { readonly at?: StructPlace } {
    const at = this.context.placeOf(args[1]);
    return at === 'args' ? {} : { at };
  }

  #setLimit(call: SyzCall): Step {
    const [, limits] = call.args;
    const members = limits?.is === 'pointer' && limits.to?.is === 'struct' ? limits.to.members : [];
    const [soft] = members;
    if (number(call, 0) !== LIMIT_OF_LOCKED || soft?.is !== 'number') {
      throw new Unsupported('only RLIMIT_MEMLOCK is set', call.at);
    }
    return { do: 'process', memlock: soft.value };
  }

  #mmap(call: SyzCall): MmapStep {
    const flags = number(call, 3);
    const access = accessOf(call, 2);
    const isPrivate = (flags & MAP.PRIVATE) !== 0n;
    const sharing = isPrivate ? { isPrivate } : {};
    const others = flags & ~(MAP.PRIVATE | MAP.SHARED | MAP.FIXED | MAP.ANONYMOUS);
    if (others !== 0n) throw new Unsupported(`it has flags ${hexOf(others)}`, call.at);
    const mapping = { do: 'mmap', ...this.#range(call), access, ...sharing } as const;
    if ((flags & MAP.ANONYMOUS) !== 0n) return mapping;
    const offset = number(call, 5);
    return { ...mapping, file: this.context.fileOf(call.args[4]), ...(offset === 0n ? {} : { offset }) };
  }

  #mremap(call: SyzCall): Step {
    const isMoved = (number(call, 3) & MREMAP.FIXED) !== 0n;
    const newBytes = number(call, 2);
    const to = isMoved ? { to: this.#address(call, 4, newBytes) } : {};
    return { do: 'mremap', ...this.#range(call), newBytes, ...to };
  }

  #range(call: SyzCall): { readonly start: bigint; readonly bytes: bigint } {
    const bytes = number(call, 1);
    return { start: this.#address(call, 0, bytes), bytes };
  }

  #address(call: SyzCall, index: number, bytes: bigint): bigint {
    const value = call.args[index];
    const address = value?.is === 'pointer' ? this.context.memory.addressOf(value, bytes) : undefined;
    const isInside =
      address !== undefined && address >= SCRATCH.start && address + bytes <= SCRATCH.start + SCRATCH.bytes;
    // What a program may do with its own memory is checked when it is assembled.
    const isChecked = address !== undefined && this.context.memory.isArena;
    if (!isChecked && (!isInside || bytes === 0n))
      throw new Unsupported('its memory is none that programs may change', value?.at);
    return address;
  }
}

function number({ args, at }: SyzCall, index: number): bigint {
  const value = args[index];
  if (value?.is !== 'number')
    throw new Unsupported(`argument ${String(index + 1)} is no number`, value?.at ?? at);
  return value.value;
}

function accessOf(call: SyzCall, index: number): MmapAccess {
  const protection = number(call, index);
  const access = ACCESSES.find((one) => PROTECTION[one] === protection);
  if (access === undefined) throw new Unsupported(`it has protection ${hexOf(protection)}`, call.at);
  return access;
}

const ACCESSES: readonly MmapAccess[] = ['none', 'ro', 'rw', 'rwx'];

function offsetOf(call: SyzCall): { readonly offset?: bigint } {
  return call.args.length > 3 ? { offset: number(call, 3) } : {};
}

function hexOf(value: bigint): string {
  return `0x${value.toString(16)}`;
}
