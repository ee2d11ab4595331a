import { u64 } from './field.js';
import { bytesOf, layoutStruct } from './struct.js';
import type { Range } from '../base/ranges.js';

/** struct iommu_iova_range: the element of the arrays of IOVA_RANGES and ALLOW_IOVAS. Source: iommufd.h. */
export const IOVA_RANGE = layoutStruct({
  start: u64('first byte'),
  last: u64('last byte'),
});

export function encodeRange(range: Range): Uint8Array {
  return bytesOf(IOVA_RANGE, { ...range });
}

export function decodeRange(bytes: Uint8Array): Range {
  return IOVA_RANGE.decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** Decodes as many whole elements as the bytes hold. */
export function decodeRanges(bytes: Uint8Array): Range[] {
  const ranges: Range[] = [];
  for (let at = 0; at + IOVA_RANGE.bytes <= bytes.length; at += IOVA_RANGE.bytes) {
    ranges.push(decodeRange(bytes.subarray(at, at + IOVA_RANGE.bytes)));
  }
  return ranges;
}
