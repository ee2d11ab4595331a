import { present } from '../../base/assert.js';
import { type Range, WHOLE_SPACE } from '../../base/ranges.js';
import { rangeWraps, wrapU64 } from '../../base/u64.js';
import { type ArgsOf, argszField, flags32, iova64, length64 } from '../../layout/field.js';
import { CutPlan } from '../../state/cut.js';
import type { Ioas } from '../../state/objects.js';
import { type Reach, dropAreas, reachOf } from '../../state/unmap.js';
import { type CallContext, type Leftover, defineCall, once } from '../description.js';
import { cannotRespond, hasUnknownBits } from '../shared_rules.js';
import { NO_COMPAT_IOAS } from './compat_ioas.js';

const SOURCE = 'vfio_compat.c:iommufd_vfio_unmap_dma';
const UNMAP = 'io_pagetable.c:iopt_unmap_iova';
const RANGE = 'io_pagetable.c:iopt_unmap_iova_range';

/** VFIO_DMA_UNMAP_FLAG_ALL, the only flag that iommufd takes. Source: linux/vfio.h. */
const FLAGS = { ALL: 2 } as const;

const FIELDS = {
  argsz: argszField(),
  flags: flags32(FLAGS),
  iova: iova64('first IOVA of the range'),
  size: length64('in: bytes of the range; out: bytes that were mapped in it', 'inout'),
};

type Args = ArgsOf<typeof FIELDS>;

type Context = CallContext<Args> & {
  readonly ioas: Ioas | undefined;
  readonly cuts: () => CutPlan | undefined;
};

/** A cut makes two areas of one. Source: io_pagetable.c:iopt_area_split. */
const ALLOCATIONS_OF_CUT = 2;

const CUT_AT_THE_END: Leftover<Context> = {
  what: 'the end of the range has been cut if it could be',
  cite: 'io_pagetable.c:iopt_cut_iova',
  does: ({ cuts }) => cuts()?.commit(),
};

/** What an unmap that fails has done until then. */
function reports(what: string, cite: string): Leftover<Context> {
  return { what, cite, does: unmap, isResponding: true };
}

export const vfioUnmapDma = defineCall(
  {
    name: 'VFIO_IOMMU_UNMAP_DMA',
    command: 0x3b72,
    protocol: 'vfio',
    doc: 'Removes what lies inside a range of the compatible IOAS, or everything. Without large pages areas are cut at the borders first. That nothing is mapped is no error.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'size',
    respond: 'struct',
    allocates: true,
  },
  ({ args, file: { compatIoas } }) => ({ ioas: compatIoas, cuts: once(() => planCuts(args, compatIoas)) }),
).behaves({
  failing: [
    {
      of: 'memory',
      errno: 'ENOMEM',
      what: 'the end of the range has been cut if the memory was missing for the cut before it',
      cite: 'io_pagetable.c:iopt_area_split',
      does: ({ cuts }, nth) => cuts()?.commit(Math.floor((nth - 1) / ALLOCATIONS_OF_CUT)),
    },
  ],
  rules: [
    {
      id: 'EINVAL.flags',
      says: 'flags has a bit besides ALL',
      cite: SOURCE,
      when: ({ args }) => hasUnknownBits(args.flags, FLAGS),
    },
    NO_COMPAT_IOAS,
    {
      id: 'EINVAL.all_of_range',
      says: 'flags has ALL, and there is an iova or a size',
      cite: SOURCE,
      when: ({ args }) => isEverything(args) && (args.iova !== 0n || args.size !== 0n),
    },
    {
      id: 'EOPNOTSUPP.cut_dmabuf',
      says: 'an area of a dma-buf would be cut',
      cite: 'io_pagetable.c:iopt_area_split',
      isFor: ({ hasFileMappings }) => hasFileMappings,
      when: ({ cuts }) => cuts()?.refusal === 'dmabuf',
      leaves: CUT_AT_THE_END,
    },
    {
      id: 'EINVAL.cut',
      says: 'an area would be cut inside a page, or an access has pinned pages of it',
      cite: 'io_pagetable.c:iopt_area_split',
      when: ({ cuts }) => ['misaligned', 'pinned'].includes(cuts()?.refusal ?? ''),
      leaves: CUT_AT_THE_END,
    },
    cannotRespond({ what: 'the range is unmapped as far as it can be', does: unmap }),
    {
      id: 'EINVAL.size_zero',
      says: 'size is 0',
      cite: UNMAP,
      when: ({ args }) => !isEverything(args) && args.size === 0n,
      leaves: reports('the area is cut before iova, and the struct is written back with size 0', SOURCE),
    },
    {
      id: 'EOVERFLOW.wrap',
      says: 'the range goes beyond 2^64',
      cite: UNMAP,
      when: ({ args }) => args.size > 0n && rangeWraps(args.iova, args.size),
      leaves: reports('areas are cut at the borders, and the struct is written back with size 0', SOURCE),
    },
    {
      id: 'EBUSY.locked',
      says: 'a hardware queue uses an area of the range',
      cite: RANGE,
      isFor: ({ hasViommus }) => hasViommus,
      when: (c) => obstacleOf(c) === 'locked',
      leaves: reports('the areas below are gone, and the struct is written back with their size', SOURCE),
    },
    {
      id: 'ENOENT.straddles',
      says: 'an area begins before the range or ends after it',
      cite: RANGE,
      when: (c) => obstacleOf(c) === 'straddles',
      leaves: reports('the areas below are gone, and the struct is written back with their size', SOURCE),
    },
  ],
  effect: unmap,
});

function isEverything({ flags }: Args): boolean {
  return (flags & FLAGS.ALL) !== 0;
}

/** What is to be unmapped; undefined for no range at all. */
function rangeOf(args: Args): Range | undefined {
  if (isEverything(args)) return WHOLE_SPACE;
  const { iova, size } = args;
  return size > 0n && !rangeWraps(iova, size) ? { start: iova, last: iova + size - 1n } : undefined;
}

/** The end of the range is cut first, both borders before the range itself is looked at. */
function planCuts(args: Args, ioas: Ioas | undefined): CutPlan | undefined {
  if (ioas === undefined || isEverything(args)) return undefined;
  const { iova, size } = args;
  const lasts = iova === 0n ? [size - 1n] : [iova + size - 1n, iova - 1n];
  return new CutPlan(ioas.table, ioas.table.disableLargePages ? lasts.map(wrapU64) : []);
}

/** What stops the unmap once the cuts are made; an area with a queue is never cut. */
function obstacleOf({ args, cuts, ioas }: Context): Reach['obstacle'] {
  const range = rangeOf(args);
  if (ioas === undefined || range === undefined) return undefined;
  const areas = ioas.table.areasIntersecting(range);
  const crosses = (byte: bigint): boolean => cuts()?.crosses(byte) ?? false;
  if (crosses(range.start - 1n) && areas[0]?.isLocked !== true) return 'straddles';
  if (areas.some((area) => area.isLocked)) return 'locked';
  return crosses(range.last) ? 'straddles' : undefined;
}

/** Cuts and unmaps as far as that goes, and counts what is gone. */
function unmap({ args, cuts, ioas }: Context): void {
  const { table } = present(ioas, 'a compat IOAS');
  cuts()?.commit();
  const range = rangeOf(args);
  const unmappedBytes = range === undefined ? 0n : dropAreas(table, reachOf(table, range).whole);
  args.size = wrapU64(unmappedBytes);
}
