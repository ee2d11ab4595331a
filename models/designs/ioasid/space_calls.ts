import { choice, flags, handle, u32 } from '../framework/argument.js';
import { decidedInEffect, take } from '../framework/call.js';
import { PAUSE } from '../framework/locks.js';
import { FD, onMachine } from './files.js';
import {
  type AddressSpace,
  type Context,
  type Machine,
  contextAt,
  freeId,
  newSpace,
  spaceAt,
  spaceName,
} from './state.js';

const ALLOC = 'RFC 11/20, iommufd_ioasid_alloc';
const FREE = 'RFC 11/20, iommufd_ioasid_free';

/** Where a struct lies in memory. */
export const PLACE = choice('where the struct lies', { fine: 0, unreadable: 1, unwritable: 2 }, 'fine');

/** What user space has behind the members that the kernel knows. */
export const TAIL = choice('bytes behind the known members', { none: 0, zero: 1, garbage: 2 }, 'none', [
  'garbage',
]);

/** The struct that RFC 11/20 wants has 16 bytes. */
const ALLOC_BYTES = 16;

const TYPES = { KERNEL_TYPE1V2: 1 } as const;

/** Each iommufd has one; programs hardly use two at a time, so that one is enough here. */
export const CONTEXT_MUTEX = 'the mutex of the iommufd';

export const NO_CONTEXT = 'the descriptor is no open iommufd';

export const isNoIommufd = ({ state, args }: { state: Machine; args: { fd: number } }): boolean =>
  contextAt(state, args.fd) === undefined;

export const ioasidAlloc = onMachine({
  name: 'IOMMU_IOASID_ALLOC',
  doc: 'Makes an I/O address space; its id is what the ioctl returns.',
  source: ALLOC,
  makes: [{ kind: 'ioasid' }],
  args: {
    fd: FD,
    argsz: u32('bytes of the struct as user space has it', { usual: ALLOC_BYTES, values: [0, 8, 4096] }),
    flags: flags('must be ENFORCE_SNOOP', { ENFORCE_SNOOP: 1 }, 1),
    type: u32('format of the page table', {
      usual: TYPES.KERNEL_TYPE1V2,
      values: [0, 2],
      names: TYPES,
      isUnknown: (type) => type !== TYPES.KERNEL_TYPE1V2,
    }),
    addr_width: u32('bits of an address', { usual: 48, values: [0, 12, 13, 63, 64, 65, 0xffff_ffff] }),
    tail: TAIL,
    place: PLACE,
  },
  rules: [
    { id: 'ENOTTY.file', says: NO_CONTEXT, cite: 'ioctl(2)', when: isNoIommufd },
    {
      id: 'EFAULT.struct',
      says: 'the struct cannot be read',
      cite: ALLOC,
      when: ({ args }) => args.place === 1,
    },
    {
      id: 'EINVAL.struct',
      says: 'it is short, the width is 0, or flags or type are not the only ones',
      cite: ALLOC,
      when: ({ args: { argsz, addr_width: width, flags: bits, type } }) =>
        argsz < ALLOC_BYTES || width === 0 || bits !== 1 || type !== TYPES.KERNEL_TYPE1V2,
      reports: ({ args: { argsz, addr_width: width, flags: bits, type } }) =>
        argsz >= ALLOC_BYTES && width !== 0 && (type !== TYPES.KERNEL_TYPE1V2 || bits > 1)
          ? 'unknown input'
          : undefined,
    },
    {
      id: 'EBUSY.ids',
      says: 'every id is taken',
      cite: ALLOC,
      when: decidedInEffect,
    },
  ],
  *effect(c) {
    const context = contextAt(c.state, c.args.fd);
    if (context === undefined) return c.fail('ENOTTY.file');
    yield* c.lock(CONTEXT_MUTEX);
    if (context.isFull) {
      c.unlock(CONTEXT_MUTEX);
      c.prints('Failed to alloc ioasid');
      c.fail('EBUSY.ids');
    }
    const space = insertSpace(context, freeId(context, 0, false));
    if (space.id === 0) c.has('D1.4');
    c.unlock(CONTEXT_MUTEX);
    if (c.has('D1.5')) yield PAUSE;
    space.width = c.args.addr_width;
    space.references = 1;
    space.isComplete = true;
    return space.id;
  },
});

function insertSpace(context: Context, id: number): AddressSpace {
  const space = newSpace(id);
  space.isReachable = true;
  context.spaces.set(space.id, space);
  context.objects += 1;
  return space;
}

