import { assert } from 'chai';
import {
  INFO_CAP_DMA_AVAIL,
  INFO_CAP_HEADER,
  INFO_CAP_IOVA_RANGE,
  VFIO_IOVA_RANGE,
} from '../../models/layout/vfio_info.js';
import { CALLS, callByName } from '../../models/ioctls/index.js';
import { DRIVER_STRUCTS } from '../../models/layout/driver_data.js';
import {
  HWPT_PAGE_RESPONSE,
  HWPT_PGFAULT,
  VEVENT_HEADER,
  VIOMMU_EVENT_SELFTEST,
} from '../../models/layout/event_records.js';
import { type FieldTable, u32, u64 } from '../../models/layout/field.js';
import { type StructLayout, layoutStruct } from '../../models/layout/struct.js';

/** Written from the uAPI headers by hand: command, sizeof, and the size that is required at least. */
const EXPECTED: Readonly<Record<string, readonly [command: number, bytes: number, bytesMin: number]>> = {
  IOMMU_DESTROY: [0x3b80, 8, 8],
  IOMMU_IOAS_ALLOC: [0x3b81, 12, 12],
  IOMMU_IOAS_ALLOW_IOVAS: [0x3b82, 24, 24],
  IOMMU_IOAS_COPY: [0x3b83, 40, 40],
  IOMMU_IOAS_IOVA_RANGES: [0x3b84, 32, 32],
  IOMMU_IOAS_MAP: [0x3b85, 40, 40],
  IOMMU_IOAS_UNMAP: [0x3b86, 24, 24],
  IOMMU_OPTION: [0x3b87, 24, 24],
  IOMMU_VFIO_IOAS: [0x3b88, 12, 12],
  IOMMU_IOAS_CHANGE_PROCESS: [0x3b92, 8, 8],
  IOMMU_IOAS_NOIOMMU_GET_PA: [0x3b95, 40, 40],
  IOMMU_VIOMMU_ALLOC: [0x3b90, 40, 24],
  IOMMU_VDEVICE_ALLOC: [0x3b91, 24, 24],
  IOMMU_HW_QUEUE_ALLOC: [0x3b94, 40, 40],
  IOMMU_HWPT_ALLOC: [0x3b89, 48, 24],
  IOMMU_GET_HW_INFO: [0x3b8a, 40, 32],
  IOMMU_HWPT_SET_DIRTY_TRACKING: [0x3b8b, 16, 16],
  IOMMU_HWPT_INVALIDATE: [0x3b8d, 32, 32],
  VFIO_GET_API_VERSION: [0x3b64, 0, 0],
  VFIO_CHECK_EXTENSION: [0x3b65, 8, 0],
  VFIO_SET_IOMMU: [0x3b66, 8, 0],
  VFIO_IOMMU_GET_INFO: [0x3b70, 24, 16],
  VFIO_IOMMU_MAP_DMA: [0x3b71, 32, 32],
  VFIO_IOMMU_UNMAP_DMA: [0x3b72, 24, 24],
  VFIO_GROUP_GET_STATUS: [0x3b67, 8, 8],
  VFIO_GROUP_SET_CONTAINER: [0x3b68, 4, 4],
  VFIO_GROUP_UNSET_CONTAINER: [0x3b69, 0, 0],
  VFIO_GROUP_GET_DEVICE_FD: [0x3b6a, 40, 0],
  VFIO_DEVICE_BIND_IOMMUFD: [0x3b76, 24, 16],
  VFIO_DEVICE_ATTACH_IOMMUFD_PT: [0x3b77, 16, 12],
  VFIO_DEVICE_DETACH_IOMMUFD_PT: [0x3b78, 12, 8],
};

/** Likewise of driver data and of records of events: sizeof, and offsets of the members. */
const EXPECTED_STRUCTS: readonly (readonly [StructLayout<FieldTable>, bytes: number, offsets: number[]])[] = [
  [DRIVER_STRUCTS.iommu_hwpt_selftest, 8, [0, 4]],
  [DRIVER_STRUCTS.iommu_hwpt_invalidate_selftest, 8, [0, 4]],
  [DRIVER_STRUCTS.iommu_viommu_selftest, 24, [0, 4, 8, 16]],
  [DRIVER_STRUCTS.iommu_viommu_invalidate_selftest, 12, [0, 4, 8]],
  [DRIVER_STRUCTS.iommu_test_hw_info, 8, [0, 4]],
  [HWPT_PGFAULT, 40, [0, 4, 8, 12, 16, 20, 24, 32, 36]],
  [HWPT_PAGE_RESPONSE, 8, [0, 4]],
  [VEVENT_HEADER, 8, [0, 4]],
  [VIOMMU_EVENT_SELFTEST, 4, [0]],
  [INFO_CAP_HEADER, 8, [0, 2, 4]],
  [INFO_CAP_DMA_AVAIL, 12, [0, 2, 4, 8]],
  [INFO_CAP_IOVA_RANGE, 16, [0, 2, 4, 8, 12]],
  [VFIO_IOVA_RANGE, 16, [0, 8]],
];

describe('struct layouts', () => {
  for (const [name, [command, bytes, bytesMin]] of Object.entries(EXPECTED)) {
    it(`${name} is as in its header`, () => {
      const call = callByName(name);
      assert.deepEqual([call?.command, call?.layout.bytes, call?.bytesMin], [command, bytes, bytesMin]);
    });
  }

  it('driver data and records of events are as in the headers', () => {
    for (const [{ bytes, members }, ...expected] of EXPECTED_STRUCTS) {
      assert.deepEqual([bytes, members.map(({ offset }) => offset)], expected);
    }
  });

  it('every struct starts with its size', () => {
    const structs = CALLS.filter(({ argument, protocol }) => argument === 'struct' && protocol !== 'plain');
    for (const { name, layout, protocol, on } of structs) {
      const first = protocol === 'vfio' || on !== 'iommufd' ? 'argsz' : 'size';
      assert.deepInclude({ offset: layout.memberOf(first)?.offset, name }, { offset: 0, name });
    }
  });

  it('pads before a wider member and after the last one, as C does', () => {
    const { members, bytes } = layoutStruct({ a: u32('first'), b: u64('second'), c: u32('third') });
    assert.deepEqual(
      members.map(({ offset }) => offset),
      [0, 8, 16],
    );
    assert.equal(bytes, 24);
  });

  it('decodes what it encoded, also the highest values', () => {
    const layout = layoutStruct({ a: u32('first'), b: u64('second') });
    const view = new DataView(new ArrayBuffer(layout.bytes));
    const args = { a: 0xffff_ffff, b: 0xffff_ffff_ffff_fffen };
    layout.encode(args, view);
    assert.deepEqual(layout.decode(view), args);
    assert.equal(view.getUint8(0), 0xff);
    assert.equal(view.getUint8(8), 0xfe);
  });
});
