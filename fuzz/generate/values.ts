import { PAGE_SIZE, U64_MAX, wrapU64 } from '../../models/base/u64.js';
import { BUFFER, FROZEN, HOLE, NO_ACCESS, PRIVATE, SCRATCH } from '../../models/program/arena.js';
import type { IoPagetable } from '../../models/state/io_pagetable.js';
import type { Picks } from './picks.js';

/**
 * Where interesting numbers come from. Each list is a bias, with its reason beside it; a number is taken from the state of the
 * model far more often than from the edges of 64 bits, because most rules are about what is mapped.
 */

/** Where the last page of the address space begins. */
export const LAST_PAGE = U64_MAX - PAGE_SIZE + 1n;

/** Edges at which additions wrap and comparisons turn. */
export const WORD_EDGES = [
  0n,
  1n,
  (1n << 31n) - 1n,
  1n << 31n,
  (1n << 32n) - 1n,
  1n << 32n,
  (1n << 63n) - 1n,
  1n << 63n,
  U64_MAX - 2n * PAGE_SIZE + 1n,
  U64_MAX - PAGE_SIZE,
  U64_MAX - PAGE_SIZE + 1n,
  U64_MAX - 1n,
  U64_MAX,
] as const;

/** Offsets within and around pages: the alignments 1, 2048 and 4096 tell them apart. */
export const OFFSETS = [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0x800n, 0x800n, 0x400n, 0x123n, 1n, 0xfffn] as const;

/** Lengths in small multiples of a page; half pages for the mock. */
export const LENGTHS = [
  0x1000n,
  0x1000n,
  0x2000n,
  0x3000n,
  0x800n,
  0x4000n,
  0x5000n,
  0x7000n,
  0x10000n,
  0x1800n,
  0x400n,
  1n,
] as const;

/** Aperture of the mock domain: a device confines the IOAS to it. */
const APERTURE = [0x100_0000n, 0x7fff_ffffn] as const;

/** Where ranges begin that go to the end of the address space: so low that the length decides what the end is. */
export const GIANT_STARTS = [0n, 0n, 1n, 0x800n, 0x800n, PAGE_SIZE] as const;

/** Lengths that leave a few pages of the address space, or half of it; those at the limits of what can be mapped and counted. */
export const GIANT_LENGTHS = [
  ...[1n, 2n, 3n, 6n, 7n, 7n, 12n].map((pages) => U64_MAX - pages * PAGE_SIZE + 1n),
  ...new Array<bigint>(5).fill(U64_MAX - PAGE_SIZE),
  U64_MAX - PAGE_SIZE + 1n,
  (1n << 63n) - 1n,
  1n << 63n,
  1n << 62n,
] as const;

export function anyLength(picks: Picks): bigint {
  if (picks.unusual('edgeOfWord')) return picks.one(WORD_EDGES);
  return picks.one(LENGTHS);
}

/** A length that ends one before, at, or one behind the end of the word. */
export function wrappingLength(start: bigint, picks: Picks): bigint {
  return wrapU64(-start + picks.one([-1n, 0n, 1n]));
}

/** An address of memory: mostly of the buffer, sometimes of a region that refuses something. */
export function anyUserAddress(picks: Picks): bigint {
  if (picks.unusual('edgeOfWord')) return picks.one(WORD_EDGES);
  const region = picks.one([
    BUFFER,
    BUFFER,
    BUFFER,
    BUFFER,
    BUFFER,
    PRIVATE,
    SCRATCH,
    FROZEN,
    NO_ACCESS,
  ] as const);
  const page = BigInt(picks.below(Number(region.bytes / PAGE_SIZE)));
  if (picks.unusual('edgeOfMemory'))
    return picks.one([
      HOLE,
      0n,
      0xffff_8880_0000_0000n,
      U64_MAX - PAGE_SIZE + 1n,
      region.start + region.bytes - PAGE_SIZE,
    ]);
  return region.start + page * PAGE_SIZE + picks.one(OFFSETS);
}

/** Bytes per bit of a bitmap: those of the mock's leaves, finer and coarser ones, and some that are no power of two. */
export function anyGranule(picks: Picks, iova: bigint, length: bigint): bigint {
  if (picks.unusual('edgeOfGranule')) return picks.one(WORD_EDGES);
  const granule = picks.one(GRANULES);
  const fits = iova % granule === 0n && length % granule === 0n;
  return fits || picks.unusual('awkwardGranule')
    ? granule
    : (picks.any(GRANULES.filter((other) => iova % other === 0n && length % other === 0n)) ?? granule);
}

const GRANULES = [
  0x800n,
  0x800n,
  0x800n,
  0x800n,
  0x1000n,
  0x1000n,
  0x1000n,
  0x2000n,
  0x200n,
  1n,
  0x1800n,
  0x3n,
] as const;

/** An offset in one of the small files that programs make. */
export function anyOffset(picks: Picks): bigint {
  if (picks.unusual('edgeOfWord')) return picks.one(WORD_EDGES);
  return BigInt(picks.one([0, 0, 0, 1, 1, 2, 3])) * PAGE_SIZE + picks.one(OFFSETS);
}

/** An IOVA near what the IOAS maps, allows or reserves. */
export function anyIova(picks: Picks, table: IoPagetable | undefined): bigint {
  if (picks.unusual('edgeOfWord')) return picks.one(WORD_EDGES);
  const near = picks.any(landmarks(table));
  if (near !== undefined && !picks.unusual('freshIova')) {
    return wrapU64(near + picks.one([0n, 0n, 0n, 0n, 0n, 0n, 1n, -1n, PAGE_SIZE, -PAGE_SIZE, 0x800n]));
  }
  const base = picks.one([0x1000n, 0x10_0000n, 0x100_0000n, 0x100_0000n, 0x200_0000n]);
  return base + BigInt(picks.below(16)) * PAGE_SIZE + picks.one(OFFSETS);
}

/** A range of IOVAs that may or may not make sense. */
export function anyRange(picks: Picks, table: IoPagetable | undefined): readonly [bigint, bigint] {
  const start = anyIova(picks, table);
  return [start, wrapU64(start + anyLength(picks) - 1n)];
}

/** The length from an IOVA to the end of the area there, if there is one: what UNMAP and COPY take whole. */
export function lengthOfAreaAt(table: IoPagetable | undefined, iova: bigint): bigint | undefined {
  const area = table?.areaAt(iova);
  return area === undefined ? undefined : area.last - iova + 1n;
}

function landmarks(table: IoPagetable | undefined): bigint[] {
  if (table === undefined) return [];
  return [
    ...table.areas.flatMap(({ iova, last }) => [iova, last + 1n]),
    ...table.areas.flatMap(({ iova }) => [iova, iova]),
    ...table.allowed.flatMap(({ start, last }) => [start, last]),
    ...table.reserved.flatMap(({ start, last }) => [start, last]),
    ...(table.domains.length > 0 ? APERTURE : []),
  ].map(wrapU64);
}
