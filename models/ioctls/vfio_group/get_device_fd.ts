import { present } from '../../base/assert.js';
import { viewOf } from '../../base/bytes.js';
import { PAGE_SIZE } from '../../base/u64.js';
import { u64 } from '../../layout/field.js';
import { VFIO_DEVICE_NAME } from '../../program/vfio_nodes.js';
import { createAccess, moveAccess, refusesAccess } from '../../state/access.js';
import type { CallMemory } from '../../state/call_memory.js';
import type { IommufdFile } from '../../state/iommufd_file.js';
import { type Binding, VfioDeviceFile } from '../../state/vfio_files.js';
import { type AnyArgs, defineCall, once } from '../description.js';
import { groupOf } from './group.js';

const SOURCE = 'drivers/vfio/group.c:vfio_group_ioctl_get_device_fd';
const OPEN = 'drivers/vfio/group.c:vfio_df_group_open';
const COPY_IN = 'mm/util.c:strndup_user';

export const vfioGroupGetDeviceFd = defineCall(
  {
    name: 'VFIO_GROUP_GET_DEVICE_FD',
    command: 0x3b6a,
    on: 'vfio_group',
    protocol: 'plain',
    doc: 'Opens the device of a group of VFIO by its name. The first open binds it to the iommufd of the group and attaches it to the compatible IOAS, until the last of them is closed.',
    source: SOURCE,
    // A string that ends with 0, here eight characters in each word.
    fields: {
      name_0: u64('characters 1 to 8 of the name'),
      name_1: u64('characters 9 to 16'),
      name_2: u64('characters 17 to 24'),
      name_3: u64('characters 25 to 32'),
      name_4: u64('characters 33 to 40'),
    },
    lastRequired: 'none',
    respond: 'nothing',
    allocates: true,
    hidesFd: true,
  },
  (c) => {
    const group = groupOf(c);
    const isFirst = c.world.vfio.ofGroup === undefined;
    return {
      group,
      name: once(() => readString(c.memory, c.pointer)),
      /** What the first open binds the device to. */
      binds: isFirst ? group.iommufd : undefined,
      open: once((): number => {
        const file = new VfioDeviceFile(true);
        c.world.vfio.ofGroup ??= { binding: bind(present(group.iommufd, 'an iommufd')), files: 0 };
        c.world.vfio.ofGroup.files += 1;
        file.bound = c.world.vfio.ofGroup.binding;
        return c.installFd(file, true);
      }),
    };
  },
).behaves({
  rules: [
    {
      id: 'EFAULT.name',
      says: 'a byte of the name cannot be read',
      cite: COPY_IN,
      when: ({ name }) => name() === 'fault',
    },
    {
      id: 'EINVAL.name',
      says: 'the name is longer than a page, with the 0 at its end',
      cite: COPY_IN,
      when: ({ name }) => name() === 'too_long',
    },
    {
      id: 'ENODEV.name',
      says: 'the group has no device of the name',
      cite: 'drivers/vfio/group.c:vfio_device_get_from_name',
      when: ({ name }) => isOther(name()),
    },
    {
      id: 'EINVAL.container',
      says: 'the group has no iommufd',
      cite: OPEN,
      when: ({ group }) => group.iommufd === undefined,
    },
    {
      id: 'ENODEV.compat',
      says: 'the device is not open, and the iommufd has no compatible IOAS',
      cite: 'vfio_compat.c:iommufd_vfio_compat_ioas_get_id',
      when: ({ binds }) => binds !== undefined && binds.compatIoas === undefined,
    },
    {
      id: 'EADDRINUSE.alignment',
      says: 'the device is not open, and an area of the compatible IOAS is not aligned to pages',
      cite: 'io_pagetable.c:iopt_add_access',
      when: ({ binds }) =>
        binds?.compatIoas !== undefined && refusesAccess(binds.compatIoas, { alignment: PAGE_SIZE }),
    },
  ],
  effect: ({ open }) => {
    open();
  },
  returns: ({ open }) => open(),
});

/** The name of the sample device as the call takes it. */
export function deviceNameArgs(): AnyArgs {
  const { layout } = vfioGroupGetDeviceFd;
  const bytes = new Uint8Array(layout.bytes);
  new TextEncoder().encodeInto(VFIO_DEVICE_NAME, bytes);
  return layout.decode(viewOf(bytes));
}

/** Source: drivers/vfio/iommufd.c:vfio_iommufd_emulated_bind, vfio_iommufd_compat_attach_ioas. */
function bind(iommufd: IommufdFile): Binding {
  const id = present(iommufd.objects.lowestFreeIds(1)[0], 'a free id');
  const access = createAccess(iommufd, id, undefined, PAGE_SIZE);
  moveAccess(access, present(iommufd.compatIoas, 'a compatible IOAS'));
  iommufd.references += 1;
  return { iommufd, access };
}

/** A string of user space, at most a page long with the 0 at its end. */
type UserString = { readonly text: string } | 'fault' | 'too_long';

function readString(memory: CallMemory, start: bigint): UserString {
  const limit = Number(PAGE_SIZE);
  const readable = memory.readableBytes(start, limit);
  let text = '';
  for (let at = 0; at < readable; at++) {
    const byte = memory.byteAt(start + BigInt(at));
    if (byte === 0) return { text };
    text += String.fromCharCode(byte);
  }
  return readable < limit ? 'fault' : 'too_long';
}

function isOther(name: UserString): boolean {
  return typeof name === 'object' && name.text !== VFIO_DEVICE_NAME;
}
