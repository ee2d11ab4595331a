import { present } from '../../base/assert.js';
import { PAGE_SIZE } from '../../base/u64.js';
import { argszField, fdS32, flags32, id32, u64 } from '../../layout/field.js';
import { slotOf } from '../../program/raw.js';
import { createAccess } from '../../state/access.js';
import type { VfioDeviceFile } from '../../state/vfio_files.js';
import { chooseIds } from '../choices.js';
import { type CallContext, defineCall } from '../description.js';
import { lookUpIommufd, noDescriptor, notIommufd } from '../passed_iommufd.js';
import { FOREIGN_FD } from '../shared_rules.js';
import { deviceOf } from './device.js';

const SOURCE = 'drivers/vfio/device_cdev.c:vfio_df_ioctl_bind_iommufd';

/** VFIO_DEVICE_BIND_IOMMUFD. Source: linux/vfio.h. */
export const BIND_IOMMUFD = 0x3b76;

/** VFIO_DEVICE_BIND_FLAG_TOKEN. Source: linux/vfio.h. */
const FLAGS = { TOKEN: 1 } as const;

export const vfioBindIommufd = defineCall(
  {
    name: 'VFIO_DEVICE_BIND_IOMMUFD',
    command: BIND_IOMMUFD,
    on: 'vfio_device',
    isVfioFor: ({ vfioBindFlags }) => vfioBindFlags === 0,
    doc: 'Binds a device of VFIO to an iommufd until its file is closed. The sample device, which has no IOMMU, gets an access, and its id.',
    source: SOURCE,
    fields: {
      argsz: argszField(),
      flags: flags32(FLAGS),
      iommufd: fdS32(['iommufd'], 'the iommufd'),
      out_devid: id32(['ACCESS'], 'out'),
      token_uuid_ptr: u64('pointer to a token, which the sample device does not ask for'),
    },
    lastRequired: 'out_devid',
    respond: { member: 'out_devid' },
    allocates: true,
  },
  (c) => {
    const { args, world } = c;
    return { device: deviceOf(c), ...lookUpIommufd(world, args.iommufd) };
  },
).behaves({
  rules: [
    {
      id: 'EINVAL.flags',
      says: 'flags has a bit that this kernel does not know',
      cite: SOURCE,
      when: ({ args, profile }) => (args.flags & ~profile.vfioBindFlags) !== 0,
    },
    {
      id: 'EINVAL.iommufd',
      says: 'iommufd is negative, as the number of a closed descriptor is in programs',
      cite: SOURCE,
      when: ({ args, passed }) =>
        args.iommufd < 0 || (passed === undefined && slotOf(args.iommufd) !== undefined),
    },
    {
      id: 'EINVAL.group_file',
      says: 'the file is one that the group has opened',
      cite: SOURCE,
      when: ({ device }) => device.isOfGroup,
    },
    {
      id: 'EBUSY.group',
      says: 'the group of the device is open',
      cite: 'drivers/vfio/group.c:vfio_device_block_group',
      when: ({ world }) => world.vfio.group !== undefined,
    },
    {
      id: 'EINVAL.bound',
      says: 'the file is bound',
      cite: SOURCE,
      when: ({ device }) => device.bound !== undefined,
    },
    {
      id: 'EINVAL.token',
      says: 'flags has TOKEN, and the device does not ask for one',
      cite: 'drivers/vfio/device_cdev.c:vfio_df_check_token',
      isFor: ({ vfioBindFlags }) => vfioBindFlags !== 0,
      when: ({ args }) => (args.flags & FLAGS.TOKEN) !== 0,
    },
    FOREIGN_FD,
    noDescriptor('iommufd', 'main.c:iommufd_ctx_from_fd'),
    notIommufd('iommufd', 'main.c:iommufd_ctx_from_fd'),
    {
      id: 'EINVAL.opened',
      says: 'the device is bound through another open of its node, or through its group',
      cite: 'drivers/vfio/vfio_main.c:vfio_df_open',
      when: ({ world: { vfio }, device }) =>
        vfio.ofGroup !== undefined || (vfio.bound !== undefined && vfio.bound !== device),
    },
    {
      id: 'EFAULT.out_devid',
      says: 'out_devid cannot be written',
      cite: SOURCE,
      when: (c) => !c.canRespond(),
    },
  ],
  effect: bind,
});

type Context = CallContext<{ out_devid: number }> & {
  readonly device: VfioDeviceFile;
  readonly iommufd: CallContext<unknown>['file'] | undefined;
};

/** Source: drivers/vfio/iommufd.c:vfio_iommufd_emulated_bind. */
function bind(c: Context): void {
  const iommufd = present(c.iommufd, 'an iommufd');
  const id = present(chooseIds({ choose: c.choose, file: iommufd }, ['out_devid'])[0], 'an id');
  const access = createAccess(iommufd, id, undefined, PAGE_SIZE);
  iommufd.references += 1;
  c.device.bound = { iommufd, access };
  c.world.vfio.bound = c.device;
  c.args.out_devid = id;
}
