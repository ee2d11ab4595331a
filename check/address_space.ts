import { PAGE_SIZE, alignUp, minU64 } from '../models/base/u64.js';
import type { Access } from '../models/program/arena.js';
import type { MemoryFile } from '../models/state/memory_file.js';
import type { Frame } from '../models/state/physical_memory.js';
import type { Backing } from '../models/state/vma.js';
import type { World } from '../models/state/world.js';
import type { MapsLine } from './lines.js';

/** Memory that processes share, by device and inode: each page of it is one page of the machine. */
export class SharedMemory {
  readonly #files = new Map<string, MemoryFile>();
  readonly #firstFrames = new Map<string, Frame>();

  constructor(private readonly world: World) {}

  /** The file of memory with an inode, if there was one. */
  file(inode: string): MemoryFile | undefined {
    return this.#files.get(inode);
  }

  addFile(inode: string, make: () => MemoryFile): MemoryFile {
    const known = this.#files.get(inode);
    if (known !== undefined) return known;
    const made = make();
    this.#files.set(inode, made);
    return made;
  }

  /** What lies behind a mapping of an inode from a page on. */
  backing(inode: string, offset: number, isHuge: boolean): Backing {
    const file = this.#files.get(inode);
    if (file !== undefined) return { kind: 'file', file, first: offset };
    let first = this.#firstFrames.get(inode);
    if (first === undefined) {
      const { physical } = this.world.memory;
      first = isHuge ? physical.takeHugeFrames(INODE_BYTES) : physical.takeFrames(INODE_BYTES);
      this.#firstFrames.set(inode, first);
    }
    return { kind: 'frames', first: first + offset };
  }
}

/** Room for the pages of an inode whose size is not known: more than any has. */
const INODE_BYTES = 1n << 46n;

/** A mapping, and what tells it from another one at the same place. */
interface Segment {
  readonly start: bigint;
  readonly end: bigint;
  readonly access: Access;
  readonly source: Source;
}

type Source =
  /** Pages of its own, which may begin as those of a file. */
  | { readonly kind: 'private'; readonly inode?: string | undefined; readonly offset: number }
  | { readonly kind: 'shared'; readonly inode: string; readonly offset: number; readonly isHuge: boolean }
  /** A device, a file on a disk: nobody knows whether it can be pinned. */
  | { readonly kind: 'unknown' }
  /** A region of an iommufd, which the model maps itself. */
  | { readonly kind: 'region' };

const ANONYMOUS: Source = { kind: 'private', offset: 0 };

/** Names of memory that can be pinned although it is shared. Source: proc_pid_maps(5). */
const SHARED_MEMORY = /^(\/dev\/zero|\/memfd:|\/dev\/shm\/|\/SYSV|\/anon_hugepage)/;

/** Names of what the kernel puts into address spaces by itself. */
const SPECIAL = /^\[(vvar|vdso|vsyscall|vvar_vclock|uprobes)\]/;

/** The mappings of a process as a trace tells of them, carried over into the model. The process is the world's current one. */
export class AddressSpace {
  #segments: Segment[] = [];

  constructor(
    private readonly world: World,
    private readonly shared: SharedMemory,
  ) {}

