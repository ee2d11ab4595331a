import { PAGE_SIZE, isAligned, minU64 } from '../base/u64.js';
import { type PinFailure, PinPlan } from './pins.js';
import type { IoPagetable } from './io_pagetable.js';
import type { AccessPin, Area } from './pages.js';
import type { Process } from './process.js';
import type { Frame } from './physical_memory.js';

/** Why an access cannot pin a range. */
export type AccessPinFailure = PinFailure | 'misaligned' | 'protection' | 'dmabuf' | 'hole';

/** The array that takes the pages is there beforehand. Source: pages.c:iopt_pages_fill_xarray. */
const WHOLE_RUN = Infinity;

/**
 * What it takes to pin a range of IOVAs for an access, area by area, all or nothing. Planned without touching the state: a
 * failure leaves nothing behind but copies of pages of private mappings. Source: device.c:iommufd_access_pin_pages; pages.c:iopt_area_add_access.
 */
export class AccessPinPlan {
  readonly failure: AccessPinFailure | undefined;
  readonly pins: AccessPin[] = [];
  readonly #plan: PinPlan;

  /**
   * @param last the last byte of a range that does not wrap
   * @param isLock whether the access is the kernel's own, which does not let go
   */
  constructor(
    table: IoPagetable,
    private readonly iova: bigint,
    private readonly last: bigint,
    private readonly isWrite: boolean,
    caller: Process,
    private readonly isLock = false,
  ) {
    this.#plan = new PinPlan(caller, WHOLE_RUN);
    this.failure = this.#firstFailure(table);
  }

  /** The pinned pages in the order of their IOVAs. */
  get frames(): Frame[] {
    return this.pins.flatMap(({ area: { pages }, firstIndex, lastIndex }) =>
      Array.from({ length: lastIndex - firstIndex + 1 }, (_, at) =>
        this.#plan.frameAt(pages, firstIndex + at),
      ),
    );
  }

  /** Does what stays of pinning what nobody holds yet when it is undone. */
  reach(): void {
    this.#plan.reach();
  }

  /** Pins and charges what nobody holds yet. Only for a plan without failure. */
  commit(): void {
    this.#plan.commit();
  }

  #firstFailure(table: IoPagetable): AccessPinFailure | undefined {
    let next = this.iova;
    for (const area of table.areasIntersecting({ start: this.iova, last: this.last })) {
      if (area.iova > next) return 'hole';
      const failure = this.#add(area, next);
      if (failure !== undefined) return failure;
      next = area.last + 1n;
    }
    return next > this.last ? undefined : 'hole';
  }

  #add(area: Area, start: bigint): AccessPinFailure | undefined {
    const { pages, protection } = area;
    const end = minU64(this.last, area.last);
    const firstByte = area.startByte + (start - area.iova);
    const goesOn = area.last < this.last;
    // What lies in one piece for the device has to be whole pages of memory.
    if (!isAligned(firstByte, PAGE_SIZE) || (goesOn && !isAligned(area.startByte + area.length, PAGE_SIZE))) {
      return 'misaligned';
    }
    if (!(this.isWrite ? protection.write : protection.read)) return 'protection';
    if (pages.source.kind === 'dmabuf') return 'dmabuf';
    const pin = { isLock: this.isLock, area, firstIndex: area.indexAt(start), lastIndex: area.indexAt(end) };
    this.pins.push(pin);
    return this.#plan.pin(pages, pin.firstIndex, pin.lastIndex) ?? this.#plan.charge(pages);
  }
}
