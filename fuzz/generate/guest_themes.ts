import { HWPT_FLAGS } from '../../models/ioctls/native/hwpt_alloc.js';
import { VIOMMU_TYPES } from '../../models/ioctls/native/viommu_alloc.js';
import { INVALIDATE_DATA_TYPES } from '../../models/ioctls/invalidation.js';
import {
  HWPT_INVALIDATE_SELFTEST,
  VIOMMU_INVALIDATE_SELFTEST,
  VIOMMU_SELFTEST,
} from '../../models/layout/driver_data.js';
import { HOLE } from '../../models/program/arena.js';
import { NESTED_DATA, NESTED_OF_GUEST } from './event_themes.js';
import {
  ALLOC,
  DEVICE,
  DEVICE_WITH_PASIDS,
  type Kind,
  NEWEST_VIOMMU,
  PARENT,
  PARENT_FOR_PASIDS,
  type Theme,
  spread,
  times,
} from './theme.js';

/** Themes of guests, whose devices have names, and of devices that differ in what they can do. */

/** MOCK_FLAGS_DEVICE_NO_DIRTY, and with it PASID. */
const DEVICE_WITHOUT_DIRTY: Kind = { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', args: { dev_flags: 1 } };
const PASIDS_WITHOUT_DIRTY: Kind = { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', args: { dev_flags: 5 } };

const GUEST_DEVICE: Kind = {
  call: 'IOMMU_VDEVICE_ALLOC',
  newest: { viommu_id: 'VIOMMU', dev_id: 'DEVICE' },
};
const NAMELESS: Kind = { ...GUEST_DEVICE, args: { virt_id: 0n } };
const NEST: Kind = { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE', newest: { pt_id: 'HWPT_NESTED' } };
const NESTED: Kind = {
  call: 'IOMMU_HWPT_ALLOC',
  args: { flags: 0, ...NESTED_DATA },
  newest: { pt_id: 'HWPT_PAGING' },
};

/** Requests for all, of entries that there are and one that there is not, with a flag too many. */
const REQUESTS = [
  [1, 0],
  [0, 1],
  [0, 4],
  [1, 4],
  [2, 0],
] as const;

const INVALIDATE: readonly Kind[] = REQUESTS.flatMap(([flags, entry]) => [
  {
    call: 'IOMMU_HWPT_INVALIDATE',
    args: {
      data_type: INVALIDATE_DATA_TYPES.SELFTEST,
      entry_len: HWPT_INVALIDATE_SELFTEST.bytes,
      entry_num: 1,
      data_uptr: { words: [flags, entry] },
    },
    newest: { hwpt_id: 'HWPT_NESTED' },
  },
  ...[0, 1, 2].map((name) => ({
    call: 'IOMMU_HWPT_INVALIDATE',
    args: {
      data_type: INVALIDATE_DATA_TYPES.SELFTEST,
      entry_len: VIOMMU_INVALIDATE_SELFTEST.bytes + 4,
      entry_num: 1,
      data_uptr: { words: [flags, name, entry, name === 2 ? 1 : 0] },
    },
    newest: { hwpt_id: 'VIOMMU' as const },
  })),
]);

/** Any requests, and more than there is memory for; data that cannot be read. */
const OTHER_REQUESTS: readonly Kind[] = [
  {
    call: 'IOMMU_HWPT_INVALIDATE',
    args: { data_type: INVALIDATE_DATA_TYPES.SELFTEST, entry_len: HWPT_INVALIDATE_SELFTEST.bytes },
    newest: { hwpt_id: 'HWPT_NESTED' },
  },
  {
    call: 'IOMMU_HWPT_INVALIDATE',
    args: { entry_num: 400_000, data_uptr: HOLE, entry_len: VIOMMU_INVALIDATE_SELFTEST.bytes },
    newest: { hwpt_id: 'VIOMMU' },
  },
];
const ANY_VIOMMU: Kind = { call: 'IOMMU_VIOMMU_ALLOC', newest: { hwpt_id: 'HWPT_PAGING' } };

const GUESTS: Theme = {
  about: 'Guests with several devices, some without a name, and what they invalidate.',
  isFor: (profile) => profile.hasViommus,
  prelude: [ALLOC, DEVICE, PARENT, NEWEST_VIOMMU, GUEST_DEVICE, NESTED_OF_GUEST, NEST],
  biases: { splat: 3 },
  kinds: [
    ...spread({
      IOMMU_HWPT_INVALIDATE: 14,
      IOMMU_HWPT_ALLOC: 2,
      IOMMU_VDEVICE_ALLOC: 6,
      IOMMU_VEVENTQ_ALLOC: 3,
      IOMMU_GET_HW_INFO: 7,
      IOMMU_TEST_OP_TRIGGER_VEVENT: 8,
      IOMMU_TEST_OP_MOCK_DOMAIN: 3,
      IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE: 4,
      IOMMU_TEST_OP_MD_CHECK_IOTLB: 2,
      IOMMU_TEST_OP_DEV_CHECK_CACHE: 3,
      IOMMU_DESTROY: 4,
    }),
    ...INVALIDATE,
    ...OTHER_REQUESTS,
    ...OTHER_REQUESTS,
    ...times(5, ANY_VIOMMU),
    ...times(6, GUEST_DEVICE),
    ...times(3, NAMELESS),
    ...times(4, NEST),
    ...times(2, NESTED_OF_GUEST),
    NESTED,
    NEWEST_VIOMMU,
    DEVICE_WITHOUT_DIRTY,
    { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', newest: { id: 'HWPT_NESTED' } },
    { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', newest: { id: 'HWPT_NESTED' } },
  ],
};

const DIRTY_FOR_PASIDS: Kind = {
  call: 'IOMMU_HWPT_ALLOC',
  args: { flags: HWPT_FLAGS.DIRTY_TRACKING | HWPT_FLAGS.PASID, data_type: 0, data_len: 0 },
};
const NESTED_FOR_PASIDS: Kind = {
  call: 'IOMMU_HWPT_ALLOC',
  args: { flags: HWPT_FLAGS.PASID, ...NESTED_DATA },
  newest: { pt_id: 'VIOMMU' },
};
const TO_PAGING = { pt_id: 'HWPT_PAGING' } as const;
const TO_NESTED = { pt_id: 'HWPT_NESTED' } as const;

const DIFFERENT_DEVICES: Theme = {
  about: 'Page tables of one device that meet another: one that cannot track, or has no name in the guest.',
  isFor: (profile) => profile.hasPasids,
  prelude: [
    ALLOC,
    DEVICE_WITH_PASIDS,
    PARENT_FOR_PASIDS,
    NEWEST_VIOMMU,
    NESTED_FOR_PASIDS,
    DIRTY_FOR_PASIDS,
    PASIDS_WITHOUT_DIRTY,
    { call: 'IOMMU_TEST_OP_PASID_DETACH', args: { pasid: 0 }, newest: { id: 'SELFTEST' } },
    { call: 'IOMMU_TEST_OP_PASID_ATTACH', args: { pasid: 0 }, newest: { id: 'SELFTEST' } },
    { call: 'IOMMU_TEST_OP_PASID_ATTACH', args: { pasid: 1 }, newest: { id: 'SELFTEST' } },
  ],
  kinds: [
    ...spread({
      IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE: 4,
      IOMMU_TEST_OP_PASID_ATTACH: 8,
      IOMMU_TEST_OP_PASID_REPLACE: 8,
      IOMMU_TEST_OP_PASID_DETACH: 2,
      IOMMU_TEST_OP_PASID_CHECK_HWPT: 3,
      IOMMU_VDEVICE_ALLOC: 2,
      IOMMU_HWPT_SET_DIRTY_TRACKING: 1,
      IOMMU_DESTROY: 1,
    }),
    ...[TO_PAGING, TO_NESTED].flatMap((newest): Kind[] => [
      { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE', newest },
      { call: 'IOMMU_TEST_OP_PASID_DETACH', args: { pasid: 0 } },
      { call: 'IOMMU_TEST_OP_PASID_ATTACH', newest },
      { call: 'IOMMU_TEST_OP_PASID_ATTACH', args: { pasid: 0 }, newest },
      { call: 'IOMMU_TEST_OP_PASID_ATTACH', args: { pasid: 0 }, newest },
      { call: 'IOMMU_TEST_OP_PASID_REPLACE', newest },
      { call: 'IOMMU_TEST_OP_PASID_REPLACE', args: { pasid: 0 }, newest },
      { call: 'IOMMU_TEST_OP_PASID_REPLACE', args: { pasid: 1 }, newest },
    ]),
    PASIDS_WITHOUT_DIRTY,
    DEVICE_WITHOUT_DIRTY,
    DEVICE_WITH_PASIDS,
    DIRTY_FOR_PASIDS,
    NESTED_FOR_PASIDS,
    PARENT_FOR_PASIDS,
    { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', args: { dev_flags: 1 }, newest: { id: 'HWPT_PAGING' } },
    { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', newest: { id: 'HWPT_NESTED' } },
  ],
};

/** A guest whose registers the process can map. */
const VIOMMU_WITH_REGION: Kind = {
  call: 'IOMMU_VIOMMU_ALLOC',
  args: {
    flags: 0,
    type: VIOMMU_TYPES.SELFTEST,
    data_len: VIOMMU_SELFTEST.bytes,
    data_uptr: { words: new Array<number>(VIOMMU_SELFTEST.bytes / 4).fill(0) },
  },
  newest: { hwpt_id: 'HWPT_PAGING' },
};
const DESTROY_VIOMMU: Kind = { call: 'IOMMU_DESTROY', newest: { id: 'VIOMMU' } };

const MAPPED_REGIONS: Theme = {
  about: 'Regions of guests that are mapped, moved, cut and inherited, while their guests and files go.',
  isFor: (profile) => profile.hasViommus,
  prelude: [ALLOC, DEVICE, PARENT, VIOMMU_WITH_REGION, 'show_region'],
  kinds: [
    ...spread({
      show_region: 8,
      memory: 10,
      file: 5,
      child: 2,
      process: 1,
      IOMMU_VIOMMU_ALLOC: 2,
      IOMMU_HW_QUEUE_ALLOC: 3,
      IOMMU_IOAS_MAP: 2,
      IOMMU_DESTROY: 3,
    }),
    ...times(3, VIOMMU_WITH_REGION),
    ...times(6, DESTROY_VIOMMU),
  ],
};

export const GUEST_THEMES: readonly Theme[] = [GUESTS, DIFFERENT_DEVICES, MAPPED_REGIONS];
