import { PAGE_SIZE, U64_MAX } from '../../models/base/u64.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import { callByName } from '../../models/ioctls/index.js';
import type { Role } from '../../models/layout/field.js';
import type { Member } from '../../models/layout/struct.js';
import { IOVA_RANGE } from '../../models/layout/iova_range.js';
import { EDGE_BYTES_MAX, HOLE } from '../../models/program/arena.js';
import {
  type ArrayOperand,
  type ArrayPlace,
  type IoctlStep,
  type Operand,
  type Step,
  type StructPlace,
  isArray,
  isReference,
} from '../../models/program/program.js';
import { bitmapWords, disturbFrame, isAnyData } from '../generate/calls.js';
import type { Picks } from '../generate/picks.js';
import type { GeneratorState } from '../generate/state.js';
import { NO_SUCH_ID } from '../generate/state.js';
import { changeNumber } from './values.js';

/** Of so many altered calls, one has its struct longer, shorter, elsewhere, or goes to another command. */
const FRAMES_ONE_IN = 6;

/** The most members of a call that change at a time. */
const MEMBERS_MAX = 2;

/** The largest file of memory that a change makes, in pages. */
const FILE_PAGES_MAX = 8n;

/** A step with some of its arguments changed; the same step where there is nothing to change. */
export function alterStep(step: Step, state: GeneratorState, picks: Picks): Step {
  switch (step.do) {
    case 'ioctl':
      return alterCall(step, state, picks);
    case 'read':
      return picks.rarely(3)
        ? { ...step, at: anyPlace(step.bytes, picks) }
        : { ...step, bytes: smallNumber(step.bytes, 64, picks) };
    case 'write':
      return picks.rarely(3)
        ? { ...step, at: anyPlace(step.words.length * 4, picks) }
        : { ...step, words: alterWords(step.words, picks) };
    case 'mmap':
    case 'mprotect':
      return picks.rarely(3)
        ? { ...step, access: picks.one(['rw', 'ro', 'none'] as const) }
        : { ...step, ...moveRange(step, picks) };
    case 'munmap':
      return { ...step, ...moveRange(step, picks) };
    case 'memfd':
    case 'truncate':
      return { ...step, bytes: fileBytes(step.bytes, picks) };
    case 'process':
      return { ...step, memlock: BigInt(picks.below(9)) * PAGE_SIZE };
    default:
      return step;
  }
}

function alterCall(step: IoctlStep, state: GeneratorState, picks: Picks): IoctlStep {
  const call = callByName(step.call);
  if (call === undefined) return step;
  if (call.argument === 'struct' && picks.rarely(FRAMES_ONE_IN)) return disturbFrame(step, call, picks);
  const members = call.layout.members.filter(({ name, field }) =>
    isOpen(name, field.role, call, field.direction),
  );
  const args: Record<string, Operand> = { ...step.args };
  for (let count = 1 + picks.below(MEMBERS_MAX); count > 0; count--) {
    const member = picks.any(members);
    if (member === undefined) break;
    const operand = alterMember(member, args[member.name], state, picks);
    if (operand !== undefined) args[member.name] = operand;
  }
  return { ...step, args: fitBuffers(args, call) };
}

/** Buffers whose room follows from other members go to where there is no memory when that room is no longer there. */
function fitBuffers(args: Record<string, Operand>, { layout }: CallDescription): Record<string, Operand> {
  const numberOf = (role: Role['is']): bigint => {
    const member = layout.members.find(({ field }) => field.role.is === role);
    const operand = member === undefined ? undefined : args[member.name];
    if (operand === undefined) return 0n;
    return typeof operand === 'object' ? U64_MAX : BigInt(operand);
  };
  const length = numberOf('length');
  const fitted = layout.members.flatMap(({ name, field: { role } }): [string, Operand][] => {
    const operand = args[name];
    if (role.is !== 'array' || operand === undefined || !isArray(operand) || !('words' in operand)) return [];
    const words =
      role.element === 'bitmap_word'
        ? bitmapWords(length, numberOf('granule'), role.direction)
        : isAnyData(role)
          ? Number((length + 3n) / 4n)
          : 0;
    return operand.words.length < words ? [[name, HOLE]] : [];
  });
  return { ...args, ...Object.fromEntries(fitted) };
}

/** What the assembler fills in, and what only the kernel writes, stays as it is. */
function isOpen(name: string, { is }: Role, call: CallDescription, direction: string): boolean {
  return direction !== 'out' && is !== 'size' && !(name === 'op' && call.op !== undefined);
}

/** The new operand of a member; undefined to leave it as it is. */
function alterMember(
  { field }: Member,
  operand: Operand | undefined,
  state: GeneratorState,
  picks: Picks,
): Operand | undefined {
  const { role } = field;
  if (operand !== undefined && isArray(operand)) return alterArray(operand, picks);
  const constant = operand === undefined || typeof operand === 'object' ? 0n : BigInt(operand);
  switch (role.is) {
    case 'size':
      return undefined;
    case 'id':
      return alterId(role.of, state, picks);
    case 'fd':
      return state.drawFd(role.of, picks).operand;
    case 'flags':
      return alterFlags(Number(constant), Object.values(role.bits), picks);
    case 'choice':
      return alterChoice(Object.values(role.values), picks);
    case 'reserved':
      return picks.one([1, 0]);
    case 'array':
      // Other addresses may be the memory of whoever runs the program.
      return picks.one([HOLE, 0n]);
    case 'count':
    case 'array_bytes':
      // More than there is room for would be written over what lies behind.
      return constant === 0n ? undefined : Number(constant) - 1 - picks.below(Number(constant));
    case 'element_bytes':
      return picks.below(2 * Number(constant) + 2);
    case 'iova':
    case 'length':
    case 'granule':
    case 'user_va':
    case 'offset':
    case 'number':
      if (operand !== undefined && typeof operand === 'object' && isReference(operand)) {
        return { ...operand, plus: BigInt(changeNumber(operand.plus ?? 0n, field, picks)) };
      }
      return changeNumber(constant, field, picks);
  }
}

