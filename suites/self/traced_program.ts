import { readNumber, viewOf } from '../../models/base/bytes.js';
import { ARENA, type Access, GUARDED_REGIONS, GUARD_BYTE } from '../../models/program/arena.js';
import {
  CAPABILITY_NUMBERS,
  type Capability,
  MEMLOCK_DEFAULT_BYTES,
} from '../../models/program/credentials.js';
import { PAGE_SIZE } from '../../models/base/u64.js';
import type { Outcome, ProgramOutcome, Returned } from '../../models/outcome.js';
import {
  FD_HANDLE_BASE,
  type RawBuffer,
  type RawIoctl,
  type RawProgram,
  type RawStep,
} from '../../models/program/raw.js';
import { StepLog } from '../../models/step_log.js';
import { type CallShape, type Measure, SHAPES } from '../../targets/recorder/shapes.js';
import { DEVICE, type KindName, PART_BYTES_MAX, ROLE } from '../../targets/trace/format.js';
import type { Trace, TracePart, TraceRecord } from '../../targets/trace/reader.js';

const PROCESS_ID = 100;

/** The first descriptor that is not a standard stream. */
const FD_BASE = 3;

const WORD_BYTES = 4;

interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly access: Access;
  readonly inode: number;
  readonly offset: bigint;
  readonly name: string;
}

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

class TraceWriter {
  readonly records: TraceRecord[] = [];
  readonly #log = new StepLog();
  readonly #memfds = new Set<number>();
  readonly #sizes = new Map<number, bigint>();
  readonly #closed = new Set<number>();
  #mappings: Mapping[];
  #sequence = 0n;
  #nextInode = 1000;
  #memlock = MEMLOCK_DEFAULT_BYTES;
  #capabilities = Object.values(CAPABILITY_NUMBERS).reduce((bits, bit) => bits | (1n << BigInt(bit)), 0n);

