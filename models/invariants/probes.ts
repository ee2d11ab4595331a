import { PAGE_SIZE, isAligned } from '../base/u64.js';
import { isKnownLeaf } from '../hardware/leaves.js';
import { ENTRY_BYTES } from '../hardware/mock_domain.js';
import { BUFFER } from '../program/arena.js';
import type { IoctlStep, Step } from '../program/program.js';
import { IOAS_MAP_FLAGS } from '../ioctls/shared_rules.js';
import type { IommufdFile } from '../state/iommufd_file.js';
import {
  type AccessObject,
  type HwptNested,
  type HwptPaging,
  type Ioas,
  NO_PASID,
  type Selftest,
  type Vdevice,
} from '../state/objects.js';
import type { Profile } from '../profiles/profile.js';
import type { Area } from '../state/pages.js';
import type { UserMemory } from '../state/user_memory.js';
import { isOfEvents } from '../state/event_files.js';
import type { World } from '../state/world.js';

/** Areas of an IOAS that are probed after each step; more would only repeat the same question. */
const AREAS_MAX = 4;

/** Items of an access that are probed. */
const ITEMS_MAX = 2;

/**
 * Calls that let the invariants look at a running kernel: what they answer follows from the state, and the state stays as it is.
 * The model predicts their answers like those of any other step.
 * @param labels the names under which the program knows its open files
 */
export function probesOf(world: World, labels: ReadonlyMap<number, string>, profile: Profile): Step[] {
  const probes: Step[] = [{ do: 'counters' }];
  for (const [slot, file] of world.fds.entries) {
    const label = labels.get(slot);
    if (label === undefined) continue;
    if (file.kind === 'iommufd') probes.push(...fileProbes(world, file, label, profile));
    // Whether something waits; 0 bytes take nothing.
    if (isOfEvents(file)) probes.push({ do: 'poll', file: label }, { do: 'read', file: label, bytes: 0 });
  }
  return probes;
}

function fileProbes(world: World, file: IommufdFile, label: string, profile: Profile): IoctlStep[] {
  const probe = (call: string, args: IoctlStep['args']): IoctlStep => ({
    do: 'ioctl',
    file: label,
    call,
    args,
  });
  const objects = file.objects.objects;
  const ioases = objects.filter((object) => object.type === 'IOAS');
  const hwpts = objects.filter((object) => object.type === 'HWPT_PAGING');
  const nested = objects.filter((object) => object.type === 'HWPT_NESTED');
  const handles = profile.hasPasids ? objects.filter((object) => object.type === 'SELFTEST') : [];
  return [
    ...idProbes(file, probe),
    ...ioases.flatMap((ioas) => ioasProbes(ioas, probe)),
    ...hwpts.flatMap((hwpt) => hwptProbes(world, hwpt, probe)),
    ...hwpts.flatMap((hwpt) => dirtyProbes(hwpt, probe)),
    ...nested.flatMap((hwpt) => iotlbProbes(hwpt, probe)),
    ...objects
      .filter((object) => object.type === 'ACCESS')
      .flatMap((access) => accessProbes(world, access, probe)),
    ...objects
      .filter((object) => object.type === 'VDEVICE')
      .flatMap((vdevice) => cacheProbes(vdevice, probe)),
    ...handles.flatMap((handle) => attachmentProbes(handle, probe)),
  ];
}

type Probe = (call: string, args: IoctlStep['args']) => IoctlStep;

/** ids_lowest_free: the next object takes the lowest free id, and gives it back. */
function idProbes(file: IommufdFile, probe: Probe): IoctlStep[] {
  const [id] = file.objects.lowestFreeIds(1);
  return [probe('IOMMU_IOAS_ALLOC', {}), probe('IOMMU_DESTROY', { id: id ?? 0 })];
}

/** areas_avoid_reserved, alignment_is_needed: the ranges; areas_disjoint: nothing can be mapped over an area. */
function ioasProbes({ id, table }: Ioas, probe: Probe): IoctlStep[] {
  const room = table.usableRanges().length + 1;
  const ranges = { ioas_id: id, num_iovas: room, allowed_iovas: { room } };
  const flags = IOAS_MAP_FLAGS.FIXED_IOVA | IOAS_MAP_FLAGS.READABLE;
  return [
    probe('IOMMU_IOAS_IOVA_RANGES', ranges),
    ...someAreas(table.areas).map(({ iova, length }) =>
      probe('IOMMU_IOAS_MAP', { flags, ioas_id: id, user_va: BUFFER.start, length, iova }),
    ),
  ];
}

