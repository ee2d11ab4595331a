import { present } from '../../base/assert.js';
import { argszField, flags32, id32, u32 } from '../../layout/field.js';
import { moveAccess, refusesMove } from '../../state/access.js';
import { defineCall } from '../description.js';
import { noSuchIoas } from '../shared_rules.js';
import { attachFlagRules } from './attach_rules.js';
import { ATTACH_FLAGS, deviceOf } from './device.js';

const SOURCE = 'drivers/vfio/device_cdev.c:vfio_df_ioctl_attach_pt';

export const vfioAttachIommufdPt = defineCall(
  {
    name: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT',
    command: 0x3b77,
    on: 'vfio_device',
    protocol: 'vfio',
    doc: 'Attaches a bound device of VFIO to an IOAS, or moves it to another one. The sample device takes no page table.',
    source: SOURCE,
    fields: {
      argsz: argszField(),
      flags: flags32(ATTACH_FLAGS),
      pt_id: id32(['IOAS'], 'inout'),
      pasid: u32('the PASID that is attached, with the flag'),
    },
    lastRequired: 'pt_id',
    respond: { member: 'pt_id' },
    allocates: true,
  },
  (c) => {
    const bound = deviceOf(c).bound;
    return {
      access: bound?.access,
      ioas: bound?.iommufd.objects.findOfType(c.args.pt_id, 'IOAS'),
    };
  },
).behaves({
  rules: [
    ...attachFlagRules(SOURCE),
    noSuchIoas('device.c:iommufd_access_change_ioas_id'),
    {
      id: 'EADDRINUSE.alignment',
      says: 'an area of the IOAS, which is another than the one that it is attached to, is not aligned to pages',
      cite: 'io_pagetable.c:iopt_add_access',
      when: ({ access, ioas }) => access !== undefined && ioas !== undefined && refusesMove(access, ioas),
    },
    {
      id: 'EFAULT.pt_id',
      says: 'pt_id cannot be written',
      cite: SOURCE,
      when: (c) => !c.canRespond(),
      leaves: {
        what: 'the device is detached, also from what it was attached to before',
        cite: SOURCE,
        does: ({ access }) => {
          moveAccess(present(access, 'an access'), undefined);
        },
      },
    },
  ],
  effect: ({ access, ioas }) => {
    moveAccess(present(access, 'an access'), present(ioas, 'IOAS'));
  },
});
