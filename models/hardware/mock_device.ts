import { MockCache } from './mock_cache.js';

/** Flags of MOCK_DOMAIN_FLAGS over all kernels; a profile says which ones it takes. Source: iommufd_test.h. */
export const MOCK_DEVICE_FLAGS = { NO_DIRTY: 1, HUGE_IOVA: 2, PASID: 4 } as const;

/** MOCK_PASID_WIDTH: bits of a PASID. Source: selftest.c. */
const PASID_WIDTH = 20;

/** IOMMU_TEST_DEV_CACHE_DEFAULT and MOCK_DEV_CACHE_NUM. Source: iommufd_test.h. */
const CACHE_DEFAULT = 0x00ba_ddad;
export const CACHE_ENTRIES = 4;

/** A device behind the mock IOMMU. Source: selftest.c:mock_dev_create, mock_domain_capable. */
export class MockDevice {
  /** What it caches of translations: full until a vIOMMU invalidates it. */
  readonly cache = new MockCache(CACHE_DEFAULT, CACHE_ENTRIES);

  constructor(private readonly flags: number) {}

  /** IOMMU_CAP_DIRTY_TRACKING. */
  get canTrackDirty(): boolean {
    return (this.flags & MOCK_DEVICE_FLAGS.NO_DIRTY) === 0;
  }

  /** Bits of the PASIDs that it can use. */
  get pasidBits(): number {
    return (this.flags & MOCK_DEVICE_FLAGS.PASID) === 0 ? 0 : PASID_WIDTH;
  }
}
