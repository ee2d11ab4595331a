import { present } from '../../base/assert.js';
import { fdS32 } from '../../layout/field.js';
import { newIoas } from '../../state/objects.js';
import { defineCall } from '../description.js';
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
  (c) => {
    const passed = c.world.fds.byHandle(c.args.container);
    return {
      group: groupOf(c),
      passedFd: c.args.container,
      passed,
      iommufd: passed?.kind === 'iommufd' ? passed : undefined,
    };
  },
).behaves({
  rules: [
    FOREIGN_FD,
    {
      id: 'EBADF.container',
      says: 'container is no open descriptor',
      cite: SOURCE,
      when: ({ passed }) => passed === undefined,
    },
    {
      id: 'EINVAL.set',
      says: 'the group has an iommufd',
      cite: SOURCE,
      when: ({ group }) => group.iommufd !== undefined,
    },
    {
      id: 'EBADFD.container',
      says: 'container is a descriptor of another file than an iommufd',
      cite: 'main.c:iommufd_ctx_from_file',
      when: ({ passed }) => passed !== undefined && passed.kind !== 'iommufd',
    },
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
