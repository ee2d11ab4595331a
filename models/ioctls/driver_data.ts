import { readU32 } from '../base/bytes.js';
import type { CallMemory } from '../state/call_memory.js';

/** Types of the driver data that HWPT_ALLOC takes. Source: iommufd.h, enum iommu_hwpt_data_type; iommufd_test.h. */
export const HWPT_DATA_TYPES = { NONE: 0, VTD_S1: 1, ARM_SMMUV3: 2, SELFTEST: 0xdead } as const;

/** The members of struct iommu_hwpt_selftest, of which only the first is required. Source: iommufd_test.h. */
export interface HwptSelftest {
  readonly iotlb: number;
  readonly pagetableType: number;
}

const IOTLB_BYTES = 4;

/** Why driver data cannot be taken over. Source: iommu.h:iommu_copy_struct_from_user. */
export type DataFailure = 'length' | 'fault';

/**
 * Reads a struct of driver data that may be shorter than the kernel's.
 * @param bytesMax sizeof of the kernel's struct: a longer one is refused, whatever its tail
 */
export function readHwptSelftest(
  memory: CallMemory,
  address: bigint,
  bytes: number,
  bytesMax: number,
): HwptSelftest | DataFailure {
  if (bytes < IOTLB_BYTES || bytes > bytesMax) return 'length';
  if (!memory.isReadable(address, bytes)) return 'fault';
  const copy = new Uint8Array(8);
  memory.copyGiven(address, bytes, copy);
  return { iotlb: readU32(copy, 0), pagetableType: readU32(copy, IOTLB_BYTES) };
}
