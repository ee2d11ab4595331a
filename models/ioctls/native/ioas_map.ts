import {
  type ArgsOf,
  flags32,
  id32,
  iova64,
  length64,
  reserved32,
  sizeField,
  userVa64,
} from '../../layout/field.js';
import { U64_MAX } from '../../base/u64.js';
import { Placement } from '../../state/placement.js';
import { type CallContext, defineCall, once } from '../description.js';
import {
  IOAS_MAP_FLAGS,
  PLACEMENT_RULES,
  cannotRespond,
  noAccessRequested,
  noSuchIoas,
  protectionOf,
  unknownMapFlags,
} from '../shared_rules.js';
import { type UserMap, mapUser, planUserMap, userMapRules } from '../user_map.js';

const SOURCE = 'ioas.c:iommufd_ioas_map';

const FIELDS = {
  size: sizeField(),
  flags: flags32(IOAS_MAP_FLAGS),
  ioas_id: id32(['IOAS']),
  __reserved: reserved32(),
  user_va: userVa64('address of the memory'),
  length: length64('bytes to map'),
  iova: iova64('in: where, with FIXED_IOVA; out: where', 'inout'),
};

export const ioasMap = defineCall(
  {
    name: 'IOMMU_IOAS_MAP',
    command: 0x3b85,
    doc: 'Maps a range of user memory at a fixed or an automatically chosen IOVA. Memory is touched only if the IOAS has a domain.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'iova',
    respond: 'struct',
    allocates: true,
  },
  (c) => {
    const { args, profile } = c;
    const ioas = c.file.objects.findOfType(args.ioas_id, 'IOAS');
    const isFixed = (args.flags & IOAS_MAP_FLAGS.FIXED_IOVA) !== 0;
    const { iova, length, user_va: address } = args;
    const placement = new Placement(
      ioas?.table,
      { isFixed, iova, length, address },
      profile.automaticAlignmentMax,
    );
    const protection = protectionOf(args.flags);
    const plan = once(() => planUserMap(c, { ioas, placement }, protection, 'iova'));
    return { ioas, placement, plan };
  },
).behaves({
  rules: [
    unknownMapFlags(SOURCE),
    {
      id: 'EOPNOTSUPP.reserved',
      says: '__reserved is not 0',
      cite: SOURCE,
      when: ({ args }) => args.__reserved !== 0,
    },
    {
      id: 'EOVERFLOW.iova_max',
      says: 'iova is 2^64 - 1, even where it is not used',
      cite: SOURCE,
      when: ({ args }) => args.iova === U64_MAX,
    },
    {
      id: 'EOVERFLOW.length_max',
      says: 'length is 2^64 - 1',
      cite: SOURCE,
      when: ({ args }) => args.length === U64_MAX,
    },
    noAccessRequested(SOURCE),
    noSuchIoas(SOURCE),
    ...userMapRules(PLACEMENT_RULES),
    cannotRespond({ what: 'the mapping stays', does: map }),
  ],
  effect: map,
});

function map(c: CallContext<ArgsOf<typeof FIELDS>> & UserMap): void {
  c.args.iova = mapUser(c).iova;
}
