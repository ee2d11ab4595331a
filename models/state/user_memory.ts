import { assert, present } from '../base/assert.js';
import { PAGE_SIZE, isAligned, pageIndex, pageOffset } from '../base/u64.js';
import { KNOWN_SPACE, LOWEST_USER_ADDRESS, TASK_SIZE, type Access, type Region } from '../program/arena.js';
import { firstMappings } from './first_mappings.js';
import type { MemoryFile } from './memory_file.js';
import type { Viommu } from './objects.js';
import { type Frame, PhysicalMemory } from './physical_memory.js';
import { PrivateCopies } from './private_copies.js';
import {
  type Backing,
  type MappedRegion,
  type Vma,
  byAddress,
  cut,
  isApart,
  pageBehind,
  permits,
  piecesOf,
  presentEnd,
} from './vma.js';

/** By how much the number of mappings of each region has changed. */
export type RegionChanges = ReadonlyMap<MappedRegion, number>;

/** Whether user space owns an address range, for all the model knows. */
export type Presence = 'mapped' | 'unmapped' | 'unknown';

/** The address space of a process of the program under test. */
export class UserMemory {
  #vmas: Vma[];
  /** The mapping that was asked for last, as long as it is there: the next question is often about the same. */
  #lastFound: Vma | undefined;

  /**
   * @param regions what is mapped at the start
   * @param isWhole whether the model knows of every mapping, and not of those in a part of the address space alone
   */
  constructor(
    regions: readonly Region[],
    readonly physical = new PhysicalMemory(),
    private readonly isWhole = false,
  ) {
    this.#vmas = firstMappings(regions, this.physical);
  }

  /** mmap(MAP_FIXED) where nothing is mapped; without a backing the pages are new ones. */
  map(start: bigint, bytes: bigint, access: Access, backing?: Backing, isPrivate = false): void {
    const behind = backing ?? this.#newPages(bytes);
    const copies =
      isPrivate && behind.kind === 'file' ? { copies: new PrivateCopies(this.physical) } : undefined;
    this.#insert({ start, end: start + bytes, access, backing: { ...behind, ...copies }, isPrivate });
  }

  /**
   * The address space of a process that is made. Private pages are copied at once: a page that either process pins later is copied
   * before, and until then nobody can tell.
   */
  fork(): { readonly memory: UserMemory; readonly changes: RegionChanges } {
    const memory = new UserMemory([], this.physical, this.isWhole);
    const changes = new Map<MappedRegion, number>();
    for (const vma of this.#vmas) {
      if (vma.backing.kind === 'region') {
        changes.set(vma.backing.region, (changes.get(vma.backing.region) ?? 0) + 1);
      }
      memory.#insert(vma.isPrivate ? { ...vma, backing: this.#forked(vma) } : vma);
    }
    return { memory, changes };
  }

  /** munmap(): cuts mappings at page boundaries. */
  unmap(start: bigint, bytes: bigint): RegionChanges {
    return this.#replaceWithin(start, start + bytes, () => undefined);
  }

