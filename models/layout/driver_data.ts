import type { DriverStruct, FieldTable } from './field.js';
import { u32, u64 } from './field.js';
import { type StructLayout, layoutStruct } from './struct.js';

/** The structs of the mock driver's data, under the names that iommufd_test.h gives them. */

export const HWPT_SELFTEST = layoutStruct({
  iotlb: u32('value of every entry of the IOTLB'),
  pagetable_type: u32('format of the page table, from 7.3'),
});

export const HWPT_INVALIDATE_SELFTEST = layoutStruct({
  flags: u32('1: all entries'),
  iotlb_id: u32('the entry'),
});

export const VIOMMU_SELFTEST = layoutStruct({
  in_data: u32('anything'),
  out_data: u32('in_data again', 'out'),
  out_mmap_offset: u64('where mmap finds the region', 'out'),
  out_mmap_length: u64('bytes of the region', 'out'),
});

export const VIOMMU_INVALIDATE_SELFTEST = layoutStruct({
  flags: u32('1: all entries'),
  vdev_id: u32('name of the device in the guest'),
  cache_id: u32('the entry'),
});

export const TEST_HW_INFO = layoutStruct({
  flags: u32('0', 'out'),
  test_reg: u32('what the hardware says of itself', 'out'),
});

/** By the name in C. */
export const DRIVER_STRUCTS: Readonly<Record<DriverStruct, StructLayout<FieldTable>>> = {
  iommu_hwpt_selftest: HWPT_SELFTEST,
  iommu_hwpt_invalidate_selftest: HWPT_INVALIDATE_SELFTEST,
  iommu_viommu_selftest: VIOMMU_SELFTEST,
  iommu_viommu_invalidate_selftest: VIOMMU_INVALIDATE_SELFTEST,
  iommu_test_hw_info: TEST_HW_INFO,
};
