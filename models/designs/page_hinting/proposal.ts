import { type Design, defineDesign } from '../framework/design.js';
import { dmaFind, mmapPages, munmapPages } from './backchannel_calls.js';
import { attachGroup, detachGroup, mapDmaCall, unmapDma } from './container_calls.js';
import { PAGE_HINTING_DEFECTS } from './defects.js';
import { countLeaves, deviceDma, giveUpPage, lockedPages, setLimit } from './host_calls.js';
import { discard, touchProposed } from './kvm_calls.js';
import { pinPages, unpinPages } from './mdev_calls.js';
import { newHost } from './state.js';
import { viewOfHost } from './view.js';

/** A container of VFIO in January 2020, with the functions that KVM was to call. */
export const pageHinting: Design = defineDesign({
  name: 'page-hinting',
  title: 'vfio_mmap_pages, vfio_munmap_pages and vfio_dma_find, and the discards of KVM',
  source: '[PATCH 1/2] vfio: add mmap/munmap API for page hinting, 7 Jan 2020, on Linux 5.5',
  kind: 'proposal',
  seed: 3,
  defects: PAGE_HINTING_DEFECTS,
  initial: newHost,
  view: viewOfHost,
  calls: [
    // At most 512 pages are pinned in one piece.
    mapDmaCall({ source: 'PATCH 1/2, vfio_pin_pages_remote', wrap: 'EINVAL', longestRun: 512 }),
    unmapDma,
    munmapPages,
    mmapPages,
    dmaFind,
    discard,
    touchProposed,
    attachGroup,
    detachGroup,
    pinPages,
    unpinPages,
    deviceDma,
    giveUpPage,
    setLimit,
    lockedPages,
    countLeaves,
  ],
});
