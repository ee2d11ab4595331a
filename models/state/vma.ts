import { PAGE_SIZE, pageIndex } from '../base/u64.js';
import type { Access } from '../program/arena.js';
import type { IommufdFile } from './iommufd_file.js';
import type { MemoryFile } from './memory_file.js';
import type { Viommu } from './objects.js';
import type { Frame } from './physical_memory.js';
import type { PrivateCopies } from './private_copies.js';

/** A region of an iommufd that is mapped: each mapping is a user of its owner and keeps the file open. */
export interface MappedRegion {
  readonly file: IommufdFile;
  readonly owner: Viommu;
}

/** What lies behind a mapping, from its first page on. */
export type Backing =
  /** Anonymous pages with consecutive numbers. */
  | { readonly kind: 'frames'; readonly first: Frame }
  | {
      readonly kind: 'file';
      readonly file: MemoryFile;
      readonly first: number;
      /** Of a private mapping. */
      readonly copies?: PrivateCopies;
    }
  /** VM_PFNMAP: nobody can pin it. */
  | { readonly kind: 'region'; readonly region: MappedRegion; readonly first: Frame }
  /** Something of which the model does not know whether it can be pinned. */
  | { readonly kind: 'unknown' };

/** A mapping of the process, as far as pinning and copying see it. Its `end` is exclusive, as in the kernel. */
export interface Vma {
  readonly start: bigint;
  readonly end: bigint;
  readonly access: Access;
  readonly backing: Backing;
  /** MAP_PRIVATE: a process that is made gets pages of its own. */
  readonly isPrivate: boolean;
}

/** In the order of their addresses. */
export function byAddress(one: Vma, other: Vma): number {
  return one.start < other.start ? -1 : 1;
}

export function isApart(vma: Vma, start: bigint, end: bigint): boolean {
  return vma.end <= start || vma.start >= end;
}

/** What is left of a mapping when something else comes for what lies within a range. */
export function piecesOf(
  vma: Vma,
  start: bigint,
  end: bigint,
  replace: (piece: Vma) => Vma | undefined,
): Vma[] {
  const from = vma.start > start ? vma.start : start;
  const to = vma.end < end ? vma.end : end;
  const middle = replace(cut(vma, from, to));
  return [
    ...(vma.start < from ? [cut(vma, vma.start, from)] : []),
    ...(middle === undefined ? [] : [middle]),
    ...(vma.end > to ? [cut(vma, to, vma.end)] : []),
  ];
}

/** The part of a mapping that lies within a range. */
export function cut(vma: Vma, start: bigint, end: bigint): Vma {
  const { backing } = vma;
  const skipped = pageIndex(start - vma.start);
  if (backing.kind === 'unknown') return { ...vma, start, end };
  return { ...vma, start, end, backing: { ...backing, first: backing.first + skipped } };
}

/** The page of the memory or file behind an address, whoever may access it. */
export function pageBehind({ start, backing }: Vma, address: bigint): Frame | undefined {
  const index = pageIndex(address - start);
  if (backing.kind === 'frames') return backing.first + index;
  return backing.kind === 'file' ? backing.file.frameAt(backing.first + index) : undefined;
}

/** Where access to a mapping ends: a file may be shorter than its mapping. */
export function presentEnd({ start, end, backing }: Vma): bigint {
  if (backing.kind !== 'file') return end;
  const { file, first } = backing;
  const bytes = (BigInt(file.pageCount) - BigInt(first)) * PAGE_SIZE;
  const fileEnd = bytes > 0n ? start + bytes : start;
  return fileEnd < end ? fileEnd : end;
}

export function permits(access: Access, write: boolean): boolean {
  return access === 'rw' || (access === 'ro' && !write);
}
