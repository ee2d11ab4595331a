import { readU32, viewOf } from '../models/base/bytes.js';
import { PAGE_SIZE, alignUp, hex } from '../models/base/u64.js';
import { predictStep } from '../models/predict_step.js';
import type { RawBuffer, RawStep } from '../models/program/raw.js';
import { DEVICE, type KindName, ROLE } from '../targets/trace/format.js';
import type { TraceRecord } from '../targets/trace/reader.js';
import { type CallToJudge, unspecified } from './call_to_judge.js';
import { numberOf, returnedOf } from './calls.js';
import type { Judgement } from './judge.js';
import { accessOf } from './lines.js';
import { MAP, O_ACCMODE, O_RDONLY, POLL_ALWAYS, PROT } from './numbers.js';

const UNKNOWN_FILE = 'the model does not know the file';

/** How calls other than ioctl are held against the model, by the kind of their records. */
export const FILE_CALLS: Partial<Record<KindName, (c: CallToJudge) => Judgement | undefined>> = {
  open,
  close,
  dup,
  read: transfer,
  write: transfer,
  poll,
  mmap,
};

function open({ record, process, judge }: CallToJudge): Judgement | undefined {
  const device = numberOf(record, 'device');
  const fd = Number(record.result);
  if (fd < 0) return unspecified('when a device cannot be opened is not described');
  if (device !== DEVICE.IOMMUFD) {
    process.distrust(fd, 'files of VFIO are not described');
    return undefined;
  }
  const isReadOnly = (numberOf(record, 'flags') & O_ACCMODE) === O_RDONLY;
  const step: RawStep = {
    do: 'open',
    by: process.index,
    slot: process.takeSlot(fd),
    isReadOnly,
    node: undefined,
  };
  return judge.judge({ step, seen: { ...returnedOf(record), value: 0 } });
}

function close({ record, process, judge }: CallToJudge): Judgement {
  const fd = numberOf(record, 'fd');
  const slot = process.slotOf(fd);
  if (slot === undefined) return unspecified(UNKNOWN_FILE);
  const judgement = judge.judge({ step: { do: 'close', by: process.index, slot }, seen: returnedOf(record) });
  process.forget(fd);
  return judgement;
}

function dup({ record, process, judge }: CallToJudge): Judgement {
  const fd = numberOf(record, 'fd');
  const slot = process.slotOf(fd);
  if (slot === undefined || record.result < 0n) {
    if (record.result >= 0n)
      process.distrust(Number(record.result), process.unknownBecause(fd) ?? UNKNOWN_FILE);
    return unspecified(
      slot === undefined ? UNKNOWN_FILE : 'when a descriptor cannot be copied is not described',
    );
  }
  const step: RawStep = { do: 'dup', by: process.index, slot, as: process.takeSlot(Number(record.result)) };
  return judge.judge({ step, seen: { ...returnedOf(record), value: 0 } });
}

function transfer({ record, process, judge }: CallToJudge): Judgement {
  const slot = process.slotOf(numberOf(record, 'fd'));
  const pieces = record.parts.filter(({ role }) => role === ROLE.BEFORE || role === ROLE.AFTER);
  const [piece] = pieces;
  if (slot === undefined) return unspecified(UNKNOWN_FILE);
  if (pieces.length > 1) return unspecified('transfers of several pieces are not described');
  const isRead = record.kind === 'read';
  const offset = numberOf(record, 'offset');
  const bytes = piece?.bytes ?? new Uint8Array();
  const address = piece?.address ?? 0n;
  process.space.witness(address, BigInt(bytes.length), isRead ? 'rw' : 'ro');
  const buffer: RawBuffer = { address, bytes: isRead ? new Uint8Array(bytes.length) : bytes };
  const step: RawStep = {
    do: isRead ? 'read' : 'write',
    by: process.index,
    slot,
    address,
    bytes: Number(piece?.wanted ?? 0n),
    offset: offset < 0 ? undefined : BigInt(offset),
    buffers: [buffer],
  };
  return judge.judge({ step, seen: returnedOf(record, [isRead ? bytes : null]) });
}

/** struct pollfd: the descriptor, what is asked for and what there is. Source: asm-generic/poll.h. */
const POLLFD = { BYTES: 8, EVENTS: 4, REVENTS: 6 } as const;

function poll({ record, process, judge, world }: CallToJudge): Judgement {
  const before = record.parts.find(({ role }) => role === ROLE.BEFORE)?.bytes;
  const after = record.parts.find(({ role }) => role === ROLE.AFTER)?.bytes ?? before;
  if (after === undefined || record.result < 0n) return unspecified('when poll fails is not described');
  const view = viewOf(after);
  const wrong: string[] = [];
  for (let at = 0; at + POLLFD.BYTES <= after.length; at += POLLFD.BYTES) {
    const fd = readU32(after, at);
    const slot = process.slotOf(fd);
    if (slot === undefined) continue;
    const prediction = predictStep(world, judge.behaviour, { do: 'poll', by: process.index, slot }, 'exact');
    if (prediction.kind === 'unspecified') return unspecified(prediction.why);
    const ready = prediction.branches[0]?.enact().returned.value ?? 0;
    const expected = ready & (view.getUint16(at + POLLFD.EVENTS, true) | POLL_ALWAYS);
    const got = view.getUint16(at + POLLFD.REVENTS, true);
    if (got !== expected)
      wrong.push(`events of descriptor ${String(fd)}: allowed ${hex(expected)}, seen ${hex(got)}`);
  }
  if (wrong.length === 0) return { verdict: { kind: 'exact', because: 'poll/OK' }, isFollowed: true };
  return {
    verdict: {
      kind: 'mismatch',
      allowed: [{ answer: 'OK', because: 'poll/OK' }],
      seen: 'OK',
      places: wrong,
      onward: 'nothing is changed by it',
    },
    isFollowed: true,
  };
}

/** mmap of an iommufd; of anything else it is a change of the address space. */
function mmap({ record, process, processes, judge }: CallToJudge): Judgement | undefined {
  if (numberOf(record, 'device') !== DEVICE.IOMMUFD) {
    processes.follow(record);
    return undefined;
  }
  const slot = process.slotOf(numberOf(record, 'fd'));
  if (slot === undefined) return unspecified(UNKNOWN_FILE);
  const start = record.result < 0n ? 0n : record.result;
  const bytes = alignUp(record.members.length ?? 0n, PAGE_SIZE);
  const step = mmapStep(record, process.index, slot, start, bytes);
  const judgement = judge.judge({ step, seen: { ...returnedOf(record), value: 0 } });
  if (record.result >= 0n) {
    if (judgement.verdict.kind === 'mismatch') processes.follow(record);
    else process.space.noteRegion(start, start + bytes, step.access === 'rwx' ? 'rw' : step.access);
  }
  return judgement;
}

function mmapStep(
  record: TraceRecord,
  by: number,
  slot: number,
  start: bigint,
  bytes: bigint,
): Extract<RawStep, { do: 'mmap' }> {
  const protection = numberOf(record, 'protection');
  const access = accessOf((protection & PROT.READ) !== 0, (protection & PROT.WRITE) !== 0);
  return {
    do: 'mmap',
    by,
    start,
    bytes,
    access: (protection & PROT.EXEC) === 0 ? access : 'rwx',
    isPrivate: (numberOf(record, 'flags') & MAP.PRIVATE) !== 0,
    isHuge: false,
    file: { slot, offset: record.members.offset ?? 0n },
  };
}
