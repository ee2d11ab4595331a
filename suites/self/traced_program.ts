import { assert } from '../../models/base/assert.js';
import { readNumber, viewOf } from '../../models/base/bytes.js';
import { PAGE_SIZE } from '../../models/base/u64.js';
import type { Outcome, ProgramOutcome, Returned } from '../../models/outcome.js';
import { CAPABILITY_NUMBERS, MEMLOCK_DEFAULT_BYTES } from '../../models/program/credentials.js';
import type { MmapAccess } from '../../models/program/program.js';
import {
  FD_HANDLE_BASE,
  type RawBuffer,
  type RawIoctl,
  type RawProgram,
  type RawStep,
} from '../../models/program/raw.js';
import { StepLog } from '../../models/step_log.js';
import { type CallShape, type Measure, SHAPES } from '../../targets/recorder/shapes.js';
import { DEVICE, type KindName, REASON, ROLE } from '../../targets/trace/format.js';
import type { Trace, TracePart, TraceRecord } from '../../targets/trace/reader.js';
import { TracedMemory, textPart } from './traced_memory.js';

/** The first process; children follow. */
const PROCESS_BASE = 100;

/** The first descriptor that is not a standard stream. */
const FD_BASE = 3;

/** Inodes of files of memory begin here, of mappings without a file further on. */
const FILE_INODE = 2000;
const ANONYMOUS_INODE = 10_000;

const WORD_BYTES = 4;

/**
 * What a recorder would have written of a program that ran on a target: the same bytes, told as a trace tells them. For tests
 * that need traces of all kinds of programs and no kernel.
 */
export function traceOf(program: RawProgram, outcome: ProgramOutcome, release: string): Trace {
  const writer = new TraceWriter(release);
  for (const [index, step] of program.steps.entries()) {
    const answer: Outcome | undefined = outcome.steps[index];
    if (answer?.status !== 'returned') break;
    writer.add(step, answer);
  }
  return { records: writer.records, troubles: [] };
}

/** What a process of the program has. */
interface ProcessState {
  readonly memory: TracedMemory;
  /** What each slot in use is of: an iommufd or what it handed out (`watched`), or the number of a file of memory. */
  readonly files: Map<number, 'watched' | number>;
  memlock: bigint;
  capabilities: bigint;
}

class TraceWriter {
  readonly records: TraceRecord[] = [];
  readonly #log = new StepLog();
  readonly #processes: ProcessState[] = [];
  readonly #sizes = new Map<number, bigint>();
  #by = 0;
  #sequence = 0n;
  #nextInode = ANONYMOUS_INODE;

  constructor(private readonly release: string) {
    const capabilities = Object.values(CAPABILITY_NUMBERS).reduce(
      (bits, bit) => bits | (1n << BigInt(bit)),
      0n,
    );
    const memory = new TracedMemory();
    this.#processes.push({ memory, files: new Map(), memlock: MEMLOCK_DEFAULT_BYTES, capabilities });
    this.#introduce(REASON.FIRST_EVENT, 1);
  }

