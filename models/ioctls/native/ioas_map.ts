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
import { PAGE_SIZE, U64_MAX, pageOffset, sumOverflows } from '../../base/u64.js';
import { present } from '../../base/assert.js';
import { FillPlan } from '../../state/fill.js';
import type { Ioas } from '../../state/objects.js';
import { Area, Pages } from '../../state/pages.js';
import { Placement } from '../../state/placement.js';
import type { AccountMode } from '../../state/process.js';
import { type CallContext, defineCall, once } from '../description.js';
import {
  FILL_RULES,
  IOAS_MAP_FLAGS,
  PLACEMENT_RULES,
  cannotRespond,
  noAccessRequested,
  noSuchIoas,
  protectionOf,
  unknownMapFlags,
} from '../shared_rules.js';
import { chooseIova } from '../choices.js';

const SOURCE = 'ioas.c:iommufd_ioas_map';
const ALLOC = 'pages.c:iopt_alloc_user_pages';

const FIELDS = {
  size: sizeField(),
  flags: flags32(IOAS_MAP_FLAGS),
  ioas_id: id32(['IOAS']),
  __reserved: reserved32(),
  user_va: userVa64('address of the memory'),
  length: length64('bytes to map'),
  iova: iova64('in: where, with FIXED_IOVA; out: where', 'inout'),
};

type Args = ArgsOf<typeof FIELDS>;

interface Lookups {
  ioas: Ioas | undefined;
  placement: Placement;
}

type Context = CallContext<Args> & Lookups & { plan: () => FillPlan | undefined };

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
    return { ioas, placement, plan: once(() => planMap(c, { ioas, placement })) };
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
    {
      id: 'EOVERFLOW.user_va_wrap',
      says: 'user_va + length is 2^64 or more',
      cite: ALLOC,
      when: ({ args }) => sumOverflows(args.user_va, args.length),
    },
    {
      id: 'EINVAL.length_zero',
      says: 'length is 0',
      cite: 'pages.c:iopt_alloc_pages',
      when: ({ args }) => args.length === 0n,
    },
    {
      id: 'EINVAL.length_limit',
      says: 'length exceeds 2^64 - 1 - PAGE_SIZE',
      cite: 'pages.c:iopt_alloc_pages',
      when: ({ args }) => args.length > U64_MAX - PAGE_SIZE,
    },
    ...PLACEMENT_RULES,
    {
      id: 'EINVAL.user_va_alignment',
      says: 'user_va within its page is not a multiple of the alignment of the IOAS',
      cite: 'io_pagetable.c:iopt_insert_area',
      when: ({ args, ioas }) =>
        ioas !== undefined && (pageOffset(args.user_va) & (ioas.table.alignment - 1n)) !== 0n,
    },
    {
      id: 'EOVERFLOW.page_count',
      says: 'the pages that the range touches cannot be counted in 64 bits of bytes',
      cite: 'io_pagetable.c:iopt_insert_area',
      when: ({ args }) =>
        args.length <= U64_MAX - PAGE_SIZE &&
        args.length + pageOffset(args.user_va) > U64_MAX - PAGE_SIZE + 1n,
      splat: { title: 'WARNING in iopt_insert_area', finding: 'map-page-count-warn' },
    },
    ...FILL_RULES,
    cannotRespond({ what: 'the mapping stays', does: map }),
  ],
  effect: map,
});

function map(c: Context): void {
  const plan = present(c.plan(), 'a mapping without objection');
  plan.commit();
  const [area] = plan.areas;
  present(c.ioas, 'IOAS').table.insert(present(area, 'area'));
  c.args.iova = present(area, 'area').iova;
}

/** The area and what filling the domains with it takes; undefined where it has no place. */
function planMap(c: CallContext<Args>, { ioas, placement }: Lookups): FillPlan | undefined {
  const { args, world } = c;
  if (ioas === undefined || args.length === 0n || placement.iova === undefined) return undefined;
  const protection = protectionOf(args.flags);
  const pages = new Pages(args.user_va, protection.write, accountMode(c));
  const iova = chooseIova(c, 'iova', placement);
  const area = new Area(iova, iova + args.length - 1n, pages, pageOffset(args.user_va), protection);
  return new FillPlan([area], ioas.table.domains, world);
}

/** Source: pages.c:iopt_alloc_pages, io_pagetable.c:iopt_map_common. */
function accountMode({ world, file }: CallContext<Args>): AccountMode {
  if (world.process.capabilities.has('CAP_IPC_LOCK')) return 'NONE';
  return file.accountMode === 'MM' ? 'MM' : 'USER';
}
