import { MmapRegions } from './mmap_regions.js';
import type { OpenFileBase } from './open_file.js';
import { type Ioas, type IommufdObject, ObjectTable } from './objects.js';

/** struct iommufd_ctx: one open of /dev/iommu. Source: iommufd_private.h. */
export class IommufdFile implements OpenFileBase {
  readonly kind = 'iommufd';
  references = 0;

  readonly objects = new ObjectTable();
  /** Objects that calls under way have taken out of the table and have not destroyed yet: what they hold has them as users. */
  readonly going = new Set<IommufdObject>();
  /** Objects that calls under way have a reference of, which they drop before they return. */
  readonly held: IommufdObject[] = [];
  /** Where user space may map what drivers offer. */
  readonly regions = new MmapRegions();
  /** What IOMMU_OPTION_RLIMIT_MODE set; NONE until then, and treated as USER. */
  accountMode: 'NONE' | 'USER' | 'MM' = 'NONE';
  /** What VFIO’s own ioctls work on. Holds no reference: it goes when the IOAS does. */
  compatIoas: Ioas | undefined;

  constructor(
    /** Tells the files of a program apart; counts from 0. */
    readonly number = 0,
    /** Whether it was opened with O_RDONLY. */
    readonly isReadOnly = false,
  ) {}
}
