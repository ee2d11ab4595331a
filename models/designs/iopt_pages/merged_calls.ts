import { PAGE_SIZE, U64_MAX, isAligned, rangeWraps } from '../../base/u64.js';
import { u32, u64 } from '../framework/argument.js';
import { type DesignRule, decidedInEffect } from '../framework/call.js';
import type { Pause } from '../framework/locks.js';
import { FAILS_AT, IOAS, MAP_FLAGS, TIER_RULES, iova, isWrapping, noIoas, onMachine } from './arguments.js';
import { ANSWER, COPY_ARGS, MAP_ARGS, PLACE_RULES, UNMAP_ARGS, noDestination } from './map_calls.js';
import { addressAt } from './memory.js';
import { type MapErrors, mapPages, mapUserMemory } from './map_effect.js';
import { allocateIova } from './space.js';
import { type Area, type Machine, areasIn, ioasAt, newArea, startByteOf } from './state.js';
import { removeMapping, unmapRange } from './unmap_effect.js';

const MAP = 'ioas.c:iommufd_ioas_map';
const ALLOC = 'io_pagetable.c:iopt_alloc_area_pages';

const ERRORS: MapErrors = { reserved: 'EINVAL.reserved', mapped: 'EEXIST.mapped', gone: 'EFAULT.mm' };

const PLACES = [
  ...PLACE_RULES,
  { id: 'EINVAL.reserved', says: 'the range is reserved', cite: ALLOC, when: decidedInEffect },
  { id: 'EEXIST.mapped', says: 'something is mapped there', cite: ALLOC, when: decidedInEffect },
] as const;

/** Bytes of the struct of MAP, and those without its last member. */
const MAP_BYTES = 40;
const WITHOUT_IOVA = 32;

interface OfFlags {
  readonly args: { readonly flags: number };
}

const FLAG_RULES = [
  {
    id: 'EOPNOTSUPP.flags',
    says: 'an unknown flag is set',
    cite: MAP,
    when: ({ args }: OfFlags) => args.flags > 7,
    reports: 'unknown input',
  },
  {
    id: 'EINVAL.flags',
    says: 'neither reading nor writing is asked for',
    cite: MAP,
    when: ({ args }: OfFlags) => (args.flags & (MAP_FLAGS.READABLE | MAP_FLAGS.WRITEABLE)) === 0,
  },
] as const;

export const mapMerged = onMachine({
  name: 'IOMMU_IOAS_MAP',
  doc: 'Maps memory of the caller.',
  source: MAP,
  args: { ...MAP_ARGS, size: u32('bytes of the struct', { usual: MAP_BYTES, values: [36, 12] }) },
  rules: [
    {
      id: 'EINVAL.size',
      says: 'the struct is short',
      cite: 'main.c:iommufd_fops_ioctl',
      when: (c) => c.args.size < MAP_BYTES && (c.args.size < WITHOUT_IOVA || !c.has('D2.20')),
    },
    ...FLAG_RULES,
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
      cite: 'pages.c:iopt_alloc_pages',
      when: ({ args }) => args.length === 0n,
    },
    {
      id: 'EOVERFLOW.address',
      says: 'the memory goes beyond the last address',
      cite: 'pages.c:iopt_alloc_user_pages',
      when: (c) => isWrapping(addressAt(c.args.va), c.args.length),
    },
    ...PLACES,
    ...TIER_RULES,
    ANSWER,
  ],
  *effect(c) {
    if (c.args.size < MAP_BYTES) c.contradicts('a struct that ends in front of its IOVA is taken');
    return yield* mapUserMemory(c, ERRORS);
  },
});

const COPY = 'ioas.c:iommufd_ioas_copy';

/** The parts of areas that a range shows, one behind the other. */
interface Part {
  readonly area: Area;
  readonly from: bigint;
  readonly length: bigint;
}

function partsOf(areas: readonly Area[], start: bigint, last: bigint): Part[] {
  return areas.map((area) => {
    const from = area.iova > start ? area.iova : start;
    const end = area.last < last ? area.last : last;
    return { area, from, length: end - from + 1n };
  });
}

type CopyRule = DesignRule<{
  readonly state: Machine;
  readonly args: {
    readonly ioas: number;
    readonly src_iova: bigint;
    readonly length: bigint;
    readonly flags: number;
  };
  has(this: void, defect: 'D2.23'): boolean;
}>;

