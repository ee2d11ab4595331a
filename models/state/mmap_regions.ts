import { assert } from '../base/assert.js';
import type { Frame } from './physical_memory.js';

/** A range of offsets that the file can be mapped at. */
export interface MmapRegion {
  /** Where it begins, in bytes. */
  readonly offset: number;
  readonly bytes: number;
  /** The first of the pages that it shows. */
  readonly first: Frame;
}

/** The first offset that is handed out: 0 means that there is none. */
const OFFSET_MIN = 0x1000;

/** The regions of a file, each in the lowest gap that takes it. Source: driver.c:_iommufd_alloc_mmap. */
export class MmapRegions {
  readonly #regions: MmapRegion[] = [];

  /** Where the next region of so many bytes comes to lie. */
  nextOffset(bytes: number): number {
    let offset = OFFSET_MIN;
    for (const region of this.#regions) {
      if (offset + bytes <= region.offset) break;
      offset = region.offset + region.bytes;
    }
    return offset;
  }

  /** Ascending. */
  get all(): readonly MmapRegion[] {
    return this.#regions;
  }

  add(bytes: number, first: Frame): MmapRegion {
    const region = { offset: this.nextOffset(bytes), bytes, first };
    this.#regions.push(region);
    this.#regions.sort((one, two) => one.offset - two.offset);
    return region;
  }

  remove(region: MmapRegion): void {
    const at = this.#regions.indexOf(region);
    assert(at >= 0, 'the region to remove is there');
    this.#regions.splice(at, 1);
  }
}
