import { PAGE_SIZE } from '../base/u64.js';
import { present } from '../base/assert.js';
import { type Pages, isHeld } from './pages.js';
import type { ProcessState } from './process.js';
import type { Frame, UserMemory } from './user_memory.js';

/** Why pages cannot be pinned; 'unknown' where the model cannot see the memory. */
export type PinFailure = 'fault' | 'end_of_space' | 'memlock' | 'unknown';

/** Pages that one chunk of pinning takes: temp_kmalloc's 64 KiB of page pointers. Source: pages.c. */
const CHUNK_PAGES = 65536 / 8;

const ADDRESS_SPACE_PAGES = 2 ** 52;

/** The process whose memory is pinned and whose counters are charged. */
export interface Owner {
  readonly memory: UserMemory;
  readonly process: ProcessState;
}

/**
 * Pages to pin that nobody holds yet, and what that charges. Planned without touching the state, because a failure leaves
 * nothing behind. Source: pages.c:pfn_reader_user_pin, iopt_pages_update_pinned.
 */
export class PinPlan {
  readonly #pins = new Map<Pages, Map<number, Frame>>();
  /** How many of the planned pins of some pages have been charged. */
  readonly #charged = new Map<Pages, number>();
  #lockedVm: number;
  #userLockedVm: number;

  constructor(private readonly owner: Owner) {
    this.#lockedVm = owner.process.lockedVm;
    this.#userLockedVm = owner.process.userLockedVm;
  }

  /** Plans to pin a run of pages, as far as they are not pinned yet. */
  pin(pages: Pages, firstIndex: number, lastIndex: number): PinFailure | undefined {
    const pins = this.#pinsOf(pages);
    let chunkStart = -1;
    for (let index = firstIndex; index <= lastIndex; index++) {
      if (pages.frames.has(index) || pins.has(index)) {
        chunkStart = -1;
        continue;
      }
      if (chunkStart < 0 || index === chunkStart + CHUNK_PAGES) chunkStart = index;
      const address = pages.origin + BigInt(index) * PAGE_SIZE;
      const frame = this.owner.memory.frameAt(address, pages.writable);
      if (frame === undefined) return this.#faultAt(address, pages, chunkStart, lastIndex);
      pins.set(index, frame);
    }
    return undefined;
  }

  /** Plans to charge what has been planned to be pinned since the last time. */
  charge(pages: Pages): PinFailure | undefined {
    const { process } = this.owner;
    const planned = this.#pinsOf(pages).size;
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

  /** Pins and charges what was planned. Only for a plan without failure. */
  commit(): void {
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
  }

  #pinsOf(pages: Pages): Map<number, Frame> {
    const pins = this.#pins.get(pages) ?? new Map<number, Frame>();
    this.#pins.set(pages, pins);
    return pins;
  }

  #faultAt(address: bigint, pages: Pages, chunkStart: number, lastIndex: number): PinFailure {
    if (this.owner.memory.presence(address) === 'unknown') return 'unknown';
    const chunkEnd = Math.min(lastIndex, chunkStart + CHUNK_PAGES - 1) + 1;
    const endPage = Number(pages.origin / PAGE_SIZE) + chunkEnd;
    return endPage >= ADDRESS_SPACE_PAGES ? 'end_of_space' : 'fault';
  }
}

/** Unpins the pages of a run that nothing holds any more. Source: pages.c:update_unpinned. */
export function unpinUnheld(
  pages: Pages,
  firstIndex: number,
  lastIndex: number,
  { memory, process }: Owner,
): void {
  let unpinned = 0;
  for (let index = firstIndex; index <= lastIndex; index++) {
    if (isHeld(pages, index)) continue;
    memory.unpin(present(pages.frames.get(index), 'pinned frame'));
    pages.frames.delete(index);
    unpinned += 1;
  }
  process.pinnedVm -= unpinned;
  if (pages.accountMode === 'USER') process.userLockedVm -= unpinned;
  if (pages.accountMode === 'MM') process.lockedVm -= unpinned;
}
