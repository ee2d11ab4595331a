import { PAGE_SIZE, isAligned } from '../base/u64.js';
import { present } from '../base/assert.js';
import type { MockDomain } from '../hardware/mock_domain.js';
import { type Area, type Pages, isHeld } from './pages.js';
import type { IoPagetable } from './io_pagetable.js';
import type { ProcessState } from './process.js';
import type { Frame, UserMemory } from './user_memory.js';

/** Why a domain cannot be filled; 'unknown' where the model cannot see the memory. */
export type FillFailure = 'fault' | 'end_of_space' | 'memlock' | 'misaligned' | 'unknown';

/** Pages that one chunk of pinning takes: temp_kmalloc's 64 KiB of page pointers. Source: pages.c. */
const CHUNK_PAGES = 65536 / 8;

const ADDRESS_SPACE_PAGES = 2 ** 52;

/** The process whose memory is pinned and whose counters are charged. */
export interface Owner {
  readonly memory: UserMemory;
  readonly process: ProcessState;
}

/**
 * What it takes to put areas into domains: pin the pages that nobody holds yet, map them, charge them; area by area, all or
 * nothing. Planned without touching the state, because a failure leaves nothing behind.
 * Source: pages.c:iopt_area_fill_domains, iopt_area_fill_domain, pfn_reader_user_pin, iopt_pages_update_pinned.
 */
export class FillPlan {
  readonly failure: FillFailure | undefined;
  readonly #pins = new Map<Pages, Map<number, Frame>>();
  /** How many of the planned pins of some pages have been charged. */
  readonly #charged = new Map<Pages, number>();
  #lockedVm: number;
  #userLockedVm: number;

  /**
   * @param areas in the order of filling; not yet in any domain, or already in the storage domain
   * @param domains what they are mapped into; none means that memory is not touched
   */
  constructor(
    readonly areas: readonly Area[],
    readonly domains: readonly MockDomain[],
    readonly owner: Owner,
  ) {
    this.#lockedVm = owner.process.lockedVm;
    this.#userLockedVm = owner.process.userLockedVm;
    this.failure = domains.length === 0 ? undefined : this.#firstFailure();
  }

  /** Pins, charges and maps what was planned. Only for a plan without failure. */
  commit(): void {
    if (this.domains.length === 0) return;
    const { memory, process } = this.owner;
    for (const [pages, pins] of this.#pins) {
      for (const [index, frame] of pins) {
        pages.frames.set(index, frame);
        memory.pin(frame);
      }
      process.pinnedVm += pins.size;
    }
    process.lockedVm = this.#lockedVm;
    process.userLockedVm = this.#userLockedVm;
    for (const area of this.areas) {
      const frames = framesOf(area);
      for (const domain of this.domains) domain.map(area, frames);
      area.hasStorageDomain = true;
    }
  }

  #firstFailure(): FillFailure | undefined {
    for (const area of this.areas) {
      const failure = this.#pin(area) ?? this.#map(area) ?? this.#charge(area.pages);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  #pin(area: Area): FillFailure | undefined {
    const { pages } = area;
    const pins = this.#pins.get(pages) ?? new Map<number, Frame>();
    let chunkStart = -1;
    for (let index = area.firstIndex; index <= area.lastIndex; index++) {
      if (pages.frames.has(index) || pins.has(index)) {
        chunkStart = -1;
        continue;
      }
      if (chunkStart < 0 || index === chunkStart + CHUNK_PAGES) chunkStart = index;
      const address = pages.origin + BigInt(index) * PAGE_SIZE;
      const frame = this.owner.memory.frameAt(address, pages.writable);
      if (frame === undefined) return this.#faultAt(address, pages, chunkStart, area.lastIndex);
      pins.set(index, frame);
    }
    this.#pins.set(pages, pins);
    return undefined;
  }

  #faultAt(address: bigint, pages: Pages, chunkStart: number, lastIndex: number): FillFailure {
    if (this.owner.memory.presence(address) === 'unknown') return 'unknown';
    const chunkEnd = Math.min(lastIndex, chunkStart + CHUNK_PAGES - 1) + 1;
    const endPage = Number(pages.origin / PAGE_SIZE) + chunkEnd;
    return endPage >= ADDRESS_SPACE_PAGES ? 'end_of_space' : 'fault';
  }

  #map(area: Area): FillFailure | undefined {
    const fits = this.domains.every(
      ({ pageBytesMin }) => isAligned(area.iova, pageBytesMin) && isAligned(area.length, pageBytesMin),
    );
    return fits ? undefined : 'misaligned';
  }

  #charge(pages: Pages): FillFailure | undefined {
    const { process } = this.owner;
    const planned = present(this.#pins.get(pages), 'pins of a planned area').size;
    const added = planned - (this.#charged.get(pages) ?? 0);
    this.#charged.set(pages, planned);
    const limit = Number(process.memlockBytes / PAGE_SIZE);
    switch (pages.accountMode) {
      case 'NONE':
        return undefined;
      case 'USER':
        this.#userLockedVm += added;
        return added > 0 && this.#userLockedVm > limit ? 'memlock' : undefined;
      case 'MM':
        this.#lockedVm += added;
        return added > 0 && this.#lockedVm > limit ? 'memlock' : undefined;
    }
  }
}

/** Takes an area out of domains and unpins what no other area holds. Source: pages.c:iopt_area_unfill_domains. */
export function unfillArea(area: Area, domains: readonly MockDomain[], { memory, process }: Owner): void {
  for (const domain of domains) domain.unmap(area);
  if (!area.hasStorageDomain) return;
  area.hasStorageDomain = false;
  const { pages } = area;
  let unpinned = 0;
  for (let index = area.firstIndex; index <= area.lastIndex; index++) {
    if (isHeld(pages, index)) continue;
    memory.unpin(present(pages.frames.get(index), 'pinned frame'));
    pages.frames.delete(index);
    unpinned += 1;
  }
  process.pinnedVm -= unpinned;
  if (pages.accountMode === 'USER') process.userLockedVm -= unpinned;
  if (pages.accountMode === 'MM') process.lockedVm -= unpinned;
}

/** Removes an area from its IOAS, from its domains and, where it was the last holder, from memory. */
export function dropArea(table: IoPagetable, area: Area, owner: Owner): void {
  unfillArea(area, table.domains, owner);
  table.remove(area);
}

function framesOf(area: Area): Frame[] {
  const frames: Frame[] = [];
  for (let index = area.firstIndex; index <= area.lastIndex; index++) {
    frames.push(present(area.pages.frames.get(index), 'pinned frame'));
  }
  return frames;
}
