import { PASID_FAILING } from '../../hardware/mock_device.js';
import { id32 } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import { ADD_DOMAIN_RULES, afterFilling, cannotRespond } from '../shared_rules.js';
import {
  ATTACHED_UNCHECKED,
  CANNOT_TRACK,
  NOT_ATTACHED,
  NO_VDEVICE,
  PASIDS_ATTACHED,
  TARGET_RULES,
  WITHOUT_ALLOC_PASID,
  lookUpDeviceAndTarget,
  moveDevice,
  noSuchHandle,
} from './attach_target.js';
import { defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_pasid_replace';
const MOCK = 'selftest.c:mock_domain_set_dev_pasid_nop';

export const pasidReplace = defineTestOp(
  {
    op: 'PASID_REPLACE',
    member: 'pasid_replace',
    doc: 'Moves an attached PASID of a mock device to another page table; PASID 0 is the device itself.',
    source: SOURCE,
    id: id32(['SELFTEST']),
    respond: 'struct',
    allocates: true,
  },
  (c) => lookUpDeviceAndTarget(c, c.args.pasid, true),
).behaves({
  findings: [ATTACHED_UNCHECKED],
  rules: [
    noSuchHandle(SOURCE),
    ...TARGET_RULES,
    ...ADD_DOMAIN_RULES,
    afterFilling(NOT_ATTACHED),
    afterFilling(PASIDS_ATTACHED),
    afterFilling(WITHOUT_ALLOC_PASID),
    CANNOT_TRACK,
    NO_VDEVICE,
    {
      id: 'ENOMEM.failing_pasid',
      says: 'the PASID is 1024, and the mock has attached or moved it the last time',
      cite: MOCK,
      when: ({ args, device, attached, existing }) =>
        args.pasid === PASID_FAILING && device?.hardware.failsNext === true && existing !== attached,
      leaves: {
        what: 'the mock does not fail the next time',
        cite: MOCK,
        does: ({ device }) => {
          present(device, 'a device').hardware.failsNext = false;
        },
      },
    },
    cannotRespond({
      what: 'the PASID has moved',
      does: (c) => {
        moveDevice(c, c.args.pasid);
      },
    }),
  ],
  effect: (c) => {
    moveDevice(c, c.args.pasid);
  },
});