  get #process(): ProcessState {
    return this.#processes[this.#by] as ProcessState;
  }

  add(raw: RawStep, answer: Returned): void {
    const step = this.#log.resolve(raw);
    this.#log.record(step, answer);
    this.#by = step.by ?? 0;
    const result = answer.errno === 0 ? BigInt(answer.value) : BigInt(-answer.errno);
    const { files, memory } = this.#process;
    switch (step.do) {
      case 'open':
        files.set(step.slot, 'watched');
        this.#write(
          'open',
          { flags: step.isReadOnly ? 0n : 2n, device: BigInt(DEVICE.IOMMUFD) },
          fdOf(step.slot),
        );
        break;
      case 'memfd':
        this.#sizes.set(this.#sizes.size, step.bytes);
        files.set(step.slot, this.#sizes.size - 1);
        this.#write('memfd_create', {}, fdOf(step.slot), this.#filesOf(step.slot));
        break;
      case 'truncate':
        this.#addTruncate(step, result);
        break;
      case 'dup':
        this.#addDup(step.slot, step.as, result);
        break;
      case 'close':
        if (files.get(step.slot) === 'watched') {
          this.#write('close', { fd: fdOf(step.slot), device: 1n }, result);
        }
        files.delete(step.slot);
        break;
      case 'ioctl':
        if (files.get(step.slot) === 'watched') this.#addIoctl(step, answer, result);
        break;
      case 'read':
      case 'write':
      case 'poll':
      case 'counters':
      case 'lanes':
        // The steps of lanes follow, as the model carries them out: one lane after another.
        break;
      case 'mmap':
        this.#addMmap(step, result);
        break;
      case 'mremap':
        this.#addMremap(step, result);
        break;
      case 'mprotect':
        if (result === 0n) memory.change(step.start, step.bytes, step.access);
        this.#write('mprotect', { ...placeOf(step), protection: protectionOf(step.access) }, result);
        break;
      case 'munmap':
        memory.change(step.start, step.bytes, undefined);
        this.#write('munmap', placeOf(step), result);
        break;
      case 'process':
        for (const name of step.drop) this.#process.capabilities &= ~(1n << BigInt(CAPABILITY_NUMBERS[name]));
        this.#process.memlock = step.memlockBytes ?? this.#process.memlock;
        break;
      case 'fork':
        this.#fork(step.process);
        break;
      case 'exit':
        this.#write('exit', {});
        break;
      case 'exec':
      case 'cloexec':
      case 'pass':
        assert(false, `traces of programs with ${step.do} are not written`);
        break;
    }
  }

  #introduce(reason: number, parent: number): void {
    const files = [...this.#process.files.keys()];
    const lines = files.flatMap((slot) =>
      this.#filesOf(slot, true).map(({ bytes }) => Buffer.from(bytes).toString()),
    );
    const members = {
      reason: BigInt(reason),
      parent: BigInt(parent),
      pointer_bytes: 8n,
      page_bytes: PAGE_SIZE,
    };
    this.#write('process', this.#credentials(members), 0n, [
      textPart(ROLE.RELEASE, this.release),
      textPart(ROLE.FILES, lines.join('')),
      this.#process.memory.maps(0n, 1n << 64n),
    ]);
  }

  #fork(child: number): void {
    const parent = this.#process;
    this.#write('fork', {}, BigInt(PROCESS_BASE + child));
    this.#processes[child] = { ...parent, memory: parent.memory.copy(), files: new Map(parent.files) };
    const by = this.#by;
    this.#by = child;
    this.#introduce(REASON.FORK, PROCESS_BASE + by);
  }

  #addTruncate({ slot, bytes }: Extract<RawStep, { do: 'truncate' }>, result: bigint): void {
    const file = this.#process.files.get(slot);
    if (typeof file !== 'number') return;
    if (result === 0n) this.#sizes.set(file, bytes);
    this.#write('ftruncate', { fd: fdOf(slot), length: bytes }, result, this.#filesOf(slot));
  }

  #addDup(slot: number, as: number, result: bigint): void {
    const { files } = this.#process;
    const file = files.get(slot);
    if (file !== undefined && result === 0n) files.set(as, file);
    if (file !== 'watched') return;
    this.#write('dup', { fd: fdOf(slot), at: -1n, device: 1n }, result === 0n ? fdOf(as) : result);
  }

  #addIoctl(step: RawIoctl, answer: Returned, result: bigint): void {
    const { memory, files } = this.#process;
    for (const place of step.fds) {
      if (place.direction !== 'in' && result >= 0n) files.set(place.slot, 'watched');
    }
    const given = withNumbers(
      step,
      step.buffers.map(({ bytes }) => bytes),
    );
    const after = withNumbers(
      step,
      step.buffers.map(({ bytes }, index) => answer.out[index] ?? bytes),
    );
    const before = (address: bigint, wanted: bigint): TracePart =>
      memory.peek(ROLE.BEFORE, address, wanted, buffersWith(step, given));
    const size = before(step.arg, BigInt(WORD_BYTES)).bytes;
    const parts: TracePart[] = [];
    if (size.length === WORD_BYTES) {
      const wanted = Math.max(viewOf(size).getUint32(0, true), WORD_BYTES);
      const struct = before(step.arg, BigInt(wanted));
      const shape = shapeOf(step.command, struct.bytes);
      parts.push(struct, ...(shape === undefined ? [] : this.#dataOf(shape, struct.bytes, before)));
    }
    const changed = parts
      .filter(({ role }) => role === ROLE.BEFORE)
      .map((part) => ({
        part,
        now: memory.peek(ROLE.AFTER, part.address, part.wanted, buffersWith(step, after)),
      }))
      .filter(({ part, now }) => Buffer.compare(part.bytes, now.bytes) !== 0)
      .map(({ now }) => now);
    const members = { fd: fdOf(step.slot), command: BigInt(step.command), argument: step.arg, device: 1n };
    this.#write('ioctl', this.#credentials(members), result, [...parts, ...changed]);
  }

  /** What pointers of a struct lead to, and what descriptors in it are of. */
  #dataOf(
    { members }: CallShape,
    struct: Uint8Array,
    before: (address: bigint, wanted: bigint) => TracePart,
  ): TracePart[] {
    return members.flatMap(({ what, at, unit, factors, granule }): TracePart[] => {
      const value = numberAt(struct, at);
      if (what === 'fd') return this.#filesOf(Number(BigInt.asIntN(32, value)) - FD_BASE);
      let extent = factors.reduce((product, factor) => product * numberAt(struct, factor), BigInt(unit));
      if (granule !== undefined) extent = bitmapBytes(extent, numberAt(struct, granule));
      return what === 'data' && extent > 0n ? [before(value, BigInt.asUintN(64, extent))] : [];
    });
  }

  #addMmap(step: Extract<RawStep, { do: 'mmap' }>, result: bigint): void {
    const { start, bytes, access, isPrivate, file } = step;
    const { memory, files } = this.#process;
    const of = file === undefined ? undefined : files.get(file.slot);
    // Whatever comes of it, nothing is left there.
    memory.change(start, bytes, undefined);
    if (result === 0n)
      memory.map(start, bytes, access, {
        ...this.#mapped(of, file?.offset ?? 0n),
        isPrivate,
      });
    const members = {
      ...placeOf(step),
      protection: protectionOf(access),
      flags: isPrivate ? 0x12n : 0x11n,
      fd: file === undefined ? -1n : fdOf(file.slot),
      offset: file?.offset ?? 0n,
      device: of === 'watched' ? 1n : 0n,
    };
    this.#write('mmap', members, result === 0n ? start : result, [memory.maps(start, start + bytes)]);
  }

  #addMremap(step: Extract<RawStep, { do: 'mremap' }>, result: bigint): void {
    const { start, bytes, newBytes, to = start } = step;
    const { memory } = this.#process;
    if (result === 0n) memory.move(start, bytes, newBytes, to);
    const members = { address: start, old_length: bytes, new_length: newBytes, new_address: to };
    const parts = result === 0n ? [memory.maps(to, to + newBytes)] : [];
    this.#write('mremap', members, result === 0n ? to : result, parts);
  }

  /** What /proc says that a mapping is of. */
  #mapped(
    file: 'watched' | number | undefined,
    offset: bigint,
  ): { inode: number; offset: bigint; name: string } {
    if (file === 'watched') return { inode: 1, offset, name: '/dev/iommu' };
    if (file === undefined) return { inode: this.#nextInode++, offset: 0n, name: '/dev/zero (deleted)' };
    return { inode: FILE_INODE + file, offset, name: '/memfd:x (deleted)' };
  }

  #credentials(members: Record<string, bigint>): Record<string, bigint> {
    const { memlock, capabilities } = this.#process;
    return { ...members, memlock, capabilities };
  }

  /** The line about a descriptor of a file of memory; of others on demand. */
  #filesOf(slot: number, isEvery = false): TracePart[] {
    const file = this.#process.files.get(slot);
    if (file === undefined || (file === 'watched' && !isEvery)) return [];
    const fd = String(fdOf(slot));
    if (file === 'watched') return [textPart(ROLE.FILES, `${fd} 00:06 1 0 0 -1 2 /dev/iommu\n`)];
    const inode = String(FILE_INODE + file);
    const bytes = String(this.#sizes.get(file) ?? 0n);
    return [textPart(ROLE.FILES, `${fd} 00:01 ${inode} ${bytes} 1021994 0 2 /memfd:x (deleted)\n`)];
  }

  #write(
    kind: KindName,
    members: Record<string, bigint>,
    result = 0n,
    parts: readonly TracePart[] = [],
  ): void {
    const id = PROCESS_BASE + this.#by;
    const start = ++this.#sequence;
    const end = ++this.#sequence;
    const words = Object.entries(members).map(([name, value]) => [name, BigInt.asUintN(64, value)] as const);
    this.records.push({
      kind,
      process: id,
      thread: id,
      start,
      end,
      result,
      members: Object.fromEntries(words),
      parts,
    });
  }
}

