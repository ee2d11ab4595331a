import { argszField, u32 } from '../../layout/field.js';
import { defineCall } from '../description.js';
import { groupOf } from './group.js';

const SOURCE = 'drivers/vfio/group.c:vfio_group_ioctl_get_status';

/** VFIO_GROUP_FLAGS_VIABLE, VFIO_GROUP_FLAGS_CONTAINER_SET. Source: linux/vfio.h. */
const FLAGS = { VIABLE: 1, CONTAINER_SET: 2 } as const;

export const vfioGroupGetStatus = defineCall(
  {
    name: 'VFIO_GROUP_GET_STATUS',
    command: 0x3b67,
    on: 'vfio_group',
    protocol: 'vfio',
    doc: 'Tells whether a group of VFIO can be used, and whether it has been given a container or an iommufd.',
    source: SOURCE,
    fields: { argsz: argszField(), flags: u32('VIABLE and CONTAINER_SET', 'out') },
    lastRequired: 'flags',
    respond: 'struct',
    allocates: false,
  },
  (c) => ({ group: groupOf(c) }),
).behaves({
  rules: [
    {
      id: 'EFAULT.status',
      says: 'the struct cannot be written back',
      cite: SOURCE,
      when: (c) => !c.canRespond(),
    },
  ],
  effect: ({ args, group }) => {
    // The sample device is alone in its group, so that nobody else can make it unusable.
    args.flags = FLAGS.VIABLE | (group.iommufd === undefined ? 0 : FLAGS.CONTAINER_SET);
  },
});
