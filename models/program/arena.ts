/**
 * The user memory that every program runs in: the agent lays it out before the first program, the model knows it as a list
 * of VMAs. Programs name places in it by absolute address, so that alignment-dependent answers (automatic IOVAs) are the same
 * everywhere.
 */

export type Access = 'rw' | 'ro' | 'none';

/** One mapping of the arena. */
export interface Region {
  readonly name: string;
  readonly start: bigint;
  readonly bytes: bigint;
  readonly access: Access;
  /** MAP_SHARED (shmem, small pages) or MAP_PRIVATE anonymous memory. */
  readonly sharing: 'shared' | 'private';
  /** The region whose pages this one shows again, writable for the agent alone. */
  readonly aliasOf?: string;
}

function region(
  name: string,
  start: bigint,
  pages: bigint,
  access: Access,
  sharing: Region['sharing'],
  aliasOf?: string,
): Region {
  return {
    name,
    start,
    bytes: pages * 4096n,
    access,
    sharing,
    ...(aliasOf === undefined ? {} : { aliasOf }),
  };
}

/** Structs handed to ioctls, between guard bytes. */
export const ARGS = region('args', 0x100_0000_0000n, 16n, 'rw', 'shared');
/** Structs in memory that the kernel can read and not write. */
export const SEALED = region('sealed', 0x100_0010_0000n, 4n, 'ro', 'shared');
const SEALED_ALIAS = region('sealed_alias', 0x100_0018_0000n, 4n, 'rw', 'shared', 'sealed');
/** One page before a hole: structs that begin in memory and end outside of it. */
export const EDGE = region('edge', 0x100_0020_0000n, 1n, 'rw', 'shared');
/** How much can lie before the edge. */
export const EDGE_BYTES_MAX = Number(EDGE.bytes);
/** Memory to map: the ordinary case. 2 MiB aligned, so automatic IOVAs show the alignment rule. */
export const BUFFER = region('buffer', 0x100_0040_0000n, 256n, 'rw', 'shared');
/** Memory that cannot be pinned for writing. */
export const FROZEN = region('frozen', 0x100_0060_0000n, 16n, 'ro', 'private');
/** Private anonymous memory, touched. */
export const PRIVATE = region('private', 0x100_0070_0000n, 16n, 'rw', 'private');
/** Memory that programs may unmap and map anew. */
export const SCRATCH = region('scratch', 0x100_0080_0000n, 64n, 'rw', 'shared');
/** Mapped, and accessible to nobody. */
export const NO_ACCESS = region('no_access', 0x100_0090_0000n, 4n, 'none', 'private');

/** Every region, ascending. */
export const ARENA: readonly Region[] = [
  ARGS,
  SEALED,
  SEALED_ALIAS,
  EDGE,
  BUFFER,
  FROZEN,
  PRIVATE,
  SCRATCH,
  NO_ACCESS,
];

/** Bytes of a huge page: HPAGE_SIZE of x86-64. */
export const HUGE_PAGE_BYTES = 0x20_0000n;

/** Where programs may map huge pages, and nothing else; nothing is there at first. */
export const HUGE = { start: 0x100_4000_0000n, bytes: 4n * HUGE_PAGE_BYTES } as const;

/** Huge pages that a program may take in all: so many are reserved for it. */
export const HUGE_PAGES_MAX = 16;

/** An address in the arena's part of the address space where nothing is ever mapped. */
export const HOLE = 0x100_00a0_0000n;

/** Where the model knows each page, mapped or not; beyond it lies the agent's own memory. */
export const KNOWN_SPACE = { start: ARENA[0]?.start ?? 0n, last: 0x17f_ffff_ffffn } as const;

/** TASK_SIZE_MAX of x86-64 with four-level page tables: no user page lies at or above it. */
export const TASK_SIZE = 0x7fff_ffff_f000n;

/** Below it nothing can be mapped: the agent is linked at 4 MiB. */
export const LOWEST_USER_ADDRESS = 0x1_0000n;

/** Regions that are filled with guard bytes wherever no buffer lies. */
export const GUARDED_REGIONS: readonly Region[] = [ARGS, SEALED, EDGE];

/** What fills the argument region around structs; a changed guard byte is a stray write. */
export const GUARD_BYTE = 0xa5;
