import { type Argument, flags, u32, u64 } from '../framework/argument.js';
import { decidedInEffect } from '../framework/call.js';
import { PAUSE, type Pause } from '../framework/locks.js';
import { U64_MAX, rangeWraps } from '../../base/u64.js';
import { addArea, areasTouching, fillDomains, isAlignedForDomains, newPages, releasePages } from './areas.js';
import { onMachine } from './device_calls.js';
import { BUFFER } from './export_calls.js';
import { PRIVATE_RULES, addAttachment, privateAddress } from './importer_calls.js';
import { reservationLock } from './revoke.js';
import {
  type AddressSpace,
  type Area,
  type Attachment,
  type Buffer,
  type Machine,
  type Seen,
  bytesOf,
} from './state.js';

const MAP = 'iommufd/ioas.c:iommufd_ioas_map_file';
const PAGES = 'iommufd/pages.c:iopt_alloc_dmabuf_pages';

/** FIXED_IOVA, WRITEABLE, READABLE. */
const ACCESS = { FIXED_IOVA: 1, WRITEABLE: 2, READABLE: 4 } as const;

export const MAP_FLAGS = flags('where, and access', ACCESS, 7);

/** Which of the two IOAS. */
export function spaceArgument(doc: string, usual: number): Argument<number> {
  return u32(doc, { usual, values: [1 - usual], names: SPACES });
}

const SPACES = { i: 0, j: 1 } as const;

export const SPACE = spaceArgument('the IOAS', SPACES.i);

/** Where areas usually begin. */
export const IOVA = 0x10000n;

export const IOVA_ARGUMENT = u64('where the device sees it', {
  usual: IOVA,
  values: [0x20000n, 0x10800n, 0x11000n, 0x10200n],
});

export const IOMMUFD_IS_CLOSED = {
  id: 'EBADF.iommufd',
  says: 'the iommufd is closed',
  cite: 'ioctl(2)',
  when: ({ state }: { readonly state: Machine }): boolean => !state.isIommufdOpen,
} as const;

/** A space by the number of the argument. */
export function spaceAt({ spaces }: Machine, number: number): AddressSpace {
  return spaces[number === 0 ? 0 : 1];
}

export function accessOf(bits: number): string {
  return `${(bits & ACCESS.READABLE) === 0 ? '' : 'r'}${(bits & ACCESS.WRITEABLE) === 0 ? '' : 'w'}`;
}

interface MapArguments {
  readonly start: bigint;
  readonly length: bigint;
  readonly iova: bigint;
  readonly flags: number;
  readonly fail: number;
}

/** What a kernel may lack. */
type Support = Readonly<Record<string, number>>;

/** iommufd that knows no buffers. */
const OLD_IOMMUFD = 2;

export const PROPOSED_SUPPORT: Support = { all: 0, no_exporter: 1, old_iommufd: OLD_IOMMUFD };

