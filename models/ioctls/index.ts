import type { CallDescription } from './description.js';
import { destroy } from './native/destroy.js';
import { faultQueueAlloc } from './native/fault_queue_alloc.js';
import { getHwInfo } from './native/get_hw_info.js';
import { hwQueueAlloc } from './native/hw_queue_alloc.js';
import { hwptAlloc } from './native/hwpt_alloc.js';
import { hwptGetDirtyBitmap } from './native/hwpt_get_dirty_bitmap.js';
import { hwptInvalidate } from './native/hwpt_invalidate.js';
import { hwptSetDirtyTracking } from './native/hwpt_set_dirty_tracking.js';
import { ioasAlloc } from './native/ioas_alloc.js';
import { ioasAllowIovas } from './native/ioas_allow_iovas.js';
import { ioasChangeProcess } from './native/ioas_change_process.js';
import { ioasCopy } from './native/ioas_copy.js';
import { ioasIovaRanges } from './native/ioas_iova_ranges.js';
import { ioasMap } from './native/ioas_map.js';
import { ioasMapFile } from './native/ioas_map_file.js';
import { ioasNoiommuGetPa } from './native/ioas_noiommu_get_pa.js';
import { ioasUnmap } from './native/ioas_unmap.js';
import { option } from './native/option.js';
import { vdeviceAlloc } from './native/vdevice_alloc.js';
import { veventqAlloc } from './native/veventq_alloc.js';
import { vfioIoas } from './native/vfio_ioas.js';
import { viommuAlloc } from './native/viommu_alloc.js';
import { vfioCheckExtension } from './vfio/check_extension.js';
import { vfioGetApiVersion } from './vfio/get_api_version.js';
import { vfioGetInfo } from './vfio/get_info.js';
import { vfioMapDma } from './vfio/map_dma.js';
import { vfioSetIommu } from './vfio/set_iommu.js';
import { vfioUnmapDma } from './vfio/unmap_dma.js';
import { vfioAttachIommufdPt } from './vfio_device/attach_iommufd_pt.js';
import { vfioBindIommufd } from './vfio_device/bind_iommufd.js';
import { vfioDetachIommufdPt } from './vfio_device/detach_iommufd_pt.js';
import { vfioGroupGetDeviceFd } from './vfio_group/get_device_fd.js';
import { vfioGroupGetStatus } from './vfio_group/get_status.js';
import { vfioGroupSetContainer } from './vfio_group/set_container.js';
import { vfioGroupUnsetContainer } from './vfio_group/unset_container.js';
import { accessPages } from './test/access_pages.js';
import { accessRw } from './test/access_rw.js';
import { accessReplaceIoas } from './test/access_replace_ioas.js';
import { addReserved } from './test/add_reserved.js';
import { dmabufGet, dmabufRevoke } from './test/dmabuf.js';
import { createAccess } from './test/create_access.js';
import { destroyAccessPages } from './test/destroy_access_pages.js';
import { devCheckCache } from './test/dev_check_cache.js';
import { dirty } from './test/dirty.js';
import { mdCheckMap } from './test/md_check_map.js';
import { mdCheckRefs } from './test/md_check_refs.js';
import { mdCheckIotlb } from './test/md_check_iotlb.js';
import { mockDomainReplace } from './test/mock_domain_replace.js';
import { mockDomain, mockDomainFlags } from './test/mock_domain.js';
import { pasidAttach } from './test/pasid_attach.js';
import { pasidCheckHwpt } from './test/pasid_check_hwpt.js';
import { pasidDetach } from './test/pasid_detach.js';
import { pasidReplace } from './test/pasid_replace.js';
import { setTempMemoryLimit } from './test/set_temp_memory_limit.js';
import { testCommand } from './test/test_command.js';
import { triggerIopf } from './test/trigger_iopf.js';
import { triggerVevent } from './test/trigger_vevent.js';

/** The only registry: every call that the model describes, by command number and operation. */
export const CALLS: readonly CallDescription[] = [
  destroy,
  ioasAlloc,
  ioasAllowIovas,
  ioasCopy,
  ioasIovaRanges,
  ioasMap,
  ioasMapFile,
  ioasUnmap,
  option,
  vfioIoas,
  hwptAlloc,
  getHwInfo,
  hwptSetDirtyTracking,
  hwptGetDirtyBitmap,
  hwptInvalidate,
  viommuAlloc,
  vdeviceAlloc,
  faultQueueAlloc,
  veventqAlloc,
  hwQueueAlloc,
  ioasChangeProcess,
  ioasNoiommuGetPa,
  vfioGetApiVersion,
  vfioCheckExtension,
  vfioSetIommu,
  vfioGetInfo,
  vfioMapDma,
  vfioUnmapDma,
  vfioBindIommufd,
  vfioAttachIommufdPt,
  vfioDetachIommufdPt,
  vfioGroupGetDeviceFd,
  vfioGroupGetStatus,
  vfioGroupSetContainer,
  vfioGroupUnsetContainer,
  testCommand,
  addReserved,
  mockDomain,
  mdCheckMap,
  mdCheckRefs,
  mockDomainReplace,
  mockDomainFlags,
  createAccess,
  destroyAccessPages,
  accessPages,
  accessRw,
  setTempMemoryLimit,
  accessReplaceIoas,
  mdCheckIotlb,
  devCheckCache,
  dmabufGet,
  dmabufRevoke,
  pasidAttach,
  pasidReplace,
  pasidDetach,
  pasidCheckHwpt,
  dirty,
  triggerIopf,
  triggerVevent,
];

const byName = new Map(CALLS.map((call) => [call.name, call]));
const byCommand = new Map(CALLS.filter(({ op }) => op === undefined).map((call) => [call.command, call]));
const byOp = new Map(CALLS.filter(({ op }) => op !== undefined).map((call) => [call.op, call]));

/** Finds a call by the name that the kernel's headers give it. */
export function callByName(name: string): CallDescription | undefined {
  return byName.get(name);
}

/** Finds a call by its ioctl number; a multiplexed command is found without its operation. */
export function callByCommand(command: number): CallDescription | undefined {
  return byCommand.get(command);
}

/** Finds an operation of IOMMU_TEST_CMD. */
export function testOpByNumber(op: number): CallDescription | undefined {
  return byOp.get(op);
}
