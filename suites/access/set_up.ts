import { PAGE_SIZE } from '../../models/base/u64.js';
import type { ArrayPlace, Operand, Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import type { ExpectedStep } from '../harness/expected_step.js';

/** MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES */
export const NEEDS_PIN_PAGES = 1;
/** MOCK_FLAGS_ACCESS_WRITE, MOCK_ACCESS_RW_WRITE */
export const WRITE = 1;
/** MOCK_ACCESS_RW_SLOW_PATH */
export const SLOW = 4;
/** MOCK_FLAGS_ACCESS_SYZ: the IOVA is the number of an area, and an offset in the high half. */
export const SYZ = 0x1_0000;

export const RW = 'IOMMU_TEST_OP_ACCESS_RW';

type Args = Readonly<Record<string, Operand>>;

interface AccessOptions {
  readonly flags?: number;
  readonly file?: string;
}

/** An access that pins, under a label; returns the label. */
export function makeAccess(
  t: ScenarioBuilder,
  label: string,
  ioas: Scalar,
  { flags = NEEDS_PIN_PAGES, file }: AccessOptions = {},
): string {
  t.ioctl(
    'IOMMU_TEST_OP_CREATE_ACCESS',
    { id: ioas, flags },
    { fd: label, ...(file === undefined ? {} : { file }) },
  );
  return label;
}

/** Pins a range, and compares it with no memory unless it is said. */
export function pin(
  t: ScenarioBuilder,
  access: string,
  iova: Scalar,
  length: bigint = PAGE_SIZE,
  args: Args = {},
): ExpectedStep {
  return t.ioctl('IOMMU_TEST_OP_ACCESS_PAGES', { id: { fd: access }, iova, length, ...args });
}

export function unpin(t: ScenarioBuilder, access: string, item: Scalar): ExpectedStep {
  return t.ioctl('IOMMU_TEST_OP_DESTROY_ACCESS_PAGES', { id: { fd: access }, access_pages_id: item });
}

export function moveAccess(t: ScenarioBuilder, access: string, ioas: Scalar): ExpectedStep {
  return t.ioctl('IOMMU_TEST_OP_ACCESS_REPLACE_IOAS', { id: { fd: access }, ioas_id: ioas });
}

/** Writes words of 32 bits by an access. */
export function write(
  t: ScenarioBuilder,
  access: string,
  iova: Scalar,
  words: readonly number[],
  args: Args = {},
): ExpectedStep {
  const length = BigInt(4 * words.length);
  return t.ioctl(RW, { id: { fd: access }, iova, length, uptr: { words }, flags: WRITE, ...args });
}

/** Reads into room of as many bytes. */
export function read(
  t: ScenarioBuilder,
  access: string,
  iova: Scalar,
  bytes: number,
  args: Args = {},
  place: ArrayPlace = 'args',
): ExpectedStep {
  const uptr = { room: bytes, in: place };
  return t.ioctl(RW, { id: { fd: access }, iova, length: BigInt(bytes), uptr, ...args });
}

/** Bytes of words of 32 bits, little-endian. */
export function bytesOf(...words: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}
