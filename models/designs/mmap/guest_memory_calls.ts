import { PAGE_SIZE, U64_MAX, isAligned } from '../../base/u64.js';
import { choice, u32, u64 } from '../framework/argument.js';
import { type DesignCall, decidedInEffect } from '../framework/call.js';
import { FD, NO_FD, contextOf, onMachine } from './files.js';
import { isPinned } from './queues.js';
import { type Area, GUEST, IDS, type Machine, areaAt, areaEnd, contextAt } from './state.js';

const UNMAP = 'io_pagetable.c:iopt_unmap_iova_range';

const NO_IOAS = {
  id: 'ENOENT.ioas',
  says: 'the IOAS is gone',
  cite: 'ioas.c',
  when: ({ state, args }: { readonly state: Machine; readonly args: { readonly fd: number } }) =>
    contextAt(state, args.fd)?.objects.has(IDS.ioas) !== true,
} as const;

export const ioasMap = onMachine({
  name: 'IOMMU_IOAS_MAP',
  doc: 'Maps one more page for the guest, or a window of a region.',
  source: 'ioas.c:iommufd_ioas_map',
  args: {
    fd: FD,
    iova: u64('where', { usual: GUEST + 4n * PAGE_SIZE, values: [0n, GUEST + 8n * PAGE_SIZE] }),
    frame: u32('the page of the machine', { usual: 0x202, values: [0x300, 0x102] }),
    rights: choice('what devices may do', { rw: 0, r: 1, w: 2 }, 'rw'),
    of: choice('what the memory is', { memory: 0, window: 1 }, 'memory'),
  },
  rules: [
    NO_FD,
    NO_IOAS,
    {
      id: 'EINVAL.iova',
      says: 'it is not the address of a page',
      cite: 'io_pagetable.c',
      when: ({ args }) => !isAligned(args.iova, PAGE_SIZE),
    },
    {
      id: 'EFAULT.window',
      says: 'pages of a device that are mapped into a process cannot be pinned',
      cite: 'mm/gup.c:check_vma_flags',
      when: ({ args }) => args.of === 1,
    },
    {
      id: 'EEXIST.area',
      says: 'something is mapped there',
      cite: 'io_pagetable.c',
      when: (c) => areaAt(contextOf(c).areas, c.args.iova) !== undefined,
    },
  ],
  effect: (c) => {
    const { iova, frame, rights } = c.args;
    contextOf(c).areas.push({ iova, frames: [frame], isReadable: rights !== 2 });
  },
});

/** Areas that a range meets. */
function areasIn(areas: readonly Area[], first: bigint, last: bigint): Area[] {
  return areas.filter((area) => area.iova <= last && areaEnd(area) > first);
}

/** @param isLockedFirst whether memory that is pinned counts before areas that are met in part */
function unmapCall(isLockedFirst: boolean): DesignCall {
  return onMachine({
    name: 'IOMMU_IOAS_UNMAP',
    doc: 'Unmaps whole areas: all of a range, or none of it (kernels keep what came before an area that cannot go).',
    source: UNMAP,
    args: {
      fd: FD,
      iova: u64('where', { usual: GUEST, values: [0n, GUEST + 4n * PAGE_SIZE] }),
      length: u64('bytes', { usual: 4n * PAGE_SIZE, values: [PAGE_SIZE, U64_MAX, 0n] }),
    },
    rules: [
      NO_FD,
      NO_IOAS,
      { id: 'EINVAL.length', says: 'it is 0', cite: UNMAP, when: ({ args }) => args.length === 0n },
      {
        id: 'EOVERFLOW.wrap',
        says: 'the range ends beyond the last address',
        cite: UNMAP,
        when: ({ args }) => args.iova + args.length - 1n > U64_MAX,
      },
      {
        id: 'EBUSY.locked',
        says: 'memory of a queue is in one of the areas',
        cite: UNMAP,
        when: (c) => isLockedFirst && isLocked(c),
      },
      {
        id: 'ENOENT.area',
        says: 'nothing is mapped there, or an area lies in the range in part',
        cite: UNMAP,
        when: (c) => {
          const last = c.args.iova + c.args.length - 1n;
          const areas = areasIn(contextOf(c).areas, c.args.iova, last);
          return (
            areas.length === 0 || areas.some((area) => area.iova < c.args.iova || areaEnd(area) - 1n > last)
          );
        },
      },
      {
        id: 'EDEADLK.pinned',
        says: 'after a hundred tries, memory is pinned by somebody who cannot be asked',
        cite: 'v2 10/22; io_pagetable.c:iopt_unmap_iova_range',
        when: decidedInEffect,
      },
    ],
    effect: (c) => {
      const { areas } = contextOf(c);
      const { iova, length } = c.args;
      if (isLocked(c) && c.has('D0.21')) {
        c.prints('WARNING in iopt_unmap_iova_range: pages that nobody unpins');
        c.fail('EDEADLK.pinned');
      }
      for (const area of areasIn(areas, iova, iova + length - 1n)) areas.splice(areas.indexOf(area), 1);
    },
  });
}

interface RangeCall {
  readonly state: Machine;
  readonly args: { readonly fd: number; readonly iova: bigint; readonly length: bigint };
}

/** Whether a queue has memory in one of the areas that a range meets. */
function isLocked(c: RangeCall): boolean {
  const context = contextOf(c);
  return areasIn(context.areas, c.args.iova, c.args.iova + c.args.length - 1n).some((area) =>
    isPinned(context, area.iova, areaEnd(area) - 1n),
  );
}

export const ioasUnmap = unmapCall(false);
export const ioasUnmapMerged = unmapCall(true);