  /** Whether part of a range shows a region that a driver offers. */
  showsRegion(start: bigint, bytes: bigint): boolean {
    return this.#vmas.some(
      ({ backing, start: first, end }) => backing.kind === 'region' && first < start + bytes && end > start,
    );
  }

  /** mprotect(): cuts mappings at page boundaries. */
  protect(start: bigint, bytes: bigint, access: Access): RegionChanges {
    return this.#replaceWithin(start, start + bytes, (vma) => ({ ...vma, access }));
  }

  /** mremap() of memory that lies within one mapping, to the same or a smaller size. */
  move(start: bigint, bytes: bigint, newBytes: bigint, to: bigint): RegionChanges {
    const changes = [this.unmap(start + newBytes, bytes - newBytes)];
    if (to !== start) {
      changes.push(this.unmap(to, newBytes));
      const moved = cut(present(this.#vmaAt(start), 'a mapping to move'), start, start + newBytes);
      changes.push(this.unmap(start, newBytes));
      this.#insert({ ...moved, start: to, end: to + newBytes });
      if (moved.backing.kind === 'region') changes.push(new Map([[moved.backing.region, 1]]));
    }
    return sumOf(changes);
  }

  /** The mapping at an address, as far as operations on mappings care. */
  mappingAt(address: bigint): { readonly end: bigint; readonly isRegion: boolean } | undefined {
    const vma = this.#vmaAt(address);
    return vma === undefined ? undefined : { end: vma.end, isRegion: vma.backing.kind === 'region' };
  }

  /** How many mappings there are of the region of an object. */
  mappingsOf(owner: Viommu): number {
    return this.#vmas.filter(({ backing }) => backing.kind === 'region' && backing.region.owner === owner)
      .length;
  }

  /** How many bytes from an address on are mapped without a hole, at most `bytes`. */
  mappedBytes(start: bigint, bytes: bigint): bigint {
    const end = start + bytes;
    let next = start;
    for (const vma of this.#vmas) if (vma.start <= next && vma.end > next) next = vma.end;
    return (next < end ? next : end) - start;
  }

  /** The frame behind an address that may be accessed so, else undefined. */
  frameAt(address: bigint, write: boolean): Frame | undefined {
    const vma = this.#vmaAt(address);
    if (vma === undefined || !permits(vma.access, write)) return undefined;
    const { backing } = vma;
    const page = pageBehind(vma, address);
    const copies = backing.kind === 'file' ? backing.copies : undefined;
    return page === undefined ? undefined : (copies?.seen(page) ?? page);
  }

  /** The frame that a process copies from or to at an address, which need not be one that can be pinned. */
  frameToCopy(address: bigint, write: boolean): Frame | undefined {
    const vma = this.#vmaAt(address);
    if (vma?.backing.kind !== 'region') return this.frameAt(address, write);
    return permits(vma.access, write) ? vma.backing.first + pageIndex(address - vma.start) : undefined;
  }

  /** The frame that will be behind an address once it is pinned. */
  frameToPin(address: bigint, write: boolean): Frame | undefined {
    const vma = this.#vmaAt(address);
    if (vma?.backing.kind !== 'file' || vma.backing.copies === undefined) return this.frameAt(address, write);
    const page = permits(vma.access, write) ? pageBehind(vma, address) : undefined;
    return page === undefined ? undefined : vma.backing.copies.copyOf(page);
  }

  /** Makes the pages of a range the process's own where they are those of a file that is mapped privately. */
  unshare(address: bigint, bytes: bigint): void {
    for (let page = address - pageOffset(address); page < address + bytes; page += PAGE_SIZE) {
      const vma = this.#vmaAt(page);
      if (vma?.backing.kind !== 'file' || vma.backing.copies === undefined) continue;
      const shared = pageBehind(vma, page);
      if (shared !== undefined) vma.backing.copies.copy(shared);
    }
  }

  /** Writes bytes where memory may be written to. */
  store(address: bigint, bytes: Uint8Array): void {
    this.unshare(address, BigInt(bytes.length));
    const { contents } = this.physical;
    for (let at = 0; at < bytes.length;) {
      const offset = Number(pageOffset(address + BigInt(at)));
      const piece = bytes.subarray(at, at + Number(PAGE_SIZE) - offset);
      const frame = this.frameToCopy(address + BigInt(at), true);
      at += piece.length;
      if (frame === undefined) continue;
      contents.clear(frame);
      contents.write(frame, offset, piece);
    }
  }

  /** Whether pinning may change what a page holds, or which one is behind an address: where files are mapped. */
  get changesWhenPinned(): boolean {
    const isCopied = this.#vmas.some(
      ({ backing }) => backing.kind === 'file' && backing.copies !== undefined,
    );
    return isCopied || this.physical.contents.hasUncleared;
  }

  /** Whether each byte of a range may be accessed so. An empty range always may. */
  allows(address: bigint, bytes: bigint, write: boolean): boolean {
    const last = this.#lastFound;
    // Most of what is asked lies in one mapping of memory.
    if (last?.backing.kind === 'frames' && permits(last.access, write)) {
      if (address >= last.start && address + bytes <= last.end) return true;
    }
    return this.bytesAllowed(address, bytes, write) === bytes;
  }

  /** How many bytes from an address on may be accessed so before the first fault, at most `bytes`. */
  bytesAllowed(address: bigint, bytes: bigint, write: boolean): bigint {
    const end = address + bytes;
    let next = address;
    while (next < end) {
      const vma = this.#vmaAt(next);
      if (vma === undefined || !permits(vma.access, write)) break;
      const filledEnd = presentEnd(vma);
      if (filledEnd <= next) break;
      next = filledEnd;
      if (filledEnd < vma.end) break;
    }
    return (next < end ? next : end) - address;
  }

  /** An address of a page of a file that is mapped to be read. */
  addressOfFilePage(file: MemoryFile, page: number): bigint | undefined {
    for (const { start, end, access, backing } of this.#vmas) {
      if (backing.kind !== 'file' || backing.copies !== undefined) continue;
      if (backing.file !== file || access === 'none') continue;
      const address = start + BigInt(page - backing.first) * PAGE_SIZE;
      if (address >= start && address < end) return address;
    }
    return undefined;
  }

  pin(frame: Frame): void {
    this.physical.pin(frame);
  }

  unpin(frame: Frame): void {
    this.physical.unpin(frame);
  }

  pinsOf(frame: Frame): number {
    return this.physical.pinsOf(frame);
  }

  /** Each pinned page of the machine with the number of its pins. */
  get pins(): ReadonlyMap<Frame, number> {
    return this.physical.pins;
  }

  /** Whether the model knows what lies at an address. */
  presence(address: bigint): Presence {
    const vma = this.#vmaAt(address);
    if (vma !== undefined) return vma.backing.kind === 'unknown' ? 'unknown' : 'mapped';
    const isKnown =
      this.isWhole ||
      (address >= KNOWN_SPACE.start && address <= KNOWN_SPACE.last) ||
      address >= TASK_SIZE ||
      address < LOWEST_USER_ADDRESS;
    return isKnown ? 'unmapped' : 'unknown';
  }

  #vmaAt(address: bigint): Vma | undefined {
    const last = this.#lastFound;
    if (last !== undefined && address >= last.start && address < last.end) return last;
    for (const vma of this.#vmas) {
      if (address >= vma.start && address < vma.end) return (this.#lastFound = vma);
    }
    return undefined;
  }

  #insert(vma: Vma): void {
    assert(isAligned(vma.start, PAGE_SIZE) && pageOffset(vma.end) === 0n, 'mappings are whole pages');
    this.#vmas.push(vma);
    this.#vmas.sort(byAddress);
  }

  /** What lies behind a private mapping in a process that is made. */
  #forked(vma: Vma): Backing {
    const { backing } = vma;
    if (backing.kind !== 'file' || backing.copies === undefined) return this.#copyPages(vma);
    return { ...backing, copies: backing.copies.fork() };
  }

  /** What a copy of private memory has: new pages that hold the same. */
  #copyPages({ start, end, backing }: Vma): Backing {
    const copies = this.#newPages(end - start);
    if (backing.kind !== 'frames' || copies.kind !== 'frames') return copies;
    for (let page = 0; page < pageIndex(end - start); page++) {
      this.physical.contents.copy(backing.first + page, copies.first + page);
    }
    return copies;
  }

  #newPages(bytes: bigint): Backing {
    return { kind: 'frames', first: this.physical.takeFrames(bytes) };
  }

  /** Cuts out what lies within a range and puts something else there. */
  #replaceWithin(start: bigint, end: bigint, replace: (piece: Vma) => Vma | undefined): RegionChanges {
    const kept: Vma[] = [];
    const changes = new Map<MappedRegion, number>();
    for (const vma of this.#vmas) {
      const pieces = isApart(vma, start, end) ? [vma] : piecesOf(vma, start, end, replace);
      kept.push(...pieces);
      if (vma.backing.kind !== 'region') continue;
      const { region } = vma.backing;
      changes.set(region, (changes.get(region) ?? 0) + pieces.length - 1);
    }
    this.#vmas = kept;
    this.#lastFound = undefined;
    return changes;
  }
}

function sumOf(all: readonly RegionChanges[]): RegionChanges {
  const sum = new Map<MappedRegion, number>();
  for (const changes of all) {
    for (const [region, change] of changes) sum.set(region, (sum.get(region) ?? 0) + change);
  }
  return sum;
}
