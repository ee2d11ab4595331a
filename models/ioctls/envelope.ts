import type { Profile } from '../profiles/index.js';
import type { CallMemory } from '../state/call_memory.js';
import type { OpenFile } from '../state/open_file.js';
import type { CallDescription, Rule } from './description.js';
import { callByCommand } from './index.js';
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
    says: 'the file is no iommufd',
    cite: 'fs/ioctl.c: no unlocked_ioctl',
    when: ({ file }) => file !== undefined && file.kind !== 'iommufd',
  },
  {
    id: 'ENOTTY.number',
    says: 'the command number lies outside the table',
    cite: DISPATCH,
    when: (c) => !isInTable(c) && !isVfio(c),
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
    when: (c) => isVfio(c) && isTooShort(c),
  },
  {
    id: 'EFAULT.size',
    says: 'the size member cannot be read',
    cite: DISPATCH,
    when: (c) => !isVfio(c) && !c.memory.isReadable(c.pointer, SIZE_BYTES),
  },
  {
    id: 'ENOTTY.command',
    says: 'the command is not the one that the table has under its number',
    cite: DISPATCH,
    when: (c) => isInTable(c) && !isCommand(c),
  },
  {
    id: 'unspecified.call',
    says: 'the model does not describe this command yet',
    cite: 'models/ioctls',
    when: (c) => isCommand(c) && c.description === undefined,
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
  const description = callByCommand(command);
  const hasSize = description?.argument !== 'value' && memory.isReadable(pointer, SIZE_BYTES);
  const userBytes = hasSize ? memory.readU32(pointer) : 0;
  return { file, command, pointer, memory, profile, description, userBytes };
}

/** Whether the kernel takes the command before it looks at the table: it compares the whole number. */
function isVfio({ description }: EnvelopeContext): boolean {
  return description?.protocol === 'vfio';
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
function tailOf({ description, memory, pointer, userBytes }: EnvelopeContext): 'zero' | 'not_zero' | 'fault' {
  if (description?.protocol !== 'iommufd' || userBytes <= description.layout.bytes) return 'zero';
  const start = pointer + BigInt(description.layout.bytes);
  const tailBytes = userBytes - description.layout.bytes;
  const readable = memory.readableBytes(start, tailBytes);
  for (let offset = 0; offset < readable; offset++) {
    if (memory.byteAt(start + BigInt(offset)) !== 0) return 'not_zero';
  }
  return readable < tailBytes ? 'fault' : 'zero';
}
