import type { PlayStep } from './row.js';

export const P = 0x1000n;
/** Where guest memory begins: four pages, of which the second and the third lie apart in the machine. */
export const A = 0x100_0000n;

export const V2_13 = '[PATCH v2 13/22], 26 Apr 2025';
export const V2_14 = '[PATCH v2 14/22], 26 Apr 2025';
export const V2_10 = '[PATCH v2 10/22], 26 Apr 2025';

/** A vIOMMU with a region of two pages. */
export const VIOMMU: PlayStep = { call: 'IOMMU_VIOMMU_ALLOC', as: 'v' };
export const VIOMMU_BARE: PlayStep = { call: 'IOMMU_VIOMMU_ALLOC', args: { data: 'none' }, as: 'bare' };
export const DESTROY: PlayStep = { call: 'IOMMU_DESTROY', args: { id: { ref: 'v.out_viommu_id' } } };
export const DESTROY_BARE: PlayStep = { call: 'IOMMU_DESTROY', args: { id: { ref: 'bare.out_viommu_id' } } };

/** The region of `v`, or what is said otherwise. */
export function mmap(args: NonNullable<PlayStep['args']> = {}, more: Partial<PlayStep> = {}): PlayStep {
  return { call: 'mmap', args: { offset: { ref: 'v.out_mmap_offset' }, ...args }, as: 'm', ...more };
}

export const MUNMAP: PlayStep = { call: 'munmap', args: { vma: { ref: 'm' } } };
export const MUNMAP_FIRST: PlayStep = { call: 'munmap', args: { vma: { ref: 'm' }, pages: 'first' } };

/** A step that ends so, and whose result is not used. */
export function ends({ call, args = {} }: PlayStep, gives: NonNullable<PlayStep['gives']>): PlayStep {
  return { call, args, gives };
}

/** Both interfaces of queues take the same arguments. */
export const QUEUE = { v2: 'IOMMU_VCMDQ_ALLOC', merged: 'IOMMU_HW_QUEUE_ALLOC' } as const;
export const QUEUE_ID = { v2: 'out_vcmdq_id', merged: 'out_hw_queue_id' } as const;

export function queue(
  call: 'v2' | 'merged',
  args: NonNullable<PlayStep['args']> = {},
  more: Partial<PlayStep> = {},
): PlayStep {
  return { call: QUEUE[call], args: { viommu: { ref: 'v.out_viommu_id' }, ...args }, ...more };
}

export const unmap = (
  args: NonNullable<PlayStep['args']> = {},
  gives: NonNullable<PlayStep['gives']> = 'OK',
): PlayStep => ({
  call: 'IOMMU_IOAS_UNMAP',
  args,
  gives,
});
