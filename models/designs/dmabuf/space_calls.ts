import { choice, u64 } from '../framework/argument.js';
import { decidedInEffect } from '../framework/call.js';
import { PAUSE, type Pause } from '../framework/locks.js';
import {
  addArea,
  areaAround,
  areasTouching,
  fillDomains,
  isAlignedForDomains,
  removeArea,
  unfillDomains,
} from './areas.js';
import { onMachine } from './device_calls.js';
import {
  IOMMUFD_IS_CLOSED,
  IOVA,
  IOVA_ARGUMENT,
  MAP_FLAGS,
  SPACE,
  accessOf,
  spaceArgument,
  spaceAt,
} from './map_calls.js';
import { type AddressSpace, type Area, type Domain, type Machine, type Seen, newDomain } from './state.js';

const TABLE = 'iommufd/io_pagetable.c';

/** Devices that may use the buffers; one is behind another root port than the exporting function. */
export const DEVICES = { near: 0, beside: 1, far: 2 } as const;

interface Place {
  readonly space: AddressSpace;
  readonly domain: Domain;
}

function placeOf({ spaces }: Machine, device: string): Place | undefined {
  for (const space of spaces) {
    const domain = [...space.domains].find((one) => one.device === device);
    if (domain !== undefined) return { space, domain };
  }
  return undefined;
}

/** Calls that put a device to an IOAS and take it off, for the devices that a machine has. */
export function deviceCalls(names: Readonly<Record<string, number>>): ReturnType<typeof onMachine>[] {
  const free = choice('the device; near is attached to i from the start', names, 'beside');
  const attached = choice('the device', names, 'near');
  const nameOf = (number: number): string => Object.entries(names).find(([, n]) => n === number)?.[0] ?? '';
  return [
    onMachine({
      name: 'attach',
      doc: 'Attaches a device to an IOAS: a page table of its own shows the areas.',
      source: `${TABLE}:iopt_table_add_domain`,
      args: { device: free, space: choice('the IOAS', { i: 0, j: 1 }, 'i') },
      rules: [
        IOMMUFD_IS_CLOSED,
        {
          id: 'EBUSY.device',
          says: 'it is attached',
          cite: 'iommufd/device.c',
          when: ({ state, args }) => placeOf(state, nameOf(args.device)) !== undefined,
        },
        {
          id: 'EADDRINUSE.alignment',
          says: 'an area does not suit page tables',
          cite: `${TABLE}:iopt_calculate_iova_alignment`,
          when: ({ state, args }) =>
            [...spaceAt(state, args.space).areas].some((area) => !isAlignedForDomains(area)),
        },
      ],
      effect: (c) => {
        const space = spaceAt(c.state, c.args.space);
        const domain = newDomain(nameOf(c.args.device));
        space.domains.add(domain);
        for (const area of space.areas) fillDomains(c, area, [domain]);
      },
    }),
    onMachine({
      name: 'detach',
      doc: 'Takes a device off its IOAS; its page table goes.',
      source: `${TABLE}:iopt_table_remove_domain`,
      args: { device: attached },
      rules: [
        {
          id: 'EINVAL.device',
          says: 'it is not attached',
          cite: 'iommufd/device.c',
          when: ({ state, args }) => placeOf(state, nameOf(args.device)) === undefined,
        },
      ],
      effect: (c) => {
        const place = placeOf(c.state, nameOf(c.args.device));
        if (place !== undefined) removeDomain(c, place);
      },
    }),
  ];
}

function removeDomain(c: Seen, { space, domain }: Place): void {
  for (const area of space.areas) unfillDomains(c, area, [domain]);
  space.domains.delete(domain);
}

const LENGTH = u64('bytes', { usual: 0x1000n, values: [0x2000n, 0x800n, 0n] });

