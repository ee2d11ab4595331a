/**
 * The bare test command has no operation, no kernel here is configured for devices without an IOMMU, and of the files that have no
 * operation of their own to read and write, those that have one at all are files of memory, of which the model cannot tell.
 */
export const NEVER_SUCCEED: ReadonlySet<string> = new Set([
  'IOMMU_TEST_CMD',
  'IOMMU_IOAS_NOIOMMU_GET_PA',
  'read',
  'write',
  'veventq_write',
]);