/** domains_translate_areas and pages_pinned_once: what the page table shows, and how often pages are pinned. */
function hwptProbes({ memory }: World, { id, ioas, domain }: HwptPaging, probe: Probe): IoctlStep[] {
  return someAreas(ioas.table.areas).flatMap((area) => {
    const page = addressOf(memory, area);
    if (page === undefined) return [];
    const uptr = page + area.pageOffset;
    const frame = memory.frameAt(page, false);
    if (frame === undefined || !isAligned(area.length, domain.pageBytesMin)) return [];
    return [
      probe('IOMMU_TEST_OP_MD_CHECK_MAP', { id, iova: area.iova, length: area.length, uptr }),
      probe('IOMMU_TEST_OP_MD_CHECK_MAP', { id, iova: area.last + 1n, length: domain.pageBytesMin, uptr }),
      probe('IOMMU_TEST_OP_MD_CHECK_REFS', { length: PAGE_SIZE, uptr: page, refs: memory.pinsOf(frame) }),
    ];
  });
}

/** dirty_bits_are_mapped: the dirty bits, which stay; where leaves may be larger than a page, nobody knows how many there are. */
function dirtyProbes({ id, ioas, domain }: HwptPaging, probe: Probe): IoctlStep[] {
  if (!domain.hasDirtyBits) return [];
  return someAreas(ioas.table.areas).flatMap(({ iova, last, length }) => {
    if (!domain.dirtyLeavesIn({ start: iova, last }).every(isKnownLeaf)) return [];
    const words = new Array<number>(Number(length / ENTRY_BYTES / 32n) + 1).fill(0);
    const args = { hwpt_id: id, flags: 1, iova, length, page_size: ENTRY_BYTES, data: { words } };
    return [probe('IOMMU_HWPT_GET_DIRTY_BITMAP', args)];
  });
}

/** Where a process sees a page of an area, if it does. */
function addressOf(
  memory: UserMemory,
  { pages, firstIndex }: Pick<Area, 'pages' | 'firstIndex'>,
): bigint | undefined {
  const { source, origin } = pages;
  const start = origin + BigInt(firstIndex) * PAGE_SIZE;
  if (source.kind === 'user') return start;
  const isMapped = source.kind === 'file' && source.file.kind === 'memfd';
  return isMapped ? memory.addressOfFilePage(source.file, Number(start / PAGE_SIZE)) : undefined;
}

/** pages_pinned_once: how often the first and the last page of what an access has pinned are. */
function accessProbes({ memory }: World, { items }: AccessObject, probe: Probe): IoctlStep[] {
  const pins = items.slice(-ITEMS_MAX).flatMap((item) => item.pins);
  return pins.flatMap(({ area: { pages }, firstIndex, lastIndex }) =>
    [firstIndex, lastIndex].flatMap((index) => {
      const uptr = addressOf(memory, { pages, firstIndex: index });
      const frame = uptr === undefined ? undefined : memory.frameAt(uptr, false);
      if (uptr === undefined || frame === undefined) return [];
      return [probe('IOMMU_TEST_OP_MD_CHECK_REFS', { length: PAGE_SIZE, uptr, refs: memory.pinsOf(frame) })];
    }),
  );
}

/** What the hardware caches of a nested page table. */
function iotlbProbes({ id, iotlb }: HwptNested, probe: Probe): IoctlStep[] {
  return iotlb.entries.map((value, index) =>
    probe('IOMMU_TEST_OP_MD_CHECK_IOTLB', { id, iotlb_id: index, iotlb: value }),
  );
}

/** What a device that a guest sees caches. */
function cacheProbes({ device: { id, hardware } }: Vdevice, probe: Probe): IoctlStep[] {
  return hardware.cache.entries.map((value, index) =>
    probe('IOMMU_TEST_OP_DEV_CHECK_CACHE', { id, cache_id: index, cache: value }),
  );
}

/** What each PASID of a device is attached to, and that the device itself and one PASID more are attached to nothing else. */
function attachmentProbes({ id, device: { attachments } }: Selftest, probe: Probe): IoctlStep[] {
  const [other] = [1, 2, 3].filter((pasid) => !attachments.has(pasid));
  const pasids = new Set([NO_PASID, ...attachments.keys(), ...(other === undefined ? [] : [other])]);
  return [...pasids].map((pasid) =>
    probe('IOMMU_TEST_OP_PASID_CHECK_HWPT', { id, pasid, hwpt_id: attachments.get(pasid)?.id ?? 0 }),
  );
}

/** The first and the last areas. */
function someAreas(areas: readonly Area[]): readonly Area[] {
  if (areas.length <= AREAS_MAX) return areas;
  return [...areas.slice(0, AREAS_MAX / 2), ...areas.slice(-AREAS_MAX / 2)];
}
