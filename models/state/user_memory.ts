import { assert } from '../base/assert.js';
import { PAGE_SIZE, isAligned, pageIndex, pageOffset } from '../base/u64.js';
import { KNOWN_SPACE, LOWEST_USER_ADDRESS, TASK_SIZE, type Access, type Region } from '../program/arena.js';

/** Identifies one physical page for as long as anything holds it. Never 0. */
export type Frame = number;

/** A mapping of the calling process, as far as pinning and copying see it. Its `end` is exclusive, as in the kernel. */
interface Vma {
  readonly start: bigint;
  readonly end: bigint;
  readonly access: Access;
  /** Frame of the first page; the following pages have the following numbers. */
  readonly firstFrame: Frame;
}

/** Whether user space owns an address range, for all the model knows. */
export type Presence = 'mapped' | 'unmapped' | 'unknown';

/** The address space of the program under test. */
export class UserMemory {
  #vmas: Vma[] = [];
  #nextFrame: Frame = 1;
  readonly #pins = new Map<Frame, number>();

  constructor(regions: readonly Region[]) {
    const firstFrames = new Map<string, Frame>();
    for (const { name, start, bytes, access, aliasOf } of regions) {
      const firstFrame = aliasOf === undefined ? this.#takeFrames(bytes) : firstFrames.get(aliasOf);
      assert(firstFrame !== undefined, `region ${name} aliases a region before it`);
      firstFrames.set(name, firstFrame);
      this.#insert({ start, end: start + bytes, access, firstFrame });
    }
  }

  /** mmap(MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS): new pages replace whatever was there. */
  map(start: bigint, bytes: bigint, access: Access): void {
    this.unmap(start, bytes);
    this.#insert({ start, end: start + bytes, access, firstFrame: this.#takeFrames(bytes) });
  }

  /** munmap(): cuts mappings at page boundaries. */
  unmap(start: bigint, bytes: bigint): void {
    const end = start + bytes;
    const kept: Vma[] = [];
    for (const vma of this.#vmas) {
      if (vma.end <= start || vma.start >= end) {
        kept.push(vma);
        continue;
      }
      if (vma.start < start) kept.push({ ...vma, end: start });
      if (vma.end > end) {
        kept.push({ ...vma, start: end, firstFrame: vma.firstFrame + pageIndex(end - vma.start) });
      }
    }
    this.#vmas = kept;
  }

  /** The frame behind an address that may be accessed so, else undefined. */
  frameAt(address: bigint, write: boolean): Frame | undefined {
    const vma = this.#vmaAt(address);
    if (vma === undefined || !permits(vma.access, write)) return undefined;
    return vma.firstFrame + pageIndex(address - vma.start);
  }

  /** Whether each byte of a range may be accessed so. An empty range always may. */
  allows(address: bigint, bytes: bigint, write: boolean): boolean {
    return this.bytesAllowed(address, bytes, write) === bytes;
  }

  /** How many bytes from an address on may be accessed so before the first fault, at most `bytes`. */
  bytesAllowed(address: bigint, bytes: bigint, write: boolean): bigint {
    const end = address + bytes;
    let next = address;
    while (next < end) {
      const vma = this.#vmaAt(next);
      if (vma === undefined || !permits(vma.access, write)) break;
      next = vma.end;
    }
    return (next < end ? next : end) - address;
  }

  /** pin_user_pages: holds a page until it is unpinned as often. */
  pin(frame: Frame): void {
    this.#pins.set(frame, this.pinsOf(frame) + 1);
  }

  unpin(frame: Frame): void {
    const left = this.pinsOf(frame) - 1;
    assert(left >= 0, 'only pinned pages are unpinned');
    if (left === 0) this.#pins.delete(frame);
    else this.#pins.set(frame, left);
  }

  pinsOf(frame: Frame): number {
    return this.#pins.get(frame) ?? 0;
  }

  /** Each pinned page with the number of its pins. */
  get pins(): ReadonlyMap<Frame, number> {
    return this.#pins;
  }

  /** Whether the model knows what lies at an address. */
  presence(address: bigint): Presence {
    if (this.#vmaAt(address) !== undefined) return 'mapped';
    const isKnown =
      (address >= KNOWN_SPACE.start && address <= KNOWN_SPACE.last) ||
      address >= TASK_SIZE ||
      address < LOWEST_USER_ADDRESS;
    return isKnown ? 'unmapped' : 'unknown';
  }

  #vmaAt(address: bigint): Vma | undefined {
    for (const vma of this.#vmas) if (address >= vma.start && address < vma.end) return vma;
    return undefined;
  }

  #insert(vma: Vma): void {
    assert(isAligned(vma.start, PAGE_SIZE) && pageOffset(vma.end) === 0n, 'mappings are whole pages');
    this.#vmas.push(vma);
    this.#vmas.sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  #takeFrames(bytes: bigint): Frame {
    const first = this.#nextFrame;
    this.#nextFrame += pageIndex(bytes);
    return first;
  }
}

function permits(access: Access, write: boolean): boolean {
  return access === 'rw' || (access === 'ro' && !write);
}
