import { hex } from '../base/u64.js';
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
  const stray = pages.frames.size === 0 ? undefined : firstUnheld(pages);
  if (stray !== undefined)
    return `page ${String(stray)} of the memory at ${hex(pages.origin)} is pinned for nothing`;
  for (const area of pages.areas) {
    const gap = area.hasStorageDomain ? firstUnpinned(pages, area) : undefined;
    if (gap !== undefined) return `page ${String(gap)} under the area at ${hex(area.iova)} is not pinned`;
  }
  for (const pin of pages.accesses) {
    const gap = firstUnpinned(pages, pin);
    if (gap !== undefined) return `page ${String(gap)} of an access is not pinned`;
    if (!pages.areas.includes(pin.area)) return 'an access has pinned an area that is gone';
  }
  return undefined;
}

/** A page that is pinned for nobody. */
function firstUnheld(pages: Pages): number | undefined {
  for (const index of pages.frames.keys()) if (!pages.isHeld(index)) return index;
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

/** Nobody can relieve the memory of a process that is gone, so that it may count more. */
function differs(counter: number, pages: number, isAlive: boolean): boolean {
  return isAlive ? counter !== pages : counter < pages;
}

function wrongSums({ everyProcess, user, memory }: World, all: readonly Pages[]): string | undefined {
  const held: Pages[] = [];
  for (const pages of all) if (pages.frames.size > 0) held.push(pages);
  for (const process of everyProcess) {
    const { pinnedVm, miscountedPins, isAlive } = process;
    let pinned = 0;
    let locked = 0;
    for (const { owner, accountMode, frames } of held) {
      if (owner !== process) continue;
      pinned += frames.size;
      if (accountMode === 'MM') locked += frames.size;
    }
    if (differs(pinnedVm, pinned - miscountedPins, isAlive))
      return `pinned_vm is ${String(pinnedVm)}, pages held are ${String(pinned)}, ${String(miscountedPins)} of them counted elsewhere`;
    if (differs(process.lockedVm, locked, isAlive))
      return `locked_vm is ${String(process.lockedVm)}, pages charged to it are ${String(locked)}`;
  }
  let userLocked = 0;
  for (const { owner, accountMode, frames } of held) {
    if (!everyProcess.includes(owner)) return 'pages are charged to a process that is not of the program';
    if (accountMode === 'USER') userLocked += frames.size;
  }
  if (user.lockedVm !== userLocked)
    return `the user's locked_vm is ${String(user.lockedVm)}, pages charged to it are ${String(userLocked)}`;
  return wrongPins(memory.pins, held);
}

function wrongPins(pins: ReadonlyMap<number, number>, held: readonly Pages[]): string | undefined {
  if (held.length === 0) return pins.size === 0 ? undefined : 'a page has pins that no mapping holds';
  const holders = new Map<number, number>();
  for (const { frames } of held) {
    for (const frame of frames.values()) holders.set(frame, (holders.get(frame) ?? 0) + 1);
  }
  for (const [frame, count] of pins)
    if (holders.get(frame) !== count) return 'a page has pins that no mapping holds';
  return holders.size === pins.size ? undefined : 'a page that a mapping holds has no pin';
}
