import { id32 } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import { attachDevice } from '../../state/attach.js';
import { ADD_DOMAIN_RULES, afterFilling, cannotRespond } from '../shared_rules.js';
import {
  ATTACHED_UNCHECKED,
  CANNOT_TRACK,
  DEVICE_WITHOUT_ALLOC_PASID,
  NO_VDEVICE,
  PASIDS_ATTACHED,
  TARGET_RULES,
  WITHOUT_ALLOC_PASID,
  lookUpDeviceAndTarget,
  noSuchHandle,
  takeTargetHwpt,
} from './attach_target.js';
import { defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_pasid_attach';

export const pasidAttach = defineTestOp(
  {
    op: 'PASID_ATTACH',
    member: 'pasid_attach',
    doc: 'Attaches a PASID of a mock device to a page table; PASID 0 is the device itself, which may go to an IOAS too.',
    source: SOURCE,
    id: id32(['SELFTEST']),
    respond: 'struct',
    allocates: true,
  },
  (c) => lookUpDeviceAndTarget(c, c.args.pasid, false),
).behaves({
  findings: [ATTACHED_UNCHECKED],
  // A page table of an IOAS is attached first and filled then.
  rules: [
    noSuchHandle(SOURCE),
    ...TARGET_RULES,
    {
      id: 'EBUSY.attached',
      says: 'the PASID is attached, be it to the same page table',
      cite: 'device.c:iommufd_hw_pagetable_attach',
      when: ({ attached }) => attached !== undefined,
    },
    PASIDS_ATTACHED,
    WITHOUT_ALLOC_PASID,
    DEVICE_WITHOUT_ALLOC_PASID,
    {
      id: 'EINVAL.pasid_limit',
      says: 'the device has no such PASID',
      cite: 'drivers/iommu/iommu.c:iommu_attach_device_pasid',
      when: ({ args, device }) => device !== undefined && args.pasid >= device.hardware.pasidsMax,
    },
    CANNOT_TRACK,
    NO_VDEVICE,
    ...ADD_DOMAIN_RULES,
    afterFilling(cannotRespond()),
  ],
  effect: (c) => {
    attachDevice(present(c.device, 'a device'), c.args.pasid, takeTargetHwpt(c));
  },
});
