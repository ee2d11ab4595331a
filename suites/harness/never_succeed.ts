/**
 * The bare test command has no operation; devices without an IOMMU come of lacking memory alone, of which the model cannot tell; and
 * of the files that have no operation of their own to read and write, those that have one at all are files of memory, of which the
 * model cannot tell either, as it cannot of a device behind another IOMMU than the mock.
 */
export const NEVER_SUCCEED: ReadonlySet<string> = new Set([
  'IOMMU_TEST_CMD',
  'IOMMU_IOAS_NOIOMMU_GET_PA',
  'read',
  'write',
  'veventq_write',
  'open_vfio_pci',
]);
