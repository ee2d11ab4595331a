import { U64_MAX, alignUp, PAGE_SIZE } from '../models/base/u64.js';
import { present } from '../models/base/assert.js';
import { MemoryFile } from '../models/state/memory_file.js';
import { Process, UserAccount } from '../models/state/process.js';
import { UserMemory } from '../models/state/user_memory.js';
import type { World } from '../models/state/world.js';
import { REASON, ROLE } from '../targets/trace/format.js';
import type { TraceRecord } from '../targets/trace/reader.js';
import { AddressSpace, SharedMemory } from './address_space.js';
import { numberOf } from './calls.js';
import { type FileLine, accessOf, filesOf, mapsOf } from './lines.js';
import { CLOSE_RANGE, MADV, PROT } from './numbers.js';
import { TracedProcess } from './process.js';

const FROM_ELSEWHERE = 'the descriptor came from elsewhere: inherited or passed by another process';

const POINTER_BYTES = 8;
const NARROW = 'the program has 32 bits, which the model does not describe';

/** The processes of a trace, and what happens to them beside the calls that are judged. */
export class Processes {
  readonly #byId = new Map<number, TracedProcess>();
  /** Children that have not introduced themselves yet. */
  readonly #newborn = new Set<number>();
  readonly #users = new Map<bigint, UserAccount>();
  readonly #shared: SharedMemory;

  constructor(private readonly world: World) {
    this.#shared = new SharedMemory(world);
  }

  /** The process of a record; undefined if the trace has not introduced it. */
  of({ process }: TraceRecord): TracedProcess | undefined {
    return this.#byId.get(process);
  }

  /** Takes over what a record says that is no call to be judged. */
  follow(record: TraceRecord): void {
    if (record.kind === 'process') {
      this.#introduce(record);
      return;
    }
    const process = this.of(record);
    if (process === undefined || record.result < 0n) return;
    process.enter();
    switch (record.kind) {
      case 'fork':
        this.#fork(record, process);
        break;
      case 'exit':
        process.end();
        break;
      case 'wait':
        this.#byId.get(Number(record.result))?.end();
        break;
      case 'found':
        if (process.slotOf(numberOf(record, 'fd')) === undefined) {
          process.distrust(numberOf(record, 'fd'), FROM_ELSEWHERE);
        }
        break;
      case 'close_range':
        closeRange(record, process);
        break;
      case 'memfd_create':
      case 'ftruncate':
        for (const line of filesOf(record, ROLE.FILES)) this.memoryFile(line);
        break;
      default:
        followMemory(record, process.space);
    }
  }

  /** The file of memory that a line is about; undefined if it is about another kind of file. */
  memoryFile({ name, inode, bytes }: FileLine): MemoryFile | undefined {
    if (!name.startsWith('/memfd:')) return undefined;
    const { physical } = this.world.memory;
    const file = this.#shared.addFile(
      inode,
      () => new MemoryFile(bytes, physical, { isHuge: false, isFallocated: false }),
    );
    if (file.bytes !== bytes) file.truncate(bytes);
    return file;
  }

  #introduce(record: TraceRecord): void {
    const before = this.of(record);
    const reason = numberOf(record, 'reason');
    const parent = this.#byId.get(numberOf(record, 'parent'));
    const child = reason === REASON.FORK ? this.#forked(record.process, parent) : undefined;
    const process = child ?? this.#started(record);
    const files = filesOf(record, ROLE.FILES);
    const open = new Set(files.map(({ fd }) => fd));
    process.enter();
    for (const line of files) this.memoryFile(line);
    process.space.learn(0n, U64_MAX + 1n, mapsOf(record, ROLE.MAPS));
    process.setCredentials(record.members.memlock ?? 0n, record.members.capabilities ?? 0n);
    const origin = before ?? parent;
    if (reason === REASON.PROGRAM_START && origin !== undefined) {
      process.takeOver(origin, (fd) => open.has(fd));
    }
    if (before !== process) before?.end();
    this.#newborn.delete(record.process);
    this.#byId.set(record.process, process);
  }

  /** The child of a process: made when its parent forked, or now if that was not recorded. */
  #forked(id: number, parent: TracedProcess | undefined): TracedProcess | undefined {
    if (this.#newborn.has(id)) return this.#byId.get(id);
    return parent === undefined ? undefined : TracedProcess.forked(parent, id);
  }

  /** fork(): from here on the child has what its parent has now. */
  #fork(record: TraceRecord, parent: TracedProcess): void {
    const id = Number(record.result);
    if (numberOf(record, 'spawned') !== 0) return;
    this.#byId.get(id)?.end();
    this.#byId.set(id, TracedProcess.forked(parent, id));
    this.#newborn.add(id);
  }

  /** A process of which nothing was known before. */
  #started(record: TraceRecord): TracedProcess {
    const memory = new UserMemory([], this.world.memory.physical, true);
    return new TracedProcess(
      record.process,
      this.world,
      this.world.processes.push(new Process(memory, this.#userOf(record))) - 1,
      new AddressSpace(this.world, this.#shared),
      numberOf(record, 'pointer_bytes') === POINTER_BYTES ? undefined : NARROW,
    );
  }

  #userOf({ members }: TraceRecord): UserAccount {
    const uid = members.uid ?? 0n;
    const known = this.#users.get(uid) ?? new UserAccount();
    this.#users.set(uid, known);
    return known;
  }
}

function closeRange(record: TraceRecord, process: TracedProcess): void {
  if ((numberOf(record, 'flags') & CLOSE_RANGE.CLOEXEC) !== 0) return;
  const [first, last] = [numberOf(record, 'first'), numberOf(record, 'last')];
  for (const fd of process.fds) if (fd >= first && fd <= last) process.forget(fd);
}

/** Changes of the address space. */
function followMemory(record: TraceRecord, space: AddressSpace): void {
  const member = (name: string) => present(record.members[name], name);
  const rangeOf = (start: bigint, length: bigint) => [start, alignUp(start + length, PAGE_SIZE)] as const;
  switch (record.kind) {
    case 'mmap':
      space.map(...rangeOf(record.result, member('length')), mapsOf(record, ROLE.MAPS));
      break;
    case 'munmap':
      space.unmap(...rangeOf(member('address'), member('length')));
      break;
    case 'mremap': {
      const [start, end] = rangeOf(member('address'), member('old_length'));
      const [to, toEnd] = rangeOf(record.result, member('new_length'));
      space.move(start, end, to, toEnd);
      space.learn(to, toEnd, mapsOf(record, ROLE.MAPS));
      break;
    }
    case 'mprotect': {
      const protection = numberOf(record, 'protection');
      const access = accessOf((protection & ~PROT.WRITE) !== 0, (protection & PROT.WRITE) !== 0);
      space.protect(...rangeOf(member('address'), member('length')), access);
      break;
    }
    case 'madvise':
      if (numberOf(record, 'advice') !== MADV.DONTNEED) break;
      space.discard(...rangeOf(member('address'), member('length')));
      break;
    default:
      break;
  }
}
