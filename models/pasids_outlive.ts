import type { Splat } from './ioctls/description.js';

/** What the kernel prints when a mock device goes whose PASIDs are attached. Source: selftest.c:iommufd_selftest_destroy. */
export const PASIDS_OUTLIVE_DEVICE: Splat = {
  title: 'WARNING in iommufd_device_unbind',
  finding: 'pasids-outlive-device',
  followedBy: ['WARNING in __iommu_group_free_device', 'WARNING in iommufd_fops_release'],
};
