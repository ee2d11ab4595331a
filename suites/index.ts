import { eventFaultFile } from './event/fault_file.js';
import { eventFaultPasid } from './event/fault_pasid.js';
import { eventFaultQueue } from './event/fault_queue.js';
import { eventFaultRouting } from './event/fault_routing.js';
import { eventVeventq } from './event/veventq.js';
import { eventVeventqFile } from './event/veventq_file.js';
import { accessCreate } from './access/create.js';
import { accessLittleMemory } from './access/little_memory.js';
import { accessPages } from './access/pages.js';
import { accessPins } from './access/pins.js';
import { accessReplace } from './access/replace.js';
import { accessRw } from './access/rw.js';
import { accessRwFiles } from './access/rw_files.js';
import { accessSharedPins } from './access/shared_pins.js';
import { accessUnmap } from './access/unmap.js';
import { deviceHwInfo } from './device/hw_info.js';
import { deviceLife } from './device/life.js';
import { dmabufBuffer } from './dmabuf/buffer.js';
import { dmabufMap } from './dmabuf/map.js';
import { dmabufRevoke } from './dmabuf/revoke.js';
import { envelopeCommand } from './envelope/command.js';
import { envelopeMemory } from './envelope/memory.js';
import { envelopeSize } from './envelope/size.js';
import type { Scenario, Suite } from './harness/scenario.js';
import { exhaustionIoas } from './exhaustion/ioas.js';
import { exhaustionHwpt } from './exhaustion/hwpt.js';
import { exhaustionMock } from './exhaustion/mock.js';
import { exhaustionWithoutIommu } from './exhaustion/without_iommu.js';
import { exhaustionAccess } from './exhaustion/access.js';
import { exhaustionViommu } from './exhaustion/viommu.js';
import { exhaustionVfio } from './exhaustion/vfio.js';
import { fileDescriptors } from './file/descriptors.js';
import { fileMmapHole } from './file/mmap_hole.js';
import { hwptAlloc } from './hwpt/alloc.js';
import { hwptDirtyBitmap } from './hwpt/dirty_bitmap.js';
import { hwptDirtyHuge } from './hwpt/dirty_huge.js';
import { hwptDirtyLarge } from './hwpt/dirty_large.js';
import { hwptDirtyLeaves } from './hwpt/dirty_leaves.js';
import { hwptDirtyTracking } from './hwpt/dirty_tracking.js';
import { hwptFormat } from './hwpt/format.js';
import { hwptInvalidate } from './hwpt/invalidate.js';
import { hwptNested } from './hwpt/nested.js';
import { ioasAlloc } from './ioas/alloc.js';
import { ioasAllowIovas } from './ioas/allow_iovas.js';
import { ioasChangeProcess } from './ioas/change_process.js';
import { ioasChangeProcessFiles } from './ioas/change_process_files.js';
import { ioasCopy } from './ioas/copy.js';
import { ioasCopyPinning } from './ioas/copy_pinning.js';
import { ioasCopySweep } from './ioas/copy_sweep.js';
import { ioasIovaRanges } from './ioas/iova_ranges.js';
import { ioasLittleMemory } from './ioas/little_memory.js';
import { ioasLeftCopied } from './ioas/left_copied.js';
import { ioasMap } from './ioas/map.js';
import { ioasMapAutomatic } from './ioas/map_automatic.js';
import { ioasMapFile } from './ioas/map_file.js';
import { ioasMapHuge } from './ioas/map_huge.js';
import { ioasMapFileEnd } from './ioas/map_file_end.js';
import { ioasMapFilePinning } from './ioas/map_file_pinning.js';
import { ioasMapPinning } from './ioas/map_pinning.js';
import { ioasUsedAccesses } from './ioas/used_accesses.js';
import { ioasUsedAreas } from './ioas/used_areas.js';
import { ioasUsedBuffers } from './ioas/used_buffers.js';
import { ioasUsedByFork } from './ioas/used_fork.js';
import { ioasUsedLife } from './ioas/used_life.js';
import { ioasUsedNested } from './ioas/used_nested.js';
import { ioasUsedPlacement } from './ioas/used_placement.js';
import { ioasMapPrivateFile } from './ioas/map_private_file.js';
import { ioasTiers } from './ioas/tiers.js';
import { ioasUnmap } from './ioas/unmap.js';
import { lanesAreas } from './lanes/areas.js';
import { lanesDomains } from './lanes/domains.js';
import { lanesObjects } from './lanes/objects.js';
import { mockCheckMap } from './mock/check_map.js';
import { mockCheckRefs } from './mock/check_refs.js';
import { mockDirty } from './mock/dirty.js';
import { mockDomain } from './mock/domain.js';
import { mockMemoryLimit } from './mock/memory_limit.js';
import { mockReplace } from './mock/replace.js';
import { mockReserved } from './mock/reserved.js';
import { mockTwoTables } from './mock/two_tables.js';
import { objectDestroy } from './object/destroy.js';
import { objectIds } from './object/ids.js';
import { optionHugePages } from './option/huge_pages.js';
import { optionRlimitMode } from './option/rlimit_mode.js';
import { pasidAttach } from './pasid/attach.js';
import { pasidDetach } from './pasid/detach.js';
import { pasidLife } from './pasid/life.js';
import { pasidReplace } from './pasid/replace.js';
import { processExec } from './process/exec.js';
import { processExecDescriptors } from './process/exec_descriptors.js';
import { processFork } from './process/fork.js';
import { processPass } from './process/pass.js';
import { vectorsCore } from './vectors/core.js';
import { vfioCompatIoas } from './vfio/compat_ioas.js';
import { vfioCutHuge } from './vfio/cut_huge.js';
import { vfioCut } from './vfio/cut.js';
import { vfioGetInfo } from './vfio/get_info.js';
import { vfioDevice } from './vfio/device.js';
import { vfioDeviceAttach } from './vfio/device_attach.js';
import { vfioFiles } from './vfio/files.js';
import { vfioGroup } from './vfio/group.js';
import { vfioGroupDevice } from './vfio/group_device.js';
import { vfioMapDma } from './vfio/map_dma.js';
import { vfioNoAccess } from './vfio/no_access.js';
import { vfioNumbers } from './vfio/numbers.js';
import { vfioPci } from './vfio/pci.js';
import { vfioPieces } from './vfio/pieces.js';
import { vfioUnmapDma } from './vfio/unmap_dma.js';
import { viommuAlloc } from './viommu/alloc.js';
import { viommuHwQueue } from './viommu/hw_queue.js';
import { viommuHwQueueAreas } from './viommu/hw_queue_areas.js';
import { viommuLife } from './viommu/life.js';
import { viommuMmap } from './viommu/mmap.js';
import { viommuInvalidate } from './viommu/invalidate.js';
import { viommuNested } from './viommu/nested.js';
import { viommuVdevice } from './viommu/vdevice.js';

