import { assert } from '../base/assert.js';
import type { Device } from './objects.js';

/** What a device asks for when it meets no translation. Source: struct iommu_fault_page_request. */
export interface PageRequest {
  /** 0 for a request without PASID. */
  readonly pasid: number;
  /** The device's name for the group of requests. */
  readonly grpid: number;
  readonly perm: number;
  readonly addr: bigint;
}

/** A group of page requests; those of the mock have one each. Source: struct iopf_group. */
export interface PageFault {
  readonly request: PageRequest;
  readonly device: Device;
  /**
   * The PASID of the attachment that it came through: not that of the request where a nested page table takes the faults of all
   * PASIDs.
   */
  readonly attachedPasid: number;
}

/** Faults that user space is to answer. Source: struct iommufd_fault. */
export class FaultQueue {
  readonly #waiting: PageFault[] = [];
  readonly #answerable = new Map<number, PageFault>();
  #firstCookie = 1;

  /** Faults that nobody has read, in the order of their coming. */
  get waiting(): readonly PageFault[] {
    return this.#waiting;
  }

  /** Faults that have been read and not answered, by cookie. */
  get answerable(): ReadonlyMap<number, PageFault> {
    return this.#answerable;
  }

  /** Cookies begin here: at 1, or after an answer to nobody at 0. */
  get firstCookie(): number {
    return this.#firstCookie;
  }

  /** The cookie of the next fault that is read: the lowest free number. */
  get nextCookie(): number {
    let cookie = this.#firstCookie;
    while (this.#answerable.has(cookie)) cookie += 1;
    return cookie;
  }

  add(fault: PageFault): void {
    this.#waiting.push(fault);
  }

  /** The oldest waiting fault has been read, under the next cookie. */
  deliver(): void {
    const fault = this.#waiting.shift();
    assert(fault !== undefined, 'a fault waits to be read');
    this.#answerable.set(this.nextCookie, fault);
  }

  answer(cookie: number): void {
    assert(this.#answerable.delete(cookie), `a fault has the cookie ${String(cookie)}`);
  }

  /**
   * An answer to a cookie that nobody has. The kernel erases what it does not find: number 0 of its table is reserved by an entry
   * of its own while there are others, and free for good once that is erased. Source: lib/xarray.c:xas_create, xas_store.
   */
  refuse(cookie: number): void {
    if (cookie === 0 && this.#answerable.size > 0) this.#firstCookie = 0;
  }

  /** An attachment has ended: the kernel answers what came through it. Source: eventq.c:iommufd_auto_response_faults. */
  forget(device: Device, pasid: number): void {
    const cameThrough = (fault: PageFault) => fault.device === device && fault.attachedPasid === pasid;
    const kept = this.#waiting.filter((fault) => !cameThrough(fault));
    this.#waiting.splice(0, this.#waiting.length, ...kept);
    for (const [cookie, fault] of this.#answerable) if (cameThrough(fault)) this.#answerable.delete(cookie);
  }
}
