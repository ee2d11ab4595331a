import { assert } from '../base/assert.js';
import type { MockDevice } from '../hardware/mock_device.js';
import type { MockDomain } from '../hardware/mock_domain.js';
import type { MockIotlb } from '../hardware/mock_iotlb.js';
import { IoPagetable } from './io_pagetable.js';

/** Types of iommufd objects that this model has. Source: include/linux/iommufd.h, enum iommufd_object_type. */
export const OBJECT_TYPES = ['DEVICE', 'HWPT_PAGING', 'HWPT_NESTED', 'IOAS', 'SELFTEST'] as const;

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
}

/** A page table of a guest on top of a paging one. */
export interface HwptNested extends Counted {
  readonly type: 'HWPT_NESTED';
  readonly parent: HwptPaging;
  /** What the mock hardware caches of it. */
  readonly iotlb: MockIotlb;
}

/** Whatever a device can be attached to. */
export type Hwpt = HwptPaging | HwptNested;

/** A bound device. Its in-kernel owner holds a reference, so user space cannot destroy it. */
export interface Device extends Counted {
  readonly type: 'DEVICE';
  readonly hardware: MockDevice;
  /** What its requests without PASID are translated by. */
  hwpt: Hwpt | undefined;
}

/** The test driver's handle of a mock device. */
export interface Selftest extends Counted {
  readonly type: 'SELFTEST';
  readonly device: Device;
}

export type IommufdObject = Ioas | Hwpt | Device | Selftest;

/** The table of one open file: ids are the lowest free ones from 1. Source: main.c:_iommufd_object_alloc. */
export class ObjectTable {
  readonly #slots: (IommufdObject | undefined)[] = [undefined];

  get isEmpty(): boolean {
    return this.#slots.every((slot) => slot === undefined);
  }

  /** Ascending by id. */
  get objects(): IommufdObject[] {
    return this.#slots.filter((slot) => slot !== undefined);
  }

  has(id: number): boolean {
    return this.#slots[id] !== undefined;
  }

  find(id: number): IommufdObject | undefined {
    return this.#slots[id];
  }

  /** The object of that id if it has that type; a wrong type is as good as none. */
  findOfType<T extends ObjectType>(id: number, type: T): Extract<IommufdObject, { type: T }> | undefined {
    const object = this.#slots[id];
    return object?.type === type ? (object as Extract<IommufdObject, { type: T }>) : undefined;
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
  }

  remove(object: IommufdObject): void {
    assert(this.#slots[object.id] === object, `id ${String(object.id)} is the object to remove`);
    this.#slots[object.id] = undefined;
    while (this.#slots.length > 1 && this.#slots.at(-1) === undefined) this.#slots.pop();
  }
}

export function newIoas(id: number): Ioas {
  return { type: 'IOAS', id, users: 1, table: new IoPagetable(), hwpts: [] };
}
