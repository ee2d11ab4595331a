/** Steps that many rows of the discussion of IOASIDs begin with, and sources that they share. */

export const RFC11 = '[RFC 11/20] iommu/iommufd: Add IOMMU_IOASID_ALLOC/FREE, 19 Sep 2021';

export const ALLOC = { call: 'IOMMU_IOASID_ALLOC', as: 'a', gives: 0 } as const;
export const FREE = { call: 'IOMMU_IOASID_FREE', args: { ioasid: { ref: 'a' } } } as const;
export const BIND = { call: 'VFIO_DEVICE_BIND_IOMMUFD', gives: 0 } as const;
export const ATTACH = { call: 'VFIO_DEVICE_ATTACH_IOASID', args: { ioasid: { ref: 'a' } } } as const;
export const DETACH = { call: 'VFIO_DEVICE_DETACH_IOASID', args: { ioasid: { ref: 'a' } } } as const;
export const MAP = { call: 'IOMMU_MAP_DMA', args: { ioasid: { ref: 'a' } } } as const;

/** The same in the merged interface. */
export const IOAS = { call: 'IOMMU_IOAS_ALLOC', as: 'a', gives: { out_ioas_id: 1 } } as const;
export const DESTROY = { call: 'IOMMU_DESTROY', args: { id: { ref: 'a.out_ioas_id' } } } as const;
export const BIND_MERGED = { call: 'VFIO_DEVICE_BIND_IOMMUFD', as: 'd' } as const;
export const ATTACH_MERGED = {
  call: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT',
  args: { pt_id: { ref: 'a.out_ioas_id' } },
} as const;
export const DETACH_MERGED = { call: 'VFIO_DEVICE_DETACH_IOMMUFD_PT' } as const;
export const MAP_MERGED = { call: 'IOMMU_IOAS_MAP', args: { ioas_id: { ref: 'a.out_ioas_id' } } } as const;
