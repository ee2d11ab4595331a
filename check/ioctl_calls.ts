import { PAGE_SIZE, U64_MAX, alignUp, minU64 } from '../models/base/u64.js';
import type { CallDescription } from '../models/ioctls/description.js';
import type { StructLayout } from '../models/layout/struct.js';
import { readMember } from '../models/layout/struct.js';
import type { FieldTable, Role } from '../models/layout/field.js';
import { viewOf } from '../models/base/bytes.js';
import { PART_BYTES_MAX, ROLE } from '../targets/trace/format.js';
import type { TraceRecord } from '../targets/trace/reader.js';
import { type CallToJudge, unspecified } from './call_to_judge.js';
import { describedCall, ioctlOf, numberOf } from './calls.js';
import type { Judgement } from './judge.js';
import { filesOf, mapsOf } from './lines.js';

/** Bytes of the first member of every struct. */
const SIZE_BYTES = 4n;

/** Holds an ioctl against the model. */
export function judgeIoctl(c: CallToJudge): Judgement {
  const { record, process, judge } = c;
  const { memlock = 0n, capabilities = 0n } = record.members;
  const slot = process.slotOf(numberOf(record, 'fd'));
  if (slot === undefined) return unspecified('the model does not know the file');
  const call = describedCall(record);
  const range = memoryOf(record, call);
  process.setCredentials(memlock, capabilities);
  learnMemory(c, call, range);
  if (!passKnownFiles(c, call))
    return unspecified('a file that the call passes is of a kind that the model does not know');
  const { step, seen, newFd } = ioctlOf(record, process, slot);
  const seePinned = () => {
    process.space.witnessPin(range?.start ?? 0n, range?.end ?? U64_MAX);
  };
  const judgement = judge.judge({ step, call, seen, seePinned });
  const distrust = () => {
    if (newFd === undefined || process.fileOf(newFd) !== undefined) return;
    process.distrust(newFd, `the model does not know what ${call?.name ?? 'a call'} made`);
  };
  const { adopt } = judgement;
  if (adopt === undefined) {
    distrust();
    return judgement;
  }
  return {
    ...judgement,
    adopt: () => {
      const adopted = adopt();
      distrust();
      return adopted;
    },
  };
}

/** The user memory that a call names. */
function memoryOf(
  record: TraceRecord,
  call: CallDescription | undefined,
): { readonly start: bigint; readonly end: bigint } | undefined {
  const struct = record.parts.find(({ role }) => role === ROLE.BEFORE)?.bytes;
  if (call === undefined || struct === undefined) return undefined;
  const start = memberOfRole(call.layout, struct, 'user_va');
  const length = memberOfRole(call.layout, struct, 'length');
  if (start === undefined || length === undefined || length === 0n) return undefined;
  return { start: start & -PAGE_SIZE, end: alignUp(minU64(start + length, U64_MAX), PAGE_SIZE) };
}

function memberOfRole(
  { members }: StructLayout<FieldTable>,
  struct: Uint8Array,
  is: Role['is'],
): bigint | undefined {
  const member = members.find(({ field }) => field.role.is === is);
  if (member === undefined || member.offset + member.field.bytes > struct.length) return undefined;
  return BigInt(readMember(member, viewOf(struct)));
}

/** Takes over what a record tells of the memory of its process. */
function learnMemory(
  { record, process: { space } }: CallToJudge,
  call: CallDescription | undefined,
  range: ReturnType<typeof memoryOf>,
): void {
  const hasMaps = record.parts.some(({ role }) => role === ROLE.MAPS);
  if (hasMaps && range !== undefined) space.learn(range.start, range.end, mapsOf(record, ROLE.MAPS));
  const [struct] = record.parts;
  if (struct?.role !== ROLE.BEFORE && call?.argument === 'struct') {
    const argument = record.members.argument ?? 0n;
    space.witnessHole(minU64(argument + SIZE_BYTES - 1n, U64_MAX));
  }
  for (const { role, address, bytes, wanted } of record.parts) {
    if (role !== ROLE.BEFORE && role !== ROLE.AFTER) continue;
    const count = BigInt(bytes.length);
    space.witness(address, count, role === ROLE.AFTER ? 'rw' : 'ro');
    if (count < wanted && bytes.length < PART_BYTES_MAX) space.witnessHole(minU64(address + count, U64_MAX));
  }
}

/** Sees to it that the model has the files that a call passes; false if one is of another kind. */
function passKnownFiles(
  { record, process, processes, world }: CallToJudge,
  call: CallDescription | undefined,
): boolean {
  const passes = call?.layout.members.some(
    ({ field }) => field.role.is === 'fd' && field.direction !== 'out',
  );
  if (passes !== true) return true;
  return filesOf(record, ROLE.FILES).every((line) => {
    const file = processes.memoryFile(line);
    if (file === undefined) return process.slotOf(line.fd) !== undefined;
    if (process.fileOf(line.fd) !== file) world.fds.install(process.takeSlot(line.fd), file);
    return true;
  });
}
