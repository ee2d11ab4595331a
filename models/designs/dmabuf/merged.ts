import { type Design, variantOf } from '../framework/design.js';
import { OTHER_DEFECTS } from './defects.js';
import { testGetCall } from './export_calls.js';
import { mapFileCall } from './map_calls.js';
import { dmabufPrivate } from './proposal.js';
import { DEVICES, deviceCalls } from './space_calls.js';

/**
 * What became of it: importers pin and must be revocable, a revocation waits for them, and areas of a revoked buffer are dead by
 * definition. Devices that cannot reach the exporting function are left out: nothing tests for them (see `dmabuf-private-d4.4`).
 */
export const dmabufMerged: Design = variantOf(dmabufPrivate, {
  name: 'dmabuf-private-merged',
  title: 'VFIO exports dma-bufs, and IOMMU_IOAS_MAP_FILE maps them until they are revoked',
  source: 'Linux 7.3.4',
  kind: 'merged',
  calls: [
    ...deviceCalls({ near: DEVICES.near, beside: DEVICES.beside }),
    mapFileCall('iommufd/ioas.c:iommufd_ioas_map_file', { all: 0, no_exporter: 1 }),
    testGetCall(false),
  ],
});

/** Linux 7.3.4 and one thing that is, or was for some time, wrong with it. */
function planted(title: string, defect: (typeof OTHER_DEFECTS)[keyof typeof OTHER_DEFECTS]): Design {
  return variantOf(dmabufMerged, {
    name: `dmabuf-private-${defect.id.toLowerCase()}`,
    title,
    source: defect.source,
    kind: 'planted',
    defects: [defect],
    calls: defect.id === 'D4.4' ? deviceCalls(DEVICES) : [],
  });
}

export const dmabufPlanted: readonly Design[] = [
  planted('what is merged, and devices behind another root port', OTHER_DEFECTS.reach),
  planted('how the first posting failed to track a page table', OTHER_DEFECTS.unlock),
  planted('how pages were unpinned at first', OTHER_DEFECTS.unpin),
  planted('how a closing device cleaned up at first', OTHER_DEFECTS.doublePut),
  planted('copies that nothing tracks', OTHER_DEFECTS.copies),
  planted('what revoked in early exporters', OTHER_DEFECTS.triggers),
];
