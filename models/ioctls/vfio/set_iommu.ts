import { present } from '../../base/assert.js';
import { choice64 } from '../../layout/field.js';
import type { Ioas } from '../../state/objects.js';
import { type CallContext, defineValueCall } from '../description.js';
import { LARGE_PAGES_OFF_RULES } from '../shared_rules.js';
import { NO_COMPAT_IOAS } from './compat_ioas.js';

const SOURCE = 'vfio_compat.c:iommufd_vfio_set_iommu';

/** Source: linux/vfio.h. */
const TYPES = { TYPE1: 1, TYPE1v2: 3 } as const;

const FIELDS = { type: choice64(TYPES) };

interface Args {
  readonly type: bigint;
}

export const vfioSetIommu = defineValueCall(
  {
    name: 'VFIO_SET_IOMMU',
    command: 0x3b66,
    protocol: 'vfio',
    doc: 'Selects how the compatible IOAS unmaps: TYPE1 turns its large pages off, so that areas can be cut; TYPE1v2 changes nothing.',
    source: SOURCE,
    fields: FIELDS,
    allocates: false,
  },
  ({ args, file: { compatIoas } }) => ({
    ioas: compatIoas,
    ioasWithoutLarge: () => narrowed(args, compatIoas),
  }),
).behaves({
  rules: [
    {
      id: 'EINVAL.type',
      says: 'the type is neither TYPE1 nor TYPE1v2',
      cite: SOURCE,
      when: ({ args }) => args.type !== BigInt(TYPES.TYPE1) && args.type !== BigInt(TYPES.TYPE1v2),
    },
    NO_COMPAT_IOAS,
    ...LARGE_PAGES_OFF_RULES,
  ],
  effect: ({ args, ioas }: CallContext<Args> & { ioas: Ioas | undefined }) => {
    if (args.type === BigInt(TYPES.TYPE1)) present(ioas, 'a compat IOAS').table.setLargePages(false);
  },
});

/** The IOAS that loses its large pages by the call. */
function narrowed({ type }: Args, ioas: Ioas | undefined): Ioas | undefined {
  return type === BigInt(TYPES.TYPE1) && ioas?.table.disableLargePages === false ? ioas : undefined;
}
