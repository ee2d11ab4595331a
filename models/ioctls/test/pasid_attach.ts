import { id32 } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import { attachDevice } from '../../state/attach.js';
import { chooseIds } from '../choices.js';
import { ADD_DOMAIN_RULES, cannotRespond } from '../shared_rules.js';
import {
  ATTACHED_UNCHECKED,
  CANNOT_TRACK,
  DEVICE_WITHOUT_ALLOC_PASID,
  NO_VDEVICE,
  PASIDS_ATTACHED,
  TARGET_RULES,
  WITHOUT_ALLOC_PASID,
  createAutomaticHwpt,
  lookUpTarget,
  noSuchHandle,
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
  ({ args, file, world }) => {
    const device = file.objects.findOfType(args.id, 'SELFTEST')?.device;
    const request = { device, pasid: args.pasid, isReplacing: false };
    return { device, ...lookUpTarget(file.objects.find(args.pt_id), request, world) };
  },
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
    cannotRespond(),
  ],
  effect: (c) => {
    const { args } = c;
    const hwpt = c.existing ?? createAutomaticHwpt(c, present(chooseIds(c, ['pt_id'])[0], 'id'));
    attachDevice(present(c.device, 'a device'), args.pasid, hwpt);
    args.pt_id = hwpt.id;
  },
});
