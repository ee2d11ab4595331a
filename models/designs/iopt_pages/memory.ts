import { present } from '../../base/assert.js';
import { pageIndex } from '../../base/u64.js';

/** A page of physical memory. */
export interface Frame {
  readonly pfn: number;
  /** References of those who pinned it. */
  pins: number;
}

/** What a range of the process's addresses is. */
interface Mapped {
  readonly start: bigint;
  readonly pages: number;
  readonly firstPfn: number;
  /** Distance between the frame numbers of neighbours. */
  readonly stride: number;
  readonly isReadOnly: boolean;
}

/** Addresses of the process by what is there. */
const ADDRESSES = {
  /** Consecutive frames. */
  contiguous: 0x20_0000n,
  /** Frames of which no two are neighbours. */
  scattered: 0x10_0000n,
  /** A shared mapping that is not writable. */
  read_only: 0x30_0000n,
  /** The last two pages of the scattered ones, with nothing behind them. */
  end: 0x10_e000n,
  nothing: 0x40_0000n,
  /** Inside of a page. */
  inside: 0x20_0200n,
  /** The last page of all addresses. */
  top: 0xffff_ffff_ffff_f000n,
} as const;

/** The same as programs name them. */
export const PLACES = Object.fromEntries(Object.keys(ADDRESSES).map((name, at) => [name, at]));

/** The address that one of PLACES stands for. */
export function addressAt(place: number): bigint {
  return present(Object.values(ADDRESSES)[place], 'a place in memory');
}

const PAGES_OF_RANGE = 16;

const MAPPED: readonly Mapped[] = [
  { start: ADDRESSES.contiguous, pages: PAGES_OF_RANGE, firstPfn: 100, stride: 1, isReadOnly: false },
  { start: ADDRESSES.scattered, pages: PAGES_OF_RANGE, firstPfn: 10, stride: 2, isReadOnly: false },
  { start: ADDRESSES.read_only, pages: PAGES_OF_RANGE, firstPfn: 200, stride: 1, isReadOnly: true },
];

/** The frame that stands for "no translation": what iommu_iova_to_phys() gives where nothing is mapped. */
export const NO_PFN = 0;

/** Memory of the process that maps, and the frames behind it. */
export interface UserMemory {
  readonly frames: ReadonlyMap<number, Frame>;
}

export function newMemory(): UserMemory {
  const frames = new Map<number, Frame>([[NO_PFN, { pfn: NO_PFN, pins: 0 }]]);
  for (const { pages, firstPfn, stride } of MAPPED) {
    for (let at = 0; at < pages; at++) {
      const pfn = firstPfn + at * stride;
      frames.set(pfn, { pfn, pins: 0 });
    }
  }
  return { frames };
}

/** The frame number behind an address; undefined if there is none, or none that may be written. */
export function pfnBehind(address: bigint, isWrite: boolean): number | undefined {
  for (const { start, pages, firstPfn, stride, isReadOnly } of MAPPED) {
    const at = pageIndex(address - start);
    if (address >= start && at < pages) return isWrite && isReadOnly ? undefined : firstPfn + at * stride;
  }
  return undefined;
}
