/** The bare test command has no operation, and no kernel here is configured for devices without an IOMMU. */
export const NEVER_SUCCEED: ReadonlySet<string> = new Set(['IOMMU_TEST_CMD', 'IOMMU_IOAS_NOIOMMU_GET_PA']);
