import { U64_MAX, isAligned, rangeWraps } from '../../base/u64.js';
import { u64 } from '../framework/argument.js';
import { decidedInEffect } from '../framework/call.js';
import {
  ADDRESS,
  CALLER,
  FAILS_AT,
  FLAGS_OF_MAP,
  GONE_RFC,
  IOAS,
  LENGTH,
  MAP_FLAGS,
  OTHER_IOAS,
  PLACE,
  TIER_RULES,
  iova,
  isWrapping,
  length,
  noIoas,
  onMachine,
} from './arguments.js';
import { addressAt } from './memory.js';
import { type MapErrors, mapPages, mapUserMemory } from './map_effect.js';
import { type Machine, areasIn, indexOfIova, ioasAt, startByteOf } from './state.js';
import { removeMapping } from './unmap_effect.js';

const MAP = 'RFC 08/12, iommufd_ioas_map';
const PLACE_RFC = 'RFC 07/12, iopt_alloc_area';

const ERRORS: MapErrors = { reserved: 'ENOENT.reserved', mapped: 'EADDRINUSE.mapped', gone: 'EINVAL.mm' };

/** How finding a place for a mapping ends a call. */
export const PLACE_RULES = [
  {
    id: 'EOVERFLOW.length',
    says: 'the length is more than half of all',
    cite: PLACE_RFC,
    when: decidedInEffect,
  },
  { id: 'EOVERFLOW.range', says: 'the range wraps', cite: PLACE_RFC, when: decidedInEffect },
  {
    id: 'EINVAL.alignment',
    says: 'IOVA, length or place in the page are not aligned to the pages of the IOMMU',
    cite: PLACE_RFC,
    when: decidedInEffect,
  },
  { id: 'ENOSPC.iova', says: 'no room is left', cite: 'RFC 07/12, iopt_alloc_iova', when: decidedInEffect },
  {
    id: 'EINVAL.unaligned',
    says: 'the IOMMU refuses memory that is not aligned to its pages',
    cite: 'drivers/iommu/iommu.c:iommu_map',
    when: decidedInEffect,
  },
] as const;

const PLACE_RULES_RFC = [
  ...PLACE_RULES,
  { id: 'ENOENT.reserved', says: 'the range is reserved', cite: PLACE_RFC, when: decidedInEffect },
  { id: 'EADDRINUSE.mapped', says: 'something is mapped there', cite: PLACE_RFC, when: decidedInEffect },
] as const;

export const MAP_ARGS = {
  caller: CALLER,
  flags: FLAGS_OF_MAP,
  ioas: IOAS,
  va: ADDRESS,
  length: LENGTH,
  iova: iova('where to map, for FIXED'),
  place: PLACE,
  fails_at: FAILS_AT,
};

/** The answer cannot be written; what was done stays. */
export const ANSWER = {
  id: 'EFAULT.answer',
  says: 'the struct cannot be written',
  cite: 'ioas.c:iommufd_ioas_map',
  when: decidedInEffect,
  leaves: { what: 'the call has done its work', cite: 'uapi/linux/iommufd.h', does: () => undefined },
} as const;

export const mapRfc = onMachine({
  name: 'IOMMU_IOAS_MAP',
  doc: 'Maps memory of the caller.',
  source: MAP,
  args: MAP_ARGS,
  rules: [
    {
      id: 'EOPNOTSUPP.flags',
      says: 'an unknown flag is set',
      cite: MAP,
      when: ({ args }) => args.flags > 7,
      reports: 'unknown input',
    },
    {
      id: 'EOVERFLOW.numbers',
      says: 'IOVA or length are the largest number',
      cite: MAP,
      when: ({ args }) => args.iova === U64_MAX || args.length === U64_MAX,
    },
    noIoas(MAP),
    {
      id: 'EINVAL.length',
      says: 'the length is 0',
      cite: 'RFC 05/12, iopt_alloc_pages',
      when: ({ args }) => args.length === 0n,
    },
    {
      id: 'EOVERFLOW.address',
      says: 'the memory goes beyond the last address',
      cite: 'pages.c:iopt_alloc_pages',
      when: (c) => isWrapping(addressAt(c.args.va), c.args.length) && !c.has('D2.33'),
    },
    ...PLACE_RULES_RFC,
    ...TIER_RULES,
    GONE_RFC,
    ANSWER,
  ],
  effect: (c) => mapUserMemory(c, ERRORS),
});