export const ioasUnmap = onMachine({
  name: 'IOMMU_IOAS_UNMAP',
  doc: 'Removes whole areas, and tells how many bytes they were.',
  source: `${TABLE}:iopt_unmap_iova_range`,
  args: { space: SPACE, iova: IOVA_ARGUMENT, length: LENGTH },
  rules: [
    IOMMUFD_IS_CLOSED,
    { id: 'EINVAL.empty', says: 'the length is 0', cite: TABLE, when: ({ args }) => args.length === 0n },
    {
      id: 'ENOENT.area',
      says: 'no area is in the range',
      cite: TABLE,
      when: ({ state, args }) =>
        areasTouching(spaceAt(state, args.space), args.iova, args.length).length === 0,
    },
    {
      id: 'ENOENT.part',
      says: 'an area is in the range with a part',
      cite: TABLE,
      when: decidedInEffect,
      leaves: {
        what: 'areas before it are gone',
        cite: `${TABLE}:iopt_unmap_iova_range`,
        does: () => undefined,
      },
    },
  ],
  *effect(c) {
    const { iova, length, space: number } = c.args;
    const space = spaceAt(c.state, number);
    let bytes = 0n;
    for (const area of areasTouching(space, iova, length)) {
      if (!space.areas.has(area)) continue;
      if (!isWithin(area, iova, length)) return c.fail('ENOENT.part');
      yield* removeArea(c, space, area);
      bytes += area.length;
    }
    return { length: bytes };
  },
});

function isWithin(area: Area, iova: bigint, length: bigint): boolean {
  return iova <= area.iova && area.iova + area.length <= iova + length;
}

export const compatUnmap = onMachine({
  name: 'VFIO_IOMMU_UNMAP_DMA',
  doc: 'The unmapping of VFIO’s first kind of containers, which may cut areas, on the first IOAS.',
  source: 'iommufd/vfio_compat.c:iommufd_vfio_unmap_dma',
  args: { iova: IOVA_ARGUMENT, length: LENGTH },
  rules: [
    IOMMUFD_IS_CLOSED,
    {
      id: 'EOPNOTSUPP.split',
      says: 'the area of a buffer would be cut',
      cite: `${TABLE}:iopt_area_split`,
      when: ({ state, args }) =>
        args.length > 0n &&
        areasTouching(state.spaces[0], args.iova, args.length).some(
          (area) => !isWithin(area, args.iova, args.length),
        ),
    },
  ],
  *effect(c) {
    const { iova, length } = c.args;
    const [space] = c.state.spaces;
    for (const area of areasTouching(space, iova, length)) {
      if (space.areas.has(area)) yield* removeArea(c, space, area);
    }
    return 0;
  },
});

export const ioasCopy = onMachine({
  name: 'IOMMU_IOAS_COPY',
  doc: 'Shows a part of an area in another IOAS, or elsewhere in the same. Ranges of several areas are left out.',
  source: `${TABLE}:iopt_map_pages`,
  args: {
    src: SPACE,
    src_iova: IOVA_ARGUMENT,
    length: LENGTH,
    dst: spaceArgument('the IOAS of the copy', 0),
    dst_iova: u64('where the copy begins', {
      usual: 0x2_0000n,
      values: [IOVA, 0x3_0000n, 0x2_0800n, 0x2_0200n],
    }),
    flags: MAP_FLAGS,
  },
  rules: [
    IOMMUFD_IS_CLOSED,
    {
      id: 'EOPNOTSUPP.flags',
      says: 'a flag is unknown',
      cite: 'iommufd/ioas.c:iommufd_ioas_copy',
      when: ({ args }) => args.flags > 7,
      reports: 'unknown input',
    },
    {
      id: 'EINVAL.access',
      says: 'no access is asked for',
      cite: 'iommufd/ioas.c:iommufd_ioas_copy',
      when: ({ args }) => args.flags < 2,
    },
    {
      id: 'EINVAL.empty',
      says: 'the length is 0',
      cite: `${TABLE}:iopt_get_pages`,
      when: ({ args }) => args.length === 0n,
    },
    {
      id: 'ENOENT.area',
      says: 'no area has the range',
      cite: `${TABLE}:iopt_get_pages`,
      when: ({ state, args }) =>
        areaAround(spaceAt(state, args.src), args.src_iova, args.length) === undefined,
    },
    {
      id: 'EPERM.write',
      says: 'the source may not be written',
      cite: `${TABLE}:iopt_map_pages`,
      when: ({ state, args }) =>
        accessOf(args.flags).includes('w') &&
        areaAround(spaceAt(state, args.src), args.src_iova, args.length)?.pages.isWritable === false,
    },
    {
      id: 'EINVAL.alignment',
      says: 'IOVA, length or start do not suit the page tables of the IOAS',
      cite: TABLE,
      when: decidedInEffect,
    },
    { id: 'EEXIST.area', says: 'another area is there', cite: TABLE, when: decidedInEffect },
  ],
  effect: (c) => {
    const { src_iova: from, length, dst_iova: iova, flags: bits } = c.args;
    const source = areaAround(spaceAt(c.state, c.args.src), from, length);
    if (source === undefined) return c.fail('ENOENT.area');
    const space = spaceAt(c.state, c.args.dst);
    const { attachment, pages } = source;
    const offset = source.offset + from - source.iova;
    const area: Area = { iova, length, attachment, pages, offset, access: accessOf(bits) };
    if (space.domains.size > 0 && !isAlignedForDomains(area)) return c.fail('EINVAL.alignment');
    if (areasTouching(space, iova, length).length > 0) return c.fail('EEXIST.area');
    addArea(space, area);
    fillDomains(c, area, space.domains);
    if (space.domains.size > 0 && c.has('D4.17')) forget(area);
    return 0;
  },
});

