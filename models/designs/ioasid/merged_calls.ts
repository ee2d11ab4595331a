import { type Argument, choice, flags, handle, u32 } from '../framework/argument.js';
import { decidedInEffect } from '../framework/call.js';
import { PAUSE } from '../framework/locks.js';
import { PAGE_SIZE, isAligned } from '../../base/u64.js';
import { IOVA, USER_PAGE, mapPage } from './dma_calls.js';
import { FD, onMachine } from './files.js';
import { CODINGS, NO_CONTEXT, PLACE, TAIL, isNoIommufd } from './space_calls.js';
import { type Context, OBJECTS_MAX, contextAt, freeId, newSpace, spaceAt, spaceName } from './state.js';

const ENVELOPE = 'main.c:iommufd_fops_ioctl';
const ALLOC = 'ioas.c:iommufd_ioas_alloc_ioctl';
const REMOVE = 'main.c:iommufd_object_remove';
const MAP = 'ioas.c:iommufd_ioas_map';

/** Bytes of the struct that are required. */
const ALLOC_BYTES = 12;

export const notAnIommufd = {
  id: 'ENOTTY.file',
  says: NO_CONTEXT,
  cite: 'ioctl(2)',
  when: isNoIommufd,
} as const;

export const size = (bytes: number): Argument<number> =>
  u32('bytes of the struct', { usual: bytes, values: [0, 8] });

export const IOAS = handle('the IOAS', ['ioas'], { values: [0, 5] });

export const ioasAlloc = onMachine({
  name: 'IOMMU_IOAS_ALLOC',
  doc: 'Makes an IOAS; its id is a member of the struct.',
  source: ALLOC,
  makes: [{ kind: 'ioas', output: 'out_ioas_id' }],
  args: { fd: FD, size: size(ALLOC_BYTES), flags: flags('must be 0', {}), tail: TAIL, place: PLACE },
  rules: [
    notAnIommufd,
    {
      id: 'EFAULT.struct',
      says: 'the struct cannot be read',
      cite: ENVELOPE,
      when: ({ args }) => args.place === 1,
    },
    {
      id: 'EINVAL.short',
      says: 'the struct is short',
      cite: ENVELOPE,
      when: ({ args }) => args.size < ALLOC_BYTES,
    },
    {
      id: 'E2BIG.tail',
      says: 'bytes behind the known members are not 0',
      cite: ENVELOPE,
      when: ({ args }) => args.tail === 2,
      reports: 'unknown input',
    },
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags are set',
      cite: ALLOC,
      when: ({ args }) => args.flags !== 0,
      reports: 'unknown input',
    },
    {
      id: 'ENOMEM.limit',
      says: 'the memory limit of the caller is reached',
      cite: 'main.c:_iommufd_object_alloc (GFP_KERNEL_ACCOUNT)',
      when: ({ state, args }) => (contextAt(state, args.fd)?.objects ?? 0) >= OBJECTS_MAX,
    },
    {
      id: 'EFAULT.response',
      says: 'the struct cannot be written; the object is taken back',
      cite: ALLOC,
      when: ({ args }) => args.place === 2,
    },
  ],
  *effect({ state, args, fail }) {
    const context = contextAt(state, args.fd);
    if (context === undefined) return fail('ENOTTY.file');
    // The id is reserved; nobody finds the object by it.
    const space = newSpace(freeId(context, 1, true));
    context.spaces.set(space.id, space);
    context.objects += 1;
    yield PAUSE;
    space.isComplete = true;
    space.isReachable = true;
    return { out_ioas_id: space.id };
  },
});

export const destroy = onMachine({
  name: 'IOMMU_DESTROY',
  doc: 'Removes an object by its id.',
  source: REMOVE,
  args: {
    fd: FD,
    id: handle('the object', ['ioas', 'device'], { values: [0, 77, 0xffff_ffff] }),
    place: PLACE,
  },
  destroys: ({ fd, id }, state) => {
    const context = contextAt(state, fd);
    return context === undefined ? undefined : spaceName(context, id);
  },
  rules: [
    notAnIommufd,
    {
      id: 'EFAULT.struct',
      says: 'the struct cannot be read',
      cite: ENVELOPE,
      when: ({ args }) => args.place === 1,
    },
    {
      id: 'ENOENT.id',
      says: 'no object of this file has the id',
      cite: REMOVE,
      when: ({ state, args }) =>
        spaceAt(state, args.fd, args.id) === undefined &&
        contextAt(state, args.fd)?.bindings.has(args.id) !== true,
      reports: 'missing object',
    },
    {
      id: 'EBUSY.users',
      says: 'others use the object, or it is a device that VFIO has bound',
      cite: REMOVE,
      when: ({ state, args }) =>
        contextAt(state, args.fd)?.bindings.has(args.id) === true ||
        (spaceAt(state, args.fd, args.id)?.devices.size ?? 0) > 0,
    },
  ],
  *effect({ state, args, until, fail }) {
    const context = contextAt(state, args.fd);
    const space = spaceAt(state, args.fd, args.id);
    if (context === undefined || space === undefined) return fail('ENOENT.id');
    // From here on nobody finds it; who has found it before is waited for.
    space.isReachable = false;
    yield* until('calls that are under way', () => space.shortUsers === 0);
    removeSpace(context, space.id);
    return 0;
  },
});

