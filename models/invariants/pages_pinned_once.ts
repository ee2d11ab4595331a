import { hex } from '../base/u64.js';
import type { Process } from '../state/process.js';
import type { World } from '../state/world.js';
import type { Pages } from '../state/pages.js';
import type { Invariant } from './invariant.js';

export const pagesPinnedOnce: Invariant = {
  id: 'pages_pinned_once',
  statement:
    'Each page that an area with a storage domain or an access covers is pinned once for its mapping, no other page is, and the charges are the pins. Pages of dma-bufs are never pinned.',
  notCovered:
    'Pins of other users of the same memory; what processes that are gone are charged too much, which nobody can relieve.',
  cite: 'pages.c: header comment on the three tiers; iopt_pages_update_pinned',
  looksAt: ({ world: { memory } }) => memory.pins.size > 0,
  check: ({ world, pages }) => {
    for (const shown of pages) {
      const wrong = wrongPin(shown);
      if (wrong !== undefined) return wrong;
    }
    return wrongSums(world, pages);
  },
};

function wrongPin(pages: Pages): string | undefined {
  if (pages.source.kind === 'dmabuf') return pages.frames.size === 0 ? undefined : 'a dma-buf is pinned';
  for (const index of pages.frames.keys()) {
    if (!pages.isHeld(index))
      return `page ${String(index)} of the memory at ${hex(pages.origin)} is pinned for nothing`;
  }
  for (const area of pages.areas) {
    const gap = area.hasStorageDomain ? firstUnpinned(pages, area) : undefined;
    if (gap !== undefined) return `page ${String(gap)} under the area at ${hex(area.iova)} is not pinned`;
  }
  for (const pin of pages.accesses) {
    const gap = firstUnpinned(pages, pin);
    if (gap !== undefined) return `page ${String(gap)} of an access is not pinned`;
    if (!pages.areas.has(pin.area)) return 'an access has pinned an area that is gone';
  }
  return undefined;
}

/** A page of a run that is not pinned. */
function firstUnpinned(
  { frames }: Pages,
  { firstIndex, lastIndex }: { readonly firstIndex: number; readonly lastIndex: number },
): number | undefined {
  for (let index = firstIndex; index <= lastIndex; index++) if (!frames.has(index)) return index;
  return undefined;
}

/** What the pages charge to one process and its user. */
interface Sums {
  pinned: number;
  locked: number;
}

const NOTHING: Readonly<Sums> = { pinned: 0, locked: 0 };

/** Nobody can relieve the memory of a process that is gone, so that it may count more. */
function differs(counter: number, pages: number, isAlive: boolean): boolean {
  return isAlive ? counter !== pages : counter < pages;
}

function wrongSums({ everyProcess, user, memory }: World, all: ReadonlySet<Pages>): string | undefined {
  const sums = new Map<Process, Sums>();
  const pins = new Map<number, number>();
  let userLocked = 0;
  for (const { accountMode, frames, owner } of all) {
    if (frames.size === 0) continue;
    const sum = sums.get(owner) ?? { pinned: 0, locked: 0 };
    sums.set(owner, sum);
    sum.pinned += frames.size;
    if (accountMode === 'MM') sum.locked += frames.size;
    if (accountMode === 'USER') userLocked += frames.size;
    for (const frame of frames.values()) pins.set(frame, (pins.get(frame) ?? 0) + 1);
  }
  for (const process of everyProcess) {
    const { pinned, locked } = sums.get(process) ?? NOTHING;
    sums.delete(process);
    const { pinnedVm, miscountedPins, isAlive } = process;
    if (differs(pinnedVm, pinned - miscountedPins, isAlive))
      return `pinned_vm is ${String(pinnedVm)}, pages held are ${String(pinned)}, ${String(miscountedPins)} of them counted elsewhere`;
    if (differs(process.lockedVm, locked, isAlive))
      return `locked_vm is ${String(process.lockedVm)}, pages charged to it are ${String(locked)}`;
  }
  if (sums.size > 0) return 'pages are charged to a process that is not of the program';
  if (user.lockedVm !== userLocked) {
    return `the user's locked_vm is ${String(user.lockedVm)}, pages charged to it are ${String(userLocked)}`;
  }
  for (const [frame, count] of memory.pins)
    if (pins.get(frame) !== count) return 'a page has pins that no mapping holds';
  return pins.size === memory.pins.size ? undefined : 'a page that a mapping holds has no pin';
}
