import { type ArgsOf, id32, iova64, length64, sizeField } from '../../layout/field.js';
import { U64_MAX, rangeWraps, wrapU64 } from '../../base/u64.js';
import { present } from '../../base/assert.js';
import { NOTHING, type Reach, dropAreas, reachOf } from '../../state/unmap.js';
import type { Ioas } from '../../state/objects.js';
import { type CallContext, type Leftover, defineCall, once } from '../description.js';
import { cannotRespond, emptyRange, noSuchIoas } from '../shared_rules.js';

const SOURCE = 'ioas.c:iommufd_ioas_unmap';
const RANGE = 'io_pagetable.c:iopt_unmap_iova_range';

const FIELDS = {
  size: sizeField(),
  ioas_id: id32(['IOAS']),
  iova: iova64('first IOVA of the range'),
  length: length64('in: bytes of the range; out: bytes that were mapped in it', 'inout'),
};

type Args = ArgsOf<typeof FIELDS>;

type Context = CallContext<Args> & { ioas: Ioas | undefined; reach: () => Reach };

/** Areas go one by one, from below. */
const LOWER_AREAS: Leftover<Context> = {
  what: 'the areas below the one that cannot be taken are gone',
  cite: RANGE,
  does: dropReached,
};

export const ioasUnmap = defineCall(
  {
    name: 'IOMMU_IOAS_UNMAP',
    command: 0x3b86,
    doc: 'Removes the areas that lie wholly inside a range; (0, 2^64 - 1) removes everything and cannot fail for want of areas.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'length',
    respond: 'struct',
    allocates: false,
  },
  ({ args, file }) => {
    const ioas = file.objects.findOfType(args.ioas_id, 'IOAS');
    return { ioas, reach: once(() => reachOfCall(ioas, args)) };
  },
).behaves({
  rules: [
    noSuchIoas(SOURCE),
    {
      id: 'EOVERFLOW.iova_max',
      says: 'iova is 2^64 - 1',
      cite: SOURCE,
      when: ({ args }) => !isEverything(args) && args.iova === U64_MAX,
    },
    {
      id: 'EOVERFLOW.length_max',
      says: 'length is 2^64 - 1, and iova is not 0',
      cite: SOURCE,
      when: ({ args }) => !isEverything(args) && args.length === U64_MAX,
    },
    emptyRange('io_pagetable.c:iopt_unmap_iova'),
    {
      id: 'EOVERFLOW.wrap',
      says: 'the range goes beyond 2^64',
      cite: 'io_pagetable.c:iopt_unmap_iova',
      when: ({ args }) => args.length > 0n && !isEverything(args) && rangeWraps(args.iova, args.length),
    },
    {
      id: 'EBUSY.locked',
      says: 'a hardware queue uses an area of the range',
      cite: RANGE,
      isFor: ({ hasViommus }) => hasViommus,
      when: ({ reach }) => reach().obstacle === 'locked',
      leaves: LOWER_AREAS,
    },
    {
      id: 'ENOENT.straddles',
      says: 'an area begins before the range or ends after it',
      cite: RANGE,
      when: ({ reach }) => reach().obstacle === 'straddles',
      leaves: LOWER_AREAS,
      finding: { id: 'unmap-fails-halfway', isShown: ({ reach }) => reach().whole.length > 0 },
    },
    {
      id: 'ENOENT.empty',
      says: 'nothing is mapped in the range',
      cite: SOURCE,
      when: ({ args, reach }) => !isEverything(args) && reach().whole.length === 0,
    },
    cannotRespond({ what: 'the range is unmapped', does: unmap }),
  ],
  effect: unmap,
});

function unmap(c: Context): void {
  c.args.length = wrapU64(dropReached(c));
}

function dropReached({ ioas, reach }: Context): bigint {
  return dropAreas(present(ioas, 'IOAS').table, reach().whole);
}

function isEverything({ iova, length }: Args): boolean {
  return iova === 0n && length === U64_MAX;
}

function reachOfCall(ioas: Ioas | undefined, args: Args): Reach {
  if (ioas === undefined || args.length === 0n) return NOTHING;
  const last = isEverything(args) ? U64_MAX : args.iova + args.length - 1n;
  return reachOf(ioas.table, { start: args.iova, last });
}
