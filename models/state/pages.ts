import { pageIndex, pageOffset } from '../base/u64.js';
import { type PageSource, USER_MEMORY } from './page_source.js';
import type { AccountMode, Process } from './process.js';
import type { Frame } from './physical_memory.js';

/** Whom a mapping lets the device access memory as. Source: IOMMU_READ, IOMMU_WRITE. */
export interface Protection {
  readonly read: boolean;
  readonly write: boolean;
}

const NOTHING: readonly never[] = [];
const NO_FRAMES: ReadonlyMap<number, Frame> = new Map();

/**
 * struct iopt_pages: the memory of one MAP, shared by the areas that COPY makes of it. A page of it is pinned while an area
 * with a storage domain or an access covers it, and then exactly once; those of a dma-buf never are. Source: pages.c.
 */
export class Pages {
  /** Address, or offset in the file, of the first byte of the first page. */
  readonly origin: bigint;
  /** Whether MAP asked for IOMMU_IOAS_MAP_WRITEABLE, so that pages are pinned for writing. */
  readonly writable: boolean;
  readonly accountMode: AccountMode;
  // What most of them never have is not made: planning a MAP makes one, and Sets and Maps cost more than the rest of that.
  #areas: readonly Area[] = NOTHING;
  #accesses: readonly AccessPin[] = NOTHING;
  #frames: Map<number, Frame> | undefined;
  /**
   * Pages that are not pinned any more and still charged to the memory of a process that is gone, which nobody can relieve: what
   * `last_npinned` is more than `npinned`.
   */
  unrelieved = 0;

  /** @param start address, or offset in the file, of the first byte */
  constructor(
    start: bigint,
    writable: boolean,
    accountMode: AccountMode,
    /** The process that mapped it, whose memory it is unless it comes from a file, and that is charged. */
    public owner: Process,
    readonly source: PageSource = USER_MEMORY,
  ) {
    this.origin = start - pageOffset(start);
    this.writable = writable;
    this.accountMode = accountMode;
  }

  /** Areas that show a part of this memory, in any IOAS of the file. */
  get areas(): readonly Area[] {
    return this.#areas;
  }

  /** What accesses have pinned of it; several may cover a page. Source: access_itree. */
  get accesses(): readonly AccessPin[] {
    return this.#accesses;
  }

  /** The pinned pages by index. Its size is `npinned`. */
  get frames(): ReadonlyMap<number, Frame> {
    return this.#frames ?? NO_FRAMES;
  }

  addArea(area: Area): void {
    if (!this.#areas.includes(area)) this.#areas = [...this.#areas, area];
  }

  removeArea(area: Area): void {
    this.#areas = this.#areas.filter((other) => other !== area);
  }

  addAccess(pin: AccessPin): void {
    this.#accesses = [...this.#accesses, pin];
  }

  removeAccess(pin: AccessPin): void {
    this.#accesses = this.#accesses.filter((other) => other !== pin);
  }

  addFrame(index: number, frame: Frame): void {
    (this.#frames ??= new Map()).set(index, frame);
  }

  removeFrame(index: number): void {
    this.#frames?.delete(index);
  }

  /** Whether an area with a storage domain, or an access, keeps a page pinned. */
  isHeld(index: number): boolean {
    for (const area of this.areas) if (area.hasStorageDomain && area.covers(index)) return true;
    for (const { firstIndex, lastIndex } of this.accesses)
      if (index >= firstIndex && index <= lastIndex) return true;
    return false;
  }
}

/** Whether no page table may show these pages any more. Source: io_pagetable.h:iopt_dmabuf_revoked. */
export function isRevoked({ source }: Pages): boolean {
  return source.kind === 'dmabuf' && source.isRevoked;
}

/** struct iopt_area: a range of IOVAs that shows a range of bytes of some pages. Source: io_pagetable.h. */
export class Area {
  /** Whether a domain of the IOAS holds the PFNs, i.e. `storage_domain` is set. */
  hasStorageDomain = false;
  readonly length: bigint;
  /** Offset of the first byte inside its page: `iopt_area.page_offset`. */
  readonly pageOffset: bigint;
  readonly firstIndex: number;
  readonly lastIndex: number;

  constructor(
    readonly iova: bigint,
    readonly last: bigint,
    readonly pages: Pages,
    /** Offset of the first byte from the origin of the pages. */
    readonly startByte: bigint,
    readonly protection: Protection,
  ) {
    this.length = last - iova + 1n;
    this.pageOffset = pageOffset(startByte);
    this.firstIndex = pageIndex(startByte);
    this.lastIndex = pageIndex(startByte + (last - iova));
  }

  /** As ranges call it. */
  get start(): bigint {
    return this.iova;
  }

  /** The index of the page behind an IOVA of it. */
  indexAt(iova: bigint): number {
    return pageIndex(this.startByte + (iova - this.iova));
  }

  /** Whether an access has pinned pages through it: `num_accesses`. */
  get hasAccesses(): boolean {
    for (const { area } of this.pages.accesses) if (area === this) return true;
    return false;
  }

  /** Whether an access of the kernel's own keeps it from being unmapped: `num_locks`. */
  get isLocked(): boolean {
    for (const { area, isLock } of this.pages.accesses) if (area === this && isLock) return true;
    return false;
  }

  covers(index: number): boolean {
    return index >= this.firstIndex && index <= this.lastIndex;
  }
}

/** A run of pages that an access has pinned through an area. Source: struct iopt_pages_access. */
export interface AccessPin {
  /** Whether the area must not be unmapped meanwhile: the access is the kernel's own. */
  readonly isLock: boolean;
  readonly area: Area;
  readonly firstIndex: number;
  readonly lastIndex: number;
}
