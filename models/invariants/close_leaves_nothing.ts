import type { Invariant } from './invariant.js';

export const closeLeavesNothing: Invariant = {
  id: 'close_leaves_nothing',
  statement: 'When the last file is closed, no page is pinned and nothing is charged.',
  notCovered:
    'Files that something else keeps open: queues, mappings and bound devices come with later calls.',
  cite: 'main.c:iommufd_fops_release',
  check: ({ step, world: { files, memory, process } }) => {
    if (step.do !== 'close' || files.size > 0) return undefined;
    const { pinnedVm, lockedVm, userLockedVm } = process;
    if (memory.pins.size === 0 && pinnedVm === 0 && lockedVm === 0 && userLockedVm === 0) return undefined;
    return `${String(memory.pins.size)} pages stay pinned, counters are ${[pinnedVm, lockedVm, userLockedVm].join(', ')}`;
  },
};
