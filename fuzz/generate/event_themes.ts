import { HWPT_DATA_TYPES } from '../../models/ioctls/driver_data.js';
import { HWPT_FLAGS } from '../../models/ioctls/native/hwpt_alloc.js';
import { VEVENTQ_TYPES } from '../../models/ioctls/native/veventq_alloc.js';
import { HWPT_SELFTEST } from '../../models/layout/driver_data.js';
import {
  ALLOC,
  ATTACH_DEVICE,
  ATTACH_FAILING,
  DETACH_DEVICE,
  DEVICE,
  DEVICE_WITH_PASIDS,
  type Kind,
  MOVE_FAILING,
  NEWEST_VIOMMU,
  PARENT,
  PARENT_FOR_PASIDS,
  type Theme,
  type Weights,
  spread,
  times,
} from './theme.js';

/** Themes of page faults and of events of vIOMMUs. */

/** One whose faults go to a queue. */
export const NESTED_DATA = {
  data_type: HWPT_DATA_TYPES.SELFTEST,
  data_len: HWPT_SELFTEST.endOf('iotlb'),
  data_uptr: { words: [1] },
};
export const NESTED_OF_GUEST: Kind = {
  call: 'IOMMU_HWPT_ALLOC',
  args: { flags: 0, ...NESTED_DATA },
  newest: { pt_id: 'VIOMMU' },
};
const ON_NEWEST_PARENT = { pt_id: 'HWPT_PAGING', fault_id: 'FAULT' } as const;
const FAULTING: Kind = {
  call: 'IOMMU_HWPT_ALLOC',
  args: { flags: HWPT_FLAGS.FAULT_ID_VALID, ...NESTED_DATA },
  newest: ON_NEWEST_PARENT,
};
/** With ALLOC_PASID, which 6.12 does not know. */
const FAULTING_FOR_PASIDS: Kind = {
  call: 'IOMMU_HWPT_ALLOC',
  args: { flags: HWPT_FLAGS.FAULT_ID_VALID | HWPT_FLAGS.PASID, ...NESTED_DATA },
  newest: ON_NEWEST_PARENT,
};
const FAULT_QUEUE: Kind = { call: 'IOMMU_FAULT_QUEUE_ALLOC' };
const FLAGGED_QUEUE: Kind = { call: 'IOMMU_FAULT_QUEUE_ALLOC', args: { flags: 1 } };
const MOVE: Kind = { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE', newest: { pt_id: 'HWPT_NESTED' } };
const ATTACH_PASID: Kind = { call: 'IOMMU_TEST_OP_PASID_ATTACH', newest: { pt_id: 'HWPT_NESTED' } };

const FAULT_KINDS: Weights = {
  IOMMU_TEST_OP_TRIGGER_IOPF: 30,
  events: 34,
  IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE: 6,
  IOMMU_TEST_OP_MOCK_DOMAIN: 2,
  IOMMU_FAULT_QUEUE_ALLOC: 2,
  IOMMU_HWPT_ALLOC: 1,
  IOMMU_HWPT_INVALIDATE: 2,
  IOMMU_TEST_OP_MD_CHECK_IOTLB: 2,
  IOMMU_DESTROY: 4,
  file: 2,
};

const FAULTS: Theme = {
  about: 'Devices that meet no translation, and user space that answers them or does not.',
  prelude: [ALLOC, DEVICE, FAULT_QUEUE, PARENT, FAULTING, MOVE],
  kinds: [...spread(FAULT_KINDS), ...times(3, FAULTING), ...times(3, MOVE), PARENT, FLAGGED_QUEUE],
};

const FAULTS_OF_PASIDS: Theme = {
  about: 'Faults of devices by PASID.',
  isFor: (profile) => profile.hasPasids,
  prelude: [
    ALLOC,
    DEVICE_WITH_PASIDS,
    FAULT_QUEUE,
    PARENT_FOR_PASIDS,
    FAULTING_FOR_PASIDS,
    DETACH_DEVICE,
    ATTACH_PASID,
  ],
  kinds: [
    ...spread(FAULT_KINDS),
    ...spread({
      IOMMU_TEST_OP_PASID_ATTACH: 8,
      IOMMU_TEST_OP_PASID_REPLACE: 4,
      IOMMU_TEST_OP_PASID_DETACH: 3,
    }),
    ...times(3, FAULTING_FOR_PASIDS),
    ...times(4, ATTACH_PASID),
    ...times(3, ATTACH_DEVICE),
    PARENT_FOR_PASIDS,
    FLAGGED_QUEUE,
    ATTACH_FAILING,
    MOVE_FAILING,
  ],
};

const NAMED: Kind = {
  call: 'IOMMU_VDEVICE_ALLOC',
  args: { virt_id: 3n },
  newest: { viommu_id: 'VIOMMU', dev_id: 'DEVICE' },
};
const EVENT_QUEUE: Kind = {
  call: 'IOMMU_VEVENTQ_ALLOC',
  args: { flags: 0, type: VEVENTQ_TYPES.SELFTEST },
  newest: { viommu_id: 'VIOMMU' },
};

const EVENTS: Theme = {
  about: 'Queues of few events, which devices of guests fill.',
  isFor: (profile) => profile.hasViommus,
  prelude: [ALLOC, DEVICE, PARENT, NEWEST_VIOMMU, NAMED, EVENT_QUEUE, NESTED_OF_GUEST, MOVE],
  kinds: [
    ...spread({
      IOMMU_TEST_OP_TRIGGER_VEVENT: 30,
      events: 24,
      IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE: 6,
      IOMMU_TEST_OP_MOCK_DOMAIN: 1,
      IOMMU_VIOMMU_ALLOC: 1,
      IOMMU_VDEVICE_ALLOC: 2,
      IOMMU_VEVENTQ_ALLOC: 2,
      IOMMU_DESTROY: 3,
      file: 2,
    }),
    ...times(3, NESTED_OF_GUEST),
    ...times(2, NAMED),
    EVENT_QUEUE,
    ...times(4, MOVE),
  ],
};

export const EVENT_THEMES: readonly Theme[] = [FAULTS, FAULTS_OF_PASIDS, EVENTS];
