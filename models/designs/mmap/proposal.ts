import { type Design, defineDesign } from '../framework/design.js';
import { MMAP_DEFECTS } from './defects.js';
import { closeIommufd, exitProcess, forkProcess, openIommufd } from './files.js';
import { ioasMap, ioasUnmap } from './guest_memory_calls.js';
import {
  loadWord,
  madviseRegion,
  mmapRegion,
  mprotectRegion,
  mremapRegion,
  munmapRegion,
  storeWord,
} from './mmap_calls.js';
import { vcmdqAlloc } from './queue_calls.js';
import { allocMmap, freeMmap } from './region_calls.js';
import { newMachine } from './state.js';
import { viewOfMachine } from './view.js';
import { destroyObject, objectDepend, viommuAlloc } from './viommu_calls.js';

/** mmap() of regions of vIOMMUs, and queues of the hardware, as posted in April 2025. */
export const mmapV2: Design = defineDesign({
  name: 'mmap-v2',
  title: 'mmap() of MMIO of a vIOMMU, and queues of the hardware for guests',
  source: '[PATCH v2 13/22] iommufd: Add mmap interface, 26 Apr 2025, and 10/22, 11/22, 14/22',
  kind: 'proposal',
  seed: 0,
  defects: MMAP_DEFECTS,
  initial: newMachine,
  view: viewOfMachine,
  calls: [
    viommuAlloc,
    destroyObject,
    allocMmap,
    freeMmap,
    mmapRegion,
    munmapRegion,
    mremapRegion,
    mprotectRegion,
    madviseRegion,
    loadWord,
    storeWord,
    forkProcess,
    exitProcess,
    openIommufd,
    closeIommufd,
    vcmdqAlloc,
    objectDepend,
    ioasMap,
    ioasUnmap,
  ],
});
