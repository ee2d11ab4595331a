import { flags, handle, u32 } from '../framework/argument.js';
import { decidedInEffect, take } from '../framework/call.js';
import { PAUSE } from '../framework/locks.js';
import { DEVICE, FD, onMachine } from './files.js';
import { CONTEXT_MUTEX, NO_CONTEXT, isNoIommufd, putSpace } from './space_calls.js';
import {
  type Binding,
  type Context,
  FIRST_FD,
  type Machine,
  type VfioDevice,
  attachmentName,
  contextAt,
  deviceAt,
  spaceAt,
} from './state.js';

const BIND = 'RFC 07/20, iommufd_bind_device';
const VFIO = 'RFC 08/20, vfio_pci_ioctl';
const ATTACH = 'RFC 14/20, iommufd_device_attach_ioasid';
const ATTACH_VFIO = 'RFC 15/20, vfio_pci_ioctl';
const INFO = 'RFC 10/20, iommufd_get_device_info';

const BIND_BYTES = 24;
const ATTACH_BYTES = 16;
const INFO_BYTES = 32;

/** Widths of more bits than a word cannot be shifted by. */
const WORD_BITS = 64;

const argsz = (bytes: number) =>
  u32('bytes of the struct as user space has it', { usual: bytes, values: [0, 8] });

const IOMMUFD = handle('the iommufd', ['fd'], { usual: FIRST_FD, values: [4, -1] });

interface DeviceCall {
  readonly state: Machine;
  readonly args: { readonly device: number };
}

const device = ({ state, args }: DeviceCall): VfioDevice => deviceAt(state, args.device);

export const bindIommufd = onMachine({
  name: 'VFIO_DEVICE_BIND_IOMMUFD',
  doc: 'Gives a device to an iommufd, under a cookie that user space chooses.',
  source: VFIO,
  args: {
    device: DEVICE,
    argsz: argsz(BIND_BYTES),
    flags: flags('must be 0', {}),
    iommu_fd: IOMMUFD,
    dev_cookie: u32('name of the device', { usual: 7, values: [0, 8] }),
  },
  rules: [
    {
      id: 'ENOTTY.container',
      says: 'the group of the device belongs to a container',
      cite: VFIO,
      when: (c) => device(c).isInContainer,
      // The proposal looks at the state first.
      contradicts: ({ args, has }) =>
        (args.argsz < BIND_BYTES || args.flags !== 0) && has('D1.21')
          ? 'a malformed call is refused for the state of the device'
          : undefined,
    },
    {
      id: 'EINVAL.struct',
      says: 'the struct is short, flags are set or the descriptor is negative',
      cite: VFIO,
      when: ({ args }) => args.argsz < BIND_BYTES || args.flags !== 0 || args.iommu_fd < 0,
    },
    {
      id: 'EBUSY.bound',
      says: 'the device is bound already',
      cite: VFIO,
      when: (c) => device(c).binding !== undefined,
    },
    {
      id: 'EINVAL.file',
      says: 'the descriptor is no iommufd',
      cite: BIND,
      when: decidedInEffect,
    },
  ],
  *effect(c) {
    const { state, args } = c;
    const context = contextAt(state, args.iommu_fd);
    if (context === undefined) {
      const file = state.descriptors.get(args.iommu_fd);
      if (file !== undefined && c.has('D1.17')) file.references += 1;
      return c.fail('EINVAL.file');
    }
    yield* c.lock(CONTEXT_MUTEX);
    const isTwin = [...context.bindings.values()].some(({ cookie }) => cookie === args.dev_cookie);
    if (isTwin) {
      c.unlock(CONTEXT_MUTEX);
      return c.unset('D1.18', 'the path of a duplicate sets no error');
    }
    const bound = device(c);
    if (!bound.hasOps) {
      return c.undefined('D1.19', 'wild pointer', 'frees the error number that stands for the device');
    }
    const binding = insertBinding(context, bound);
    c.unlock(CONTEXT_MUTEX);
    if (c.has('D1.20')) yield PAUSE;
    binding.cookie = args.dev_cookie;
    binding.isComplete = true;
    bound.binding = binding;
    bound.boundNumber = args.iommu_fd;
    return 0;
  },
});

function insertBinding(context: Context, bound: VfioDevice): Binding {
  const id = context.bindings.size === 0 ? 0 : Math.max(...context.bindings.keys()) + 1;
  const binding: Binding = { id, device: bound, context, cookie: 0, isComplete: false, isFreed: false };
  context.bindings.set(id, binding);
  return binding;
}

