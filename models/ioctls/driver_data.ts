import { viewOf } from '../base/bytes.js';
import { HWPT_SELFTEST } from '../layout/driver_data.js';
import type { CallMemory } from '../state/call_memory.js';

/** Types of the driver data that HWPT_ALLOC takes. Source: iommufd.h, enum iommu_hwpt_data_type; iommufd_test.h. */
export const HWPT_DATA_TYPES = { NONE: 0, VTD_S1: 1, ARM_SMMUV3: 2, SELFTEST: 0xdead } as const;

export type HwptSelftest = ReturnType<(typeof HWPT_SELFTEST)['decode']>;

/** Why driver data cannot be taken over. Source: iommu.h:iommu_copy_struct_from_user. */
export type DataFailure = 'length' | 'fault';

/**
 * Reads struct iommu_hwpt_selftest, which may be as short as its first member.
 * @param bytesMax sizeof of the kernel's struct: a longer one is refused, whatever its tail
 */
export function readHwptSelftest(
  memory: CallMemory,
  address: bigint,
  bytes: number,
  bytesMax: number,
): HwptSelftest | DataFailure {
  if (bytes < HWPT_SELFTEST.endOf('iotlb') || bytes > bytesMax) return 'length';
  if (!memory.isReadable(address, bytes)) return 'fault';
  const copy = new Uint8Array(HWPT_SELFTEST.bytes);
  memory.copyGiven(address, bytes, copy);
  return HWPT_SELFTEST.decode(viewOf(copy));
}