/** Source: io_pagetable.c:iopt_get_pages. */
const CONTIGUOUS: CopyRule = {
  id: 'ENOENT.contiguous',
  says: 'the range is not mapped as a whole',
  cite: 'io_pagetable.c:iopt_get_pages',
  when: (c) => {
    const { src_iova: start, length, ioas } = c.args;
    const last = start + length - 1n;
    const areas = areasIn(ioasAt(c.state, ioas), start, last);
    const first = areas[0];
    if (first === undefined || areas.some(({ pages }) => pages === undefined)) return true;
    const hasGap = areas.some((area, at) => at > 0 && areas[at - 1]?.last !== area.iova - 1n);
    if (hasGap || (areas.at(-1)?.last ?? 0n) < last) return true;
    return first.iova > start && !c.has('D2.23');
  },
};

export const copyMerged = onMachine({
  name: 'IOMMU_IOAS_COPY',
  doc: 'Maps the memory of mappings once more.',
  source: COPY,
  args: COPY_ARGS,
  rules: [
    ...FLAG_RULES,
    {
      id: 'EOVERFLOW.numbers',
      says: 'a number is the largest one',
      cite: COPY,
      when: ({ args }) => args.iova === U64_MAX || args.src_iova === U64_MAX || args.length === U64_MAX,
    },
    noIoas(COPY),
    {
      id: 'EINVAL.length',
      says: 'the length is 0',
      cite: 'io_pagetable.c:iopt_get_pages',
      when: ({ args }) => args.length === 0n,
    },
    {
      id: 'EOVERFLOW.source',
      says: 'the range of the source wraps',
      cite: 'io_pagetable.c:iopt_get_pages',
      when: ({ args }) => rangeWraps(args.src_iova, args.length),
    },
    CONTIGUOUS,
    noDestination,
    {
      id: 'EPERM.writable',
      says: 'the memory was mapped for reading',
      cite: 'io_pagetable.c:iopt_map_pages',
      when: ({ state, args }) =>
        (args.flags & MAP_FLAGS.WRITEABLE) !== 0 &&
        areasIn(ioasAt(state, args.ioas), args.src_iova, args.src_iova + args.length - 1n).some(
          ({ pages }) => pages?.isWritable === false,
        ),
    },
    ...PLACES,
    ...TIER_RULES,
  ],
  *effect(c) {
    const { state, args } = c;
    const destination = ioasAt(state, args.dst_ioas);
    const last = args.src_iova + args.length - 1n;
    const parts = partsOf(areasIn(ioasAt(state, args.ioas), args.src_iova, last), args.src_iova, last);
    const total = parts.reduce((sum, { length }) => sum + length, 0n);
    if (total !== args.length) c.contradicts('IOVAs that are not mapped are copied');
    let next = args.iova;
    if ((args.flags & MAP_FLAGS.FIXED) === 0) {
      const found = allocateIova(c, destination, parts[0]?.area.pages?.uptr ?? 0n, total);
      if (typeof found === 'string') return c.fail(found);
      next = found;
    }
    const start = next;
    const made: bigint[] = [];
    try {
      for (const { area, from, length } of parts) {
        if (area.pages === undefined) return c.fail('ENOENT.contiguous');
        const mapping = {
          pages: area.pages,
          slice: { startByte: startByteOf(area) + (from - area.iova), length },
          iova: next,
          isWritable: (args.flags & MAP_FLAGS.WRITEABLE) !== 0,
          failsAt: args.fails_at,
          errors: ERRORS,
        };
        made.push(yield* mapPages(c, destination, mapping));
        next += length;
      }
    } catch (error) {
      for (const at of made)
        for (const area of areasIn(destination, at, at)) removeMapping(c, destination, area);
      throw error;
    }
    return { iova: start };
  },
});

const UNMAP = 'io_pagetable.c:iopt_unmap_iova_range';