export const deviceGetInfo = onMachine({
  name: 'IOMMU_DEVICE_GET_INFO',
  doc: 'What the IOMMU of a bound device can do.',
  source: INFO,
  args: {
    fd: FD,
    argsz: argsz(INFO_BYTES),
    flags: flags('written by the kernel', {}),
    dev_cookie: u32('name of the device', { usual: 7, values: [0, 8] }),
  },
  rules: [
    { id: 'ENOTTY.file', says: NO_CONTEXT, cite: 'ioctl(2)', when: isNoIommufd },
    {
      id: 'EINVAL.short',
      says: 'the struct is short',
      cite: INFO,
      when: ({ args }) => args.argsz < INFO_BYTES,
    },
    {
      id: 'EINVAL.cookie',
      says: 'no bound device has the cookie',
      cite: INFO,
      when: (c) => bindingOf(c.state, c.args) === undefined,
      reports: 'missing object',
    },
  ],
  *effect(c) {
    const binding = bindingOf(c.state, c.args);
    if (binding === undefined) return c.fail('EINVAL.cookie');
    if (!binding.isComplete) {
      return c.undefined('D1.20', 'NULL dereference', 'the entry of the table has no device yet');
    }
    yield PAUSE;
    if (binding.isFreed)
      return c.undefined('D1.22', 'use after free', 'the device was unbound after the lookup');
    return binding.device.tellsPageSizes
      ? { addr_width: 48, pgsize_bitmap: 0x1000 }
      : c.unset('D1.22', 'page sizes that the IOMMU does not tell stay as user space wrote them');
  },
});

function bindingOf(state: Machine, args: { fd: number; dev_cookie: number }): Binding | undefined {
  const bindings = [...(contextAt(state, args.fd)?.bindings.values() ?? [])];
  return bindings.find(({ cookie }) => cookie === args.dev_cookie);
}

const attachArguments = {
  device: DEVICE,
  argsz: argsz(ATTACH_BYTES),
  flags: flags('must be 0', {}),
  iommu_fd: IOMMUFD,
  ioasid: handle('the address space', ['ioasid'], { values: [0, 5, -1] }),
};

interface AttachCall extends DeviceCall {
  readonly args: DeviceCall['args'] & {
    readonly argsz: number;
    readonly flags: number;
    readonly iommu_fd: number;
    readonly ioasid: number;
  };
}

/** What ATTACH and DETACH refuse first. */
const attachRules = [
  {
    id: 'EINVAL.struct',
    says: 'the struct is short, flags are set, or descriptor or id are negative',
    cite: ATTACH_VFIO,
    when: ({ args }: AttachCall) =>
      args.argsz < ATTACH_BYTES || args.flags !== 0 || args.iommu_fd < 0 || args.ioasid < 0,
  },
  {
    id: 'EINVAL.iommufd',
    says: 'the device was bound by another number',
    cite: ATTACH_VFIO,
    when: (c: AttachCall) => device(c).boundNumber !== c.args.iommu_fd,
  },
] as const;

export const attachIoasid = onMachine({
  name: 'VFIO_DEVICE_ATTACH_IOASID',
  doc: 'Lets a device use an I/O address space.',
  source: ATTACH_VFIO,
  args: attachArguments,
  rules: [
    ...attachRules,
    {
      id: 'EINVAL.attached',
      says: 'the device is attached already',
      cite: ATTACH,
      when: (c) => device(c).space !== undefined,
    },
    take(CONTEXT_MUTEX),
    {
      id: 'EINVAL.ioasid',
      says: 'no address space has the id',
      cite: ATTACH,
      when: ({ state, args }) => spaceAt(state, args.iommu_fd, args.ioasid) === undefined,
    },
  ],
  effect: (c) => {
    const attached = device(c);
    const space = spaceAt(c.state, c.args.iommu_fd, c.args.ioasid);
    if (space === undefined) return c.fail('EINVAL.ioasid');
    if (contextAt(c.state, c.args.iommu_fd) !== attached.binding?.context && c.has('D1.21')) {
      c.contradicts('another iommufd at the number that the device was bound by is taken for it');
    }
    if (space.references === 0) {
      return c.undefined('D1.6', 'use after free', 'raises the reference count of 0 of an object being made');
    }
    if (space.width >= WORD_BITS) {
      return c.undefined(
        'D1.12',
        'overflow',
        `shifts 1 by ${String(space.width)} for the end of the addresses`,
      );
    }
    space.references += 1;
    space.devices.add(attached);
    attached.space = space;
    if (space.domain !== undefined) return;
    // A new page table: the proposal does not fill it with what is recorded.
    const isReplayed = space.recorded.size === 0 || !c.has('D1.24');
    space.domain = new Map(isReplayed ? space.recorded : []);
  },
});

export const detachIoasid = onMachine({
  name: 'VFIO_DEVICE_DETACH_IOASID',
  doc: 'Takes the address space from a device.',
  source: ATTACH_VFIO,
  args: attachArguments,
  destroys: ({ device: index }, state) => attachmentName(deviceAt(state, index)),
  rules: [...attachRules, take(CONTEXT_MUTEX)],
  effect: (c) => {
    detach(device(c));
  },
});

/** Ends an attachment, if there is one. */
function detach(attached: VfioDevice): void {
  const { space, binding } = attached;
  if (space === undefined || binding === undefined) return;
  attached.space = undefined;
  space.devices.delete(attached);
  if (space.devices.size === 0) space.domain = undefined;
  putSpace(binding.context, space);
}

/** Closing a device. Source: RFC 08/20 and 14/20, vfio_pci_release. */
export function unbindProposed(bound: VfioDevice): void {
  detach(bound);
  const { binding } = bound;
  if (binding === undefined) return;
  binding.isFreed = true;
  binding.context.bindings.delete(binding.id);
  bound.binding = undefined;
  bound.boundNumber = undefined;
}