const COPY = 'RFC 08/12, iommufd_ioas_copy';

export const COPY_ARGS = {
  flags: FLAGS_OF_MAP,
  dst_ioas: OTHER_IOAS,
  ioas: IOAS,
  length: LENGTH,
  iova: iova('where to map, for FIXED'),
  src_iova: iova('what is copied'),
  fails_at: FAILS_AT,
};

export const noDestination = {
  id: 'ENOENT.dst_ioas',
  says: 'no IOAS has the id of the destination',
  cite: COPY,
  when: ({ state, args }: { readonly state: Machine; readonly args: { readonly dst_ioas: number } }) =>
    !state.spaces.has(args.dst_ioas),
  reports: 'missing object',
} as const;

export const copyRfc = onMachine({
  name: 'IOMMU_IOAS_COPY',
  doc: 'Maps the memory of a mapping once more.',
  source: COPY,
  args: COPY_ARGS,
  rules: [
    {
      id: 'EOPNOTSUPP.flags',
      says: 'an unknown flag is set',
      cite: COPY,
      when: ({ args }) => args.flags > 7,
      reports: 'unknown input',
    },
    noIoas(COPY),
    {
      id: 'EOVERFLOW.source',
      says: 'the range of the source wraps',
      cite: COPY,
      when: (c) => c.args.length > 0n && rangeWraps(c.args.src_iova, c.args.length) && !c.has('D2.17'),
    },
    {
      id: 'ENOENT.exact',
      says: 'the range is not that of a mapping',
      cite: 'RFC 07/12, iopt_get_pages',
      when: ({ state, args }) => {
        const area = areasIn(ioasAt(state, args.ioas), args.src_iova, args.src_iova)[0];
        return (
          area?.pages === undefined ||
          area.iova !== args.src_iova ||
          area.last !== args.src_iova + args.length - 1n
        );
      },
      contradicts: ({ args }) =>
        args.length > 0n && rangeWraps(args.src_iova, args.length)
          ? 'a range that wraps is looked up'
          : undefined,
    },
    noDestination,
    {
      id: 'EPERM.writable',
      says: 'the memory was mapped for reading',
      cite: 'RFC 07/12, iopt_map_pages',
      when: ({ state, args }) =>
        (args.flags & MAP_FLAGS.WRITEABLE) !== 0 &&
        areasIn(ioasAt(state, args.ioas), args.src_iova, args.src_iova)[0]?.pages?.isWritable === false,
    },
    ...PLACE_RULES_RFC,
    ...TIER_RULES,
    GONE_RFC,
  ],
  *effect(c) {
    const { state, args } = c;
    const area = areasIn(ioasAt(state, args.ioas), args.src_iova, args.src_iova)[0];
    if (area?.pages === undefined) return c.fail('ENOENT.exact');
    const found = yield* mapPages(c, ioasAt(state, args.dst_ioas), {
      pages: area.pages,
      slice: { startByte: startByteOf(area), length: args.length },
      iova: (args.flags & MAP_FLAGS.FIXED) === 0 ? undefined : args.iova,
      isWritable: (args.flags & MAP_FLAGS.WRITEABLE) !== 0,
      failsAt: args.fails_at,
      errors: ERRORS,
    });
    return { iova: found };
  },
});

