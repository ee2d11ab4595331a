import type { Invariant } from './invariant.js';

export const closeLeavesNothing: Invariant = {
  id: 'close_leaves_nothing',
  statement: 'When the last file is closed, no page is pinned and nothing is charged.',
  notCovered:
    'Files that something else than a descriptor keeps open; what processes that are gone are charged.',
  cite: 'main.c:iommufd_fops_release',
  looksAt: ({ step, world }) => step.do === 'close' && world.contexts.size === 0,
  check: ({ step, world }) => {
    if (step.do !== 'close' || world.contexts.size > 0) return undefined;
    const { memory, everyProcess, user } = world;
    const counters = everyProcess
      .filter(({ isAlive }) => isAlive)
      .flatMap(({ pinnedVm, miscountedPins, lockedVm }) => [pinnedVm + miscountedPins, lockedVm]);
    if (memory.pins.size === 0 && user.lockedVm === 0 && counters.every((count) => count === 0)) {
      return undefined;
    }
    return `${String(memory.pins.size)} pages stay pinned, counters are ${[...counters, user.lockedVm].join(', ')}`;
  },
};
