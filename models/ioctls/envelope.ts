import type { Profile } from '../profiles/index.js';
import type { CallMemory } from '../state/call_memory.js';
import { type OpenFile, type VfioFile, isOfVfio } from '../state/open_file.js';
import type { CallDescription, Protocol, Rule } from './description.js';
import { callByCommand } from './index.js';
import { BIND_IOMMUFD } from './vfio_device/bind_iommufd.js';
import { TEST_COMMAND } from './test/test_command.js';

/** What every ioctl on the file goes through before its handler. Source: main.c:iommufd_fops_ioctl. */
export interface EnvelopeContext {
  readonly file: OpenFile | undefined;
  readonly command: number;
  /** The argument, which some calls of VFIO take for a number. */
  readonly pointer: bigint;
  readonly memory: CallMemory;
  readonly profile: Profile;
  /** The call that the command names, if the model describes it. */
  readonly description: CallDescription | undefined;
  /** Whose conventions this kernel keeps for it. */
  readonly protocol: Protocol | undefined;
  /** The `size` or `argsz` that user space passed; 0 where there is none or it cannot be read. */
  readonly userBytes: number;
}

/** Bytes of the `size` member that starts every struct. */
const SIZE_BYTES = 4;

const FIRST_COMMAND = 0x3b80;

const DISPATCH = 'main.c:iommufd_fops_ioctl';
const COPY_IN = 'include/linux/uaccess.h:copy_struct_from_user';

const VFIO_COPY_IN = 'vfio_compat.c: copy_from_user of each call';

/** In the order of the kernel. */
export const ENVELOPE_RULES: readonly Rule<EnvelopeContext>[] = [
  {
    id: 'EBADF.file',
    says: 'the file is closed',
    cite: 'fs/ioctl.c',
    when: ({ file }) => file === undefined,
  },
  {
    id: 'ENOTTY.file',
    says: 'the file is no iommufd, and none of VFIO',
    cite: 'fs/ioctl.c: no unlocked_ioctl',
    when: ({ file }) => file !== undefined && file.kind !== 'iommufd' && !isOfVfio(file),
  },
  {
    id: 'EINVAL.unbound',
    says: 'the file is of a device of VFIO, is not bound, and the command is another than BIND_IOMMUFD',
    cite: 'drivers/vfio/vfio_main.c:vfio_device_fops_unl_ioctl',
    when: ({ file, command }) =>
      file?.kind === 'vfio_device' && file.bound === undefined && command !== BIND_IOMMUFD,
  },
  {
    id: 'unspecified.vfio',
    says: 'the file is one of VFIO, and the model does not describe this command of it yet',
    cite: 'models/ioctls/vfio_device, vfio_group',
    when: (c) =>
      isOfVfio(c.file) && c.description === undefined && UNDESCRIBED[c.file.kind].includes(c.command),
  },
  {
    id: 'ENOTTY.vfio',
    says: 'the file is one of VFIO, which has no such command for it',
    cite: 'drivers/vfio/group.c:vfio_group_fops_unl_ioctl; samples/vfio-mdev/mtty.c:mtty_ioctl',
    when: (c) => isOfVfio(c.file) && c.description === undefined,
  },
  {
    id: 'ENOTTY.number',
    says: 'the command number lies outside the table',
    cite: DISPATCH,
    when: (c) => !isOfVfio(c.file) && !isInTable(c) && !isVfio(c),
  },
  {
    id: 'EFAULT.vfio_struct',
    says: 'the command is one of VFIO, and a byte of what it requires of the struct cannot be read',
    cite: VFIO_COPY_IN,
    when: (c) => isVfio(c) && !isRequiredReadable(c),
  },
  {
    id: 'EINVAL.argsz',
    says: 'the command is one of VFIO, and argsz is below what it requires',
    cite: VFIO_COPY_IN,
    when: (c) => c.protocol === 'vfio' && isTooShort(c),
  },
  {
    id: 'EFAULT.size',
    says: 'the size member cannot be read',
    cite: DISPATCH,
    when: (c) => hasSizeFirst(c) && !c.memory.isReadable(c.pointer, SIZE_BYTES),
  },
  {
    id: 'ENOTTY.command',
    says: 'the command is not the one that the table has under its number',
    cite: DISPATCH,
    when: (c) => !isOfVfio(c.file) && isInTable(c) && !isCommand(c),
  },
  {
    id: 'unspecified.call',
    says: 'the model does not describe this command yet',
    cite: 'models/ioctls',
    when: (c) => !isOfVfio(c.file) && isCommand(c) && c.description === undefined,
  },
  {
    id: 'EINVAL.size',
    says: 'size is below what the call requires',
    cite: DISPATCH,
    when: (c) => !isVfio(c) && isTooShort(c),
  },
  {
    id: 'E2BIG.tail',
    says: 'a byte beyond the struct that the kernel knows is not 0',
    cite: COPY_IN,
    when: (c) => tailOf(c) === 'not_zero',
  },
  {
    id: 'EFAULT.tail',
    says: 'a byte beyond the struct that the kernel knows cannot be read, before any that is not 0',
    cite: COPY_IN,
    when: (c) => tailOf(c) === 'fault',
  },
  {
    id: 'EFAULT.struct',
    says: 'a byte of the struct cannot be read',
    cite: COPY_IN,
    when: (c) => !isVfio(c) && !isStructReadable(c),
  },
];

