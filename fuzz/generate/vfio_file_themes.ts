import type { Profile } from '../../models/profiles/index.js';
import { deviceNameArgs } from '../../models/ioctls/vfio_group/get_device_fd.js';
import { ASK_COHERENCY } from './vfio_themes.js';
import { ALLOC, type Kind, type Theme, spread, times } from './theme.js';

const BIND: Kind = { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { flags: 0 } };
const ATTACH: Kind = {
  call: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT',
  args: { flags: 0 },
  newest: { pt_id: 'IOAS' },
};

/** What is none of the program's descriptors, and what is none at all. */
const NO_FDS = [0x3fff_ffff, -1] as const;
const BIND_NOTHING: readonly Kind[] = NO_FDS.map((iommufd) => ({
  inTurn: ['vfio_device', { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { flags: 0, iommufd } }],
}));
const SET_NOTHING: readonly Kind[] = NO_FDS.map((container) => ({
  call: 'VFIO_GROUP_SET_CONTAINER',
  args: { container },
}));

/** All that can be wrong with it is its struct. */
const SHORT_STATUS: Kind = { call: 'VFIO_GROUP_GET_STATUS', args: { argsz: 7 } };

const isFor = ({ hasVfioDevice }: Profile): boolean => hasVfioDevice;

const BOUND_DEVICE: Theme = {
  about:
    'A device of VFIO without an IOMMU, which is bound, attached, moved and closed beside what uses its IOAS.',
  isFor,
  prelude: [ALLOC, ALLOC, 'vfio_device', BIND, ATTACH],
  biases: { otherFd: 4 },
  kinds: [
    ...spread({
      VFIO_DEVICE_BIND_IOMMUFD: 6,
      VFIO_DEVICE_ATTACH_IOMMUFD_PT: 14,
      VFIO_DEVICE_DETACH_IOMMUFD_PT: 5,
      IOMMU_DESTROY: 6,
      IOMMU_IOAS_ALLOC: 3,
      IOMMU_IOAS_MAP: 8,
      IOMMU_IOAS_UNMAP: 4,
      IOMMU_IOAS_COPY: 3,
      IOMMU_IOAS_IOVA_RANGES: 3,
      IOMMU_TEST_OP_CREATE_ACCESS: 2,
      IOMMU_TEST_OP_ACCESS_REPLACE_IOAS: 1,
      IOMMU_TEST_OP_MOCK_DOMAIN: 2,
      vfio_device: 3,
      vfio_group: 1,
      file: 6,
      second_file: 2,
      child: 1,
      pass: 1,
      counters: 2,
    }),
    ...times(4, ATTACH),
    BIND,
    BIND,
    ...BIND_NOTHING,
  ],
};

/** What a bind does that cannot say so, or is passed something else, is seen only where nothing is bound. */
const UNBOUND_DEVICE: Theme = {
  about: 'A device of VFIO that is opened several times, and bound through one of them or not at all.',
  isFor,
  prelude: [ALLOC, 'memory_file', 'vfio_device', 'vfio_device'],
  biases: { otherFd: 3, failingStep: 2, unwritableStruct: 2 },
  kinds: [
    ...spread({
      VFIO_DEVICE_BIND_IOMMUFD: 12,
      VFIO_DEVICE_ATTACH_IOMMUFD_PT: 4,
      VFIO_DEVICE_DETACH_IOMMUFD_PT: 1,
      VFIO_GROUP_SET_CONTAINER: 1,
      vfio_device: 4,
      vfio_group: 1,
      file: 6,
      second_file: 2,
      IOMMU_DESTROY: 1,
    }),
    ...BIND_NOTHING,
    ATTACH,
  ],
};

const SET_OTHER: Kind = {
  inTurn: [
    'memory_file',
    { call: 'VFIO_GROUP_UNSET_CONTAINER' },
    { call: 'VFIO_GROUP_SET_CONTAINER', newest: { container: 'memfd' } },
  ],
};