/** The function below COPY, which can show a part of some pages. */
export const mapPart = onMachine({
  name: 'iopt_map_pages',
  isKernel: true,
  doc: 'Maps a part of the pages of a mapping once more.',
  source: 'RFC 07/12, iopt_map_pages',
  args: {
    dst_ioas: COPY_ARGS.dst_ioas,
    ioas: IOAS,
    length: length(0x4000n),
    iova: COPY_ARGS.iova,
    src_iova: iova('what is mapped once more', 0x10_4000n),
    fails_at: FAILS_AT,
  },
  rules: [
    noIoas('RFC 07/12'),
    noDestination,
    {
      id: 'ENOENT.area',
      says: 'the range is not inside a mapping',
      cite: 'RFC 07/12',
      when: ({ state, args: { ioas, src_iova: start, length: bytes } }) => {
        const area = areasIn(ioasAt(state, ioas), start, start)[0];
        return area?.pages === undefined || bytes === 0n || start + bytes - 1n > area.last;
      },
    },
    {
      id: 'EINVAL.slice',
      says: 'the part does not begin where a page begins',
      cite: 'RFC 07/12',
      when: ({ args }) => !isAligned(args.src_iova, 0x1000n) || !isAligned(args.length, 0x1000n),
    },
    ...PLACE_RULES_RFC,
    ...TIER_RULES,
    GONE_RFC,
  ],
  *effect(c) {
    const { state, args } = c;
    const area = areasIn(ioasAt(state, args.ioas), args.src_iova, args.src_iova)[0];
    if (area?.pages === undefined) return c.fail('ENOENT.area');
    const startByte = startByteOf(area) + (args.src_iova - area.iova);
    const found = yield* mapPages(c, ioasAt(state, args.dst_ioas), {
      pages: area.pages,
      slice: { startByte, length: args.length },
      iova: args.iova,
      isWritable: area.isWritable,
      failsAt: args.fails_at,
      errors: ERRORS,
    });
    return indexOfIova(area, args.src_iova) + (found === args.iova ? 0 : 1);
  },
});

const UNMAP = 'RFC 07/12, iopt_unmap_iova';

export const UNMAP_ARGS = {
  ioas: IOAS,
  iova: u64('the first IOVA', { usual: 0x10_0000n, values: [0n, 0x10_4000n] }),
  length: u64('bytes', { usual: 0x8000n, values: [U64_MAX, 0x1_0000n, 0n] }),
};

export const unmapRfc = onMachine({
  name: 'IOMMU_IOAS_UNMAP',
  doc: 'Removes one mapping, or all.',
  source: `${UNMAP}; RFC 08/12, iommufd_ioas_unmap`,
  args: UNMAP_ARGS,
  rules: [
    noIoas(UNMAP),
    {
      id: 'EINVAL.length',
      says: 'the length is 0',
      cite: UNMAP,
      when: ({ args }) => args.length === 0n,
    },
    {
      id: 'EOVERFLOW.range',
      says: 'the range wraps',
      cite: UNMAP,
      when: ({ args }) => args.length !== U64_MAX && rangeWraps(args.iova, args.length),
    },
    {
      id: 'ENOENT.exact',
      says: 'the range is not that of a mapping',
      cite: UNMAP,
      when: ({ state, args }) => {
        if (args.iova === 0n && args.length === U64_MAX) return false;
        const area = areasIn(ioasAt(state, args.ioas), args.iova, args.iova)[0];
        return (
          area?.pages === undefined || area.iova !== args.iova || area.last !== args.iova + args.length - 1n
        );
      },
      contradicts: (c) => {
        const { iova: start, length: bytes, ioas } = c.args;
        const last = start + bytes - 1n;
        const inside = areasIn(ioasAt(c.state, ioas), start, last);
        const isWhole = inside.every((area) => area.iova >= start && area.last <= last);
        if (inside.length === 0 || !isWhole || inside.some(({ pages }) => pages === undefined))
          return undefined;
        return c.has('D2.15') ? 'a range that covers mappings does not remove them' : undefined;
      },
    },
    {
      id: 'EBUSY.users',
      says: 'an in-kernel user has pages of the mapping',
      cite: UNMAP,
      when: decidedInEffect,
    },
  ],
  effect: (c) => {
    const { state, args } = c;
    const ioas = ioasAt(state, args.ioas);
    const isAll = args.iova === 0n && args.length === U64_MAX;
    for (const area of isAll ? areasIn(ioas, 0n, U64_MAX) : areasIn(ioas, args.iova, args.iova)) {
      if (area.users > 0) {
        c.prints('WARNING: an area that is unmapped has users');
        if (c.has('D2.14')) area.pages = undefined;
        c.fail('EBUSY.users');
      }
      removeMapping(c, ioas, area);
    }
  },
});