function removeSpace(context: Context, id: number): void {
  context.spaces.delete(id);
  context.usedIds.add(id);
  context.objects -= 1;
}

/** Everything goes, the users first. Source: main.c:iommufd_fops_release. */
export function releaseMerged(context: Context): void {
  for (const id of [...context.spaces.keys()]) removeSpace(context, id);
}

export const ioasMap = onMachine({
  name: 'IOMMU_IOAS_MAP',
  doc: 'Maps a page of the user into an IOAS, at a fixed IOVA.',
  source: MAP,
  args: {
    fd: FD,
    flags: flags('access', { FIXED_IOVA: 1, WRITEABLE: 2, READABLE: 4 }, 7),
    ioas_id: IOAS,
    reserved: u32('must be 0', { usual: 0, values: [1], isUnknown: (value) => value !== 0 }),
    user_va: USER_PAGE,
    iova: IOVA,
  },
  rules: [
    notAnIommufd,
    {
      id: 'EOPNOTSUPP.flags',
      says: 'a flag is unknown, or the reserved member is not 0',
      cite: MAP,
      when: ({ args }) => args.flags > 7 || args.reserved !== 0,
      reports: 'unknown input',
    },
    { id: 'EINVAL.access', says: 'neither R nor W', cite: MAP, when: ({ args }) => (args.flags & 6) === 0 },
    {
      id: 'ENOENT.ioas',
      says: 'no IOAS of this file has the id',
      cite: MAP,
      when: ({ state, args }) => spaceAt(state, args.fd, args.ioas_id) === undefined,
      reports: 'missing object',
    },
    {
      id: 'EEXIST.area',
      says: 'the IOVA is mapped already',
      cite: 'io_pagetable.c:iopt_check_iova',
      when: decidedInEffect,
    },
    {
      id: 'EINVAL.iova',
      says: 'the IOVA does not fit the page table of a device',
      cite: 'io_pagetable.c:iopt_check_iova',
      when: decidedInEffect,
    },
  ],
  *effect({ state, args, fail }) {
    const space = spaceAt(state, args.fd, args.ioas_id);
    if (space === undefined) return fail('ENOENT.ioas');
    space.shortUsers += 1;
    yield PAUSE;
    space.shortUsers -= 1;
    if (space.domain !== undefined && !isAligned(args.iova, PAGE_SIZE)) fail('EINVAL.iova');
    if (space.recorded.has(args.iova)) fail('EEXIST.area');
    mapPage(space, args.iova, args.user_va);
  },
});

export const ioasUnmap = onMachine({
  name: 'IOMMU_IOAS_UNMAP',
  doc: 'Removes a mapping.',
  source: 'ioas.c:iommufd_ioas_unmap',
  args: { fd: FD, ioas_id: IOAS, iova: IOVA },
  rules: [
    notAnIommufd,
    {
      id: 'ENOENT.ioas',
      says: 'no IOAS of this file has the id',
      cite: 'ioas.c:iommufd_ioas_unmap',
      when: ({ state, args }) => spaceAt(state, args.fd, args.ioas_id) === undefined,
      reports: 'missing object',
    },
    {
      id: 'ENOENT.area',
      says: 'nothing is mapped there',
      cite: 'io_pagetable.c:iopt_unmap_iova_range',
      when: ({ state, args }) => spaceAt(state, args.fd, args.ioas_id)?.recorded.has(args.iova) === false,
    },
  ],
  effect: ({ state, args }) => {
    const space = spaceAt(state, args.fd, args.ioas_id);
    space?.recorded.delete(args.iova);
    space?.domain?.delete(args.iova);
  },
});

/** Numbers of the merged interface and of VFIO, of the type ";". */
const NUMBERS = { GET_API_VERSION: 100, SET_IOMMU: 102, IOAS_ALLOC: 0x81, unknown: 0xf0 } as const;

export const ioctlMerged = onMachine({
  name: 'ioctl',
  doc: 'An ioctl by its number, of type ";", with argument 0.',
  source: ENVELOPE,
  args: {
    fd: FD,
    nr: u32('the number', { usual: NUMBERS.GET_API_VERSION, names: NUMBERS }),
    coded: choice('direction and size in the number', CODINGS, 'plain'),
  },
  rules: [
    notAnIommufd,
    {
      id: 'EFAULT.struct',
      says: 'the argument leads to no struct',
      cite: ENVELOPE,
      when: ({ args }) => args.nr === NUMBERS.IOAS_ALLOC && args.coded === CODINGS.plain,
    },
    {
      id: 'ENOTTY.command',
      says: 'the whole number is none of the known ones',
      cite: ENVELOPE,
      when: ({ args }) => args.nr === NUMBERS.unknown || args.coded !== CODINGS.plain,
      reports: 'unknown call',
    },
    {
      id: 'ENODEV.compat',
      says: 'a call of VFIO needs an IOAS for it',
      cite: 'vfio_compat.c:iommufd_vfio_ioctl',
      when: ({ args }) => args.nr !== NUMBERS.GET_API_VERSION,
    },
  ],
  effect: () => 0,
});
