import { type ArgsOf, flags32, id32, iova64, length64, sizeField } from '../../layout/field.js';
import { PAGE_SIZE, rangeWraps } from '../../base/u64.js';
import { present } from '../../base/assert.js';
import { type Slice, findCopySource } from '../../state/copy_source.js';
import { FillPlan } from '../../state/fill.js';
import type { IommufdFile } from '../../state/iommufd_file.js';
import type { Ioas } from '../../state/objects.js';
import { Area } from '../../state/pages.js';
import { Placement } from '../../state/placement.js';
import { type CallContext, type Rule, defineCall, once } from '../description.js';
import { chooseIova } from '../choices.js';
import { SYZKALLER_IOVA, syzkallerIova } from '../syzkaller.js';
import {
  ANY_FILL_RULES,
  EVEN_UNUSED,
  IOAS_MAP_FLAGS,
  PLACEMENT_RULES,
  cannotRespond,
  emptyRange,
  memberIsMax,
  noAccessRequested,
  protectionOf,
  unknownMapFlags,
} from '../shared_rules.js';

const SOURCE = 'ioas.c:iommufd_ioas_copy';
const INSERT = 'io_pagetable.c:iopt_insert_area';

const FIELDS = {
  size: sizeField(),
  flags: flags32(IOAS_MAP_FLAGS),
  dst_ioas_id: id32(['IOAS']),
  src_ioas_id: id32(['IOAS']),
  length: length64('bytes to copy'),
  dst_iova: iova64('in: where, with FIXED_IOVA; out: where', 'inout'),
  src_iova: iova64('first IOVA of the source range'),
};

type Args = ArgsOf<typeof FIELDS>;

interface Lookups {
  source: Ioas | undefined;
  destination: Ioas | undefined;
  /** Undefined where the source range is not covered without gap. */
  slices: readonly Slice[] | undefined;
  isOneArea: boolean;
  placement: Placement;
}

type Context = CallContext<Args> & Lookups & { plan: () => FillPlan | undefined };

