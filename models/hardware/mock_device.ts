import type { MockTable } from './mock_domain.js';
import type { Viommu } from '../state/objects.js';
import { MockCache } from './mock_cache.js';

/** Flags of MOCK_DOMAIN_FLAGS over all kernels; a profile says which ones it takes. Source: iommufd_test.h. */
export const MOCK_DEVICE_FLAGS = { NO_DIRTY: 1, HUGE_IOVA: 2, PASID: 4 } as const;

/** MOCK_PASID_WIDTH: bits of a PASID. Source: selftest.c. */
const PASID_WIDTH = 20;

/** IOMMU_TEST_PASID_RESERVED: the PASID whose moves fail every other time, to test how that is undone. Source: iommufd_test.h. */
export const PASID_FAILING = 1024;

/** IOMMU_TEST_DEV_CACHE_DEFAULT and MOCK_DEV_CACHE_NUM. Source: iommufd_test.h. */
const CACHE_DEFAULT = 0x00ba_ddad;
export const CACHE_ENTRIES = 4;

/** A device behind the mock IOMMU. Source: selftest.c:mock_dev_create, mock_domain_capable. */
export class MockDevice {
  /** What it caches of translations: full until a vIOMMU invalidates it. */
  readonly cache = new MockCache(CACHE_DEFAULT, CACHE_ENTRIES);

  /** Whether moving PASID_FAILING fails next time. Source: struct mock_dev, pasid_1024_fake_error. */
  failsNext = false;

  #viommu: Viommu | undefined;
  #virtId = 0n;

  /** @param hasGenericTables whether the kernel's mock has the page table of generic_pt */
  constructor(
    private readonly flags: number,
    private readonly hasGenericTables: boolean,
  ) {}

  /** The vIOMMU that it reports events to: the one that it is attached through. */
  get viommu(): Viommu | undefined {
    return this.#viommu;
  }

  /** The name that it had for the guest when it came to the vIOMMU, which stays although its vDEVICE goes. */
  get virtId(): bigint {
    return this.#virtId;
  }

  /** IOMMU_CAP_DIRTY_TRACKING. */
  get canTrackDirty(): boolean {
    return (this.flags & MOCK_DEVICE_FLAGS.NO_DIRTY) === 0;
  }

  /** The format of a page table that is made for it, unless another is asked for. Source: mock_domain_alloc_paging_flags. */
  get table(): MockTable {
    if (this.hasGenericTables) return 'default';
    return (this.flags & MOCK_DEVICE_FLAGS.HUGE_IOVA) === 0 ? 'array' : 'huge_array';
  }

  /** Bits of the PASIDs that it can use. */
  get pasidBits(): number {
    return (this.flags & MOCK_DEVICE_FLAGS.PASID) === 0 ? 0 : PASID_WIDTH;
  }

  /** PASIDs from here on are none of its own; 0 counts as one. Source: drivers/iommu/iommu.c:dev_iommu_get_max_pasids. */
  get pasidsMax(): number {
    return 2 ** this.pasidBits;
  }

  /** It has been attached through a vIOMMU, or through none. Source: selftest.c:mock_domain_nop_attach. */
  follow(viommu: Viommu | undefined, virtId: bigint): void {
    if (viommu === this.#viommu) return;
    this.#viommu = viommu;
    this.#virtId = viommu === undefined ? 0n : virtId;
  }

  /** The driver has attached a PASID, or moved it. Source: selftest.c:mock_domain_set_dev_pasid_nop. */
  noteAttach(pasid: number): void {
    if (pasid === PASID_FAILING) this.failsNext = true;
  }

  noteDetach(pasid: number): void {
    if (pasid === PASID_FAILING) this.failsNext = false;
  }
}
