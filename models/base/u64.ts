/**
 * Arithmetic on the kernel's 64-bit words. A word is a `bigint` in [0, 2^64); measured, V8 handles the model's mix of
 * comparisons and additions at several million predictions a second, so clarity decided (docs/performance.md).
 */

/** ULONG_MAX of a 64-bit kernel. */
export const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** PAGE_SIZE of x86-64, in bytes. */
export const PAGE_SIZE = 4096n;

const PAGE_SHIFT = 12n;
const PAGE_BYTES = Number(PAGE_SIZE);

/** A double holds whole numbers below this as they are. */
const EXACT_BELOW = BigInt(Number.MAX_SAFE_INTEGER);

/** The word that a 64-bit register would hold. */
export function wrapU64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

/** Whether `start + length` does not fit a word; a sum of exactly 2^64 does not. */
export function sumOverflows(start: bigint, length: bigint): boolean {
  return start + length > U64_MAX;
}

/** Whether the last byte of a range of `length` ≥ 1 bytes lies beyond 2^64 − 1. */
export function rangeWraps(start: bigint, length: bigint): boolean {
  return start + length - 1n > U64_MAX;
}

/** Rounds up to a multiple of a power of two; the result may be 2^64. */
export function alignUp(value: bigint, alignment: bigint): bigint {
  return (value + alignment - 1n) & -alignment;
}

/** Whether a value is a multiple of a power of two. */
export function isAligned(value: bigint, alignment: bigint): boolean {
  return (value & (alignment - 1n)) === 0n;
}

const TWO_TO_32 = 1n << 32n;

/** The smallest power of two that is not below `value` (`value` ≥ 1). */
export function roundUpToPowerOfTwo(value: bigint): bigint {
  const below = value - 1n;
  if (below < TWO_TO_32) return 1n << BigInt(32 - Math.clz32(Number(below)));
  let power = TWO_TO_32;
  while (power < value) power <<= 1n;
  return power;
}

/** The lowest set bit, as a power of two (`value` ≥ 1). */
export function lowestSetBit(value: bigint): bigint {
  return value & -value;
}

/** The page number of an address or offset; exact, because 2^52 pages fit a double. */
export function pageIndex(byte: bigint): number {
  return byte < EXACT_BELOW ? Math.floor(Number(byte) / PAGE_BYTES) : Number(byte >> PAGE_SHIFT);
}

/** The offset inside its page, in bytes. */
export function pageOffset(byte: bigint): bigint {
  return byte & (PAGE_SIZE - 1n);
}

export function minU64(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function maxU64(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** A word as the field writes it: lower-case hexadecimal with 0x. */
export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