export const ioasCopy = defineCall(
  {
    name: 'IOMMU_IOAS_COPY',
    command: 0x3b83,
    doc: 'Maps the memory behind a range of one IOAS in another, or in the same. One area per source area touched; pins and charges are shared.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'src_iova',
    respond: 'struct',
    allocates: true,
  },
  (c) => {
    const { args, profile } = c;
    if (profile.hasTestCommands) convertSyzkallerIova(args, c.file);
    const found = c.world.lookUpCopySource(() =>
      findCopySource(c.file.objects.findOfType(args.src_ioas_id, 'IOAS'), args.src_iova, args.length),
    );
    const { ioas: source, slices, isOneArea } = found;
    const destination = c.file.objects.findOfType(args.dst_ioas_id, 'IOAS');
    const lookups = {
      source,
      destination,
      slices,
      isOneArea,
      placement: new Placement(
        destination?.table,
        {
          isFixed: (args.flags & IOAS_MAP_FLAGS.FIXED_IOVA) !== 0,
          iova: args.dst_iova,
          length: args.length,
          address: slices?.[0] === undefined ? 0n : slices[0].pages.origin + slices[0].startByte,
        },
        profile.automaticAlignmentMax,
      ),
    };
    return { ...lookups, plan: once(() => planCopy(c, lookups)) };
  },
).behaves({
  findings: [
    {
      id: 'copy-takes-any-range',
      says: 'part of an area, or several areas, may be copied, although the header wants a range that was mapped as a whole',
      isShown: ({ source, isOneArea }) => source !== undefined && !isOneArea,
    },
  ],
  rules: [
    unknownMapFlags(SOURCE),
    memberIsMax(SOURCE, 'length'),
    memberIsMax(SOURCE, 'src_iova'),
    memberIsMax(SOURCE, 'dst_iova', EVEN_UNUSED),
    noAccessRequested(SOURCE),
    {
      id: 'ENOENT.src_ioas',
      says: 'no IOAS of this file has the id src_ioas_id',
      cite: SOURCE,
      when: ({ source }) => source === undefined,
    },
    emptyRange('io_pagetable.c:iopt_get_pages'),
    {
      id: 'EOVERFLOW.src_wrap',
      says: 'the source range goes beyond 2^64',
      cite: 'io_pagetable.c:iopt_get_pages',
      when: ({ args }) => args.length > 0n && rangeWraps(args.src_iova, args.length),
    },
    {
      id: 'ENOENT.src_range',
      says: 'a byte of the source range is not mapped',
      cite: 'io_pagetable.c:iopt_get_pages',
      when: ({ args, source, slices }) => args.length > 0n && source !== undefined && slices === undefined,
    },
    {
      id: 'ENOENT.dst_ioas',
      says: 'no IOAS of this file has the id dst_ioas_id',
      cite: SOURCE,
      when: ({ destination }) => destination === undefined,
    },
    ...PLACEMENT_RULES,
    {
      id: 'EPERM.not_writeable',
      says: 'WRITEABLE is asked of memory that was not mapped WRITEABLE',
      cite: INSERT,
      when: (c) => firstRefusal(c) === 'not_writeable',
    },
    {
      id: 'EINVAL.page_offset',
      says: 'a source area continues within its page at no multiple of the destination alignment',
      cite: INSERT,
      when: (c) => firstRefusal(c) === 'page_offset',
    },
    ...(['ENXIO', 'EINVAL'] as const).map((errno): Rule<Context> => ({
      id: `${errno}.misaligned_slice`,
      says: 'a slice after the first is misaligned for the domain of the destination',
      cite: 'pages.c:batch_to_domain, drivers/iommu',
      isFor: (profile) => profile.misalignedMapErrno === errno,
      when: (c) => isSliceMisaligned(c) && c.destination?.table.disableLargePages === false,
    })),
    {
      id: 'unspecified.misaligned_slice',
      says: 'a slice after the first is misaligned, and a destination without large pages maps beyond it',
      cite: 'pages.c:batch_iommu_map_small',
      when: (c) => isSliceMisaligned(c) && c.destination?.table.disableLargePages === true,
      splat: { title: 'WARNING in batch_to_domain', finding: 'copy-maps-behind-slice' },
    },
    ...ANY_FILL_RULES,
    cannotRespond({ what: 'the copy stays', does: copy }),
  ],
  effect: copy,
});

function copy(c: Context): void {
  const plan = present(c.plan(), 'a copy without objection');
  plan.commit();
  for (const area of plan.areas) present(c.destination, 'destination').table.insert(area);
  c.args.dst_iova = present(plan.areas[0], 'a slice').iova;
}

/** Source: selftest.c:iommufd_test_syz_conv_iova_id. */
function convertSyzkallerIova(args: Args, file: IommufdFile): void {
  if ((args.flags & SYZKALLER_IOVA) === 0) return;
  const source = file.objects.findOfType(args.src_ioas_id, 'IOAS');
  args.flags &= ~SYZKALLER_IOVA;
  if (source === undefined) return;
  args.src_iova = syzkallerIova(source.table, args.src_iova);
}

/** Slice by slice; the first that is refused decides. */
function firstRefusal({ args, slices, destination }: Context): 'not_writeable' | 'page_offset' | undefined {
  if (destination === undefined) return undefined;
  const { write } = protectionOf(args.flags);
  for (const { pages, startByte } of slices ?? []) {
    if (write && !pages.writable) return 'not_writeable';
    if (((startByte % PAGE_SIZE) & (destination.table.alignment - 1n)) !== 0n) return 'page_offset';
  }
  return undefined;
}

function isSliceMisaligned({ plan }: Context): boolean {
  return plan()?.failure === 'misaligned';
}

function planCopy(c: CallContext<Args>, { destination, slices, placement }: Lookups): FillPlan | undefined {
  if (destination === undefined || slices === undefined || placement.iova === undefined) return undefined;
  let iova = chooseIova(c, 'dst_iova', placement);
  const protection = protectionOf(c.args.flags);
  const areas = slices.map(({ pages, startByte, length }) => {
    const area = new Area(iova, iova + length - 1n, pages, startByte, protection);
    iova += length;
    return area;
  });
  return new FillPlan(areas, destination.table, c.world.process);
}