/** Looks up what the envelope's rules need. */
export function openEnvelope(
  file: OpenFile | undefined,
  command: number,
  pointer: bigint,
  memory: CallMemory,
  profile: Profile,
): EnvelopeContext {
  const description = describedFor(file, command);
  const hasSize = description?.argument !== 'value' && memory.isReadable(pointer, SIZE_BYTES);
  const userBytes = hasSize ? memory.readU32(pointer) : 0;
  const protocol = description?.isVfioFor(profile) === true ? 'vfio' : description?.protocol;
  return { file, command, pointer, memory, profile, description, protocol, userBytes };
}

/** The call that a command names on a file. */
function describedFor(file: OpenFile | undefined, command: number): CallDescription | undefined {
  const description = callByCommand(command);
  if (description?.on !== (isOfVfio(file) ? file.kind : 'iommufd')) return undefined;
  return file?.kind === 'vfio_device' && file.isOfGroup && OF_NODE.includes(command)
    ? undefined
    : description;
}

/**
 * Commands that only opens of a device's node have: ATTACH_IOMMUFD_PT, DETACH_IOMMUFD_PT.
 * Source: drivers/vfio/vfio_main.c:vfio_device_fops_unl_ioctl.
 */
const OF_NODE: readonly number[] = [0x3b77, 0x3b78];

/** Commands that VFIO's files take and the model does not know. Source: linux/vfio.h. */
const UNDESCRIBED: Readonly<Record<VfioFile['kind'], readonly number[]>> = {
  // GET_INFO, GET_REGION_INFO, GET_IRQ_INFO, SET_IRQS, RESET, FEATURE.
  vfio_device: [0x3b6b, 0x3b6c, 0x3b6d, 0x3b6e, 0x3b6f, 0x3b75],
  vfio_group: [],
};

/** Whether the command is one of VFIO's, of which the kernel reads what it requires; it compares the whole number. */
function isVfio({ protocol }: EnvelopeContext): boolean {
  return protocol === 'vfio' || protocol === 'plain';
}

/** Whether the kernel reads how long the struct is before it looks at the rest. */
function hasSizeFirst(c: EnvelopeContext): boolean {
  return isOfVfio(c.file) ? c.protocol === 'iommufd' : !isVfio(c);
}

function isTooShort({ description, userBytes }: EnvelopeContext): boolean {
  return description !== undefined && userBytes < description.bytesMin;
}

function isRequiredReadable({ description, memory, pointer }: EnvelopeContext): boolean {
  return description === undefined || memory.isReadable(pointer, description.bytesMin);
}

function isStructReadable({ description, memory, pointer, userBytes }: EnvelopeContext): boolean {
  return (
    description === undefined || memory.isReadable(pointer, Math.min(userBytes, description.layout.bytes))
  );
}

function isInTable({ command, profile }: EnvelopeContext): boolean {
  const number = command & 0xff;
  const last = (profile.hasTestCommands ? TEST_COMMAND : profile.lastCommand) & 0xff;
  return number >= (FIRST_COMMAND & 0xff) && number <= last;
}

function isCommand({ command, profile }: EnvelopeContext): boolean {
  const isNative = command >= FIRST_COMMAND && command <= FIRST_COMMAND - 0x80 + profile.lastCommand;
  return isNative || (profile.hasTestCommands && command === TEST_COMMAND);
}

/** What the bytes beyond the kernel's struct are; the first that is not 0 or cannot be read decides. */
function tailOf({
  description,
  protocol,
  memory,
  pointer,
  userBytes,
}: EnvelopeContext): 'zero' | 'not_zero' | 'fault' {
  if (description === undefined || protocol !== 'iommufd' || userBytes <= description.layout.bytes)
    return 'zero';
  const start = pointer + BigInt(description.layout.bytes);
  const tailBytes = userBytes - description.layout.bytes;
  const readable = memory.readableBytes(start, tailBytes);
  for (let offset = 0; offset < readable; offset++) {
    if (memory.byteAt(start + BigInt(offset)) !== 0) return 'not_zero';
  }
  return readable < tailBytes ? 'fault' : 'zero';
}
