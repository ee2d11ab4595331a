import { PAGE_SIZE, isAligned } from '../base/u64.js';
import { present } from '../base/assert.js';
import type { MockDomain } from '../hardware/mock_domain.js';
import { notifyUnmap } from './access.js';
import { type Area, type Pages, isRevoked } from './pages.js';
import type { IoPagetable } from './io_pagetable.js';
import { type PinFailure, PinPlan, pinChunkPages, unpinUnheld } from './pins.js';
import type { Process } from './process.js';
import type { Frame } from './physical_memory.js';

/** Why a domain cannot be filled. */
export type FillFailure = PinFailure | 'misaligned' | 'no_access';

/** The domains to fill, and whether each page is to be mapped by itself. */
type FilledTable = Pick<IoPagetable, 'domains' | 'disableLargePages'>;
/**
 * What it takes to put areas into domains: pin the pages that nobody holds yet, map them, charge them; area by area, all or
 * nothing. Planned without touching the state, because a failure leaves nothing behind but what `reach` does.
 * Source: pages.c:iopt_area_fill_domains, iopt_area_fill_domain.
 */
export class FillPlan {
  readonly failure: FillFailure | undefined;
  /** Undefined where memory is not touched. */
  readonly #pins: PinPlan | undefined;

  /**
   * @param areas in the order of filling; not yet in any domain, or already in the storage domain
   * @param table whose domains they are mapped into; without domains memory is not touched
   */
  constructor(
    readonly areas: readonly Area[],
    private readonly table: FilledTable,
    /** Who asks for it; the memory is that of the process that mapped it. */
    caller: Process,
  ) {
    if (table.domains.length === 0) return;
    this.#pins = new PinPlan(caller, pinChunkPages(caller));
    this.failure = this.#firstFailure(this.#pins);
  }

  /** Pins, charges and maps what was planned. Only for a plan without failure. */
  commit(): void {
    if (this.#pins === undefined) return;
    const { domains, disableLargePages } = this.table;
    this.#pins.commit();
    for (const area of this.areas) {
      area.hasStorageDomain = true;
      if (isRevoked(area.pages)) continue;
      const frames = framesOf(area);
      for (const domain of domains) domain.map(area, frames, disableLargePages);
    }
  }

  /** Does what stays of pinning up to a failure when it is undone. */
  reach(): void {
    this.#pins?.reach();
  }

  #firstFailure(pins: PinPlan): FillFailure | undefined {
    for (const area of this.areas) {
      const { pages, firstIndex, lastIndex } = area;
      const failure = pins.pin(pages, firstIndex, lastIndex) ?? this.#map(area) ?? pins.charge(pages);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  #map(area: Area): FillFailure | undefined {
    if (isRevoked(area.pages)) return undefined;
    const { read, write } = area.protection;
    const { domains } = this.table;
    if (!read && !write && domains.some(({ refusesNoAccess }) => refusesNoAccess)) return 'no_access';
    const fits = domains.every(
      ({ pageBytesMin }) => isAligned(area.iova, pageBytesMin) && isAligned(area.length, pageBytesMin),
    );
    return fits ? undefined : 'misaligned';
  }
}

/** Takes an area out of domains and unpins what no other area holds. Source: pages.c:iopt_area_unfill_domains. */
export function unfillArea(area: Area, domains: readonly MockDomain[]): void {
  for (const domain of domains) domain.unmap(area);
  if (!area.hasStorageDomain) return;
  area.hasStorageDomain = false;
  if (area.pages.source.kind === 'dmabuf') return;
  unpinUnheld(area.pages, area.firstIndex, area.lastIndex);
}

/** Removes an area from its IOAS, from its accesses and domains and, where it was the last holder, from memory. */
export function dropArea(table: IoPagetable, area: Area): void {
  if (area.hasAccesses) notifyUnmap(table, area);
  unfillArea(area, table.domains);
  table.remove(area);
  const { source, areas } = area.pages;
  if (source.kind !== 'user' && areas.length === 0) source.release();
}

function framesOf({ pages, firstIndex, lastIndex }: Area): Frame[] {
  const frames: Frame[] = [];
  for (let index = firstIndex; index <= lastIndex; index++) frames.push(frameOf(pages, index));
  return frames;
}

/** The frame of a page that is pinned, or that a dma-buf has anyway. */
export function frameOf({ source, origin, frames }: Pages, index: number): Frame {
  if (source.kind === 'dmabuf') return source.frameAt(origin + BigInt(index) * PAGE_SIZE);
  return present(frames.get(index), 'pinned frame');
}
