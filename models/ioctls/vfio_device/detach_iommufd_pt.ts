import { present } from '../../base/assert.js';
import { argszField, flags32, u32 } from '../../layout/field.js';
import { moveAccess } from '../../state/access.js';
import { defineCall } from '../description.js';
import { attachFlagRules } from './attach_rules.js';
import { ATTACH_FLAGS, deviceOf } from './device.js';

const SOURCE = 'drivers/vfio/device_cdev.c:vfio_df_ioctl_detach_pt';

export const vfioDetachIommufdPt = defineCall(
  {
    name: 'VFIO_DEVICE_DETACH_IOMMUFD_PT',
    command: 0x3b78,
    on: 'vfio_device',
    protocol: 'vfio',
    doc: 'Detaches a bound device of VFIO from the IOAS that it is attached to, if it is to one.',
    source: SOURCE,
    fields: {
      argsz: argszField(),
      flags: flags32(ATTACH_FLAGS),
      pasid: u32('the PASID that is detached, with the flag'),
    },
    lastRequired: 'flags',
    respond: 'nothing',
    allocates: false,
  },
  (c) => ({ access: deviceOf(c).bound?.access }),
).behaves({
  rules: attachFlagRules(SOURCE),
  effect: ({ access }) => {
    moveAccess(present(access, 'an access'), undefined);
  },
});
