import {
  type Counters,
  type Coverage,
  INJECTIONS,
  type Injection,
  type Returned,
  type StrayWrite,
} from '../../models/outcome.js';
import { LANES_MAX, type RawProgram, type RawStep, buffersOf } from '../../models/program/raw.js';
import { ByteReader, WireError } from './cursor.js';
import { INJECTED, RESULT, WIRE_VERSION } from './wire.js';

/** What the agent says of itself and its kernel when it starts. */
export interface Hello {
  /** `uname -r` */
  readonly release: string;
  /** `uname -v` */
  readonly version: string;
  readonly hasProgress: boolean;
  /** Transparent ones. */
  readonly hasHugePages: boolean;
  /** Huge pages that are reserved for programs. */
  readonly hugePagesReserved: number;
  /** Whether allocations can be made to fail. */
  readonly canInject: boolean;
  /** Whether the kernel tells which of its code runs. */
  readonly hasKcov: boolean;
  readonly hasIommufd: boolean;
  /** Whether there is a device of VFIO that programs can open. */
  readonly hasVfioDevice: boolean;
  readonly hasVfioPciDevice: boolean;
}

/** What came back of one program. */
export interface ProgramResults {
  readonly steps: readonly Returned[];
  readonly strayWrites: readonly StrayWrite[];
  /** Kernel messages of warning level or worse. */
  readonly console: string;
  /** Whether an earlier program left a file open. */
  readonly foundLeakedFile: boolean;
  /** What it reached of the code that is watched. */
  readonly coverage?: Coverage;
}

/** A RESULTS frame. */
export interface BatchResults {
  readonly batch: number;
  /** The programs that ended, in order; fewer than the batch has if the worker died. */
  readonly programs: readonly ProgramResults[];
  /** Counters of the worker after the batch; undefined if it did not end. */
  readonly left: Counters | undefined;
}

/** A payload in the memory that host and guest share. */
export interface Place {
  readonly offset: number;
  readonly bytes: number;
}

/** A DIED frame: where the worker was, and the signal that ended it. */
export interface Death {
  readonly batch: number;
  readonly program: number;
  readonly step: number;
  readonly signal: number;
  /** Of each lane the step that it ran plus 1, or 0. */
  readonly lanes: readonly number[];
}

/** @throws WireError for an agent of another version */
export function decodeHello(payload: Uint8Array): Hello {
  const lines = Buffer.from(payload).toString('utf8').split('\n');
  const values = new Map(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  if (values.get('wire') !== String(WIRE_VERSION)) {
    throw new WireError(
      `the agent speaks version ${values.get('wire') ?? '?'}, this is version ${String(WIRE_VERSION)}`,
    );
  }
  return {
    release: values.get('release') ?? '',
    version: values.get('version') ?? '',
    hasProgress: values.get('progress') === '1',
    hasHugePages: values.get('thp') === '1',
    hugePagesReserved: Number(values.get('hugetlb') ?? 0),
    canInject: values.get('failnth') === '1',
    hasKcov: values.get('kcov') === '1',
    hasIommufd: values.get('iommufd') === '1',
    hasVfioDevice: values.get('vfio') === '1',
    hasVfioPciDevice: values.get('vfio_pci') === '1',
  };
}

/**
 * @param programs the batch that was sent: results do not repeat what they are results of
 * @param isWatched whether the host has asked what code is reached
 */
export function decodeResults(
  payload: Uint8Array,
  programs: readonly RawProgram[],
  isWatched = false,
): BatchResults {
  const from = new ByteReader(payload);
  const batch = from.u32();
  const ended = from.u32();
  from.u32();
  if (ended > programs.length) throw new WireError('the agent reports more programs than it was given');
  const results = programs.slice(0, ended).map((program) => decodeProgram(from, program, isWatched));
  const left = from.left > 0 ? decodeCounters(from) : undefined;
  return { batch, programs: results, left };
}

export function decodeDeath(payload: Uint8Array): Death {
  const from = new ByteReader(payload);
  const [batch, program, step] = [from.u32(), from.u32(), from.u32()];
  const lanes = Array.from({ length: LANES_MAX }, () => from.u32());
  return { batch, program, step, lanes, signal: from.u32() };
}

/** What a frame of a payload that lies in the memory that host and guest share says. */
export function decodePlace(payload: Uint8Array): Place {
  const from = new ByteReader(payload);
  return { offset: from.u32(), bytes: from.u32() };
}

function decodeProgram(from: ByteReader, { steps }: RawProgram, isWatched: boolean): ProgramResults {
  const foundLeakedFile = from.u8() !== 0;
  const console = Buffer.from(from.bytes(from.u16())).toString('latin1');
  const strayWrites: StrayWrite[] = [];
  const returned = steps.map((step, index) => decodeStep(from, step, index, strayWrites));
  const results = { steps: returned, strayWrites, console, foundLeakedFile };
  return isWatched ? { ...results, coverage: decodeCoverage(from) } : results;
}

function decodeCoverage(from: ByteReader): Coverage {
  const isCut = from.u8() !== 0;
  return { isCut, numbers: from.u32s(from.u32()) };
}

const SUCCESS: Returned = { status: 'returned', errno: 0, value: 0, out: [] };

function decodeStep(from: ByteReader, step: RawStep, index: number, strayWrites: StrayWrite[]): Returned {
  const tag = from.u8();
  if (tag === 0) return SUCCESS;
  const errno = (tag & RESULT.ERRNO) === 0 ? 0 : from.u16();
  const value = (tag & RESULT.VALUE) === 0 ? (errno === 0 ? 0 : -1) : from.i32();
  const out = (tag & RESULT.CHANGED) === 0 ? [] : decodeChanges(from, step);
  const counters = (tag & RESULT.COUNTERS) === 0 ? undefined : decodeCounters(from);
  if ((tag & RESULT.STRAY) !== 0) strayWrites.push({ step: index, address: from.u64() });
  const injected = (tag & RESULT.INJECTED) === 0 ? undefined : decodeInjection(from);
  return {
    status: 'returned',
    errno,
    value,
    out,
    ...(counters === undefined ? {} : { counters }),
    ...(injected === undefined ? {} : { injected }),
  };
}

function decodeInjection(from: ByteReader): Injection {
  const code = from.u8();
  return INJECTIONS.find((name) => INJECTED[name] === code) ?? 'other';
}

function decodeChanges(from: ByteReader, step: RawStep): (Uint8Array | null)[] {
  const out = new Array<Uint8Array | null>(buffersOf(step).length).fill(null);
  for (let left = from.u8(); left > 0; left--) {
    const index = from.u8();
    out[index] = from.bytes(from.u16());
  }
  return out;
}

/** Bits of a counter that /proc shows in KiB and the agent tells in pages. */
const COUNTER_BITS = 62;

function decodeCounters(from: ByteReader): Counters {
  return { pinned: decodeCounter(from), locked: decodeCounter(from) };
}

/** A counter that went below 0 is shown as a huge number. */
function decodeCounter(from: ByteReader): number {
  return Number(BigInt.asIntN(COUNTER_BITS, from.u64()));
}
