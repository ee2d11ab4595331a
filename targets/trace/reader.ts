import { crc32 } from 'node:zlib';
import { BadInputError } from '../target.js';
import {
  KINDS,
  type KindName,
  PART_HEADER,
  PART_HEADER_BYTES,
  RECORD_ALIGNMENT,
  RECORD_BYTES_MAX,
  RECORD_HEADER,
  RECORD_HEADER_BYTES,
  RECORD_MAGIC,
  TRACE_HEADER,
  TRACE_HEADER_BYTES,
  TRACE_MAGIC,
  TRACE_VERSION,
} from './format.js';

/** A piece of memory or text that belongs to a record. */
export interface TracePart {
  /** One of ROLE. */
  readonly role: number;
  /** Where it lay in the process; 0 for texts. */
  readonly address: bigint;
  /** How many bytes the call was about. */
  readonly wanted: bigint;
  /** Those that could be read. */
  readonly bytes: Uint8Array;
}

/** One recorded call, or the introduction of a process. */
export interface TraceRecord {
  readonly kind: KindName;
  readonly process: number;
  readonly thread: number;
  /** Numbers from a counter that all processes share, of the call's beginning and its end. */
  readonly start: bigint;
  readonly end: bigint;
  /** What the call returned; an error as its negative number. */
  readonly result: bigint;
  /** By the names that KINDS gives them; what an older recorder did not know is 0. */
  readonly members: Readonly<Record<string, bigint>>;
  readonly parts: readonly TracePart[];
}

/** A trace as far as it can be read. */
export interface Trace {
  /** In the order in which the calls began. */
  readonly records: readonly TraceRecord[];
  /** What is missing, each in one sentence. */
  readonly troubles: readonly string[];
}

const KIND_OF_CODE = new Map<number, KindName>(
  Object.entries(KINDS).map(([name, { code }]) => [code, name as KindName]),
);

/**
 * Reads a trace. What is damaged is named and stepped over.
 * @param name for the errors, a path
 * @throws BadInputError for what is no trace, or one of a newer version
 */
export function readTrace(file: Uint8Array, name: string): Trace {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = checkHeader(file, view, name);
  const scan = new Scan(file, view, headerBytes);
  const records = scan.records.sort((a, b) => (a.start < b.start ? -1 : 1));
  return {
    records,
    troubles: [...scan.troubles(), ...lost(view), ...unfinished(scan.numbers.size, view), ...narrow(records)],
  };
}

function checkHeader(file: Uint8Array, view: DataView, name: string): number {
  const magic = new TextDecoder('latin1').decode(file.subarray(0, TRACE_MAGIC.length));
  if (magic !== TRACE_MAGIC) throw new BadInputError(`${name} is no trace of iommufd-cts`);
  if (file.length < TRACE_HEADER_BYTES) throw new BadInputError(`${name} ends within its header`);
  const version = view.getUint32(TRACE_HEADER.VERSION, true);
  if (version !== TRACE_VERSION) {
    const advice =
      version > TRACE_VERSION ? 'a newer iommufd-cts reads it' : 'no such version was ever written';
    throw new BadInputError(
      `${name} has version ${String(version)} of the trace format, this reads ${String(TRACE_VERSION)}; ${advice}`,
    );
  }
  const headerBytes = view.getUint32(TRACE_HEADER.HEADER_BYTES, true);
  if (headerBytes < TRACE_HEADER_BYTES || headerBytes > file.length) {
    throw new BadInputError(`${name} is damaged: its header cannot have ${String(headerBytes)} bytes`);
  }
  return headerBytes;
}

/** Walks through the records of a file. */
class Scan {
  readonly records: TraceRecord[] = [];
  /** Sequence numbers that some record has, of whatever kind. */
  readonly numbers = new Set<bigint>();
  readonly #unknownKinds = new Map<number, number>();
  /** Stretches of bytes that are no records. */
  readonly #damage: { readonly at: number; readonly bytes: number; readonly isEnd: boolean }[] = [];

  constructor(
    private readonly file: Uint8Array,
    private readonly view: DataView,
    headerBytes: number,
  ) {
    for (let at = headerBytes; at < file.length;) at = this.#step(at);
  }

