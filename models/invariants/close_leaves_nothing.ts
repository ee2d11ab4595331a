import type { Invariant } from './invariant.js';

export const closeLeavesNothing: Invariant = {
  id: 'close_leaves_nothing',
  statement: 'When the last file is closed, no page is pinned and nothing is charged.',
  notCovered: 'Files that something else than a descriptor keeps open.',
  cite: 'main.c:iommufd_fops_release',
  check: ({ step, world: { contexts, memory, process } }) => {
    if (step.do !== 'close' || contexts.size > 0) return undefined;
    const { pinnedVm, lockedVm, userLockedVm } = process;
    if (memory.pins.size === 0 && pinnedVm === 0 && lockedVm === 0 && userLockedVm === 0) return undefined;
    return `${String(memory.pins.size)} pages stay pinned, counters are ${[pinnedVm, lockedVm, userLockedVm].join(', ')}`;
  },
};