export const unmapMerged = onMachine({
  name: 'IOMMU_IOAS_UNMAP',
  doc: 'Removes all mappings of a range, and tells who uses them to let go.',
  source: 'ioas.c:iommufd_ioas_unmap',
  args: UNMAP_ARGS,
  rules: [
    noIoas('ioas.c:iommufd_ioas_unmap'),
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
      when: ({ args }) =>
        !(args.iova === 0n && args.length === U64_MAX) &&
        (args.iova === U64_MAX || args.length === U64_MAX || rangeWraps(args.iova, args.length)),
    },
    { id: 'EBUSY.area', says: 'MAP is still at work on an area', cite: UNMAP, when: decidedInEffect },
    {
      id: 'ENOENT.cut',
      says: 'the range cuts an area',
      cite: UNMAP,
      when: decidedInEffect,
      leaves: { what: 'areas in front of it are gone (K6)', cite: UNMAP, does: () => undefined },
    },
    {
      id: 'ENOENT.nothing',
      says: 'nothing is mapped in the range',
      cite: UNMAP,
      when: decidedInEffect,
      contradicts: ({ args }) =>
        args.iova === 0n && args.length === U64_MAX ? 'everything cannot be unmapped twice' : undefined,
    },
    {
      id: 'EDEADLK.users',
      says: 'users do not let go',
      cite: UNMAP,
      when: decidedInEffect,
      leaves: { what: 'areas in front of it are gone', cite: UNMAP, does: () => undefined },
    },
  ],
  *effect(c): Generator<Pause, { readonly length: bigint }> {
    const { ioas, iova: start, length } = c.args;
    const isAll = start === 0n && length === U64_MAX;
    const unmapped = yield* unmapRange(
      c,
      ioasAt(c.state, ioas),
      start,
      isAll ? U64_MAX : start + length - 1n,
    );
    return { length: unmapped };
  },
});

/** What UNMAP of VFIO's TYPE1 does in front of each end of its range. */
export const cutIova = onMachine({
  name: 'iopt_cut_iova',
  isKernel: true,
  doc: 'Cuts an area in two, as UNMAP of VFIO’s TYPE1 does.',
  source: 'io_pagetable.c:iopt_area_split',
  args: { ioas: IOAS, iova: iova('the first IOVA of the second half', 0x10_4000n) },
  rules: [
    noIoas('io_pagetable.c:iopt_cut_iova'),
    {
      id: 'ENOENT.area',
      says: 'no area has the IOVA inside of it',
      cite: 'io_pagetable.c:iopt_cut_iova',
      when: ({ state, args }) => {
        const area = areasIn(ioasAt(state, args.ioas), args.iova, args.iova)[0];
        return area?.pages === undefined || area.iova === args.iova;
      },
    },
    {
      id: 'EINVAL.alignment',
      says: 'the halves would not begin with pages',
      cite: 'io_pagetable.c:iopt_area_split',
      when: ({ state, args }) =>
        !isAligned(args.iova, PAGE_SIZE) ||
        areasIn(ioasAt(state, args.ioas), args.iova, args.iova).some(
          ({ iova: start, pageOffset }) => !isAligned(start, PAGE_SIZE) || pageOffset !== 0n,
        ),
    },
    {
      id: 'EINVAL.used',
      says: 'somebody uses the area',
      cite: 'io_pagetable.c:iopt_area_split',
      when: (c) => {
        const { ioas, iova: at } = c.args;
        return areasIn(ioasAt(c.state, ioas), at, at).some(({ users }) => users > 0) && !c.has('D2.32');
      },
    },
  ],
  effect: (c) => {
    const ioas = ioasAt(c.state, c.args.ioas);
    const area = areasIn(ioas, c.args.iova, c.args.iova)[0];
    const pages = area?.pages;
    if (area === undefined || pages === undefined) return c.fail('ENOENT.area');
    const startByte = startByteOf(area);
    const first = { startByte, length: c.args.iova - area.iova };
    const second = { startByte: startByte + first.length, length: area.last - c.args.iova + 1n };
    const halves = [
      newArea(area.iova, first, area.isWritable),
      newArea(c.args.iova, second, area.isWritable),
    ];
    for (const half of halves) {
      half.pages = pages;
      half.storage = area.storage;
      half.users = area.users;
      if (area.storage !== undefined) pages.domainAreas.add(half);
    }
    pages.domainAreas.delete(area);
    pages.references += 1;
    ioas.areas.splice(ioas.areas.indexOf(area), 1, ...halves);
    return halves.length;
  },
});

/** Of the usual mapping the second half, the first, or a part in the middle. */
export const MERGED_PIN_ARGS = {
  iova: u64('the first IOVA', { usual: 0x10_4000n, values: [0x10_0000n, 0x10_2000n, 0x10_0200n] }),
  length: u64('bytes', { usual: 0x4000n, values: [0x8000n, 0x1000n, 0n] }),
  fails_at: FAILS_AT,
};
