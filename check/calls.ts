import { readNumber, readU32, viewOf } from '../models/base/bytes.js';
import { maxU64, minU64 } from '../models/base/u64.js';
import type { CallDescription } from '../models/ioctls/description.js';
import { callByCommand, testOpByNumber } from '../models/ioctls/index.js';
import type { Member } from '../models/layout/struct.js';
import type { Returned } from '../models/outcome.js';
import { type HiddenFd, type RawBuffer, type RawFd, type RawIoctl, handleOf } from '../models/program/raw.js';
import { ROLE } from '../targets/trace/format.js';
import type { TracePart, TraceRecord } from '../targets/trace/reader.js';
import type { TracedProcess } from './process.js';

/** A member of a trace's record that says how many bytes. */
export function numberOf({ members }: TraceRecord, name: string): number {
  return Number(BigInt.asIntN(64, members[name] ?? 0n));
}

/** The call that a record is of, if the model describes it. */
export function describedCall(record: TraceRecord): CallDescription | undefined {
  const call = callByCommand(Number(record.members.command));
  const struct = record.parts[0]?.bytes;
  const op = call?.layout.memberOf('op');
  if (call === undefined || struct === undefined || op === undefined || !call.name.endsWith('TEST_CMD')) {
    return call;
  }
  return op.offset + 4 <= struct.length ? (testOpByNumber(readU32(struct, op.offset)) ?? call) : call;
}

/** What a call is called in reports. */
export function nameOf(record: TraceRecord): string {
  if (record.kind !== 'ioctl') return record.kind;
  const call = describedCall(record);
  return call?.name ?? `ioctl 0x${(record.members.command ?? 0n).toString(16)}`;
}

/** What came back of a record's call, but for buffers. */
export function returnedOf({ result }: TraceRecord, out: Returned['out'] = []): Returned {
  return result < 0n
    ? { status: 'returned', errno: Number(-result), value: -1, out }
    : { status: 'returned', errno: 0, value: Number(result), out };
}

/** An ioctl as the model takes it, and what the kernel answered. */
export interface IoctlOfTrace {
  readonly step: RawIoctl;
  readonly call: CallDescription | undefined;
  readonly seen: Returned;
  /** A new descriptor: the number that the kernel gave it and its slot. */
  readonly newFd: number | undefined;
}

/** Translates an ioctl; descriptors become the handles that the model has for them. */
export function ioctlOf(record: TraceRecord, process: TracedProcess, slot: number): IoctlOfTrace {
  const call = describedCall(record);
  const before = record.parts.filter(({ role }) => role === ROLE.BEFORE);
  const buffers: RawBuffer[] = before.map(({ address, bytes }) => ({ address, bytes: bytes.slice() }));
  const given = before[0]?.address === record.members.argument ? buffers[0]?.bytes : undefined;
  const out = before.map((part, index) =>
    index === 0 || isWritten(call, given, part.address)
      ? changeOf(record, part, before.slice(0, index))
      : null,
  );
  const hasSucceeded = record.result >= 0n;
  const answer = hasSucceeded ? (out[0] ?? undefined) : undefined;
  const newFd = newFdOf(call, answer);
  return {
    step: {
      do: 'ioctl',
      by: process.index,
      slot,
      command: Number(record.members.command),
      arg: record.members.argument ?? 0n,
      buffers,
      patches: [],
      fds: [
        ...passedFds(call, given, out[0] ?? undefined, process),
        ...givenFds(call, answer, newFd, process),
      ],
    },
    call,
    seen: returnedOf(record, out),
    newFd,
  };
}

/**
 * What a piece of memory became, but for the bytes that an earlier piece has as well; null where it did not change. Only what
 * the kernel may write is looked at: other threads change memory too.
 */
function changeOf(
  { parts }: TraceRecord,
  { address, bytes }: TracePart,
  earlier: readonly TracePart[],
): Uint8Array | null {
  const after = parts.find((part) => part.role === ROLE.AFTER && part.address === address);
  if (after === undefined) return null;
  const changed = after.bytes.slice();
  for (const other of earlier) {
    const from = Number(maxU64(other.address, address) - address);
    const to = Number(
      minU64(other.address + BigInt(other.bytes.length), address + BigInt(changed.length)) - address,
    );
    if (from < to) changed.set(bytes.subarray(from, to), from);
  }
  return changed;
}

/** Whether the kernel writes to what the pointer with a value leads to. */
function isWritten(
  call: CallDescription | undefined,
  struct: Uint8Array | undefined,
  address: bigint,
): boolean {
  return (call?.layout.members ?? []).some(({ field, offset }) => {
    if (field.role.is !== 'array' || struct === undefined || offset + field.bytes > struct.length)
      return false;
    return field.role.direction !== 'in' && readNumber(struct, offset, field.bytes) === address;
  });
}

/** Puts handles in the place of the descriptors that a struct passes, and that come back as they went. */
function passedFds(
  call: CallDescription | undefined,
  struct: Uint8Array | undefined,
  answer: Uint8Array | undefined,
  process: TracedProcess,
): RawFd[] {
  const members = (call?.layout.members ?? []).filter(isFd).filter(({ field }) => field.direction !== 'out');
  return members.flatMap((member): RawFd[] => {
    const fd = fdAt(struct, member);
    const slot = fd === undefined ? undefined : process.slotOf(fd);
    if (slot === undefined || struct === undefined) return [];
    putHandle(struct, member, slot);
    if (answer !== undefined && fdAt(answer, member) === fd) putHandle(answer, member, slot);
    return [{ direction: 'in', buffer: 0, offset: member.offset, slot }];
  });
}

/** Puts a handle in the place of the descriptor that a call has made. */
function givenFds(
  call: CallDescription | undefined,
  answer: Uint8Array | undefined,
  fd: number | undefined,
  process: TracedProcess,
): (RawFd | HiddenFd)[] {
  const place = call?.newFd;
  if (place === undefined) return [];
  if ('hidden' in place) return [{ direction: 'hidden', slot: process.freeSlot() }];
  const slot = fd === undefined ? process.freeSlot() : process.takeSlot(fd);
  if (answer !== undefined && fd !== undefined) putHandle(answer, place, slot);
  return [{ direction: 'out', buffer: 0, offset: place.offset, slot }];
}

function newFdOf(call: CallDescription | undefined, answer: Uint8Array | undefined): number | undefined {
  const place = call?.newFd;
  return place === undefined || 'hidden' in place ? undefined : fdAt(answer, place);
}

function isFd({ field }: Member): boolean {
  return field.role.is === 'fd';
}

function fdAt(struct: Uint8Array | undefined, { offset, field }: Member): number | undefined {
  if (struct === undefined || offset + field.bytes > struct.length) return undefined;
  return viewOf(struct).getInt32(offset, true);
}

function putHandle(struct: Uint8Array, { offset }: Member, slot: number): void {
  viewOf(struct).setUint32(offset, handleOf(slot), true);
}
