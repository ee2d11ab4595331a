import { present } from '../base/assert.js';
import type { Pages } from '../state/pages.js';
import { isHugeFrame, isSameHugePage } from '../state/physical_memory.js';
import { type World, someObject } from '../state/world.js';
import type { PossibleSplat } from './profile.js';

export const UNFILL_LOOKS_UP: PossibleSplat = {
  title: 'WARNING in mock_domain_iova_to_phys',
  finding: 'unfill-reads-unmapped',
  says: 'an area goes while two others show pages of the same memory, and the pages lie side by side',
  cite: 'pages.c:iopt_area_unpin_domain',
  canFollow: hasMemoryOfThreeAreas,
};

/** @param title where the compiler has put the check */
export function payerIsGone(title: string): PossibleSplat {
  return {
    title,
    finding: 'gone-payer-warns',
    says: 'memory is to be pinned or read whose payer is gone, and is charged for more pages of it than are pinned',
    cite: 'pages.c:pfn_reader_destroy, update_mm_locked_vm',
    canFollow: (world) => someMemory(world, ({ unrelieved }) => unrelieved > 0),
  };
}

/** Bytes of a batch of pages with room for two. Source: pages.c:__batch_init. */
const TWO_ELEMENTS_BYTES = 24;

/** @param title where the kernel notices that it unmaps a part of a leaf */
export function unfillOfOneElement(title: string): PossibleSplat {
  return {
    title,
    finding: 'unfill-leaks-huge-pages',
    says: 'a domain goes while an access holds pages on both sides of a border of huge pages, and arrays have one element',
    cite: 'pages.c:batch_skip_carry, iopt_area_unpin_domain',
    canFollow: (world) =>
      world.memory.physical.temporaryBytesMax < TWO_ELEMENTS_BYTES &&
      someMemory(world, hasPinAcrossHugePages),
  };
}

function hasMemoryOfThreeAreas(world: World): boolean {
  return someMemory(world, ({ areas }) => areas.length >= 3);
}

function hasPinAcrossHugePages({ accesses, areas, frames }: Pages): boolean {
  if (!areas.some(({ hasStorageDomain }) => hasStorageDomain)) return false;
  return accesses.some(({ firstIndex, lastIndex }) => {
    const [first, last] = [firstIndex, lastIndex].map((index) => present(frames.get(index), 'a pinned page'));
    return first !== undefined && last !== undefined && isHugeFrame(last) && !isSameHugePage(first, last);
  });
}

/** Whether the memory of some area of an IOAS is like that. */
function someMemory(world: World, isLike: (pages: Pages) => boolean): boolean {
  return someObject(
    world,
    (object) => object.type === 'IOAS' && object.table.areas.some(({ pages }) => isLike(pages)),
  );
}
