import type { IoctlStep, Operand, Reference, Scalar } from '../../models/program/program.js';
import { type ScenarioBuilder, hwptData } from '../harness/builder.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { APERTURE_START as A, P } from '../harness/constants.js';

/** IOMMU_HWPT_ALLOC_DIRTY_TRACKING. */
export const DIRTY_TRACKING = 2;
/** IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR. */
export const NO_CLEAR = 1;
/** Half a page: what one entry of the mock's page table maps. */
export const HALF = 0x800n;

/** A page table that tracks, and what it belongs to. */
export interface Tracking {
  readonly ioas: Reference;
  readonly device: Reference;
  readonly hwpt: Reference;
}

/** A mock device, and a page table with dirty bits that tracks; large pages are as they are by default, i.e. in use. */
export function trackingWithLargePages(t: ScenarioBuilder): Tracking {
  const ioas = t.ioas();
  const { device, hwpt } = trackingOn(t, ioas);
  return { ioas, device, hwpt };
}

/** The same, with each page mapped by itself. */
export function tracking(t: ScenarioBuilder): Tracking {
  const ioas = t.ioas();
  t.setOption('HUGE_PAGES', 0n, ioas);
  const { device, hwpt } = trackingOn(t, ioas);
  return { ioas, device, hwpt };
}

function trackingOn(t: ScenarioBuilder, ioas: Scalar) {
  const device = t.mockDomain(ioas).out('out_idev_id');
  const hwpt = t.hwptAlloc(device, ioas, { flags: DIRTY_TRACKING }).out('out_hwpt_id');
  setTracking(t, hwpt, 1);
  return { device, hwpt };
}

/** A page table of the huge format that tracks. */
export function hugeFormat(t: ScenarioBuilder, ioas: Scalar, device: Scalar): Reference {
  const args = { flags: DIRTY_TRACKING, ...hwptData([0, 1]) };
  const hwpt = t.hwptAlloc(device, ioas, args).out('out_hwpt_id');
  setTracking(t, hwpt, 1);
  return hwpt;
}

export function setTracking(t: ScenarioBuilder, hwpt: Scalar, flags: number): ExpectedStep {
  return t.ioctl('IOMMU_HWPT_SET_DIRTY_TRACKING', { hwpt_id: hwpt, flags });
}

/** Words of a bitmap in which these bits are set. */
export function bits(count: number, set: readonly number[]): number[] {
  const words = new Array<number>(Math.ceil(count / 32)).fill(0);
  for (const bit of set) words[bit >> 5] = ((words[bit >> 5] ?? 0) | (1 << (bit & 31))) >>> 0;
  return words;
}

/** Bytes of a bitmap in which these bits are set. */
export function bitmap(byteCount: number, set: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(byteCount);
  for (const bit of set) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  return bytes;
}

/** Writes of a device: half pages, counted from an IOVA. */
export function write(
  t: ScenarioBuilder,
  hwpt: Scalar,
  iova: bigint,
  halves: readonly number[],
  options: Partial<IoctlStep> = {},
): ExpectedStep {
  const count = Math.max(...halves, 0) + 1;
  const args = { iova, length: BigInt(count) * HALF, page_size: HALF, uptr: { words: bits(count, halves) } };
  return t.ioctl('IOMMU_TEST_OP_DIRTY', { id: hwpt, ...args }, options);
}

interface ReadOptions {
  /** Bytes; a page without it. */
  readonly length?: bigint;
  /** Bytes per bit; half a page without it. */
  readonly granule?: bigint;
  readonly args?: Readonly<Record<string, Operand>>;
}

/** Reads a bitmap that is zero before, with room behind it. */
export function read(
  t: ScenarioBuilder,
  hwpt: Scalar,
  iova: bigint,
  { length = P, granule = HALF, args = {} }: ReadOptions = {},
): ExpectedStep {
  const words = new Array<number>(Number(length / granule / 32n) + 2).fill(0);
  return t.ioctl('IOMMU_HWPT_GET_DIRTY_BITMAP', {
    hwpt_id: hwpt,
    iova,
    length,
    page_size: granule,
    data: { words },
    ...args,
  });
}

/**
 * Writes to the first half of each second page, and reads that with a bitmap so far into a page: kept, cleared, gone. Each page is
 * mapped by itself.
 */
export function readEvenPagesOnce(t: ScenarioBuilder, hwpt: Scalar, pages: number, offset: number): void {
  const length = BigInt(pages) * P;
  const even = Array.from({ length: pages / 2 }, (_, at) => 2 * at);
  const halves = even.map((page) => 2 * page);
  const bytes = Math.ceil(pages / 4);
  const data = { words: bits(2 * pages, []), in: { page_offset: offset } };
  write(t, hwpt, A, halves).ok({ out_nr_dirty: BigInt(pages / 2) });
  const wholePages = halves.flatMap((half) => [half, half + 1]);
  const expected = {
    data: { byProfile: { '7.3': bitmap(bytes, wholePages), '6.12': bitmap(bytes, halves) } },
  };
  for (const flags of [NO_CLEAR, NO_CLEAR, 0])
    read(t, hwpt, A, { length, args: { data, flags } }).ok(expected);
  read(t, hwpt, A, { length, args: { data } }).ok({ data: bitmap(bytes, []) });
}

/** The same with pages that are mapped for it. */
export function readEvenPages(
  t: ScenarioBuilder,
  { ioas, hwpt }: Tracking,
  pages: number,
  offset: number,
): void {
  const length = BigInt(pages) * P;
  t.map(ioas, { iova: A, length });
  readEvenPagesOnce(t, hwpt, pages, offset);
  t.unmap(ioas, A, length);
}