export const ioasidFree = onMachine({
  name: 'IOMMU_IOASID_FREE',
  doc: 'Frees an I/O address space.',
  source: FREE,
  args: {
    fd: FD,
    ioasid: handle('the id that ALLOC returned', ['ioasid'], { values: [0, 5, -1] }),
    place: PLACE,
  },
  destroys: ({ fd, ioasid }, state) => {
    const context = contextAt(state, fd);
    return context === undefined ? undefined : spaceName(context, ioasid);
  },
  rules: [
    { id: 'ENOTTY.file', says: NO_CONTEXT, cite: 'ioctl(2)', when: isNoIommufd },
    { id: 'EFAULT.id', says: 'the id cannot be read', cite: FREE, when: ({ args }) => args.place === 1 },
    { id: 'EINVAL.negative', says: 'the id is negative', cite: FREE, when: ({ args }) => args.ioasid < 0 },
    take(CONTEXT_MUTEX),
    {
      id: 'EBUSY.references',
      says: 'the reference count is above 1',
      cite: FREE,
      when: ({ state, args, has }) => {
        const space = spaceAt(state, args.fd, args.ioasid);
        return space !== undefined && space.references > 1 && (space.devices.size > 0 || has('D1.8'));
      },
    },
  ],
  effect: (c) => {
    const { state, args } = c;
    const context = contextAt(state, args.fd);
    const space = spaceAt(state, args.fd, args.ioasid);
    if (space === undefined || context === undefined) {
      const defect = context?.usedIds.has(args.ioasid) === true ? 'D1.2' : 'D1.1';
      return c.undefined(
        defect,
        'NULL dereference',
        'reads the count of an object that the table does not have',
      );
    }
    if (space.references === 0) {
      return c.undefined('D1.5', 'underflow', 'drops a reference of an object that has none yet');
    }
    putSpace(context, space);
    return c.unset('D1.3', 'the variable was declared and never set');
  },
});

/** Drops a reference of an IOASID; the last one removes it. Source: RFC 11/20, ioas_put_locked. */
export function putSpace(context: Context, space: AddressSpace): void {
  space.references -= 1;
  if (space.references > 0) return;
  context.spaces.delete(space.id);
  context.usedIds.add(space.id);
  context.objects -= 1;
}

const CHECK = 'RFC 12/20, iommufd_fops_unl_ioctl';

export const checkExtension = onMachine({
  name: 'IOMMU_CHECK_EXTENSION',
  doc: 'Whether the kernel has an extension.',
  source: CHECK,
  args: { fd: FD, value: u32('the extension', { usual: 1, values: [0, 2], names: { MAP_TYPE1V2: 1 } }) },
  rules: [{ id: 'ENOTTY.file', says: NO_CONTEXT, cite: 'ioctl(2)', when: isNoIommufd }],
  effect: ({ args }) => (args.value === 1 ? 1 : 0),
});

/** How a number is coded. */
export const CODINGS = { plain: 0, as_documented: 1, otherwise: 2 } as const;

/** Numbers of the series, of the type ";". */
const NUMBERS = { CHECK_EXTENSION: 100, DEVICE_GET_INFO: 101, IOASID_ALLOC: 102, unknown: 0xf0 } as const;

export const rawIoctl = onMachine({
  name: 'ioctl',
  doc: 'An ioctl by its number, of type ";", with argument 0.',
  source: 'RFC 01/20 and 12/20, iommufd_fops_unl_ioctl',
  args: {
    fd: FD,
    nr: u32('the number', { usual: NUMBERS.CHECK_EXTENSION, names: NUMBERS }),
    coded: choice('direction and size in the number', CODINGS, 'plain'),
  },
  rules: [
    { id: 'ENOTTY.file', says: NO_CONTEXT, cite: 'ioctl(2)', when: isNoIommufd },
    {
      id: 'EINVAL.command',
      says: 'the whole number is none of the known ones',
      cite: 'RFC 01/20, iommufd_fops_unl_ioctl',
      when: decidedInEffect,
    },
    {
      id: 'EFAULT.struct',
      says: 'the argument leads to no struct',
      cite: ALLOC,
      when: decidedInEffect,
    },
  ],
  effect: (c) => {
    const { nr, coded } = c.args;
    const isKnown = nr !== NUMBERS.unknown && nr >= 100 && nr <= 105;
    if (!isKnown || coded !== CODINGS.plain) {
      if (nr === NUMBERS.IOASID_ALLOC && coded === CODINGS.as_documented && c.has('D1.15')) {
        c.contradicts('the number that the header documents for IOASID_ALLOC is not known');
      }
      c.prints(`unsupported cmd ${String(nr)}`);
      c.fail('EINVAL.command');
    }
    if (nr !== NUMBERS.CHECK_EXTENSION) return c.fail('EFAULT.struct');
    if (c.has('D1.16')) c.contradicts('the number of VFIO_GET_API_VERSION asks for an extension');
    return 0;
  },
});
