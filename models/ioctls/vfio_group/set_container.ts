import { present } from '../../base/assert.js';
import { fdS32 } from '../../layout/field.js';
import { newIoas } from '../../state/objects.js';
import { defineCall } from '../description.js';
import { lookUpIommufd, noDescriptor, notIommufd } from '../passed_iommufd.js';
import { FOREIGN_FD } from '../shared_rules.js';
import { groupOf } from './group.js';

const SOURCE = 'drivers/vfio/group.c:vfio_group_ioctl_set_container';

export const vfioGroupSetContainer = defineCall(
  {
    name: 'VFIO_GROUP_SET_CONTAINER',
    command: 0x3b68,
    on: 'vfio_group',
    protocol: 'plain',
    doc: 'Gives a group of VFIO an iommufd in the place of a container. An iommufd without a compatible IOAS gets one.',
    source: SOURCE,
    fields: { container: fdS32(['iommufd'], 'the iommufd') },
    lastRequired: 'container',
    respond: 'nothing',
    allocates: true,
  },
  (c) => ({ group: groupOf(c), ...lookUpIommufd(c.world, c.args.container) }),
).behaves({
  rules: [
    FOREIGN_FD,
    noDescriptor('container', SOURCE),
    {
      id: 'EINVAL.set',
      says: 'the group has an iommufd',
      cite: SOURCE,
      when: ({ group }) => group.iommufd !== undefined,
    },
    notIommufd('container', 'main.c:iommufd_ctx_from_file'),
  ],
  effect: (c) => {
    const iommufd = present(c.iommufd, 'an iommufd');
    iommufd.references += 1;
    c.group.iommufd = iommufd;
    if (iommufd.compatIoas !== undefined) return;
    // Source: vfio_compat.c:iommufd_vfio_compat_ioas_create.
    const ioas = newIoas(present(iommufd.objects.lowestFreeIds(1)[0], 'a free id'));
    iommufd.objects.insert(ioas);
    iommufd.compatIoas = ioas;
  },
});
