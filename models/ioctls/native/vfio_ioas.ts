import { present } from '../../base/assert.js';
import { type ArgsOf, choice16, id32, reserved16, sizeField } from '../../layout/field.js';
import type { Ioas } from '../../state/objects.js';
import { type CallContext, defineCall } from '../description.js';
import { cannotRespond, reservedNotZero } from '../shared_rules.js';

const SOURCE = 'vfio_compat.c:iommufd_vfio_ioas';

/** Source: iommufd.h, enum iommufd_vfio_ioas_op. */
const OPS = { GET: 0, SET: 1, CLEAR: 2 } as const;

const FIELDS = {
  size: sizeField(),
  ioas_id: id32(['IOAS'], 'inout'),
  op: choice16(OPS),
  __reserved: reserved16(),
};

type Context = CallContext<ArgsOf<typeof FIELDS>> & { readonly ioas: Ioas | undefined };

export const vfioIoas = defineCall(
  {
    name: 'IOMMU_VFIO_IOAS',
    command: 0x3b88,
    doc: 'Reads, sets or clears the IOAS that VFIO’s own ioctls on the file work on.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: '__reserved',
    respond: ({ op }) => (op === OPS.GET ? 'struct' : 'nothing'),
    allocates: false,
  },
  ({ args, file }) => ({ ioas: file.objects.findOfType(args.ioas_id, 'IOAS') }),
).behaves({
  rules: [
    reservedNotZero(SOURCE),
    {
      id: 'EOPNOTSUPP.op',
      says: 'op is neither GET, SET nor CLEAR',
      cite: SOURCE,
      when: ({ args }) => args.op > OPS.CLEAR,
    },
    {
      id: 'ENODEV.compat_ioas',
      says: 'op is GET, and no IOAS was set or it has been destroyed',
      cite: 'vfio_compat.c:get_compat_ioas',
      when: ({ args, file }) => args.op === OPS.GET && file.compatIoas === undefined,
    },
    {
      id: 'ENOENT.ioas',
      says: 'op is SET, and no IOAS of this file has the id',
      cite: SOURCE,
      when: ({ args, ioas }) => args.op === OPS.SET && ioas === undefined,
    },
    { ...cannotRespond<Context>(), says: 'op is GET, and the struct cannot be written back' },
  ],
  effect: ({ args, file, ioas }: Context) => {
    if (args.op === OPS.SET) file.compatIoas = ioas;
    else if (args.op === OPS.CLEAR) file.compatIoas = undefined;
    else args.ioas_id = present(file.compatIoas, 'a compat IOAS').id;
  },
});
