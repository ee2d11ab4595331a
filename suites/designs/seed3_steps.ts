import type { PlayStep } from './row.js';

/** Steps that many rows of the discussion of page hinting begin with, and sources that they share. */

export const PATCH = '[PATCH 1/2] vfio: add mmap/munmap API for page hinting, 7 Jan 2020';
export const KVM_PATCH = '[PATCH 2/2] of the same series (KVM), 7 Jan 2020';
export const REVIEW = 'Re: [PATCH 1/2] vfio: add mmap/munmap API for page hinting, 7 Jan 2020';

/** Eight pages at 0x10000, nowhere consecutive in the host: 0x101, 0x103 and so on. */
export const MAP = { call: 'VFIO_IOMMU_MAP_DMA', gives: 0 } as const;
export const UNMAP = { call: 'VFIO_IOMMU_UNMAP_DMA' } as const;
/** The eight pages behind them. */
export const MAP_NEXT = { call: 'VFIO_IOMMU_MAP_DMA', args: { iova: 0x18000n }, gives: 0 } as const;
/** A second IOMMU domain. */
export const ADD_NIC = { call: 'VFIO_GROUP_SET_CONTAINER', args: { group: 'nic' }, gives: 0 } as const;
/** What is left has no IOMMU domain. */
export const REMOVE_GPU = { call: 'VFIO_GROUP_UNSET_CONTAINER', args: { group: 'gpu' }, gives: 0 } as const;

export const MUNMAP = { call: 'vfio_munmap_pages' } as const;
export const MMAP = { call: 'vfio_mmap_pages' } as const;
export const FIND = { call: 'vfio_dma_find' } as const;
export const PIN = { call: 'vfio_pin_pages' } as const;
export const DISCARD = { call: 'KVM_discard' } as const;
export const HINT = { call: 'KVM_hint' } as const;

/** A page that a device reads. */
export function dmaOf(group: 'gpu' | 'nic', page: bigint, gives: PlayStep['gives']): PlayStep {
  return { call: 'device_dma', args: { group, page }, ...(gives === undefined ? {} : { gives }) };
}
