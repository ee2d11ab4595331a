import { assert } from '../base/assert.js';
import type { MockDevice } from '../hardware/mock_device.js';
import type { MockDomain } from '../hardware/mock_domain.js';
import type { MockCache } from '../hardware/mock_cache.js';
import type { FaultQueue } from './fault_queue.js';
import type { MmapRegion } from './mmap_regions.js';
import { IoPagetable } from './io_pagetable.js';
import type { VeventQueue } from './vevent_queue.js';
import type { AccessPin } from './pages.js';

/** Types of iommufd objects that this model has. Source: include/linux/iommufd.h, enum iommufd_object_type. */
export const OBJECT_TYPES = [
  'DEVICE',
  'HWPT_PAGING',
  'HWPT_NESTED',
  'IOAS',
  'SELFTEST',
  'VIOMMU',
  'VDEVICE',
  'FAULT',
  'VEVENTQ',
  'ACCESS',
  'HW_QUEUE',
] as const;

export type ObjectType = (typeof OBJECT_TYPES)[number];

/** `users` counts the table's own reference, and each lasting dependency of another object. */
interface Counted {
  readonly id: number;
  users: number;
}

/** An IO address space. */
export interface Ioas extends Counted {
  readonly type: 'IOAS';
  readonly table: IoPagetable;
  /** Its hardware page tables, in the order of creation. */
  readonly hwpts: HwptPaging[];
}

/** A paging hardware page table. */
export interface HwptPaging extends Counted {
  readonly type: 'HWPT_PAGING';
  readonly ioas: Ioas;
  readonly domain: MockDomain;
  /** Made for a device attached to the IOAS; it goes with its last device. */
  readonly isAutomatic: boolean;
  /** Whether nested page tables may be made on it. */
  readonly isNestParent: boolean;
  readonly isPasidCompatible: boolean;
  /** Where the faults of devices on it go, if anywhere. */
  readonly fault: Fault | undefined;
}

/** A page table of a guest on top of a paging one, or of the one of a vIOMMU. */
export interface HwptNested extends Counted {
  readonly type: 'HWPT_NESTED';
  /** What it was made on, which it holds. */
  readonly base: HwptPaging | Viommu;
  readonly isPasidCompatible: boolean;
  /** Where the faults of devices on it go, if anywhere. */
  readonly fault: Fault | undefined;
  /** What the mock hardware caches of it. */
  readonly iotlb: MockCache;
}

/** Whatever a device can be attached to. `isPasidCompatible`: made with ALLOC_PASID, for devices that use PASIDs. */
export type Hwpt = HwptPaging | HwptNested;

/** What stands for requests without PASID among attachments. Source: include/linux/iommu.h, IOMMU_NO_PASID. */
export const NO_PASID = 0;

/** A bound device. Its in-kernel owner holds a reference, so user space cannot destroy it. */
export interface Device extends Counted {
  readonly type: 'DEVICE';
  readonly hardware: MockDevice;
  /** What its requests are translated by, by PASID. Source: struct iommufd_group, pasid_attach. */
  readonly attachments: Map<number, Hwpt>;
  vdevice: Vdevice | undefined;
}

/** The test driver's handle of a mock device. */
export interface Selftest extends Counted {
  readonly type: 'SELFTEST';
  readonly device: Device;
}

/** A queue, or what the mock still takes for one. */
export type QueueSlot = HwQueue | 'freed';

/** What a guest sees of an IOMMU. Source: struct iommufd_viommu. */
export interface Viommu extends Counted {
  readonly type: 'VIOMMU';
  readonly parent: HwptPaging;
  /** The region that user space may map, if it gave the driver data. */
  readonly region: MmapRegion | undefined;
  /** What the mock has under each index. Destroying any queue clears index 0: it never notes an index. Source: selftest.c. */
  readonly queueSlots: (QueueSlot | undefined)[];
}

/** What a guest sees of a device. Source: struct iommufd_vdevice. */
export interface Vdevice extends Counted {
  readonly type: 'VDEVICE';
  readonly viommu: Viommu;
  readonly device: Device;
  /** The name that the guest has for it. */
  readonly virtId: bigint;
}

/** A queue of page faults. Its file, and each page table that sends faults there, are users. Source: struct iommufd_fault. */
export interface Fault extends Counted {
  readonly type: 'FAULT';
  readonly queue: FaultQueue;
}

/** A queue of events of one type that concern a vIOMMU. Its file is a user. Source: struct iommufd_veventq. */
export interface Veventq extends Counted {
  readonly type: 'VEVENTQ';
  readonly viommu: Viommu;
  readonly eventType: number;
  readonly queue: VeventQueue;
}

