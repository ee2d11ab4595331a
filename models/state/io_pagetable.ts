import { PAGE_SIZE, isAligned, maxU64 } from '../base/u64.js';
import { type Range, WHOLE_SPACE, gapsWithin, intersectsAny, mergeRanges } from '../base/ranges.js';
import { assert } from '../base/assert.js';
import type { MockDomain } from '../hardware/mock_domain.js';
import type { AccessObject } from './objects.js';
import type { Area } from './pages.js';

/** A range of IOVAs that nothing may be mapped in. */
export interface Reservation extends Range {
  /** The domain whose aperture excludes it, or 'selftest' for one that lives as long as the IOAS. */
  readonly owner: MockDomain | 'selftest';
}

/** struct io_pagetable: what an IOAS maps, and where it may. Source: io_pagetable.c. */
export class IoPagetable {
  /** Disjoint, ascending. */
  readonly areas: Area[] = [];
  /** The list of ALLOW_IOVAS. Disjoint; empty means that automatic placement is not confined. */
  allowed: readonly Range[] = [];
  /** In the order of reservation; they may overlap. */
  reserved: Reservation[] = [];
  /** Attached domains in index order; the first is the storage domain. */
  readonly domains: MockDomain[] = [];
  /** Accesses of the CPU in the order of attaching. Source: access_list. */
  readonly accesses: AccessObject[] = [];
  disableLargePages = false;
  /** `iova_alignment`, in bytes. */
  alignment = 1n;

  /** The areas that share a byte with a range, ascending. */
  areasIntersecting(range: Range): Area[] {
    const found: Area[] = [];
    for (let at = this.#firstEndingAtOrAfter(range.start); at < this.areas.length; at++) {
      const area = this.areas[at];
      if (area === undefined || area.iova > range.last) break;
      found.push(area);
    }
    return found;
  }

  areaAt(iova: bigint): Area | undefined {
    const area = this.areas[this.#firstEndingAtOrAfter(iova)];
    return area !== undefined && area.iova <= iova ? area : undefined;
  }

  hasAreaIn(range: Range): boolean {
    const area = this.areas[this.#firstEndingAtOrAfter(range.start)];
    return area !== undefined && area.iova <= range.last;
  }

  insert(area: Area): void {
    this.areas.splice(this.#firstEndingAtOrAfter(area.iova), 0, area);
    area.pages.addArea(area);
  }

  remove(area: Area): void {
    const at = this.areas.indexOf(area);
    assert(at >= 0, 'the area to remove is in its IOAS');
    this.areas.splice(at, 1);
    area.pages.removeArea(area);
  }

  /** Parts of an area take its place. */
  replace(area: Area, parts: readonly Area[]): void {
    this.remove(area);
    for (const part of parts) this.insert(part);
  }

  /** The maximal ranges that no reservation touches, ascending: what IOVA_RANGES reports. */
  usableRanges(): Range[] {
    return gapsWithin(mergeRanges(this.reserved), WHOLE_SPACE);
  }

  isReserved(range: Range): boolean {
    return intersectsAny(range, this.reserved);
  }

  /** Whether `iopt_reserve_iova` refuses a range: it meets an area or an allowed range. */
  refusesReservation(range: Range): boolean {
    return this.hasAreaIn(range) || intersectsAny(range, this.allowed);
  }

  /** Whether each area keeps to an alignment: `iopt_check_iova_alignment`. */
  areasKeepTo(alignment: bigint): boolean {
    return this.areas.every(
      (area) =>
        isAligned(area.iova, alignment) &&
        isAligned(area.length, alignment) &&
        isAligned(area.pageOffset, alignment),
    );
  }

  /** The alignment that the present settings, domains and accesses ask for: `iopt_calculate_iova_alignment`. */
  alignmentNeeded(disableLargePages = this.disableLargePages): bigint {
    let alignment = disableLargePages ? PAGE_SIZE : 1n;
    for (const domain of this.domains) alignment = maxU64(alignment, domain.pageBytesMin);
    for (const access of this.accesses) alignment = maxU64(alignment, access.alignment);
    return alignment;
  }

  get hasAreasInDomain(): boolean {
    return this.domains.length > 0 && this.areas.length > 0;
  }

  /** Allows or forbids large pages of domains. Source: iopt_enable_large_pages, iopt_disable_large_pages. */
  setLargePages(isOn: boolean): void {
    this.disableLargePages = !isOn;
    this.alignment = this.alignmentNeeded();
  }

  removeReservationsOf(owner: Reservation['owner']): void {
    this.reserved = this.reserved.filter((reservation) => reservation.owner !== owner);
  }

  #firstEndingAtOrAfter(iova: bigint): number {
    let low = 0;
    let high = this.areas.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const area = this.areas[middle];
      if (area !== undefined && area.last < iova) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The parts of the address space outside a domain's aperture. */
export function outsideAperture({ aperture }: MockDomain): Range[] {
  return gapsWithin([aperture], WHOLE_SPACE);
}