/** The only registry of scenario files. */
export const SUITES: readonly Suite[] = [
  fileDescriptors,
  fileMmapHole,
  envelopeCommand,
  envelopeSize,
  envelopeMemory,
  objectDestroy,
  objectIds,
  ioasAlloc,
  ioasIovaRanges,
  ioasAllowIovas,
  ioasLeftCopied,
  ioasMap,
  ioasMapAutomatic,
  ioasMapPinning,
  ioasMapPrivateFile,
  ioasMapFile,
  ioasMapHuge,
  ioasMapFilePinning,
  ioasMapFileEnd,
  ioasChangeProcessFiles,
  dmabufBuffer,
  dmabufMap,
  dmabufRevoke,
  ioasCopy,
  ioasCopyPinning,
  ioasCopySweep,
  ioasTiers,
  ioasUnmap,
  ioasChangeProcess,
  ioasUsedLife,
  ioasUsedAreas,
  ioasUsedPlacement,
  ioasUsedByFork,
  ioasUsedAccesses,
  ioasUsedNested,
  ioasUsedBuffers,
  ioasLittleMemory,
  optionRlimitMode,
  optionHugePages,
  hwptAlloc,
  hwptFormat,
  hwptNested,
  hwptInvalidate,
  hwptDirtyTracking,
  hwptDirtyBitmap,
  hwptDirtyLeaves,
  hwptDirtyHuge,
  hwptDirtyLarge,
  deviceHwInfo,
  mockDomain,
  mockReplace,
  mockReserved,
  mockTwoTables,
  lanesAreas,
  lanesDomains,
  lanesObjects,
  mockCheckMap,
  mockCheckRefs,
  mockMemoryLimit,
  accessCreate,
  accessPages,
  accessPins,
  accessUnmap,
  accessReplace,
  accessRw,
  accessRwFiles,
  accessLittleMemory,
  accessSharedPins,
  pasidAttach,
  pasidReplace,
  pasidDetach,
  mockDirty,
  viommuAlloc,
  viommuVdevice,
  viommuNested,
  viommuInvalidate,
  viommuMmap,
  eventFaultQueue,
  eventFaultFile,
  eventFaultRouting,
  eventFaultPasid,
  eventVeventq,
  eventVeventqFile,
  viommuHwQueue,
  viommuHwQueueAreas,
  deviceLife,
  pasidLife,
  viommuLife,
  vfioCompatIoas,
  vfioNumbers,
  vfioGetInfo,
  vfioMapDma,
  vfioNoAccess,
  vfioFiles,
  vfioUnmapDma,
  vfioPieces,
  vfioCut,
  vfioCutHuge,
  vfioDevice,
  vfioDeviceAttach,
  vfioGroup,
  vfioGroupDevice,
  vfioPci,
  processExec,
  processExecDescriptors,
  processFork,
  processPass,
  vectorsCore,
  exhaustionIoas,
  exhaustionHwpt,
  exhaustionMock,
  exhaustionWithoutIommu,
  exhaustionAccess,
  exhaustionViommu,
  exhaustionVfio,
];

/** Every scenario, in the order of the files. */
export const SCENARIOS: readonly Scenario[] = SUITES.flatMap(({ scenarios }) => scenarios);
