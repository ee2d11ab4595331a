import { PAGE_SIZE, pageOffset } from '../base/u64.js';
import { present } from '../base/assert.js';
import type { Range } from '../base/ranges.js';
import type { Area } from '../state/pages.js';
import type { Frame } from '../state/user_memory.js';

/** A run of mapped IOVAs, as one MAP made it. */
export interface Extent extends Range {
  /** Offset of the first byte inside the first frame. */
  readonly frameOffset: bigint;
  readonly frames: readonly Frame[];
}

/** Formats of the page table. Source: iommufd_test.h, MOCK_IOMMUPT_*. */
export type MockTable = 'default' | 'huge';

const TABLES: Readonly<Record<MockTable, { readonly aperture: Range; readonly pageBytesMin: bigint }>> = {
  // MOCK_APERTURE_START, MOCK_APERTURE_LAST; half of the CPU's page.
  default: { aperture: { start: 0x100_0000n, last: 0x7fff_ffffn }, pageBytesMin: 2048n },
  // Three levels of 9 bits over 2 KiB. Source: selftest.c:mock_domain_alloc_pgtable.
  huge: { aperture: { start: 0n, last: (1n << 38n) - 1n }, pageBytesMin: 4096n },
};

/**
 * A paging domain of the mock IOMMU behind CONFIG_IOMMUFD_TEST: its page table holds its own copy of what was mapped, so that
 * it can be compared with the areas. Leaf sizes are not modelled: no call of this model shows them. Source: selftest.c.
 */
export class MockDomain {
  /** Where it translates. */
  readonly aperture: Range;
  /** The smallest leaf of its page table, in bytes. */
  readonly pageBytesMin: bigint;
  /** Whether HWPT_SET_DIRTY_TRACKING has switched its dirty bits on. */
  tracksDirty = false;
  readonly #extents = new Map<bigint, Extent>();

  /** @param hasDirtyBits whether HWPT_ALLOC asked for dirty tracking */
  constructor(
    readonly table: MockTable = 'default',
    readonly hasDirtyBits = false,
  ) {
    const { aperture, pageBytesMin } = TABLES[table];
    this.aperture = aperture;
    this.pageBytesMin = pageBytesMin;
  }

  /** What is mapped, in the order of mapping. */
  get extents(): Iterable<Extent> {
    return this.#extents.values();
  }

  get extentCount(): number {
    return this.#extents.size;
  }

  map(area: Area, frames: readonly Frame[]): void {
    this.#extents.set(area.iova, {
      start: area.iova,
      last: area.last,
      frameOffset: area.pageOffset,
      frames,
    });
  }

  unmap(area: Area): void {
    this.#extents.delete(area.iova);
  }

  extentAt(start: bigint): Extent | undefined {
    return this.#extents.get(start);
  }

  /** iova_to_phys: the physical address behind an IOVA, or undefined where nothing is mapped. */
  translate(iova: bigint): bigint | undefined {
    for (const extent of this.#extents.values()) {
      if (iova < extent.start || iova > extent.last) continue;
      const byte = extent.frameOffset + (iova - extent.start);
      const frame = present(extent.frames[Number(byte / PAGE_SIZE)], 'frame of a mapped IOVA');
      return BigInt(frame) * PAGE_SIZE + pageOffset(byte);
    }
    return undefined;
  }
}