const GROUP: Theme = {
  about: 'A group of VFIO that holds an iommufd, and the compatible IOAS that it makes.',
  isFor,
  biases: { otherFd: 4 },
  prelude: ['vfio_group', ASK_COHERENCY, { call: 'VFIO_GROUP_SET_CONTAINER' }],
  kinds: [
    ASK_COHERENCY,
    ASK_COHERENCY,
    SHORT_STATUS,
    SHORT_STATUS,
    ...SET_NOTHING,
    SET_OTHER,
    ...spread({
      VFIO_GROUP_SET_CONTAINER: 10,
      VFIO_GROUP_UNSET_CONTAINER: 6,
      VFIO_GROUP_GET_STATUS: 4,
      VFIO_DEVICE_BIND_IOMMUFD: 2,
      IOMMU_VFIO_IOAS: 4,
      IOMMU_IOAS_ALLOC: 2,
      IOMMU_DESTROY: 4,
      VFIO_SET_IOMMU: 2,
      VFIO_IOMMU_MAP_DMA: 6,
      VFIO_IOMMU_UNMAP_DMA: 3,
      IOMMU_TEST_OP_MOCK_DOMAIN: 2,
      vfio_group: 4,
      vfio_device: 1,
      file: 6,
      second_file: 2,
      counters: 2,
    }),
  ],
};

const OPEN_DEVICE: Kind = { call: 'VFIO_GROUP_GET_DEVICE_FD', args: deviceNameArgs() };

/** A name that no 0 ends. */
const OPEN_ENDLESS: Kind = {
  call: 'VFIO_GROUP_GET_DEVICE_FD',
  args: Object.fromEntries(Object.keys(deviceNameArgs()).map((word) => [word, 0x6161_6161_6161_6161n])),
};

/** What opens the device where there is nothing to attach it to. */
const OPEN_WITHOUT_IOAS: Kind = { inTurn: [{ call: 'IOMMU_VFIO_IOAS', args: { op: 2 } }, OPEN_DEVICE] };

const GROUP_DEVICE: Theme = {
  about:
    'A device of VFIO that its group opens, once or several times, beside what uses the compatible IOAS.',
  isFor,
  biases: { otherFd: 3 },
  prelude: ['vfio_group', { call: 'VFIO_GROUP_SET_CONTAINER' }, OPEN_DEVICE],
  kinds: [
    ...times(8, OPEN_DEVICE),
    OPEN_ENDLESS,
    OPEN_WITHOUT_IOAS,
    OPEN_WITHOUT_IOAS,
    ...spread({
      VFIO_GROUP_GET_DEVICE_FD: 3,
      VFIO_GROUP_SET_CONTAINER: 5,
      VFIO_GROUP_UNSET_CONTAINER: 4,
      VFIO_GROUP_GET_STATUS: 1,
      VFIO_DEVICE_BIND_IOMMUFD: 5,
      VFIO_DEVICE_ATTACH_IOMMUFD_PT: 2,
      VFIO_DEVICE_DETACH_IOMMUFD_PT: 2,
      IOMMU_VFIO_IOAS: 5,
      IOMMU_IOAS_ALLOC: 3,
      IOMMU_IOAS_MAP: 5,
      IOMMU_IOAS_UNMAP: 3,
      IOMMU_DESTROY: 5,
      VFIO_IOMMU_MAP_DMA: 3,
      VFIO_IOMMU_UNMAP_DMA: 2,
      IOMMU_TEST_OP_MOCK_DOMAIN: 2,
      vfio_group: 4,
      vfio_device: 2,
      file: 8,
      second_file: 2,
      child: 1,
      pass: 1,
      counters: 2,
    }),
  ],
};

export const VFIO_FILE_THEMES: readonly Theme[] = [BOUND_DEVICE, UNBOUND_DEVICE, GROUP, GROUP_DEVICE];
