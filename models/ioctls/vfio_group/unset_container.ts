import { present } from '../../base/assert.js';
import { defineValueCall } from '../description.js';
import { groupOf } from './group.js';

const SOURCE = 'drivers/vfio/group.c:vfio_group_ioctl_unset_container';

export const vfioGroupUnsetContainer = defineValueCall(
  {
    name: 'VFIO_GROUP_UNSET_CONTAINER',
    command: 0x3b69,
    on: 'vfio_group',
    protocol: 'plain',
    doc: 'Takes the iommufd from a group of VFIO. The compatible IOAS stays.',
    source: SOURCE,
    fields: {},
    allocates: false,
  },
  (c) => ({ group: groupOf(c) }),
).behaves({
  rules: [
    {
      id: 'EINVAL.unset',
      says: 'the group has no iommufd',
      cite: SOURCE,
      when: ({ group }) => group.iommufd === undefined,
    },
  ],
  effect: ({ world, group }) => {
    const iommufd = present(group.iommufd, 'an iommufd');
    group.iommufd = undefined;
    world.put(iommufd);
  },
});
