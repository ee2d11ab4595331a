import { flags, handle } from '../framework/argument.js';
import { DEVICE, FD, onMachine, putFile } from './files.js';
import { IOAS, notAnIommufd, releaseMerged, size } from './merged_calls.js';
import { FIRST_FD, type VfioDevice, contextAt, deviceAt, freeId, type spaceAt } from './state.js';

const BIND = 'vfio/device_cdev.c:vfio_df_ioctl_bind_iommufd';
const ATTACH = 'vfio/device_cdev.c:vfio_df_ioctl_attach_pt';
const INFO = 'device.c:iommufd_get_hw_info';

/** The structs of VFIO, in bytes as far as they are required. */
const BIND_BYTES = 16;
const ATTACH_BYTES = 12;

export const bindMerged = onMachine({
  name: 'VFIO_DEVICE_BIND_IOMMUFD',
  doc: 'Gives a device to an iommufd, which hands out an id for it.',
  source: BIND,
  makes: [{ kind: 'device', output: 'out_devid' }],
  args: {
    device: DEVICE,
    argsz: size(BIND_BYTES),
    flags: flags('must be 0', {}),
    iommufd: handle('the iommufd', ['fd'], { usual: FIRST_FD, values: [4, -1] }),
  },
  rules: [
    {
      id: 'EINVAL.short',
      says: 'the struct is short',
      cite: BIND,
      when: ({ args }) => args.argsz < BIND_BYTES,
    },
    {
      id: 'EINVAL.flags',
      says: 'flags are set, or the descriptor is negative',
      cite: BIND,
      when: ({ args }) => args.flags !== 0 || args.iommufd < 0,
    },
    {
      id: 'EBUSY.group',
      says: 'the group of the device belongs to a container',
      cite: BIND,
      when: ({ state, args }) => deviceAt(state, args.device).isInContainer,
    },
    {
      id: 'EINVAL.bound',
      says: 'the device is bound already',
      cite: BIND,
      when: ({ state, args }) => deviceAt(state, args.device).binding !== undefined,
    },
    {
      id: 'EBADF.fd',
      says: 'the descriptor is not open',
      cite: 'main.c:iommufd_ctx_from_fd',
      when: ({ state, args }) => !state.descriptors.has(args.iommufd),
    },
    {
      id: 'EBADFD.file',
      says: 'the file is no iommufd',
      cite: 'main.c:iommufd_ctx_from_fd',
      when: ({ state, args }) => contextAt(state, args.iommufd) === undefined,
    },
    {
      id: 'EINVAL.iommu',
      says: 'the IOMMU of the device cannot do what is needed',
      cite: 'device.c:iommufd_device_bind',
      when: ({ state, args }) => !deviceAt(state, args.device).hasOps,
    },
  ],
  effect: ({ state, args, fail }) => {
    const file = state.descriptors.get(args.iommufd);
    const context = file?.context;
    if (file === undefined || context === undefined) return fail('EBADFD.file');
    const device = deviceAt(state, args.device);
    const id = freeId(context, 1, true);
    device.binding = { id, device, context, cookie: id, isComplete: true, isFreed: false };
    device.boundFile = file;
    file.references += 1;
    file.holders.add(device);
    context.bindings.set(id, device.binding);
    return { out_devid: id };
  },
});

const attachRules = [
  {
    id: 'EINVAL.short',
    says: 'the struct is short, or flags are set',
    cite: ATTACH,
    when: ({ args }: { args: { argsz: number; flags: number } }) =>
      args.argsz < ATTACH_BYTES || args.flags !== 0,
  },
] as const;

export const attachMerged = onMachine({
  name: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT',
  doc: 'Lets a device use an IOAS.',
  source: ATTACH,
  args: { device: DEVICE, argsz: size(ATTACH_BYTES), flags: flags('must be 0', {}), pt_id: IOAS },
  rules: [
    ...attachRules,
    {
      id: 'EINVAL.unbound',
      says: 'the device is not bound',
      cite: ATTACH,
      when: ({ state, args }) => deviceAt(state, args.device).binding === undefined,
    },
    {
      id: 'ENOENT.pt_id',
      says: 'no object of the iommufd has the id',
      cite: 'device.c:iommufd_device_change_pt',
      when: ({ state, args }) => {
        const device = deviceAt(state, args.device);
        const isDevice = device.binding?.context.bindings.has(args.pt_id) === true;
        return boundSpace(device, args.pt_id) === undefined && !isDevice;
      },
      reports: 'missing object',
    },
    {
      id: 'EINVAL.pt_type',
      says: 'the object is neither an IOAS nor a page table',
      cite: 'device.c:iommufd_device_change_pt',
      when: ({ state, args }) => boundSpace(deviceAt(state, args.device), args.pt_id) === undefined,
    },
  ],
  effect: ({ state, args, fail }) => {
    const device = deviceAt(state, args.device);
    const space = boundSpace(device, args.pt_id);
    if (space === undefined) return fail('ENOENT.pt_id');
    detach(device);
    space.devices.add(device);
    device.space = space;
    space.domain ??= new Map(space.recorded);
  },
});

/** A space of the iommufd that a device is bound to. */
function boundSpace({ binding }: VfioDevice, id: number): ReturnType<typeof spaceAt> {
  const space = binding?.context.spaces.get(id);
  return space?.isReachable === true ? space : undefined;
}

export const detachMerged = onMachine({
  name: 'VFIO_DEVICE_DETACH_IOMMUFD_PT',
  doc: 'Takes the IOAS from a device.',
  source: 'vfio/device_cdev.c:vfio_df_ioctl_detach_pt',
  args: { device: DEVICE, argsz: size(ATTACH_BYTES), flags: flags('must be 0', {}) },
  rules: [...attachRules],
  effect: ({ state, args }) => {
    detach(deviceAt(state, args.device));
  },
});

function detach(device: VfioDevice): void {
  const { space } = device;
  device.space = undefined;
  space?.devices.delete(device);
  if (space?.devices.size === 0) space.domain = undefined;
}

/** Closing a device. */
export function unbindMerged(device: VfioDevice): void {
  detach(device);
  const { binding, boundFile } = device;
  binding?.context.bindings.delete(binding.id);
  device.binding = undefined;
  device.boundFile = undefined;
  if (boundFile === undefined) return;
  boundFile.holders.delete(device);
  putFile(boundFile, releaseMerged);
}

export const getHwInfo = onMachine({
  name: 'IOMMU_GET_HW_INFO',
  doc: 'What the IOMMU of a device can do.',
  source: INFO,
  args: {
    fd: FD,
    flags: flags('must be 0', {}),
    dev_id: handle('the device', ['device'], { values: [0, 5] }),
  },
  rules: [
    notAnIommufd,
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags are set',
      cite: INFO,
      when: ({ args }) => args.flags !== 0,
      reports: 'unknown input',
    },
    {
      id: 'ENOENT.device',
      says: 'no device of this file has the id',
      cite: INFO,
      when: ({ state, args }) => contextAt(state, args.fd)?.bindings.has(args.dev_id) !== true,
      reports: 'missing object',
    },
  ],
  effect: () => ({ out_data_type: 0 }),
});
