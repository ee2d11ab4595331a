import { PAGE_SIZE, U64_MAX } from '../../models/base/u64.js';
import type { Field, Role } from '../../models/layout/field.js';
import { ARENA } from '../../models/program/arena.js';
import {
  type ArrayOperand,
  type Operand,
  type Scalar,
  isArray,
  isFd,
  isReference,
} from '../../models/program/program.js';
import { listsWithOneChanged } from './one_step.js';

/** Operands that are simpler than one, the simplest first; without those that leave the member 0. */
export function simplerOperands(operand: Operand, field: Field<number> | Field<bigint>): Operand[] {
  if (isFd(operand)) return [];
  return isArray(operand) ? simplerArrays(operand) : simplerScalars(operand, field.role);
}

function simplerScalars(scalar: Scalar, role?: Role): Scalar[] {
  if (isReference(scalar)) return scalar.plus === undefined ? [] : [{ ref: scalar.ref }];
  return simplerNumbers(BigInt(scalar), role).map((value) => like(scalar, value));
}

/** As the value was written. */
function like(scalar: number | bigint, value: bigint): number | bigint {
  return typeof scalar === 'number' ? Number(value) : value;
}

/** Numbers that are simpler than one; what they can be at their simplest depends on what they mean. */
function simplerNumbers(value: bigint, role?: Role): bigint[] {
  if (value <= 1n) return value < 0n ? [0n] : [];
  const smaller = [...usualValues(value, role), ...(role?.is === 'flags' ? [] : rounded(value))].filter(
    (candidate) => candidate > 0n && candidate < value,
  );
  const isRound = isPowerOfTwo(value) || LARGEST.includes(value);
  return [...new Set([...smaller, ...(value > LARGE && !isRound ? LARGEST : [])])];
}

/** What makes sums overflow is near the end of what can be counted; these are the simplest of such numbers. */
const LARGEST: readonly bigint[] = [U64_MAX - PAGE_SIZE + 1n, U64_MAX];
const LARGE = 1n << 63n;

function isPowerOfTwo(value: bigint): boolean {
  return (value & (value - 1n)) === 0n;
}

function usualValues(value: bigint, role?: Role): bigint[] {
  switch (role?.is) {
    case 'user_va':
      return ARENA.filter(({ start, bytes }) => value > start && value < start + bytes).flatMap(
        ({ start }) => [start, value & -PAGE_SIZE],
      );
    case 'length':
    case 'iova':
      return [PAGE_SIZE, 1n];
    case 'flags':
      return withoutEachBit(value);
    default:
      return [1n, PAGE_SIZE];
  }
}

/** Rounder numbers: a power of two, whole pages, a half, one bit less. */
function rounded(value: bigint): bigint[] {
  const highest = 1n << BigInt(value.toString(2).length - 1);
  return [highest, value & -PAGE_SIZE, (value / 2n) & -PAGE_SIZE, value / 2n, value & (value - 1n)];
}

function withoutEachBit(value: bigint): bigint[] {
  const bits = Array.from({ length: value.toString(2).length }, (_, at) => 1n << BigInt(at));
  return bits.filter((bit) => (value & bit) !== 0n).map((bit) => value & ~bit);
}

function simplerArrays(operand: ArrayOperand): ArrayOperand[] {
  const { in: place, ...bare } = operand;
  return [...(place === undefined ? [] : [bare]), ...simplerContents(operand)];
}

function simplerContents(operand: ArrayOperand): ArrayOperand[] {
  if ('room' in operand)
    return simplerNumbers(BigInt(operand.room)).map((room) => ({ ...operand, room: Number(room) }));
  if ('words' in operand) {
    return [
      ...shorterLists(operand.words).map((words) => ({ ...operand, words })),
      ...listsWithOneChanged(operand.words, simplerWords).map((words) => ({ ...operand, words })),
    ];
  }
  return [
    ...shorterLists(operand.ranges).map((ranges) => ({ ...operand, ranges })),
    ...listsWithOneChanged(operand.ranges, ([start, last]) => [
      ...simplerWords(start).map((one) => [one, last] as const),
      ...simplerWords(last).map((one) => [start, one] as const),
    ]).map((ranges) => ({ ...operand, ranges })),
  ];
}

function simplerWords(word: Scalar): Scalar[] {
  if (isReference(word)) return [0, ...simplerScalars(word)];
  return BigInt(word) === 0n ? [] : [like(word, 0n), ...simplerScalars(word)];
}

/** Nothing, each half, and all but one element. */
export function shorterLists<T>(list: readonly T[]): T[][] {
  if (list.length === 0) return [];
  const half = Math.floor(list.length / 2);
  const halves = half > 0 ? [list.slice(0, half), list.slice(half)] : [];
  return [
    [],
    ...halves,
    ...(list.length > 2 ? list.map((_, at) => list.filter((__, other) => other !== at)) : []),
  ];
}

/** Counts of bytes below one, the fewest first. */
export function fewerBytes(bytes: bigint): bigint[] {
  return simplerNumbers(bytes, { is: 'length' });
}
