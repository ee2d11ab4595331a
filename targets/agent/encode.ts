import { assert } from '../../models/base/assert.js';
import { GUARD_BYTES } from '../../models/program/buffers.js';
import { ARENA, GUARD_BYTE, GUARDED_REGIONS, HUGE, SCRATCH } from '../../models/program/arena.js';
import type {
  RawBuffer,
  RawIoctl,
  RawMmap,
  RawProgram,
  RawStep,
  RawTransfer,
} from '../../models/program/raw.js';
import { CAPABILITY_NUMBERS, MEMLOCK_DEFAULT_BYTES } from '../../models/program/credentials.js';
import { ByteWriter } from './cursor.js';
import type { Place } from './decode.js';
import type { WatchedCode } from '../kcov/watched_code.js';
import { ACCESS, COVERAGE, COVERAGE_RANGES_MAX, COVERAGE_SPACE, FD, NODE, OP, REGION } from './wire.js';

/** The payload of an ARENA frame. */
export function encodeArena(to: ByteWriter): void {
  to.u8(GUARD_BYTE);
  to.u32(Number(GUARD_BYTES));
  to.u64(MEMLOCK_DEFAULT_BYTES);
  to.u64(HUGE.start);
  to.u64(HUGE.bytes);
  to.u8(ARENA.length);
  for (const region of ARENA) {
    to.u64(region.start);
    to.u64(region.bytes);
    to.u8(ACCESS[region.access]);
    to.u8(
      (region.sharing === 'private' ? REGION.PRIVATE : 0) |
        (GUARDED_REGIONS.some(({ name }) => name === region.name || name === region.aliasOf)
          ? REGION.GUARDED
          : 0) |
        (region === SCRATCH ? REGION.SCRATCH : 0),
    );
    to.u8(ARENA.findIndex(({ name }) => name === region.aliasOf) + 1);
  }
}

/** The payload of a COVERAGE frame. */
export function encodeWatchedCode(to: ByteWriter, { tells, base, ranges }: WatchedCode): void {
  assert(ranges.length <= COVERAGE_RANGES_MAX, 'the ranges of code fit in a frame');
  to.u8(COVERAGE[tells]);
  to.u64(base);
  to.u32(ranges.length);
  for (const { start, end } of ranges) {
    assert(start <= end && end <= COVERAGE_SPACE, 'a range of code is near the first');
    to.u32(start);
    to.u32(end);
  }
}

/** Where a payload lies in the memory that host and guest share. */
export function encodePlace({ offset, bytes }: Place): Uint8Array {
  const to = new ByteWriter();
  to.u32(offset);
  to.u32(bytes);
  return to.bytes;
}

/** The payload of a RUN frame. */
export function encodeBatch(to: ByteWriter, batch: number, programs: readonly RawProgram[]): void {
  to.u32(batch);
  to.u32(programs.length);
  for (const program of programs) encodeProgram(to, program);
}

function encodeProgram(to: ByteWriter, { steps }: RawProgram): void {
  to.u16(steps.length);
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at];
    if (step?.do === 'lanes') at = encodeLanes(to, steps, at);
    else if (step !== undefined) encodeStep(to, step);
  }
}

/**
 * Lanes with their steps, and before them how many bytes those of each take, so that all can begin at once.
 * @returns the index of the last of their steps
 */
function encodeLanes(to: ByteWriter, steps: readonly RawStep[], at: number): number {
  const counts = steps[at]?.do === 'lanes' ? steps[at].counts : [];
  let next = at + 1;
  const lanes = counts.map((count) => {
    const lane = new ByteWriter();
    for (const step of steps.slice(next, next + count)) encodeStep(lane, step);
    next += count;
    return { count, bytes: lane.bytes };
  });
  to.u8(OP.LANES);
  to.u8(lanes.length);
  for (const { count, bytes } of lanes) {
    to.u8(count);
    to.u32(bytes.length);
  }
  for (const { bytes } of lanes) to.append(bytes);
  return next - 1;
}

