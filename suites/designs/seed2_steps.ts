import type { PlayStep } from './row.js';

/** Steps that many rows of the discussion of iopt_pages begin with, sources that they share, and why some have no program. */

export const RFC05 = '[PATCH RFC 05/12] iommufd: PFN handling for iopt_pages, 18 Mar 2022';
export const RFC07 = '[PATCH RFC 07/12] iommufd: Data structure to provide IOVA to PFN mapping, 18 Mar 2022';
export const RFC08 = '[PATCH RFC 08/12] iommufd: IOCTLs for the io_pagetable, 18 Mar 2022';
export const RFC11 = '[PATCH RFC 11/12] iommufd: vfio container FD ioctl compatibility, 18 Mar 2022';

/** Bytes of so many pages. */
export const pages = (count: number): bigint => BigInt(count) * 0x1000n;

/** Where mappings usually are. */
export const A = 0x10_0000n;
export const U64_MAX = (1n << 64n) - 1n;

export const MAP = { call: 'IOMMU_IOAS_MAP' } as const;
export const COPY = { call: 'IOMMU_IOAS_COPY' } as const;
export const UNMAP = { call: 'IOMMU_IOAS_UNMAP' } as const;
export const UNMAP_ALL = { call: 'IOMMU_IOAS_UNMAP', args: { iova: 0n, length: U64_MAX } } as const;
export const ATTACH = { call: 'iommufd_device_attach' } as const;
export const DETACH = { call: 'iommufd_device_detach' } as const;
export const LOOK = { call: 'look_at_iopt_pages' } as const;
/** Of the RFC: pages 0..3 of the usual mapping. */
export const ACCESS = { call: 'iopt_access_pages' } as const;
export const UNACCESS = { call: 'iopt_unaccess_pages' } as const;
/** Of the merged interface. */
export const ACCESS_CREATE = { call: 'iommufd_access_create', as: 'x' } as const;

/** Pins some of the usual mapping in the merged interface. */
export function pin(first: number, count: number, label = 'x'): PlayStep {
  return {
    call: 'iommufd_access_pin_pages',
    args: { access: { ref: `${label}.out_access_id` }, iova: A + pages(first), length: pages(count) },
  };
}

export function unpin(first: number, count: number, label = 'x'): PlayStep {
  return { ...pin(first, count, label), call: 'iommufd_access_unpin_pages' };
}

export const ON_KERNELS = {
  absent: 'the tiers have no part in it; the reference model has it, and kernels show it',
} as const;
export const NOT_YET = { absent: 'the RFC has nothing like it' } as const;