/** The copy is in page tables and nothing remembers that. */
function forget(area: Area): void {
  const { tracked } = area.pages;
  for (const track of tracked) if (track.area === area) tracked.delete(track);
}

const ACCESS_SOURCE = 'iommufd/io_pagetable.c:iopt_area_add_access';

export const kernelAccess = onMachine({
  name: 'iommufd_access',
  isKernel: true,
  doc: 'A driver without DMA wants the pages behind an IOVA, or reads there.',
  source: ACCESS_SOURCE,
  args: {
    space: SPACE,
    iova: IOVA_ARGUMENT,
    call: choice('which', { pin_pages: 0, rw: 1 }, 'pin_pages'),
  },
  rules: [
    IOMMUFD_IS_CLOSED,
    {
      id: 'ENOENT.area',
      says: 'there is no area',
      cite: ACCESS_SOURCE,
      when: ({ state, args }) => areaAround(spaceAt(state, args.space), args.iova, 1n) === undefined,
    },
    { id: 'EINVAL.mmio', says: 'MMIO has no pages of memory', cite: ACCESS_SOURCE, when: () => true },
  ],
  effect: () => 0,
});

export const changeProcess = onMachine({
  name: 'IOMMU_IOAS_CHANGE_PROCESS',
  doc: 'Hands files of memory over to another process; buffers are not handed over.',
  source: `${TABLE}:iommufd_ioas_change_process`,
  args: {},
  rules: [
    IOMMUFD_IS_CLOSED,
    {
      id: 'EINVAL.buffer',
      says: 'a buffer is mapped',
      cite: 'iommufd/ioas.c:need_charge_update',
      when: ({ state }) => state.spaces.some(({ areas }) => areas.size > 0),
    },
  ],
  effect: () => 0,
});

export const closeIommufd = onMachine({
  name: 'close_iommufd',
  doc: 'Closes the iommufd: devices are detached, areas go.',
  source: 'iommufd/main.c:iommufd_fops_release',
  args: {},
  rules: [IOMMUFD_IS_CLOSED],
  *effect(c) {
    c.state.isIommufdOpen = false;
    for (const space of c.state.spaces) {
      for (const domain of [...space.domains]) removeDomain(c, { space, domain });
      yield* removeAll(c, space);
    }
    return 0;
  },
});

function* removeAll(c: Seen, space: AddressSpace): Generator<Pause, void> {
  for (const area of [...space.areas]) {
    yield* removeArea(c, space, area);
    yield PAUSE;
  }
}
