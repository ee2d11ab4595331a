import { type Design, variantOf } from '../framework/design.js';
import { mapDmaCall } from './container_calls.js';
import { hint, touchReviewed } from './kvm_calls.js';
import { pageHinting } from './proposal.js';

/**
 * What the review asked for, and what VFIO has: the user maps in pieces of its choice, is told what the guest does not need, and
 * unmaps and maps those pieces itself; nobody else changes what it has mapped.
 */
export const pageHintingReviewed: Design = variantOf(pageHinting, {
  name: 'page-hinting-reviewed',
  title: 'MAP_DMA and UNMAP_DMA of pieces of the user’s choice, with hints to user space',
  source: 'Re: [PATCH 1/2] vfio: add mmap/munmap API for page hinting, 7 Jan 2020; Linux 7.3.4',
  kind: 'reviewed',
  drops: ['vfio_munmap_pages', 'vfio_mmap_pages', 'vfio_dma_find', 'KVM_discard'],
  calls: [
    mapDmaCall({
      source: 'drivers/vfio/vfio_iommu_type1.c:vfio_dma_do_map',
      wrap: 'EOVERFLOW',
      longestRun: Infinity,
    }),
    hint,
    touchReviewed,
  ],
});
