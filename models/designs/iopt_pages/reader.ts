import { present } from '../../base/assert.js';
import { PfnBatch } from './batch.js';
import { pfnBehind } from './memory.js';
import { type IoptPages, type TierContext, type TierFailure, fails } from './state.js';
import {
  type Span,
  addressOf,
  batchFromDomain,
  batchFromXarray,
  domainAreaAt,
  isUsed,
  subtractPinned,
  unpinFrame,
  unpinUnheld,
  wraps,
} from './tiers.js';

/** Pages that are pinned at once; some thousands in kernels. */
const PINNED_AT_ONCE = 6;

/** Pointers of the array that pages are pinned into, per word of eight bytes. */
const POINTER_BYTES = 8;

/**
 * Takes the pages of a range of indexes, a batch at a time, each from the first tier that has it: the xarray, a domain, the memory
 * of the user, where they are pinned. Source: pages.c:struct pfn_reader.
 */
export class PfnReader {
  readonly batch = new PfnBatch();
  /** Indexes of the batch; `batchEnd` is behind its last. */
  batchStart: number;
  batchEnd: number;
  /** Frame numbers that have been pinned, from `upagesStart`. */
  #upages: readonly number[] = [];
  #upagesStart = 0;
  #hasPinned = false;

  /** @param isIntoCallersArray whether pages are pinned into an array of who asks for them */
  constructor(
    private readonly c: TierContext,
    private readonly pages: IoptPages,
    private readonly range: Span,
    private readonly isIntoCallersArray = false,
  ) {
    this.batchStart = range.start;
    this.batchEnd = range.start;
  }

  get isDone(): boolean {
    return this.batchStart === this.range.last + 1;
  }

  /** Fills the first batch; after a failure there is nothing left to give back. Source: pages.c:pfn_reader_first. */
  first(): TierFailure | undefined {
    if (fails(this.c.state)) return 'ENOMEM.allocation';
    const failure = this.next();
    if (failure !== undefined) this.destroy();
    return failure;
  }

  /** Fills the batch with what follows. Source: pages.c:pfn_reader_next. */
  next(): TierFailure | undefined {
    this.batch.clear();
    this.batchStart = this.batchEnd;
    while (this.batchEnd <= this.range.last) {
      const span = this.#spanAt(this.batchEnd);
      const failure = this.#fill(span);
      if (failure !== undefined) return failure;
      this.batchEnd = this.batchStart + this.batch.total;
      if (this.batchEnd !== span.last + 1) return undefined;
    }
    return undefined;
  }

  /** Unpins what has been read and is held by nobody. Source: pages.c:pfn_reader_release_pins. */
  releasePins(): void {
    const { c, pages, batch } = this;
    this.#releaseRest();
    if (this.batchStart !== this.batchEnd) {
      unpinUnheld(c, pages, batch, { start: this.batchStart, last: this.batchEnd - 1 });
      this.batchStart = this.batchEnd;
    }
  }

  destroy(): void {
    this.releasePins();
    const { npinned, lastNpinned } = this.pages;
    if (npinned !== lastNpinned) this.c.prints('WARNING: last_npinned is not npinned when a reader ends');
  }

  /** Pages that were pinned and have not come into a batch. */
  #releaseRest(): void {
    const { c, pages } = this;
    const rest = this.#upagesEnd - this.batchEnd;
    if (!this.#hasPinned || rest === 0) return;
    if (rest < 0 && !c.has('D2.4') && !c.has('D2.29')) return;
    if (rest < 0) {
      c.prints('WARNING: unpin_user_pages() is given a negative count');
      if (c.has('D2.29')) subtractPinned(c, pages, rest);
      return;
    }
    for (const pfn of this.#upages.slice(-rest)) unpinFrame(c, pfn);
    // The text of D2.4 forgets that they are counted.
    if (!c.has('D2.4')) subtractPinned(c, pages, rest);
    this.#upages = this.#upages.slice(0, -rest);
  }

  get #upagesEnd(): number {
    return this.#upagesStart + this.#upages.length;
  }

  /** The indexes from one on that are in the same tier. */
  #spanAt(start: number): Span {
    const { pages, range, c } = this;
    const tier = this.#tierOf(start);
    let last = start;
    while (last < range.last && this.#tierOf(last + 1) === tier) last += 1;
    const isFollowedByDomain = last < range.last && !isUsed(pages, last + 1);
    if (tier !== 'user' || !isFollowedByDomain || !c.has('D2.3')) return { start, last };
    while (last < range.last && !isUsed(pages, last + 1)) last += 1;
    return { start, last };
  }

  #tierOf(index: number): unknown {
    if (isUsed(this.pages, index)) return 'xarray';
    return domainAreaAt(this.pages, index) ?? 'user';
  }

  #fill(span: Span): TierFailure | undefined {
    const { c, pages, batch } = this;
    if (isUsed(pages, span.start)) {
      batchFromXarray(c, batch, pages, span);
      return undefined;
    }
    const area = domainAreaAt(pages, span.start);
    if (area !== undefined) {
      batchFromDomain(c, batch, { area, domain: present(area.storage, 'storage'), span });
      return undefined;
    }
    if (this.batchEnd >= this.#upagesEnd) {
      const failure = this.#pin(span);
      if (failure !== undefined) return failure;
    }
    for (const pfn of this.#upages.slice(this.batchEnd - this.#upagesStart)) {
      if (!batch.add(pfn, c.has)) break;
    }
    return undefined;
  }

  /** Pins what the user has at some indexes, or a part of it. Source: pages.c:pfn_reader_user_pin. */
  #pin({ start, last }: Span): TierFailure | undefined {
    const { c, pages } = this;
    const { memory } = c.state;
    if (!this.#hasPinned) {
      if (fails(c.state)) return 'ENOMEM.allocation';
      if (pages.isOrphan) return this.#failDead();
      this.#hasPinned = true;
    }
    const count = Math.min(last - start + 1, PINNED_AT_ONCE);
    if (count > Math.ceil(count / POINTER_BYTES) && c.has('D2.24')) {
      c.undefined(
        'D2.24',
        'out of bounds',
        'the array for pinned pages has a byte for each instead of a pointer',
      );
    }
    if (wraps(pages, { start: 0, last: pages.npages - 1 }) && c.has('D2.33')) {
      c.prints('WARNING: pin_user_pages_remote() of a range that wraps');
    }
    const pfns: number[] = [];
    for (let index = start; index < start + count; index++) {
      const pfn = this.#pfnToPin(addressOf(pages, index));
      if (pfn === undefined) break;
      pfns.push(pfn);
    }
    if (pfns.length === 0) return 'EFAULT.memory';
    for (const pfn of pfns) present(memory.frames.get(pfn), 'a frame').pins += 1;
    pages.npinned += pfns.length;
    this.#upages = pfns;
    this.#upagesStart = start;
    return undefined;
  }

  #pfnToPin(address: bigint): number | undefined {
    const writable = pfnBehind(address, true);
    if (writable !== undefined || this.pages.isWritable) return writable;
    const readable = pfnBehind(address, false);
    if (readable === undefined || !this.c.has('D2.8')) return readable;
    this.c.contradicts('memory that can be read cannot be pinned for a mapping that only reads');
    return undefined;
  }

  /** The process that mapped the memory is gone. */
  #failDead(): TierFailure {
    const { c } = this;
    if (this.isIntoCallersArray && c.has('D2.26')) {
      c.undefined('D2.26', 'wild pointer', 'the array of the caller is freed');
    }
    return 'EFAULT.mm';
  }
}
