import { ObjectTable } from './objects.js';

/** struct iommufd_ctx: one open of /dev/iommu. Source: iommufd_private.h. */
export class IommufdFile {
  readonly objects = new ObjectTable();
  /** What IOMMU_OPTION_RLIMIT_MODE set; NONE until then, and treated as USER. */
  accountMode: 'NONE' | 'USER' | 'MM' = 'NONE';
}
