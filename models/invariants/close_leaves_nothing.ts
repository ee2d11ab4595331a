import type { Process } from '../state/process.js';
import type { Invariant } from './invariant.js';

export const closeLeavesNothing: Invariant = {
  id: 'close_leaves_nothing',
  statement: 'When the last file is closed, no page is pinned and nothing is charged.',
  notCovered:
    'Files that something else than a descriptor keeps open; what processes that are gone are charged.',
  cite: 'main.c:iommufd_fops_release',
  looksAt: ({ step, world }) => step.do === 'close' && world.contexts.length === 0,
  check: ({ step, world }) => {
    if (step.do !== 'close' || world.contexts.length > 0) return undefined;
    const { memory, everyProcess, user } = world;
    const charged = everyProcess.filter((process) => process.isAlive && isCharged(process));
    if (memory.pins.size === 0 && user.lockedVm === 0 && charged.length === 0) return undefined;
    const counters = charged.flatMap((process) => [
      process.pinnedVm + process.miscountedPins,
      process.lockedVm,
    ]);
    return `${String(memory.pins.size)} pages stay pinned, counters are ${[...counters, user.lockedVm].join(', ')}`;
  },
};

function isCharged({ pinnedVm, miscountedPins, lockedVm }: Process): boolean {
  return pinnedVm + miscountedPins !== 0 || lockedVm !== 0;
}