  constructor(release: string) {
    const inodes = new Map<string, number>();
    this.#mappings = ARENA.map(({ name, start, bytes, access, sharing, aliasOf }) => {
      const inode = sharing === 'private' ? 0 : (inodes.get(aliasOf ?? '') ?? this.#nextInode++);
      inodes.set(name, inode);
      return {
        start,
        end: start + bytes,
        access,
        inode,
        offset: 0n,
        name: inode === 0 ? '' : '/dev/zero (deleted)',
      };
    });
    this.#write('process', this.#credentials({ reason: 1n, pointer_bytes: 8n, page_bytes: PAGE_SIZE }), 0n, [
      text(ROLE.RELEASE, release),
      text(ROLE.FILES, ''),
      this.#maps(0n, 1n << 64n),
    ]);
  }

  add(raw: RawStep, answer: Returned): void {
    const step = this.#log.resolve(raw);
    this.#log.record(step, answer);
    const result = answer.errno === 0 ? BigInt(answer.value) : BigInt(-answer.errno);
    switch (step.do) {
      case 'open':
        this.#closed.delete(step.slot);
        this.#write(
          'open',
          { flags: step.isReadOnly ? 0n : 2n, device: BigInt(DEVICE.IOMMUFD) },
          fdOf(step.slot),
        );
        break;
      case 'memfd':
        this.#memfds.add(step.slot);
        this.#sizes.set(step.slot, step.bytes);
        this.#write('memfd_create', {}, fdOf(step.slot), [this.#file(step.slot)]);
        break;
      case 'truncate':
        if (!this.#memfds.has(step.slot)) break;
        if (result === 0n) this.#sizes.set(step.slot, step.bytes);
        this.#write('ftruncate', { fd: fdOf(step.slot), length: step.bytes }, result, [
          this.#file(step.slot),
        ]);
        break;
      case 'dup':
        this.#addDup(step.slot, step.as, result);
        break;
      case 'close':
        this.#addClose(step.slot, result);
        break;
      case 'ioctl':
        this.#addIoctl(step, answer, result);
        break;
      case 'read':
      case 'write':
      case 'poll':
      case 'counters':
        break;
      case 'mmap':
        this.#addMmap(step, result);
        break;
      case 'mprotect':
        this.#change(step.start, step.bytes, step.access);
        this.#write(
          'mprotect',
          { address: step.start, length: step.bytes, protection: protectionOf(step.access) },
          result,
        );
        break;
      case 'munmap':
        this.#change(step.start, step.bytes, undefined);
        this.#write('munmap', { address: step.start, length: step.bytes }, result);
        break;
      case 'process':
        this.#setProcess(step.drop, step.memlockBytes);
        break;
    }
  }

  #addDup(slot: number, as: number, result: bigint): void {
    if (this.#memfds.has(slot)) {
      this.#memfds.add(as);
      this.#sizes.set(as, this.#sizes.get(slot) ?? 0n);
    }
    if (!this.#isWatched(slot)) return;
    this.#closed.delete(as);
    this.#write('dup', { fd: fdOf(slot), at: -1n, device: 1n }, result === 0n ? fdOf(as) : result);
  }

  #addClose(slot: number, result: bigint): void {
    const isWatched = this.#isWatched(slot);
    this.#memfds.delete(slot);
    this.#closed.add(slot);
    if (isWatched) this.#write('close', { fd: fdOf(slot), device: 1n }, result);
  }

  #addIoctl(step: RawIoctl, answer: Returned, result: bigint): void {
    if (!this.#isWatched(step.slot)) return;
    const given = withNumbers(
      step,
      step.buffers.map(({ bytes }) => bytes),
    );
    const after = withNumbers(
      step,
      step.buffers.map(({ bytes }, index) => answer.out[index] ?? bytes),
    );
    const before = (address: bigint, wanted: bigint): TracePart =>
      this.#peek(ROLE.BEFORE, address, wanted, buffersWith(step, given));
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
      .map(({ address, wanted }) => this.#peek(ROLE.AFTER, address, wanted, buffersWith(step, after)))
      .filter(
        ({ address, bytes }) =>
          !parts.some((part) => part.address === address && Buffer.compare(part.bytes, bytes) === 0),
      );
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
      if (what === 'fd') {
        const slot = Number(BigInt.asIntN(32, value)) - FD_BASE;
        return this.#memfds.has(slot) ? [this.#file(slot)] : [];
      }
      let extent = factors.reduce((product, factor) => product * numberAt(struct, factor), BigInt(unit));
      if (granule !== undefined) {
        const bytes = numberAt(struct, granule);
        extent = bytes === 0n ? 0n : (((extent + bytes - 1n) / bytes + 63n) / 64n) * 8n;
      }
      return what === 'data' && extent > 0n ? [before(value, BigInt.asUintN(64, extent))] : [];
    });
  }

  #addMmap(step: Extract<RawStep, { do: 'mmap' }>, result: bigint): void {
    const { start, bytes, access, isPrivate, file } = step;
    const isDevice = file !== undefined && this.#isWatched(file.slot);
    // Whatever comes of it, nothing is left there.
    this.#change(start, bytes, undefined);
    if (result === 0n && isDevice) {
      this.#mappings.push({
        start,
        end: start + bytes,
        access: plain(access),
        inode: 1,
        offset: 0n,
        name: '/dev/iommu',
      });
    } else if (result === 0n) {
      const inode = file === undefined ? this.#nextInode++ : inodeOf(file.slot);
      const name = file === undefined ? '/dev/zero (deleted)' : '/memfd:x (deleted)';
      this.#mappings.push({
        start,
        end: start + bytes,
        access: plain(access),
        inode,
        offset: file?.offset ?? 0n,
        name,
      });
    }
    const members = {
      address: start,
      length: bytes,
      protection: protectionOf(access),
      flags: isPrivate ? 0x12n : 0x11n,
      fd: file === undefined ? -1n : fdOf(file.slot),
      offset: file?.offset ?? 0n,
      device: isDevice ? 1n : 0n,
    };
    this.#write('mmap', members, result === 0n ? start : result, [this.#maps(start, start + bytes)]);
  }

  #setProcess(drop: readonly Capability[], memlock: bigint | undefined): void {
    for (const name of drop) this.#capabilities &= ~(1n << BigInt(CAPABILITY_NUMBERS[name]));
    this.#memlock = memlock ?? this.#memlock;
  }

  /** Only descriptors of iommufds, and what they handed out, are recorded. */
  #isWatched(slot: number): boolean {
    return !this.#memfds.has(slot) && !this.#closed.has(slot);
  }

  #credentials(members: Record<string, bigint>): Record<string, bigint> {
    return { ...members, memlock: this.#memlock, capabilities: this.#capabilities };
  }

  #file(slot: number): TracePart {
    const size = String(this.#sizes.get(slot) ?? 0n);
    return text(
      ROLE.FILES,
      `${String(fdOf(slot))} 00:01 ${String(inodeOf(slot))} ${size} 1021994 0 2 /memfd:x (deleted)\n`,
    );
  }

  #maps(start: bigint, end: bigint): TracePart {
    const lines = this.#mappings
      .filter((mapping) => mapping.start < end && mapping.end > start)
      .map(({ start: from, end: to, access, inode, offset, name }) => {
        const rights = { rw: 'rw-', ro: 'r--', none: '---' }[access];
        const sharing = inode === 0 ? 'p' : 's';
        const device = inode === 0 ? '00:00' : '00:01';
        return `${from.toString(16)}-${to.toString(16)} ${rights}${sharing} ${offset.toString(16)} ${device} ${String(inode)} ${name}\n`;
      });
    return text(ROLE.MAPS, lines.join(''));
  }

  #change(start: bigint, bytes: bigint, access: RawMmapAccess | undefined): void {
    const end = start + bytes;
    this.#mappings = this.#mappings.flatMap((mapping) => {
      if (mapping.end <= start || mapping.start >= end) return [mapping];
      const from = mapping.start > start ? mapping.start : start;
      const to = mapping.end < end ? mapping.end : end;
      const cut = (a: bigint, b: bigint): Mapping[] =>
        a >= b ? [] : [{ ...mapping, start: a, end: b, offset: mapping.offset + a - mapping.start }];
      const middle =
        access === undefined ? [] : cut(from, to).map((piece) => ({ ...piece, access: plain(access) }));
      return [...cut(mapping.start, from), ...middle, ...cut(to, mapping.end)];
    });
  }

  /** Memory as far as it can be read. */
  #peek(role: number, address: bigint, wanted: bigint, buffers: readonly RawBuffer[]): TracePart {
    const bytes: number[] = [];
    while (bytes.length < wanted && bytes.length < PART_BYTES_MAX) {
      const byte = this.#byteAt(address + BigInt(bytes.length), buffers);
      if (byte === undefined) break;
      bytes.push(byte);
    }
    return { role, address, wanted, bytes: Uint8Array.from(bytes) };
  }

  #byteAt(address: bigint, buffers: readonly RawBuffer[]): number | undefined {
    const isReadable = this.#mappings.some(
      ({ start, end, access }) => address >= start && address < end && access !== 'none',
    );
    if (!isReadable) return undefined;
    const buffer = buffers.find(
      ({ address: start, bytes }) => address >= start && address < start + BigInt(bytes.length),
    );
    if (buffer !== undefined) return buffer.bytes[Number(address - buffer.address)];
    const isGuarded = GUARDED_REGIONS.some(({ start, bytes }) => address >= start && address < start + bytes);
    return isGuarded ? GUARD_BYTE : 0;
  }

  #write(
    kind: KindName,
    members: Record<string, bigint>,
    result = 0n,
    parts: readonly TracePart[] = [],
  ): void {
    const start = ++this.#sequence;
    const end = ++this.#sequence;
    const words = Object.fromEntries(
      Object.entries(members).map(([name, value]) => [name, BigInt.asUintN(64, value)]),
    );
    this.records.push({
      kind,
      process: PROCESS_ID,
      thread: PROCESS_ID,
      start,
      end,
      result,
      members: words,
      parts,
    });
  }
}

type RawMmapAccess = Extract<RawStep, { do: 'mmap' }>['access'];

function plain(access: RawMmapAccess): Access {
  return access === 'rwx' ? 'rw' : access;
}

function protectionOf(access: RawMmapAccess): bigint {
  return { rwx: 7n, rw: 3n, ro: 1n, none: 0n }[access];
}

function fdOf(slot: number): bigint {
  return BigInt(slot + FD_BASE);
}

function inodeOf(slot: number): number {
  return 2000 + slot;
}

function text(role: number, content: string): TracePart {
  const bytes = new TextEncoder().encode(content);
  return { role, address: 0n, wanted: BigInt(bytes.length), bytes };
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
