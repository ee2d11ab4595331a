import { type Design, variantOf } from '../framework/design.js';
import { closeCall, deviceCloseCall, fillIdsCall } from './files.js';
import { destroy, ioasAlloc, ioasMap, ioasUnmap, ioctlMerged, releaseMerged } from './merged_calls.js';
import { attachMerged, bindMerged, detachMerged, getHwInfo, unbindMerged } from './merged_device_calls.js';
import { ioasidRfc } from './proposal.js';

/**
 * What became of the IOASIDs: ids that are members of structs and start at 1, devices by id instead of by cookie, a file that stays
 * open while a device is bound to it, mappings that outlive page tables.
 */
export const ioasidMerged: Design = variantOf(ioasidRfc, {
  name: 'ioasid-rfc-merged',
  title: 'IOAS objects and VFIO devices bound to an iommufd',
  source: 'Linux 7.3.4',
  kind: 'merged',
  drops: [
    'IOMMU_IOASID_ALLOC',
    'IOMMU_IOASID_FREE',
    'IOMMU_CHECK_EXTENSION',
    'IOMMU_DEVICE_GET_INFO',
    'IOMMU_MAP_DMA',
    'IOMMU_UNMAP_DMA',
    'VFIO_DEVICE_ATTACH_IOASID',
    'VFIO_DEVICE_DETACH_IOASID',
  ],
  calls: [
    ioasAlloc,
    destroy,
    ioasMap,
    ioasUnmap,
    getHwInfo,
    bindMerged,
    attachMerged,
    detachMerged,
    deviceCloseCall('vfio/vfio_main.c:vfio_device_fops_release', unbindMerged),
    closeCall('main.c:iommufd_fops_release', releaseMerged),
    fillIdsCall('main.c:_iommufd_object_alloc', true),
    ioctlMerged,
  ],
});