function placeOf({ start, bytes }: { readonly start: bigint; readonly bytes: bigint }): {
  readonly address: bigint;
  readonly length: bigint;
} {
  return { address: start, length: bytes };
}

function bitmapBytes(length: bigint, granule: bigint): bigint {
  return granule === 0n ? 0n : (((length + granule - 1n) / granule + 63n) / 64n) * 8n;
}

function protectionOf(access: MmapAccess): bigint {
  return { rwx: 7n, rw: 3n, ro: 1n, none: 0n }[access];
}

function fdOf(slot: number): bigint {
  return BigInt(slot + FD_BASE);
}

/** The buffers of a step with the numbers of descriptors where programs see handles. */
function withNumbers({ fds }: RawIoctl, contents: readonly Uint8Array[]): Uint8Array[] {
  const copies = contents.map((bytes) => bytes.slice());
  for (const place of fds) {
    if (place.direction === 'hidden') continue;
    const bytes = copies[place.buffer];
    if (bytes === undefined || place.offset + WORD_BYTES > bytes.length) continue;
    const view = viewOf(bytes);
    const handle = view.getUint32(place.offset, true);
    if (handle >= FD_HANDLE_BASE) view.setUint32(place.offset, handle - FD_HANDLE_BASE + FD_BASE, true);
  }
  return copies;
}

function buffersWith({ buffers }: RawIoctl, contents: readonly Uint8Array[]): RawBuffer[] {
  return buffers.map(({ address }, index) => ({ address, bytes: contents[index] ?? new Uint8Array() }));
}

function shapeOf(command: number, struct: Uint8Array): CallShape | undefined {
  return SHAPES.find(
    (shape) =>
      shape.command === command &&
      (shape.op === undefined || numberAt(struct, shape.op.at) === BigInt(shape.op.value)),
  );
}

function numberAt(struct: Uint8Array, { offset, bytes }: Measure): bigint {
  return offset + bytes <= struct.length ? readNumber(struct, offset, bytes as 4 | 8) : 0n;
}
