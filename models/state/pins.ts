import { PAGE_SIZE } from '../base/u64.js';
import { present } from '../base/assert.js';
import type { Pages } from './pages.js';
import type { Process, UserAccount } from './process.js';
import type { Frame } from './physical_memory.js';

/**
 * Why pages cannot be pinned; 'file' where a file has none to pin, 'unknown' where the model cannot see the memory, 'payer_is_gone'
 * where none has to be pinned and the memory of a process that is gone would have to be relieved.
 */
export type PinFailure = 'fault' | 'end_of_space' | 'file' | 'memlock' | 'unknown' | 'payer_is_gone';

const ADDRESS_SPACE_PAGES = 2 ** 52;

/**
 * Pages to pin that nobody holds yet, and what that charges. Planned without touching the state, because a failure leaves
 * nothing behind but what `reach` does. Source: pages.c:pfn_reader_user_pin, iopt_pages_update_pinned.
 */
export class PinPlan {
  readonly #pins = new Map<Pages, Map<number, Frame>>();
  /** How much more is charged for the planned pins of some pages than before. */
  readonly #charged = new Map<Pages, number>();
  /** What mm->locked_vm of owners and user_struct->locked_vm will be. */
  readonly #lockedVm = new Map<Process, number>();
  readonly #userLockedVm = new Map<UserAccount, number>();

  /**
   * @param caller who asks for it; the memory is that of the process that mapped it
   * @param chunkPages how many pages are pinned at once
   */
  constructor(
    private readonly caller: Process,
    private readonly chunkPages: number,
  ) {}

  /** Plans to pin a run of pages, as far as they are not pinned yet. Those of a dma-buf need not be. */
  pin(pages: Pages, firstIndex: number, lastIndex: number): PinFailure | undefined {
    if (pages.source.kind === 'dmabuf') return undefined;
    const pins = this.#pinsOf(pages);
    let chunkStart = -1;
    for (let index = firstIndex; index <= lastIndex; index++) {
      if (pages.frames.has(index) || pins.has(index)) {
        chunkStart = -1;
        continue;
      }
      if (chunkStart < 0 || index === chunkStart + this.chunkPages) chunkStart = index;
      const address = pages.origin + BigInt(index) * PAGE_SIZE;
      const frame = frameAt(address, pages);
      if (frame === undefined) return this.#faultAt(address, pages, chunkStart, lastIndex);
      pins.set(index, frame);
    }
    return undefined;
  }

  /** Plans to charge what has been planned to be pinned since the last time, less what is charged already. */
  charge(pages: Pages): PinFailure | undefined {
    const { owner, unrelieved } = pages;
    const pins = this.#pinsOf(pages).size;
    if (pins === 0 && unrelieved > 0) return 'payer_is_gone';
    const planned = pins - unrelieved;
    const added = planned - (this.#charged.get(pages) ?? 0);
    this.#charged.set(pages, planned);
    const limit = Number(owner.memlockBytes / PAGE_SIZE);
    switch (pages.accountMode) {
      case 'NONE':
        return undefined;
      case 'USER':
        return addTo(this.#userLockedVm, owner.user, added) > limit && added > 0 ? 'memlock' : undefined;
      case 'MM':
        return addTo(this.#lockedVm, owner, added) > limit && added > 0 ? 'memlock' : undefined;
    }
  }

  /** The page behind an index that is pinned, or planned to be. */
  frameAt(pages: Pages, index: number): Frame {
    return present(pages.frames.get(index) ?? this.#pinsOf(pages).get(index), 'pinned frame');
  }

  /** What pinning does to memory, and unpinning does not undo: pages of files are cleared, those of private mappings copied. */
  reach(): void {
    for (const [pages, pins] of this.#pins) {
      if (pages.source.kind !== 'user') continue;
      const { memory } = pages.owner;
      for (const [index, frame] of pins) {
        memory.unshare(pages.origin + BigInt(index) * PAGE_SIZE, PAGE_SIZE);
        memory.physical.contents.clear(frame);
      }
    }
  }

  /** Pins and charges what was planned. Only for a plan without failure. */
  commit(): void {
    this.reach();
    for (const [pages, pins] of this.#pins) {
      const { owner } = pages;
      for (const [index, frame] of pins) {
        pages.addFrame(index, frame);
        owner.memory.pin(frame);
      }
      owner.pinnedVm += pins.size;
    }
    for (const pages of this.#charged.keys()) {
      pages.owner.pinnedVm -= pages.unrelieved;
      pages.unrelieved = 0;
    }
    for (const [process, lockedVm] of this.#lockedVm) process.lockedVm = lockedVm;
    for (const [user, lockedVm] of this.#userLockedVm) user.lockedVm = lockedVm;
  }

  #pinsOf(pages: Pages): Map<number, Frame> {
    const pins = this.#pins.get(pages) ?? new Map<number, Frame>();
    this.#pins.set(pages, pins);
    return pins;
  }

  #faultAt(address: bigint, pages: Pages, chunkStart: number, lastIndex: number): PinFailure {
    const { owner, source } = pages;
    if (source.kind === 'file') return 'file';
    if (owner !== this.caller) return 'fault';
    if (owner.memory.presence(address) === 'unknown') return 'unknown';
    const chunkEnd = Math.min(lastIndex, chunkStart + this.chunkPages - 1) + 1;
    const endPage = Number(pages.origin / PAGE_SIZE) + chunkEnd;
    return endPage >= ADDRESS_SPACE_PAGES ? 'end_of_space' : 'fault';
  }
}

function frameAt(address: bigint, { source, owner, writable }: Pages): Frame | undefined {
  if (source.kind !== 'user') return source.frameAt(address);
  return owner.isAlive ? owner.memory.frameToPin(address, writable) : undefined;
}

/** Adds to a planned counter, and returns what it comes to. */
function addTo<A extends { lockedVm: number }>(counters: Map<A, number>, account: A, added: number): number {
  const sum = (counters.get(account) ?? account.lockedVm) + added;
  counters.set(account, sum);
  return sum;
}

/** Pages are pinned by arrays of pointers to them. */
const POINTER_BYTES = 8;

/** How many pages are pinned at once where an array has to be had for it. */
export function pinChunkPages({ memory }: Process): number {
  return Math.floor(memory.physical.temporaryBytesMax / POINTER_BYTES);
}

/**
 * Unpins the pages of a run that nothing holds any more. The memory of a process that is gone is not relieved.
 * Source: pages.c:update_unpinned, update_mm_locked_vm.
 */
export function unpinUnheld(pages: Pages, firstIndex: number, lastIndex: number): void {
  const { owner } = pages;
  let unpinned = 0;
  for (let index = firstIndex; index <= lastIndex; index++) {
    if (pages.isHeld(index)) continue;
    owner.memory.unpin(present(pages.frames.get(index), 'pinned frame'));
    pages.removeFrame(index);
    unpinned += 1;
  }
  if (pages.accountMode === 'MM' && !owner.isAlive) {
    pages.unrelieved += unpinned;
    return;
  }
  owner.pinnedVm -= unpinned;
  if (pages.accountMode === 'USER') owner.user.lockedVm -= unpinned;
  if (pages.accountMode === 'MM') owner.lockedVm -= unpinned;
}
