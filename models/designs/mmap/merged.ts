import { type Design, defineDesign, variantOf } from '../framework/design.js';
import { OPEN_DEFECTS, V3_DEFECTS, V4_DEFECTS, V5_DEFECTS } from './defects.js';
import { ioasUnmapMerged } from './guest_memory_calls.js';
import { mmapRegionV1, mprotectRegion } from './mmap_calls.js';
import { mmapV2 } from './proposal.js';
import { hwQueueAlloc } from './queue_calls.js';
import { allocMmapMerged, destroyMmapMerged } from './region_calls.js';
import { newMachine } from './state.js';
import { viewWithCounts } from './view.js';

/**
 * What became of it: regions belong to objects, each mapping is a user of its object, only whole regions are mapped, and offsets begin
 * at 0x1000. What 7.3.4 has kept of the defects is in `mmapOpen`: that has mprotect(), and lets programs call the helper that
 * ends a region, which drivers call by themselves.
 */
export const mmapMerged: Design = defineDesign({
  ...variantOf(mmapV2, {
    name: 'mmap-v2-merged',
    title: 'mmap() of MMIO of a vIOMMU, and queues of the hardware for guests',
    source: 'Linux 7.3.4',
    kind: 'merged',
    drops: ['iommufd_ctx_alloc_mmap', 'iommufd_ctx_free_mmap', 'IOMMU_VCMDQ_ALLOC', 'mprotect'],
    calls: [allocMmapMerged, hwQueueAlloc, ioasUnmapMerged],
  }),
  initial: newMachine,
  view: viewWithCounts,
});

export const mmapOpen: Design = variantOf(mmapMerged, {
  name: 'mmap-v2-open',
  title: 'What 7.3.4 has kept',
  source: 'Linux 7.3.4',
  kind: 'planted',
  defects: OPEN_DEFECTS,
  calls: [mprotectRegion, destroyMmapMerged],
});

export const mmapV1: Design = variantOf(mmapMerged, {
  name: 'mmap-v1',
  title: 'EINVAL for offsets that no region has',
  source: '[PATCH v1 10/16], 11 Apr 2025',
  kind: 'planted',
  calls: [mmapRegionV1],
});

export const mmapV3: Design = variantOf(mmapMerged, {
  name: 'mmap-v3',
  title: 'Mappings counted after the remap',
  source: '[PATCH v3 14/23], 2 May 2025',
  kind: 'planted',
  defects: V3_DEFECTS,
});

export const mmapV4: Design = variantOf(mmapMerged, {
  name: 'mmap-v4',
  title: 'Cookie 0 in the mock, and lengths of 32 bits',
  source: '[PATCH v4 14/23 and 15/23], 9 May 2025',
  kind: 'planted',
  defects: V4_DEFECTS,
});

export const mmapV5: Design = variantOf(mmapMerged, {
  name: 'mmap-v5',
  title: 'Queues with an access that has the file open',
  source: '[PATCH v5 14/29], 18 May 2025',
  kind: 'planted',
  defects: V5_DEFECTS,
});
