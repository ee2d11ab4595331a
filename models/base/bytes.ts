/**
 * Little-endian numbers in byte arrays. Single members of small buffers are read by hand: making a DataView for each costs more
 * than the rest of a prediction (docs/performance.md).
 */

/** Width of a number in bytes. */
export type Width = 1 | 2 | 4 | 8;

export function readU32(bytes: Uint8Array, offset: number): number {
  return (readU16(bytes, offset) | (readU16(bytes, offset + 2) << 16)) >>> 0;
}

function readU16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8);
}

export function readNumber(bytes: Uint8Array, offset: number, width: Width): bigint {
  if (width === 8) return BigInt(readU32(bytes, offset)) | (BigInt(readU32(bytes, offset + 4)) << 32n);
  if (width === 1) return BigInt(bytes[offset] ?? 0);
  return BigInt(width === 4 ? readU32(bytes, offset) : readU16(bytes, offset));
}

/** Writes a word of 32 bits. */
export function writeWord(bytes: Uint8Array, offset: number, value: number): void {
  writeU32(bytes, offset, 4, value);
}

/** Writes the low bytes of a number. */
export function writeNumber(bytes: Uint8Array, offset: number, width: Width, value: bigint): void {
  writeU32(bytes, offset, Math.min(width, 4), Number(BigInt.asUintN(32, value)));
  if (width === 8) writeU32(bytes, offset + 4, 4, Number(BigInt.asUintN(32, value >> 32n)));
}

function writeU32(bytes: Uint8Array, offset: number, count: number, value: number): void {
  for (let at = 0; at < count; at++) bytes[offset + at] = (value >>> (8 * at)) & 0xff;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether two arrays hold the same bytes. */
export function sameBytes(one: Uint8Array, two: Uint8Array): boolean {
  if (one.length !== two.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== two[at]) return false;
  return true;
}
