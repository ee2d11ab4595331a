import { PAGE_SIZE, alignUp, pageOffset } from '../base/u64.js';
import { present } from '../base/assert.js';
import type { Range } from '../base/ranges.js';
import type { Area } from '../state/pages.js';
import type { Frame } from '../state/physical_memory.js';
import { type Leaf, type MappedRange, leafAt } from './leaves.js';

/** A run of mapped IOVAs, as one MAP made it. */
export type Extent = MappedRange;

/**
 * Formats of the page table: the generic one, the same with huge pages only, and the array of half pages that came before them,
 * without and with huge pages. Source: iommufd_test.h, MOCK_IOMMUPT_*; of the array, MOCK_FLAGS_DEVICE_HUGE_IOVA.
 */
export type MockTable = 'default' | 'huge' | 'array' | 'huge_array';

/** MOCK_IO_PAGE_SIZE: what one entry of the lowest level maps, and what has a dirty bit of its own. Source: selftest.c. */
export const ENTRY_BYTES = 2048n;

/** MOCK_HUGE_PAGE_SIZE. Source: iommufd_test.h. */
const HUGE_PAGE_BYTES = 512n * ENTRY_BYTES;

/** MOCK_APERTURE_START, MOCK_APERTURE_LAST. */
const APERTURE = { start: 0x100_0000n, last: 0x7fff_ffffn };

/** Powers of two up to the largest entry of the third level. Source: fmt/amdv1.h:amdv1pt_possible_sizes. */
const GENERIC_PAGE_SIZES = Array.from({ length: 26 }, (_, power) => ENTRY_BYTES << BigInt(power));

interface TableFormat {
  readonly aperture: Range;
  /** What a leaf may map, in bytes, ascending. */
  readonly pageSizes: readonly bigint[];
}

const TABLES: Readonly<Record<MockTable, TableFormat>> = {
  default: { aperture: APERTURE, pageSizes: GENERIC_PAGE_SIZES },
  // Three levels of 9 bits over 2 KiB. Source: selftest.c:mock_domain_alloc_pgtable.
  huge: { aperture: { start: 0n, last: (1n << 38n) - 1n }, pageSizes: [PAGE_SIZE, HUGE_PAGE_BYTES] },
  array: { aperture: APERTURE, pageSizes: [ENTRY_BYTES] },
  huge_array: { aperture: APERTURE, pageSizes: [ENTRY_BYTES, HUGE_PAGE_BYTES] },
};

/**
 * A paging domain of the mock IOMMU behind CONFIG_IOMMUFD_TEST: its page table holds its own copy of what was mapped, so that
 * it can be compared with the areas, and the dirty bits of its entries. Source: selftest.c.
 */
export class MockDomain {
  /** Where it translates. */
  readonly aperture: Range;
  /** What a leaf of its page table may map, in bytes, ascending. */
  readonly pageSizes: readonly bigint[];
  /** Whether HWPT_SET_DIRTY_TRACKING has switched its dirty bits on. */
  tracksDirty = false;
  readonly #extents = new Map<bigint, Extent>();
  /** The first IOVA of each entry whose dirty bit is set. */
  /** Where the extent begins that was found last: the next address is often in it as well. */
  #recentStart = 0n;
  readonly #dirty = new Set<bigint>();

  /** @param hasDirtyBits whether HWPT_ALLOC asked for dirty tracking */
  constructor(
    readonly table: MockTable = 'default',
    readonly hasDirtyBits = false,
  ) {
    const { aperture, pageSizes } = TABLES[table];
    this.aperture = aperture;
    this.pageSizes = pageSizes;
  }

  /** The smallest leaf of its page table, in bytes. */
  get pageBytesMin(): bigint {
    return present(this.pageSizes[0], 'a page size');
  }

  /** Whether it maps only what permits something. Source: generic_pt/iommu_pt.h:map_range. */
  get refusesNoAccess(): boolean {
    return this.table === 'default' || this.table === 'huge';
  }

