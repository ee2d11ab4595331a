import { present } from '../../base/assert.js';
import { choice16, id32, reserved16, sizeField } from '../../layout/field.js';
import { newU32Bytes } from '../../base/bytes.js';
import type { Ioas } from '../../state/objects.js';
import { type CallContext, defineCall } from '../description.js';
import { reservedNotZero } from '../shared_rules.js';

const SOURCE = 'vfio_compat.c:iommufd_vfio_ioas';

/** Source: iommufd.h, enum iommufd_vfio_ioas_op. */
const OPS = { GET: 0, SET: 1, CLEAR: 2 } as const;

const IOAS_ID_OFFSET = 4n;

interface Args {
  size: number;
  ioas_id: number;
  op: number;
}

type Context = CallContext<Args> & { readonly ioas: Ioas | undefined };

export const vfioIoas = defineCall(
  {
    name: 'IOMMU_VFIO_IOAS',
    command: 0x3b88,
    doc: 'Reads, sets or clears the IOAS that VFIO’s own ioctls on the file work on.',
    source: SOURCE,
    fields: {
      size: sizeField(),
      ioas_id: id32(['IOAS'], 'inout'),
      op: choice16(OPS),
      __reserved: reserved16(),
    },
    lastRequired: '__reserved',
    // Only GET writes, and it writes what user space passed but for one member.
    respond: 'nothing',
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
    {
      id: 'EFAULT.respond',
      says: 'op is GET, and the struct cannot be written back',
      cite: 'iommufd_private.h:iommufd_ucmd_respond',
      when: ({ args, memory, pointer }) => args.op === OPS.GET && !memory.isWritable(pointer, STRUCT_BYTES),
    },
  ],
  effect: (c: Context) => {
    const { args, file, memory, pointer } = c;
    if (args.op === OPS.SET) file.compatIoas = c.ioas;
    else if (args.op === OPS.CLEAR) file.compatIoas = undefined;
    else memory.write(pointer + IOAS_ID_OFFSET, newU32Bytes(present(file.compatIoas, 'a compat IOAS').id));
  },
});

const STRUCT_BYTES = 12;
