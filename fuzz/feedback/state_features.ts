import type { IoPagetable } from '../../models/state/io_pagetable.js';
import type { IommufdFile } from '../../models/state/iommufd_file.js';
import {
  type AccessObject,
  type Device,
  type HwptPaging,
  type IommufdObject,
  OBJECT_TYPES,
  type Viommu,
} from '../../models/state/objects.js';
import type { OpenFileKind } from '../../models/state/open_file.js';
import { type Area, isRevoked } from '../../models/state/pages.js';
import type { World } from '../../models/state/world.js';

/** What a state is told by. The value of a group is below VALUES_MAX: a bucket of a number, or a set of traits as bits. */
const GROUPS = [
  ...OBJECT_TYPES,
  'kinds',
  'tombstones',
  'files',
  'descriptors',
  'area',
  'ioas',
  'hwpt',
  'device',
  'viommu',
  'faults',
  'events',
  'access',
  'processes',
  'charges',
] as const;

type Group = (typeof GROUPS)[number];

const VALUES_MAX = 1 << 16;

const CODES = new Map<Group, number>(GROUPS.map((group, index) => [group, index * VALUES_MAX]));

/** Codes of state features are below. */
export const STATE_CODES = GROUPS.length * VALUES_MAX;

/** How people read the code of a state feature. */
export function stateFeatureName(code: number): string {
  return `state ${GROUPS[Math.floor(code / VALUES_MAX)] ?? 'unknown'} ${String(code % VALUES_MAX)}`;
}

/** Adds what there is to say of a state: numbers and kinds of objects, and traits that go together in one of them. */
export function addStateFeatures(world: World, features: Set<number>): void {
  const add = (group: Group, value: number): void => {
    features.add((CODES.get(group) ?? 0) + value);
  };
  add('files', bucket(world.contexts.length));
  for (const file of world.contexts) addFileFeatures(file, add);
  addProcessFeatures(world, add);
}

type Add = (group: Group, value: number) => void;

function addFileFeatures({ objects: table, accountMode, compatIoas }: IommufdFile, add: Add): void {
  const { objects } = table;
  const counts = new Map<Group, number>();
  for (const object of objects) {
    counts.set(object.type, (counts.get(object.type) ?? 0) + 1);
    addObjectFeatures(object, add);
  }
  for (const [type, count] of counts) add(type, bucket(count));
  const modes = { NONE: 0, USER: 1, MM: 2 };
  add('kinds', bits(...OBJECT_TYPES.map((type) => counts.has(type))));
  add(
    'tombstones',
    pack(
      bucket(table.takenIds.length - objects.length),
      modes[accountMode],
      Number(compatIoas !== undefined),
    ),
  );
}

function addObjectFeatures(object: IommufdObject, add: Add): void {
  switch (object.type) {
    case 'IOAS':
      addTableFeatures(object.table, object.hwpts.length, add);
      return;
    case 'HWPT_PAGING':
      add('hwpt', hwptTraits(object));
      return;
    case 'HWPT_NESTED':
      add(
        'hwpt',
        0x8000 + bits(object.base.type === 'VIOMMU', object.isPasidCompatible, object.fault !== undefined),
      );
      return;
    case 'DEVICE':
      add('device', deviceTraits(object));
      return;
    case 'VIOMMU':
      add('viommu', viommuTraits(object));
      return;
    case 'FAULT': {
      const { waiting, answerable, firstCookie } = object.queue;
      add('faults', pack(bucket(waiting.length), bucket(answerable.size), Number(firstCookie === 0)));
      return;
    }
    case 'VEVENTQ': {
      const { records, eventCount, depth } = object.queue;
      add(
        'events',
        pack(bucket(eventCount), bits(records.length > eventCount, eventCount === depth, depth === 1)),
      );
      return;
    }
    case 'ACCESS':
      add('access', accessTraits(object));
      return;
    case 'VDEVICE':
    case 'SELFTEST':
    case 'HW_QUEUE':
      return;
  }
}

function addTableFeatures(table: IoPagetable, hwpts: number, add: Add): void {
  const { areas, domains, accesses, allowed, reserved, disableLargePages, alignment } = table;
  add(
    'ioas',
    pack(bucket(areas.length), few(domains.length), few(accesses.length), few(hwpts)) * 16 +
      bits(allowed.length > 0, reserved.length > domains.length, disableLargePages, alignment > 1n),
  );
  for (const [at, area] of areas.entries()) add('area', areaTraits(area, areas[at + 1]));
}

