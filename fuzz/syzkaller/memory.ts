import { ARENA, HUGE, type Region } from '../../models/program/arena.js';
import type { MmapAccess } from '../../models/program/program.js';
import { type SyzCall, num, pointer } from './text.js';

/**
 * Where programs of syzkaller have their memory: 16 MiB, which texts give this address, wherever they really lie. Source:
 * prog/encoding.go and prog/target.go of syzkaller.
 */
export const DATA = { start: 0x7f00_0000_0000n, bytes: 0x100_0000n } as const;

const ARENA_START = ARENA[0]?.start ?? 0n;

/** The last page, which is none of the arena's: names of files, and what else is passed that is no struct of iommufd. */
export const NAMES = DATA.start + DATA.bytes - 0x1000n;

/** Where an address of the arena lies; undefined for those that are outside or too far away. */
export function toData(address: bigint): bigint | undefined {
  const offset = address - ARENA_START;
  return offset >= 0n && offset < DATA.bytes - 0x1000n ? DATA.start + offset : undefined;
}

/** The address in the arena that a text means. */
export function toArena(address: bigint): bigint {
  return address - DATA.start + ARENA_START;
}

export function isData(address: bigint): boolean {
  return address >= DATA.start && address < DATA.start + DATA.bytes;
}

/** Whether a text has no address for memory that a program uses. */
export function isTooFar(address: bigint): boolean {
  return address >= HUGE.start && address < HUGE.start + HUGE.bytes;
}

/** PROT_*. Source: asm-generic/mman-common.h. */
export const PROTECTION: Readonly<Record<MmapAccess, bigint>> = { none: 0n, ro: 1n, rw: 3n, rwx: 7n };

/** MAP_*. Source: linux/mman.h, asm-generic/mman-common.h. */
export const MAP = { SHARED: 0x1n, PRIVATE: 0x2n, FIXED: 0x10n, ANONYMOUS: 0x20n } as const;

/** MREMAP_MAYMOVE, MREMAP_FIXED. Source: linux/mman.h. */
export const MREMAP = { MAYMOVE: 1n, FIXED: 2n } as const;

/** No descriptor: -1. */
export const NO_FD = BigInt.asUintN(64, -1n);

/** The calls that lay out memory as programs find it: the first of every text, by which an import knows it. */
export function layoutCalls(): SyzCall[] {
  const bytes = DATA.bytes - 0x1000n;
  return [
    { name: 'munmap', args: [pointer(DATA.start, undefined, bytes), num(bytes)] },
    ...ARENA.map(mapRegion),
  ];
}

function mapRegion({ start, bytes, access, sharing }: Region): SyzCall {
  const flags = (sharing === 'shared' ? MAP.SHARED : MAP.PRIVATE) | MAP.FIXED | MAP.ANONYMOUS;
  const place = pointer(start - ARENA_START + DATA.start, undefined, bytes);
  return { name: 'mmap', args: [place, num(bytes), num(PROTECTION[access]), num(flags), num(NO_FD), num(0)] };
}