/** IOAS_MAP_FILE of a buffer, on kernels of some kinds. */
export function mapFileCall(source: string, support: Support): ReturnType<typeof onMachine> {
  return onMachine({
    name: 'IOMMU_IOAS_MAP_FILE',
    doc: 'Maps a slice of a buffer into an IOAS.',
    source,
    args: {
      space: SPACE,
      fd: BUFFER,
      start: u64('first byte of the buffer', {
        usual: 0n,
        values: [0x1000n, 0x800n, 0x200n, 0x8000n, U64_MAX],
      }),
      length: u64('bytes', { usual: 0x1000n, values: [0x2000n, 0x800n, 0x200n, 0n] }),
      iova: IOVA_ARGUMENT,
      flags: MAP_FLAGS,
      fail: u32('which page table cannot be tracked for want of memory', {
        usual: 0,
        names: { none: 0, first: 1, second: 2 },
      }),
      support: u32('what the kernel has', { usual: 0, names: support }),
    },
    rules: [
      IOMMUFD_IS_CLOSED,
      {
        id: 'EOPNOTSUPP.flags',
        says: 'a flag is unknown',
        cite: MAP,
        when: ({ args }) => args.flags > 7,
        reports: 'unknown input',
      },
      { id: 'EINVAL.access', says: 'no access is asked for', cite: MAP, when: ({ args }) => args.flags < 2 },
      { id: 'EINVAL.empty', says: 'the length is 0', cite: MAP, when: ({ args }) => args.length === 0n },
      {
        id: 'EOVERFLOW.slice',
        says: 'the slice goes beyond 2^64',
        cite: MAP,
        when: ({ args }) => rangeWraps(args.start, args.length),
      },
      {
        id: 'EBADF.fd',
        says: 'the descriptor is not open',
        cite: MAP,
        when: ({ state, args }) => !state.descriptors.has(args.fd),
      },
      {
        id: 'EINVAL.old_kernel',
        says: 'an iommufd that knows no buffers takes it for a file of memory, and cannot pin that',
        cite: 'Linux 6.18, iommufd/pages.c',
        when: ({ state, args, has }) =>
          args.support === OLD_IOMMUFD && spaceAt(state, args.space).domains.size > 0 && has('D4.16'),
        reports: 'unknown input',
      },
      {
        id: 'EINVAL.slice',
        says: 'the slice goes beyond the buffer',
        cite: PAGES,
        when: ({ state, args }) => {
          const buffer = state.descriptors.get(args.fd);
          return buffer !== undefined && args.start + args.length > bytesOf(buffer);
        },
      },
      ...PRIVATE_RULES,
      {
        id: 'EINVAL.alignment',
        says: 'IOVA, length or start do not suit the page tables of the IOAS',
        cite: 'iommufd/io_pagetable.c:iopt_alloc_area_pages',
        when: decidedInEffect,
      },
      {
        id: 'EEXIST.area',
        says: 'another area is there',
        cite: 'iommufd/io_pagetable.c:iopt_alloc_area_pages',
        when: decidedInEffect,
      },
      {
        id: 'ENOMEM.track',
        says: 'a page table cannot be tracked',
        cite: 'iommufd/pages.c:iopt_dmabuf_track_all_domains',
        when: decidedInEffect,
      },
    ],
    *effect(c) {
      const buffer = c.state.descriptors.get(c.args.fd);
      if (buffer === undefined) return c.fail('EBADF.fd');
      if (c.args.support === OLD_IOMMUFD && c.has('D4.16')) {
        c.contradicts('a kernel that cannot map buffers says that it has');
        return 0;
      }
      const attachment = yield* importBuffer(c, buffer, c.args, c.args.support === 1);
      if (typeof attachment === 'string') return c.fail(attachment);
      yield PAUSE;
      const space = spaceAt(c.state, c.args.space);
      const failure = yield* placeArea(c, space, attachment, c.args);
      if (failure === undefined) return 0;
      yield* releasePages(c, attachment);
      return c.fail(failure);
    },
  });
}

type ImportFailure = Exclude<ReturnType<typeof privateAddress>, bigint>;

/** iopt_map_dmabuf: attaches, pins and asks for the address. */
function* importBuffer(
  c: Seen,
  buffer: Buffer,
  { start, flags: bits }: MapArguments,
  hasNoExporter: boolean,
): Generator<Pause, Attachment | ImportFailure> {
  // The exporter refuses importers only for what iommufd has: it takes addresses of devices, and can be told.
  if (buffer.exporter === 'vfio' && buffer.isRevoked) return 'ENODEV.revoked';
  const pages = newPages(start, accessOf(bits).includes('w'));
  const attachment = addAttachment(c, buffer, { hasInvalidate: true, pages });
  yield* c.lock(reservationLock(buffer));
  attachment.pins = c.has('D4.1') ? 0 : 1;
  const answer = hasNoExporter ? 'EOPNOTSUPP.exporter' : privateAddress(c, buffer);
  pages.isImported = typeof answer !== 'string';
  c.unlock(reservationLock(buffer));
  if (typeof answer !== 'string') return attachment;
  yield* releasePages(c, attachment);
  return answer;
}

type PlaceFailure = 'EINVAL.alignment' | 'EEXIST.area' | 'ENOMEM.track';

/** Finds a place for the area and fills the page tables of the space. */
function* placeArea(
  c: Seen,
  space: AddressSpace,
  attachment: Attachment,
  args: MapArguments,
): Generator<Pause, PlaceFailure | undefined> {
  const { pages } = attachment;
  if (pages === undefined) return undefined;
  const { start: offset, length, flags: bits } = args;
  const isFixed = (bits & ACCESS.FIXED_IOVA) !== 0;
  const iova = isFixed ? args.iova : freeIova(space, args);
  const area: Area = { iova, length, attachment, pages, offset, access: accessOf(bits) };
  if (space.domains.size > 0 && !isAlignedForDomains(area)) return 'EINVAL.alignment';
  if (areasTouching(space, iova, length).length > 0) return 'EEXIST.area';
  const mutex = `the mutex of the pages of attachment ${String(attachment.id)}`;
  yield* c.lock(mutex);
  if (args.fail !== 0 && args.fail <= space.domains.size) {
    c.unlock(mutex);
    if (c.has('D4.7')) c.unlock(mutex);
    return 'ENOMEM.track';
  }
  addArea(space, area);
  fillDomains(c, area, space.domains);
  c.unlock(mutex);
  return undefined;
}

/** The first place from 0x1000 on that has room, with the offset of the slice in its page. */
function freeIova(space: AddressSpace, { start, length }: MapArguments): bigint {
  let iova = 0x1000n + (start % 0x1000n);
  while (areasTouching(space, iova, length).length > 0) iova += 0x1000n;
  return iova;
}