/** What holds the pages of an area (its tier), where they come from, and who else shows them. */
function areaTraits(area: Area, next: Area | undefined): number {
  const { pages } = area;
  const isSplit = next?.pages === pages && next.startByte === area.startByte + area.length;
  return bits(
    area.hasStorageDomain,
    area.hasAccesses,
    area.isLocked,
    pages.areas.length > 1,
    isSplit,
    isRevoked(pages),
    pages.source.kind === 'file',
    pages.source.kind === 'dmabuf',
    !area.protection.write,
    !area.protection.read,
    area.pageOffset !== 0n,
    !pages.owner.isAlive,
    pages.accountMode === 'MM',
    area.firstIndex === area.lastIndex,
  );
}

function hwptTraits({ domain, isAutomatic, isNestParent, isPasidCompatible, fault }: HwptPaging): number {
  return (
    bits(
      isAutomatic,
      isNestParent,
      isPasidCompatible,
      fault !== undefined,
      domain.tracksDirty,
      domain.dirtyEntries.length > 0,
    ) *
      8 +
    bucket(domain.extentCount)
  );
}

function deviceTraits({ attachments, vdevice, hardware }: Device): number {
  const hwpts = [...attachments.values()];
  return (
    bits(
      vdevice !== undefined,
      hardware.viommu !== undefined,
      hardware.failsNext,
      hwpts.some(({ type }) => type === 'HWPT_NESTED'),
      hwpts.some(({ fault }) => fault !== undefined),
      attachments.has(0),
    ) *
      8 +
    bucket(attachments.size)
  );
}

function viommuTraits({ region, queueSlots, users }: Viommu): number {
  const queues = queueSlots.filter((slot) => slot !== undefined && slot !== 'freed');
  return pack(bucket(users), few(queues.length), bits(region !== undefined, queueSlots.includes('freed')));
}

function accessTraits({ items, alignment, ioas }: AccessObject): number {
  const isLock = items.some(({ pins }) => pins.some((pin) => pin.isLock));
  const spans = items.some(({ pins }) => pins.length > 1);
  const isTranslated = ioas !== undefined && ioas.table.domains.length > 0;
  return pack(bucket(items.length), bits(alignment > 1n, isLock, spans, isTranslated, ioas === undefined));
}

function addProcessFeatures({ processes, everyProcess, user }: World, add: Add): void {
  const exited = processes.filter(({ isAlive }) => !isAlive).length;
  add(
    'processes',
    pack(bucket(processes.length), bucket(exited), bucket(everyProcess.length - processes.length)),
  );
  for (const { fds } of processes) {
    const counts = new Map<OpenFileKind, number>();
    for (const [, { kind }] of fds.entries) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    add('descriptors', packFew(FILE_KINDS.map((kind) => counts.get(kind) ?? 0)));
  }
  for (const { pinnedVm, lockedVm, miscountedPins } of everyProcess) {
    add(
      'charges',
      bits(
        pinnedVm > 0,
        pinnedVm < 0,
        lockedVm > 0,
        miscountedPins > 0,
        miscountedPins < 0,
        user.lockedVm > 0,
      ),
    );
  }
}

const FILE_KINDS: readonly OpenFileKind[] = [
  'iommufd',
  'memfd',
  'dmabuf',
  'fault',
  'veventq',
  'access',
  'vfio_device',
  'vfio_group',
];

/** 0, 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, more: what differs by one matters for small numbers only. */
function bucket(count: number): number {
  return count < 4 ? count : Math.min(7, 32 - Math.clz32(count) + 1);
}

/** 0, 1, 2, more. */
function few(count: number): number {
  return Math.min(3, count);
}

function bits(...traits: readonly boolean[]): number {
  let set = 0;
  for (let at = 0; at < traits.length; at++) if (traits[at] === true) set |= 1 << at;
  return set;
}

/** Values below 8, side by side. */
function pack(...values: readonly number[]): number {
  let packed = 0;
  for (const value of values) packed = packed * 8 + value;
  return packed;
}

function packFew(values: readonly number[]): number {
  return values.reduce((packed, value) => packed * 4 + few(value), 0);
}
