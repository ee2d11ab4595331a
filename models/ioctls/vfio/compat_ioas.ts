import type { Ioas } from '../../state/objects.js';
import type { Rule } from '../description.js';

/** What most calls of VFIO work on. */
export interface CompatIoas {
  /** The IOAS that IOMMU_VFIO_IOAS has set, if it is still there. */
  readonly ioas: Ioas | undefined;
}

export const NO_COMPAT_IOAS: Rule<CompatIoas> = {
  id: 'ENODEV.compat_ioas',
  says: 'IOMMU_VFIO_IOAS has set no IOAS, or it has been destroyed',
  cite: 'vfio_compat.c:get_compat_ioas',
  when: ({ ioas }) => ioas === undefined,
};
