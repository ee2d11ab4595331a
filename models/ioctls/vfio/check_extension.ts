import { choice64 } from '../../layout/field.js';
import type { Ioas } from '../../state/objects.js';
import type { Profile } from '../../profiles/index.js';
import { defineValueCall } from '../description.js';
import { NO_COMPAT_IOAS } from './compat_ioas.js';

/** Source: linux/vfio.h, VFIO_TYPE1_IOMMU and the following. */
const EXTENSIONS = {
  TYPE1: 1,
  TYPE1v2: 3,
  DMA_CC: 4,
  TYPE1_NESTING: 6,
  NOIOMMU: 8,
  UNMAP_ALL: 9,
  UPDATE_VADDR: 10,
} as const;

const FIELDS = { extension: choice64(EXTENSIONS) };

export const vfioCheckExtension = defineValueCall(
  {
    name: 'VFIO_CHECK_EXTENSION',
    command: 0x3b65,
    protocol: 'vfio',
    doc: 'Returns 1 for what the kernel can do, else 0. DMA_CC asks the page tables of the compatible IOAS.',
    source: 'vfio_compat.c:iommufd_vfio_check_extension',
    fields: FIELDS,
    allocates: false,
  },
  ({ file }) => ({ ioas: file.compatIoas }),
).behaves({
  rules: [
    {
      ...NO_COMPAT_IOAS,
      says: `DMA_CC is asked for, and ${NO_COMPAT_IOAS.says}`,
      when: ({ args, ioas }) => args.extension === BigInt(EXTENSIONS.DMA_CC) && ioas === undefined,
    },
  ],
  returns: ({ args, ioas, profile }) => (isThere(args.extension, ioas, profile) ? 1 : 0),
});

function isThere(extension: bigint, ioas: Ioas | undefined, { hasVfioNoiommu }: Profile): boolean {
  switch (extension) {
    case BigInt(EXTENSIONS.TYPE1):
    case BigInt(EXTENSIONS.TYPE1v2):
    case BigInt(EXTENSIONS.UNMAP_ALL):
      return true;
    case BigInt(EXTENSIONS.NOIOMMU):
      return hasVfioNoiommu;
    case BigInt(EXTENSIONS.DMA_CC):
      // The mock hardware does not enforce coherency, so that any page table of it denies the extension.
      return ioas?.hwpts.length === 0;
    default:
      return false;
  }
}
