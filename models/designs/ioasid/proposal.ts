import { type Design, defineDesign } from '../framework/design.js';
import { IOASID_DEFECTS } from './defects.js';
import { attachIoasid, bindIommufd, detachIoasid, deviceGetInfo, unbindProposed } from './device_calls.js';
import { mapDma, unmapDma } from './dma_calls.js';
import { closeCall, deviceCloseCall, dupFile, fillIdsCall, openIommufd, openPipe } from './files.js';
import { checkExtension, ioasidAlloc, ioasidFree, putSpace, rawIoctl } from './space_calls.js';
import { type Context, newMachine, viewOfMachine } from './state.js';

/** IOASIDs as posted in September 2021. */
export const ioasidRfc: Design = defineDesign({
  name: 'ioasid-rfc',
  title: 'IOMMU_IOASID_ALLOC/FREE and the calls of their series',
  source: '[RFC 11/20] iommu/iommufd: Add IOMMU_IOASID_ALLOC/FREE, 19 Sep 2021',
  kind: 'proposal',
  seed: 1,
  defects: IOASID_DEFECTS,
  initial: newMachine,
  view: viewOfMachine,
  calls: [
    ioasidAlloc,
    ioasidFree,
    checkExtension,
    bindIommufd,
    attachIoasid,
    detachIoasid,
    deviceGetInfo,
    mapDma,
    unmapDma,
    deviceCloseCall('RFC 08/20, vfio_pci_release', unbindProposed),
    openIommufd,
    openPipe,
    dupFile,
    closeCall('RFC 11/20, iommufd_fops_release', releaseProposed),
    fillIdsCall('RFC 11/20, iommufd_ioasid_alloc', false),
    rawIoctl,
  ],
});

/** One reference of each IOASID is dropped, whoever else has one (D1.9). */
function releaseProposed(context: Context): void {
  for (const space of [...context.spaces.values()]) putSpace(context, space);
}