/** Another object of the right type, one of a wrong one, one that is gone, or nothing. */
function alterId(types: readonly string[], state: GeneratorState, picks: Picks): Operand {
  switch (picks.below(6)) {
    case 0:
      return picks.one([0, 0xffff_ffff, NO_SUCH_ID, 0x7fff_ffff, 0x8000_0000]);
    case 1:
      return state.staleId(picks) ?? NO_SUCH_ID;
    case 2:
      return state.drawId(state.types(), picks).operand;
    default:
      return state.drawId(types, picks).operand;
  }
}

/** One known bit more or less, an unknown one, all known ones, or none. */
function alterFlags(flags: number, bits: readonly number[], picks: Picks): number {
  const all = bits.reduce((sum, bit) => sum | bit, 0);
  const bit = picks.any(bits) ?? 1;
  const changed = picks.one([flags ^ bit, flags ^ bit, flags ^ bit, all, 0, flags | (1 << picks.below(32))]);
  return changed >>> 0;
}

function alterChoice(values: readonly number[], picks: Picks): number {
  const beyond = Math.max(0, ...values) + 1;
  return picks.rarely(4) ? beyond : (picks.any(values) ?? 0);
}

function alterArray(operand: ArrayOperand, picks: Picks): ArrayOperand {
  if (picks.rarely(3)) return { ...operand, in: arrayPlace(operand, picks) };
  if ('words' in operand) {
    const at = picks.below(Math.max(operand.words.length, 1));
    const words = operand.words.map((word, index) =>
      index === at && typeof word !== 'object' ? changeNumber(BigInt(word), WORD, picks) : word,
    );
    return { ...operand, words };
  }
  if ('room' in operand) return { ...operand, room: operand.room + picks.one([1, 2]) };
  const at = picks.below(Math.max(operand.ranges.length, 1));
  const ranges = operand.ranges.map(([start, last], index): (typeof operand.ranges)[number] => {
    if (index !== at || typeof start === 'object' || typeof last === 'object') return [start, last];
    return picks.below(2) === 0
      ? [changeNumber(BigInt(start), LONG, picks), last]
      : [start, changeNumber(BigInt(last), LONG, picks)];
  });
  return { ...operand, ranges };
}

const WORD = { bytes: 4, signed: false } as const;
const LONG = { bytes: 8, signed: false } as const;

function arrayPlace(operand: ArrayOperand, picks: Picks): ArrayPlace {
  const elements =
    'words' in operand
      ? operand.words.length * 4
      : 'ranges' in operand
        ? operand.ranges.length
        : operand.room;
  const beforeEdge = 'words' in operand ? EDGE_BYTES_MAX : EDGE_BYTES_MAX / IOVA_RANGE.bytes;
  return picks.one<ArrayPlace>([
    'args',
    'sealed',
    { edge: picks.below(Math.min(elements, beforeEdge) + 1) },
    { page_offset: picks.below(0x1000) },
  ]);
}

function anyPlace(bytes: number, picks: Picks): StructPlace {
  return picks.one<StructPlace>([
    'args',
    'sealed',
    'hole',
    'null',
    { edge: picks.below(Math.min(bytes, EDGE_BYTES_MAX) + 1) },
  ]);
}

/** Around a small number, or another up to a limit. */
function smallNumber(value: number, limit: number, picks: Picks): number {
  return Math.max(0, picks.one([value + 1, value - 1, value * 2, picks.below(limit), 0]));
}

function alterWords(words: readonly number[], picks: Picks): readonly number[] {
  switch (picks.below(3)) {
    case 0:
      return words.slice(0, -1);
    case 1:
      return [...words, picks.below(3)];
    default: {
      const at = picks.below(Math.max(words.length, 1));
      return words.map((word, index) =>
        index === at ? Number(changeNumber(BigInt(word), WORD, picks)) : word,
      );
    }
  }
}

function moveRange(
  { start, bytes }: { readonly start: bigint; readonly bytes: bigint },
  picks: Picks,
): { start: bigint; bytes: bigint } {
  const page = picks.one([PAGE_SIZE, -PAGE_SIZE]);
  return picks.below(2) === 0 ? { start: start + page, bytes } : { start, bytes: bytes + page };
}

/** Small, since each page of it is memory; those of huge pages keep to their size or are refused. */
function fileBytes(bytes: bigint, picks: Picks): bigint {
  const changed = picks.one([
    bytes + PAGE_SIZE,
    bytes - PAGE_SIZE,
    bytes - 1n,
    bytes / 2n,
    BigInt(picks.below(Number(FILE_PAGES_MAX))) * PAGE_SIZE,
  ]);
  const isLarge = bytes > FILE_PAGES_MAX * PAGE_SIZE;
  return changed < 0n || isLarge || changed > FILE_PAGES_MAX * PAGE_SIZE ? bytes : changed;
}
