import { type Design, defineDesign } from '../framework/design.js';
import { DMABUF_DEFECTS } from './defects.js';
import { closeDevice, openDevice, resetDevice, setPower, writeCommand } from './device_calls.js';
import { closeBuffer, exportBuffer, exportForeign, testGetCall, testRevoke } from './export_calls.js';
import { attachImporter, detachImporter, iommufdMap, mapImporter } from './importer_calls.js';
import { PROPOSED_SUPPORT, mapFileCall } from './map_calls.js';
import {
  DEVICES,
  changeProcess,
  closeIommufd,
  compatUnmap,
  deviceCalls,
  ioasCopy,
  ioasUnmap,
  kernelAccess,
} from './space_calls.js';
import { newMachine } from './state.js';
import { viewOfMachine } from './view.js';

/** Buffers of VFIO for iommufd as posted in October and November 2025, with the exporter that they are on top of. */
export const dmabufPrivate: Design = defineDesign({
  name: 'dmabuf-private',
  title: 'vfio_pci_dma_buf_iommufd_map() and IOMMU_IOAS_MAP_FILE of dma-bufs',
  source: '[PATCH 1/9] vfio/pci: Add vfio_pci_dma_buf_iommufd_map(), 8 Nov 2025',
  kind: 'proposal',
  seed: 4,
  defects: DMABUF_DEFECTS,
  initial: newMachine,
  view: viewOfMachine,
  calls: [
    exportBuffer,
    mapFileCall('[PATCH 8/9], 8 Nov 2025', PROPOSED_SUPPORT),
    ...deviceCalls(DEVICES),
    writeCommand,
    attachImporter,
    mapImporter,
    detachImporter,
    iommufdMap,
    ioasUnmap,
    ioasCopy,
    setPower,
    resetDevice,
    closeDevice,
    openDevice,
    exportForeign,
    closeBuffer,
    testGetCall(true),
    testRevoke,
    compatUnmap,
    kernelAccess,
    changeProcess,
    closeIommufd,
  ],
});