  /** What is mapped, in the order of mapping. */
  get extents(): Iterable<Extent> {
    return this.#extents.values();
  }

  get extentCount(): number {
    return this.#extents.size;
  }

  /** The first IOVAs of the dirty entries, ascending. */
  get dirtyEntries(): readonly bigint[] {
    return [...this.#dirty].sort((one, two) => (one < two ? -1 : 1));
  }

  map(area: Area, frames: readonly Frame[], isPageByPage: boolean): void {
    this.#extents.set(area.iova, {
      start: area.iova,
      last: area.last,
      frameOffset: area.pageOffset,
      frames,
      isPageByPage,
    });
  }

  /** The halves of an area that was cut; its entries stay as they are. */
  cut(area: Area, low: Area, high: Area): void {
    const extent = present(this.#extents.get(area.iova), 'mapping of an area that is cut');
    const split = high.firstIndex - area.firstIndex;
    this.#extents.set(low.iova, { ...extent, last: low.last, frames: extent.frames.slice(0, split) });
    this.#extents.set(high.iova, {
      ...extent,
      start: high.iova,
      frameOffset: high.pageOffset,
      frames: extent.frames.slice(split),
    });
  }

  /** Dirty bits go with the entries. */
  unmap(area: Area): void {
    this.#extents.delete(area.iova);
    this.cleanRange({ start: area.iova, last: area.last });
  }

  extentAt(start: bigint): Extent | undefined {
    return this.#extents.get(start);
  }

  /** iova_to_phys: the physical address behind an IOVA, or undefined where nothing is mapped. */
  translate(iova: bigint): bigint | undefined {
    const extent = this.#extentOf(iova);
    if (extent === undefined) return undefined;
    const byte = extent.frameOffset + (iova - extent.start);
    const frame = present(extent.frames[Number(byte / PAGE_SIZE)], 'frame of a mapped IOVA');
    return BigInt(frame) * PAGE_SIZE + pageOffset(byte);
  }

  /** A write of a device through an IOVA; where nothing is mapped, nothing happens. */
  markDirty(iova: bigint): void {
    if (this.#extentOf(iova) !== undefined) this.#dirty.add(iova & -ENTRY_BYTES);
  }

  /** The leaves with a dirty entry that share, or may share, a byte with a range, ascending. */
  dirtyLeavesIn({ start, last }: Range): Leaf[] {
    const leaves = new Map<bigint, Leaf>();
    for (const iova of this.dirtyEntries) {
      const leaf = leafAt(present(this.#extentOf(iova), 'mapping of a dirty entry'), this.pageSizes, iova);
      if (leaf.largest.start <= last && leaf.largest.last >= start) leaves.set(leaf.smallest.start, leaf);
    }
    return [...leaves.values()];
  }

  /** Whether a mapped leaf may begin before an IOVA and go on behind it. */
  mayBeInsideLeaf(iova: bigint): boolean {
    const extent = this.#extentOf(iova);
    return extent !== undefined && leafAt(extent, this.pageSizes, iova).largest.start < iova;
  }

  cleanRange({ start, last }: Range): void {
    // A leaf of many is cleaned at a time, or everything.
    if (last - start < BigInt(this.#dirty.size) * ENTRY_BYTES) {
      for (let iova = alignUp(start, ENTRY_BYTES); iova <= last; iova += ENTRY_BYTES)
        this.#dirty.delete(iova);
    } else {
      for (const iova of this.#dirty) if (iova >= start && iova <= last) this.#dirty.delete(iova);
    }
  }

  cleanAll(): void {
    this.#dirty.clear();
  }

  #extentOf(iova: bigint): Extent | undefined {
    const recent = this.#extents.get(this.#recentStart);
    if (recent !== undefined && iova >= recent.start && iova <= recent.last) return recent;
    for (const extent of this.#extents.values()) {
      if (iova < extent.start || iova > extent.last) continue;
      this.#recentStart = extent.start;
      return extent;
    }
    return undefined;
  }
}
