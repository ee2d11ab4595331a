import { PAGE_SIZE, minU64, pageIndex, pageOffset } from '../base/u64.js';
import type { IoPagetable } from './io_pagetable.js';
import type { Area, Pages } from './pages.js';
import { type PinFailure, PinPlan, pinChunkPages } from './pins.js';
import type { Process } from './process.js';
import type { Frame } from './physical_memory.js';
import type { UserMemory } from './user_memory.js';

/** Why an access cannot copy a range. */
export type AccessCopyFailure = Exclude<PinFailure, 'memlock'> | 'partial' | 'protection' | 'dmabuf' | 'hole';

/** How an access copies. */
export interface CopyRequest {
  readonly iova: bigint;
  /** The last byte of a range that does not wrap. */
  readonly last: bigint;
  readonly isWrite: boolean;
  /** Whether memory is reached as that of another process is. */
  readonly isSlow: boolean;
}

/** A page as it is found, before it is reached. */
interface Place {
  readonly frame: Frame;
  /** Where a process sees it, if it is reached by an address. */
  readonly seen?: {
    readonly memory: UserMemory;
    readonly address: bigint;
    /** Whether a private mapping gets a page of its own before. */
    readonly isUnshared: boolean;
  };
}

/** Bytes of one page. */
export interface Piece extends Place {
  readonly offset: number;
  readonly count: number;
}

/** Does what comes with reaching a page, and returns the one that it has become. */
export function reachPage({ frame, seen }: Piece): Frame {
  if (seen === undefined) return frame;
  const { memory, address, isUnshared } = seen;
  memory.physical.contents.clear(frame);
  if (!isUnshared) return frame;
  memory.unshare(address, 1n);
  return memory.frameAt(address, false) ?? frame;
}

/**
 * Where the bytes of a range of IOVAs lie, area by area, up to the first that cannot be reached; what lies before it is copied all
 * the same. Source: device.c:iommufd_access_rw; pages.c:iopt_pages_rw_access.
 */
export class AccessCopyPlan {
  readonly failure: AccessCopyFailure | undefined;
  readonly pieces: Piece[] = [];
  /** What is pinned for the time of the copy. */
  readonly #pins: PinPlan[] = [];

  constructor(
    table: IoPagetable,
    private readonly request: CopyRequest,
    private readonly caller: Process,
  ) {
    this.failure = this.#firstFailure(table);
  }

  /** Does what stays of pinning pages for the time of the copy, as far as it came. */
  reach(): void {
    for (const plan of this.#pins) plan.reach();
  }

  #firstFailure(table: IoPagetable): AccessCopyFailure | undefined {
    const { iova, last } = this.request;
    let next = iova;
    for (const area of table.areasIntersecting({ start: iova, last })) {
      if (area.iova > next) return 'hole';
      const failure = this.#add(area, next, minU64(last, area.last));
      if (failure !== undefined) return failure;
      next = area.last + 1n;
    }
    return next > last ? undefined : 'hole';
  }

  #add(
    { pages, protection, startByte, iova }: Area,
    start: bigint,
    end: bigint,
  ): AccessCopyFailure | undefined {
    const { isWrite, isSlow } = this.request;
    if (!(isWrite ? protection.write : protection.read)) return 'protection';
    if (pages.source.kind === 'dmabuf') return 'dmabuf';
    const [first, last] = [startByte + (start - iova), startByte + (end - iova)];
    if (pages.source.kind === 'file') return this.#addPinned(pages, first, last);
    if (!isSlow && pages.owner === this.caller) return this.#addMapped(pages, first, last, 'frameToCopy');
    const isOnePage = pageIndex(first) === pageIndex(last);
    return isOnePage && pages.owner.isAlive
      ? this.#addMapped(pages, first, last, 'frameAt')
      : this.#addPinned(pages, first, last);
  }

  /**
   * What is behind the addresses now, whatever is pinned: copied by the process itself, or pinned for the moment, which a region
   * cannot be. Source: pages.c:iopt_pages_rw_access, iopt_pages_rw_page.
   */
  #addMapped(
    pages: Pages,
    first: bigint,
    last: bigint,
    look: 'frameToCopy' | 'frameAt',
  ): AccessCopyFailure | undefined {
    const { memory } = pages.owner;
    return this.#addPages(first, last, (index) => {
      const address = pages.origin + BigInt(index) * PAGE_SIZE;
      const isUnshared = this.request.isWrite;
      const frame = memory[look](address, isUnshared);
      if (frame !== undefined) return { frame, seen: { memory, address, isUnshared } };
      return memory.presence(address) === 'unknown' ? 'unknown' : 'fault';
    });
  }

  /** What is pinned, and else what can be. Source: pages.c:iopt_pages_rw_slow. */
  #addPinned(pages: Pages, first: bigint, last: bigint): AccessCopyFailure | undefined {
    const plan = new PinPlan(this.caller, pinChunkPages(this.caller));
    this.#pins.push(plan);
    const failure = plan.pin(pages, pageIndex(first), pageIndex(last));
    if (failure === 'memlock' || failure === undefined) {
      return this.#addPages(first, last, (index) => placeToPin(plan, pages, index));
    }
    // With a small limit the pages before have been written to, as many as were pinned at once.
    return this.request.isWrite && this.caller.memory.physical.hasSmallArrays ? 'partial' : failure;
  }

  #addPages(
    first: bigint,
    last: bigint,
    placeAt: (index: number) => Place | 'fault' | 'unknown',
  ): AccessCopyFailure | undefined {
    for (let byte = first; byte <= last; byte += PAGE_SIZE - pageOffset(byte)) {
      const place = placeAt(pageIndex(byte));
      if (typeof place === 'string') return place;
      const count = minU64(PAGE_SIZE - pageOffset(byte), last - byte + 1n);
      this.pieces.push({ ...place, offset: Number(pageOffset(byte)), count: Number(count) });
    }
    return undefined;
  }
}

/** A page that is pinned, or is for as long as its bytes are copied. */
function placeToPin(plan: PinPlan, pages: Pages, index: number): Place {
  const { memory } = pages.owner;
  const frame = plan.frameAt(pages, index);
  if (pages.source.kind !== 'user' || pages.frames.has(index)) return { frame };
  const address = pages.origin + BigInt(index) * PAGE_SIZE;
  const before = memory.frameAt(address, false) ?? frame;
  return { frame: before, seen: { memory, address, isUnshared: true } };
}