function encodeStep(to: ByteWriter, step: RawStep): void {
  if (step.do === 'pass') {
    to.u8(OP.PASS);
    encodeHalf(to, step.by, OP.SEND, step.slot);
    encodeHalf(to, step.to, OP.RECEIVE, step.as);
    return;
  }
  encodePerformer(to, step.by);
  if (step.failNth !== undefined) {
    to.u8(OP.FAIL_NTH);
    to.u16(step.failNth);
  }
  to.u8(opOf(step));
  switch (step.do) {
    case 'open':
      to.u8(step.slot);
      to.u8(step.isReadOnly ? 1 : 0);
      to.u8(NODE[step.node ?? 'iommu']);
      return;
    case 'memfd':
      to.u8(step.slot);
      to.u64(step.bytes);
      to.u8(step.isHuge ? 1 : 0);
      to.u8(step.isFallocated ? 1 : 0);
      return;
    case 'truncate':
      to.u8(step.slot);
      to.u64(step.bytes);
      return;
    case 'dup':
      to.u8(step.slot);
      to.u8(step.as);
      return;
    case 'close':
    case 'poll':
      to.u8(step.slot);
      return;
    case 'ioctl':
      encodeIoctl(to, step);
      return;
    case 'read':
    case 'write':
      encodeTransfer(to, step);
      return;
    case 'mmap':
      encodeMmap(to, step);
      return;
    case 'mremap':
      to.u64(step.start);
      to.u64(step.bytes);
      to.u64(step.newBytes);
      to.u64(step.to ?? 0n);
      return;
    case 'mprotect':
      to.u8(ACCESS[step.access]);
      to.u64(step.start);
      to.u64(step.bytes);
      return;
    case 'munmap':
      to.u64(step.start);
      to.u64(step.bytes);
      return;
    case 'process':
      to.u8(step.drop.length);
      for (const capability of step.drop) to.u8(CAPABILITY_NUMBERS[capability]);
      to.u8(step.memlockBytes === undefined ? 0 : 1);
      if (step.memlockBytes !== undefined) to.u64(step.memlockBytes);
      return;
    case 'fork':
      to.u8(step.process);
      return;
    case 'cloexec':
      to.u8(step.slot);
      to.u8(step.isSet ? 1 : 0);
      return;
    case 'counters':
    case 'exec':
    case 'exit':
    case 'lanes':
      return;
  }
}

function encodePerformer(to: ByteWriter, by: number | undefined): void {
  if (by === undefined) return;
  to.u8(OP.BY);
  to.u8(by);
}

/** What one of the two processes does that a descriptor passes between; 0 is the first. */
function encodeHalf(to: ByteWriter, by: number | undefined, op: number, slot: number): void {
  encodePerformer(to, by === 0 ? undefined : by);
  to.u8(op);
  to.u8(slot);
}

function opOf({ do: name }: RawStep): number {
  return OP[name.toUpperCase() as Uppercase<RawStep['do']>];
}

function encodeMmap(to: ByteWriter, { access, start, bytes, isPrivate, isHuge, file }: RawMmap): void {
  to.u8(ACCESS[access]);
  to.u64(start);
  to.u64(bytes);
  to.u8(isPrivate ? 1 : 0);
  to.u8(isHuge ? 1 : 0);
  to.u8(file === undefined ? 0 : 1);
  to.u8(file?.slot ?? 0);
  to.u64(file?.offset ?? 0n);
}

function encodeTransfer(to: ByteWriter, { slot, address, bytes, offset, buffers }: RawTransfer): void {
  to.u8(slot);
  to.u64(address);
  to.u32(bytes);
  to.u8(offset === undefined ? 0 : 1);
  to.u64(BigInt.asUintN(64, offset ?? 0n));
  encodeBuffers(to, buffers);
}

function encodeBuffers(to: ByteWriter, buffers: readonly RawBuffer[]): void {
  to.u8(buffers.length);
  for (const { address, bytes } of buffers) {
    to.u64(address);
    to.u16(bytes.length);
    to.append(bytes);
  }
}

function encodeIoctl(to: ByteWriter, { slot, command, arg, buffers, patches, fds }: RawIoctl): void {
  to.u8(slot);
  encodeBuffers(to, buffers);
  to.u8(patches.length);
  to.u32(command);
  to.u64(arg);
  for (const { buffer, bytes, offset, from, plus } of patches) {
    to.u8(buffer);
    to.u8(bytes);
    to.u16(offset);
    to.u16(from.step);
    to.u8(from.buffer);
    to.u16(from.offset);
    to.u64(BigInt.asUintN(64, plus));
  }
  to.u8(fds.length);
  for (const place of fds) {
    to.u8(FD[place.direction]);
    to.u8('buffer' in place ? place.buffer : 0);
    to.u16('offset' in place ? place.offset : 0);
    to.u8(place.slot);
  }
}