/** A range that an access has pinned: one run of pages for each area that it meets. */
export interface AccessItem {
  readonly id: number;
  readonly iova: bigint;
  readonly length: bigint;
  readonly pins: readonly AccessPin[];
}

/** Access of the CPU to an IOAS. Whoever made it holds a reference. Source: struct iommufd_access. */
export interface AccessObject extends Counted {
  readonly type: 'ACCESS';
  /** What it demands of areas, in bytes: whole pages if it pins, else nothing. */
  readonly alignment: bigint;
  /** Devices of VFIO may have an access to none. */
  ioas: Ioas | undefined;
  /** What it has pinned, in the order of pinning. */
  items: readonly AccessItem[];
  /** The number of the next item; none is given twice. */
  nextItem: number;
}

/** A queue that the hardware shares with a guest. Source: struct iommufd_hw_queue. */
export interface HwQueue extends Counted {
  readonly type: 'HW_QUEUE';
  readonly viommu: Viommu;
  readonly index: number;
  /** What it pins of the parent's IOAS with. */
  readonly access: AccessObject;
  /** The queue of the index before, which it holds. */
  readonly previous: HwQueue | undefined;
}

export type IommufdObject =
  Ioas | Hwpt | Device | Selftest | Viommu | Vdevice | Fault | Veventq | AccessObject | HwQueue;

/** An id that stays taken until the file is closed, although nothing is there any more. */
const TOMBSTONE = 'tombstone';

/** The table of one open file: ids are the lowest free ones from 1. Source: main.c:_iommufd_object_alloc. */
export class ObjectTable {
  readonly #slots: (IommufdObject | typeof TOMBSTONE | undefined)[] = [undefined];
  /** What is asked for after every step, until something changes. */
  #objects: readonly IommufdObject[] | undefined;
  #takenIds: readonly number[] | undefined;

  get isEmpty(): boolean {
    return this.#slots.every((slot) => slot === undefined);
  }

  /** Ascending by id. */
  get objects(): readonly IommufdObject[] {
    return (this.#objects ??= this.#slots.filter((slot) => slot !== undefined && slot !== TOMBSTONE));
  }

  /** Ids of objects and of tombstones, ascending. */
  get takenIds(): readonly number[] {
    return (this.#takenIds ??= [...this.#slots.keys()].filter((id) => this.#slots[id] !== undefined));
  }

  has(id: number): boolean {
    return this.#slots[id] !== undefined;
  }

  find(id: number): IommufdObject | undefined {
    const slot = this.#slots[id];
    return slot === TOMBSTONE ? undefined : slot;
  }

  /** The object of that id if it has that type; a wrong type is as good as none. */
  findOfType<T extends ObjectType>(id: number, type: T): Extract<IommufdObject, { type: T }> | undefined {
    const object = this.find(id);
    return object?.type === type ? (object as Extract<IommufdObject, { type: T }>) : undefined;
  }

  /** The vDEVICE that a vIOMMU has under a name. */
  findVdevice(viommu: Viommu, virtId: bigint): Vdevice | undefined {
    for (const object of this.objects) {
      if (object.type === 'VDEVICE' && object.viommu === viommu && object.virtId === virtId) return object;
    }
    return undefined;
  }

  /** The ids that the next `count` allocations take. */
  lowestFreeIds(count: number): number[] {
    const ids: number[] = [];
    for (let id = 1; ids.length < count; id++) if (this.#slots[id] === undefined) ids.push(id);
    return ids;
  }

  insert(object: IommufdObject): void {
    assert(this.#slots[object.id] === undefined && object.id > 0, `id ${String(object.id)} is free`);
    while (this.#slots.length < object.id) this.#slots.push(undefined);
    this.#slots[object.id] = object;
    this.#forget();
  }

  /** Removes an object and keeps its id. Source: main.c: REMOVE_OBJ_TOMBSTONE. */
  bury(object: IommufdObject): void {
    assert(this.#slots[object.id] === object, `id ${String(object.id)} is the object to bury`);
    this.#slots[object.id] = TOMBSTONE;
    this.#forget();
  }

  remove(object: IommufdObject): void {
    assert(this.#slots[object.id] === object, `id ${String(object.id)} is the object to remove`);
    this.#slots[object.id] = undefined;
    while (this.#slots.length > 1 && this.#slots.at(-1) === undefined) this.#slots.pop();
    this.#forget();
  }

  #forget(): void {
    this.#objects = undefined;
    this.#takenIds = undefined;
  }
}

export function newIoas(id: number): Ioas {
  return { type: 'IOAS', id, users: 1, table: new IoPagetable(), hwpts: [] };
}