  troubles(): string[] {
    const damage = this.#damage.map(({ at, bytes, isEnd }) =>
      isEnd
        ? `the last ${String(bytes)} bytes are a record that was not finished`
        : `${String(bytes)} bytes at offset ${String(at)} are damaged`,
    );
    const unknown = [...this.#unknownKinds].map(
      ([code, count]) => `${String(count)} records have the kind ${String(code)}, which is not known here`,
    );
    return [...damage, ...unknown];
  }

  /** Reads the record at an offset and returns where the next one begins. */
  #step(at: number): number {
    const bytes = this.#sizeAt(at);
    if (bytes === undefined) {
      const next = this.#nextAfter(at);
      this.#damage.push({ at, bytes: next - at, isEnd: next === this.file.length });
      return next;
    }
    this.numbers.add(this.view.getBigUint64(at + RECORD_HEADER.START, true));
    this.numbers.add(this.view.getBigUint64(at + RECORD_HEADER.END, true));
    const code = this.view.getUint16(at + RECORD_HEADER.KIND, true);
    const kind = KIND_OF_CODE.get(code);
    if (kind === undefined) this.#unknownKinds.set(code, (this.#unknownKinds.get(code) ?? 0) + 1);
    else this.records.push(this.#decode(at, kind));
    return at + bytes;
  }

  /** The size of a whole and undamaged record; undefined if there is none. */
  #sizeAt(at: number): number | undefined {
    const { file, view } = this;
    if (at + RECORD_HEADER_BYTES > file.length) return undefined;
    if (view.getUint32(at + RECORD_HEADER.MAGIC, true) !== RECORD_MAGIC) return undefined;
    const bytes = view.getUint32(at + RECORD_HEADER.BYTES, true);
    if (bytes < RECORD_HEADER_BYTES || bytes > RECORD_BYTES_MAX || at + bytes > file.length) return undefined;
    const checksum = view.getUint32(at + RECORD_HEADER.CHECKSUM, true);
    if (crc32(file.subarray(at + RECORD_HEADER.KIND, at + bytes)) !== checksum) return undefined;
    return this.#partsFit(at, bytes) ? bytes : undefined;
  }

  #partsFit(at: number, bytes: number): boolean {
    const { view } = this;
    const end = at + bytes;
    let next = at + RECORD_HEADER_BYTES + view.getUint8(at + RECORD_HEADER.MEMBERS) * 8;
    for (let part = view.getUint8(at + RECORD_HEADER.PARTS); part > 0; part--) {
      if (next + PART_HEADER_BYTES > end) return false;
      next += PART_HEADER_BYTES + padded(view.getUint32(next + PART_HEADER.BYTES, true));
    }
    return next === end;
  }

  /** Where the next undamaged record begins. */
  #nextAfter(at: number): number {
    const { file } = this;
    for (let next = at + 1; next + RECORD_HEADER_BYTES <= file.length; next++) {
      next = file.indexOf(RECORD_MAGIC & 0xff, next);
      if (next < 0) break;
      if (this.#sizeAt(next) !== undefined) return next;
    }
    return file.length;
  }

  #decode(at: number, kind: KindName): TraceRecord {
    const { view } = this;
    const count = view.getUint8(at + RECORD_HEADER.MEMBERS);
    const members: Record<string, bigint> = {};
    for (const [index, name] of KINDS[kind].members.entries()) {
      members[name] = index < count ? view.getBigUint64(at + RECORD_HEADER_BYTES + index * 8, true) : 0n;
    }
    return {
      kind,
      process: view.getUint32(at + RECORD_HEADER.PROCESS, true),
      thread: view.getUint32(at + RECORD_HEADER.THREAD, true),
      start: view.getBigUint64(at + RECORD_HEADER.START, true),
      end: view.getBigUint64(at + RECORD_HEADER.END, true),
      result: view.getBigInt64(at + RECORD_HEADER.RESULT, true),
      members,
      parts: this.#partsOf(at, at + RECORD_HEADER_BYTES + count * 8),
    };
  }

  #partsOf(at: number, first: number): TracePart[] {
    const { file, view } = this;
    let next = first;
    return Array.from({ length: view.getUint8(at + RECORD_HEADER.PARTS) }, () => {
      const start = next + PART_HEADER_BYTES;
      const bytes = view.getUint32(next + PART_HEADER.BYTES, true);
      const part = {
        role: view.getUint32(next + PART_HEADER.ROLE, true),
        address: view.getBigUint64(next + PART_HEADER.ADDRESS, true),
        wanted: view.getBigUint64(next + PART_HEADER.WANTED, true),
        bytes: file.subarray(start, start + bytes),
      };
      next = start + padded(bytes);
      return part;
    });
  }
}

function padded(bytes: number): number {
  return Math.ceil(bytes / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
}

function lost(view: DataView): string[] {
  const count = view.getBigUint64(TRACE_HEADER.LOST, true);
  return count === 0n ? [] : [`${String(count)} records could not be written: the disk was full, perhaps`];
}

/** Calls that began and of which nothing else is known: their process ended within them, or their records are missing. */
function unfinished(seen: number, view: DataView): string[] {
  const missing = view.getBigUint64(TRACE_HEADER.SEQUENCE, true) - BigInt(seen);
  if (missing <= 0n) return [];
  return [
    `${String(missing)} beginnings or ends of calls have no record: a process was killed within them, perhaps`,
  ];
}

/** Programs of 32 bits lay out neither memory nor structs as the model does. */
function narrow(records: readonly TraceRecord[]): string[] {
  return records
    .filter(({ kind, members }) => kind === 'process' && members.pointer_bytes !== POINTER_BYTES)
    .map(
      ({ process }) =>
        `process ${String(process)} is a program of 32 bits, which the model does not describe`,
    );
}

const POINTER_BYTES = 8n;