  /** Takes over what /proc says of a range: mappings that are still there keep their pages. */
  learn(start: bigint, end: bigint, lines: readonly MapsLine[]): void {
    const wanted = lines.map(segmentOf).flatMap((segment) => clip(segment, start, end));
    const edges = new Set([start, end]);
    for (const segment of [...wanted, ...this.#within(start, end)]) {
      edges.add(segment.start);
      edges.add(segment.end);
    }
    const sorted = [...edges].sort((a, b) => (a < b ? -1 : 1));
    for (const [index, from] of sorted.entries()) {
      const to = sorted[index + 1];
      if (to !== undefined) this.#settle(from, to, segmentAt(wanted, from));
    }
  }

  /** mmap(): whatever was there is gone. Without a line, the memory is what the call asked for. */
  map(start: bigint, end: bigint, lines: readonly MapsLine[]): void {
    this.unmap(start, end);
    this.learn(start, end, lines);
  }

  unmap(start: bigint, end: bigint): void {
    if (start >= end) return;
    this.#cut(start, end);
    this.world.unmapMemory(start, end - start);
  }

  /** A region of an iommufd that the model has mapped. */
  noteRegion(start: bigint, end: bigint, access: Access): void {
    this.#cut(start, end);
    this.#segments.push({ start, end, access, source: { kind: 'region' } });
  }

  protect(start: bigint, end: bigint, access: Access): void {
    for (const segment of this.#within(start, end)) this.#replace(segment, { ...segment, access });
  }

  /** mremap(): the pages move with the mapping, as far as it does not shrink. */
  move(start: bigint, oldEnd: bigint, to: bigint, toEnd: bigint): void {
    const bytes = minU64(oldEnd - start, toEnd - to);
    this.unmap(start + bytes, oldEnd);
    if (to === start) return;
    const moved = this.#within(start, start + bytes);
    this.unmap(to, toEnd);
    this.#cut(start, start + bytes);
    for (const segment of moved) {
      const length = segment.end - segment.start;
      const there = segment.start - start + to;
      this.world.moveMemory(segment.start, length, length, there);
      this.#segments.push({ ...segment, start: there, end: there + length });
    }
  }

  /** madvise(MADV_DONTNEED): private pages are new ones at the next touch. */
  discard(start: bigint, end: bigint): void {
    for (const segment of this.#within(start, end)) {
      if (segment.source.kind !== 'private') continue;
      this.unmap(segment.start, segment.end);
      this.#insert(segment);
    }
  }

  /** Bytes that could be read, or written, are mapped, whatever is known of them. */
  witness(start: bigint, bytes: bigint, access: 'ro' | 'rw'): void {
    if (bytes === 0n) return;
    const [from, to] = [pageOf(start), alignUp(start + bytes, PAGE_SIZE)];
    for (let page = from; page < to; page += PAGE_SIZE) {
      const [known] = this.#within(page, page + PAGE_SIZE);
      if (known === undefined) {
        this.#insert({ start: page, end: page + PAGE_SIZE, access: 'rw', source: ANONYMOUS });
      } else if (known.access === 'none' || (access === 'rw' && known.access !== 'rw')) {
        this.#replace(known, { ...known, access });
      }
    }
  }

  /** A byte that could not be read. */
  witnessHole(address: bigint): void {
    const page = pageOf(address);
    const [known] = this.#within(page, page + PAGE_SIZE);
    if (known !== undefined && known.access !== 'none') this.#replace(known, { ...known, access: 'none' });
  }

  /** Memory of which nobody knew whether it can be pinned has been pinned. */
  witnessPin(start: bigint, end: bigint): void {
    for (const segment of this.#within(pageOf(start), alignUp(end, PAGE_SIZE))) {
      if (segment.source.kind !== 'unknown') continue;
      this.unmap(segment.start, segment.end);
      this.#insert({ ...segment, source: ANONYMOUS });
    }
  }

  /** The address space of a child, which the model has copied. */
  copy(): AddressSpace {
    const copy = new AddressSpace(this.world, this.shared);
    copy.#segments = [...this.#segments];
    return copy;
  }

  #settle(start: bigint, end: bigint, wanted: Segment | undefined): void {
    const [known] = this.#within(start, end);
    const piece = wanted === undefined ? undefined : clip(wanted, start, end)[0];
    if (piece === undefined) {
      if (known !== undefined) this.unmap(start, end);
    } else if (known === undefined) {
      this.#insert(piece);
    } else if (!isSame(known.source, piece.source)) {
      this.unmap(start, end);
      this.#insert(piece);
    } else if (known.access !== piece.access) {
      this.#replace(known, { ...known, access: piece.access });
    }
  }

  /** The pieces of mappings that lie within a range, ascending. */
  #within(start: bigint, end: bigint): Segment[] {
    return this.#segments
      .flatMap((segment) => clip(segment, start, end))
      .sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  #insert(segment: Segment): void {
    this.#segments.push(segment);
    const { start, end, access, source } = segment;
    this.world.mapMemory(start, end - start, access, this.#backingOf(segment), source.kind === 'private');
  }

  /** Puts a segment with another access in the place of one. */
  #replace({ start, end }: Segment, by: Segment): void {
    this.#cut(start, end);
    this.#segments.push(by);
    this.world.protectMemory(start, end - start, by.access);
  }

  #cut(start: bigint, end: bigint): void {
    this.#segments = this.#segments.flatMap((segment) => {
      if (segment.end <= start || segment.start >= end) return [segment];
      return [...clip(segment, segment.start, start), ...clip(segment, end, segment.end)];
    });
  }

  #backingOf({ source }: Segment): Backing | undefined {
    switch (source.kind) {
      case 'private': {
        const { inode, offset } = source;
        const isOfMemory = inode !== undefined && this.shared.file(inode) !== undefined;
        return isOfMemory ? this.shared.backing(inode, offset, false) : undefined;
      }
      case 'shared':
        return this.shared.backing(source.inode, source.offset, source.isHuge);
      case 'region':
      case 'unknown':
        return { kind: 'unknown' };
    }
  }
}

function segmentOf({ start, end, access, isShared, offset, inode, name }: MapsLine): Segment {
  return { start, end, access, source: sourceOf(isShared, offset, inode, name) };
}

function sourceOf(isShared: boolean, offset: number, inode: string | undefined, name: string): Source {
  if (SPECIAL.test(name)) return { kind: 'unknown' };
  if (name === '/dev/iommu') return { kind: 'region' };
  if (!isShared) return { kind: 'private', inode, offset };
  if (inode === undefined || !SHARED_MEMORY.test(name)) return { kind: 'unknown' };
  return { kind: 'shared', inode, offset, isHuge: name.startsWith('/anon_hugepage') };
}

/** The part of a segment that lies within a range, if any does. */
function clip(segment: Segment, start: bigint, end: bigint): Segment[] {
  const from = segment.start > start ? segment.start : start;
  const to = segment.end < end ? segment.end : end;
  if (from >= to) return [];
  const { source } = segment;
  const skipped = Number((from - segment.start) / PAGE_SIZE);
  const clipped =
    source.kind === 'shared' || source.kind === 'private'
      ? { ...source, offset: source.offset + skipped }
      : source;
  return [{ ...segment, start: from, end: to, source: clipped }];
}

function segmentAt(segments: readonly Segment[], address: bigint): Segment | undefined {
  return segments.find(({ start, end }) => start <= address && address < end);
}

function isSame(one: Source, other: Source): boolean {
  if (one.kind === 'shared' && other.kind === 'shared')
    return one.inode === other.inode && one.offset === other.offset;
  if (one.kind === 'private' && other.kind === 'private')
    return one.inode === other.inode && (one.inode === undefined || one.offset === other.offset);
  return one.kind === other.kind;
}

function pageOf(address: bigint): bigint {
  return address & -PAGE_SIZE;
}
