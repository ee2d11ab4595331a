import { type ArgsOf, choice16, choice32, id32, reserved16, sizeField, u64 } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import type { Ioas } from '../../state/objects.js';
import { type CallContext, defineCall } from '../description.js';
import { LARGE_PAGES_OFF_RULES, cannotRespond } from '../shared_rules.js';

const SOURCE = 'main.c:iommufd_option';
const RLIMIT = 'ioas.c:iommufd_option_rlimit_mode';
const HUGE = 'ioas.c:iommufd_ioas_option_huge_pages';

/** Source: iommufd.h, enum iommufd_option. */
export const OPTIONS = { RLIMIT_MODE: 0, HUGE_PAGES: 1 } as const;
/** Source: iommufd.h, enum iommufd_option_ops. */
export const OPTION_OPS = { SET: 0, GET: 1 } as const;

const FIELDS = {
  size: sizeField(),
  option_id: choice32(OPTIONS),
  op: choice16(OPTION_OPS),
  __reserved: reserved16(),
  object_id: id32(['IOAS']),
  val64: u64('the value', 'inout'),
};

type Args = ArgsOf<typeof FIELDS>;

type Context = CallContext<Args> & { ioas: Ioas | undefined };

export const option = defineCall(
  {
    name: 'IOMMU_OPTION',
    command: 0x3b87,
    doc: 'Reads or sets RLIMIT_MODE of the file (how memory is charged) or HUGE_PAGES of an IOAS.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'val64',
    respond: { member: 'val64' },
    allocates: false,
  },
  ({ args, file }) => {
    const ioas = file.objects.findOfType(args.object_id, 'IOAS');
    return { ioas, ioasWithoutLarge: () => (disables(args, ioas) ? ioas : undefined) };
  },
).behaves({
  findings: [
    {
      id: 'rlimit-mode-is-of-file',
      says: 'RLIMIT_MODE concerns the file alone, although the header calls it global',
      isShown: (c) => isRlimitMode(c.args) && !isSet(c.args) && areModesMixed(c),
    },
  ],
  rules: [
    {
      id: 'EOPNOTSUPP.reserved',
      says: '__reserved is not 0',
      cite: SOURCE,
      when: ({ args }) => args.__reserved !== 0,
    },
    {
      id: 'EOPNOTSUPP.option',
      says: 'option_id is neither RLIMIT_MODE nor HUGE_PAGES',
      cite: SOURCE,
      when: ({ args }) => !isRlimitMode(args) && !isHugePages(args),
    },
    {
      id: 'EOPNOTSUPP.rlimit_object',
      says: 'RLIMIT_MODE is given an object',
      cite: RLIMIT,
      when: ({ args }) => isRlimitMode(args) && args.object_id !== 0,
    },
    {
      id: 'ENOENT.ioas',
      says: 'no IOAS of this file has the id that HUGE_PAGES is given',
      cite: 'ioas.c:iommufd_ioas_option',
      when: ({ args, ioas }) => isHugePages(args) && ioas === undefined,
    },
    {
      id: 'EOPNOTSUPP.op',
      says: 'op is neither SET nor GET',
      cite: SOURCE,
      when: ({ args }) => args.op !== OPTION_OPS.GET && args.op !== OPTION_OPS.SET,
    },
    {
      id: 'EPERM.resource',
      says: 'RLIMIT_MODE is set without CAP_SYS_RESOURCE',
      cite: RLIMIT,
      when: ({ args, world }) =>
        isSet(args) && isRlimitMode(args) && !world.process.capabilities.has('CAP_SYS_RESOURCE'),
    },
    {
      id: 'EBUSY.objects',
      says: 'RLIMIT_MODE is set while the file has objects',
      cite: RLIMIT,
      when: ({ args, file }) => isSet(args) && isRlimitMode(args) && !file.objects.isEmpty,
    },
    {
      id: 'EINVAL.value',
      says: 'the value is neither 0 nor 1',
      cite: `${RLIMIT}, ${HUGE}`,
      when: ({ args }) => isSet(args) && args.val64 > 1n,
    },
    ...LARGE_PAGES_OFF_RULES,
    cannotRespond({ what: 'the option is set', does: apply }),
  ],
  effect: apply,
});

function apply(c: Context): void {
  const { args, file, ioas } = c;
  if (isRlimitMode(args)) {
    if (isSet(args)) file.accountMode = args.val64 === 1n ? 'MM' : 'USER';
    else args.val64 = file.accountMode === 'MM' ? 1n : 0n;
    return;
  }
  const { table } = present(ioas, 'IOAS');
  if (isSet(args)) table.setLargePages(args.val64 === 1n);
  else args.val64 = table.disableLargePages ? 0n : 1n;
}

/** Whether another file charges memory in another way. */
function areModesMixed({ file, world }: Context): boolean {
  const mine = file.accountMode === 'MM';
  return world.contexts.some(({ accountMode }) => (accountMode === 'MM') !== mine);
}

function isSet({ op }: Args): boolean {
  return op === OPTION_OPS.SET;
}

function isRlimitMode({ option_id }: Args): boolean {
  return option_id === OPTIONS.RLIMIT_MODE;
}

function isHugePages({ option_id }: Args): boolean {
  return option_id === OPTIONS.HUGE_PAGES;
}

/** Whether the call turns large pages off that are on. */
function disables(args: Args, ioas: Ioas | undefined): boolean {
  return isHugePages(args) && isSet(args) && args.val64 === 0n && ioas?.table.disableLargePages === false;
}
