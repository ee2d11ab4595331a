import { id32 } from '../../layout/field.js';
import { NO_PASID } from '../../state/objects.js';
import { ADD_DOMAIN_RULES, afterFilling, cannotRespond } from '../shared_rules.js';
import {
  CANNOT_TRACK,
  NOT_ATTACHED,
  NO_VDEVICE,
  PASIDS_ATTACHED,
  TARGET_RULES,
  lookUpDeviceAndTarget,
  moveDevice,
  noSuchHandle,
  passesOverAutomatic,
} from './attach_target.js';
import { defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_mock_domain_replace';

export const mockDomainReplace = defineTestOp(
  {
    op: 'MOCK_DOMAIN_REPLACE',
    member: 'mock_domain_replace',
    doc: 'Moves a mock device to an IOAS or another page table.',
    source: SOURCE,
    id: id32(['SELFTEST']),
    respond: 'struct',
    allocates: true,
  },
  (c) => lookUpDeviceAndTarget(c, NO_PASID, true),
).behaves({
  rules: [
    noSuchHandle(SOURCE),
    ...TARGET_RULES,
    ...ADD_DOMAIN_RULES,
    afterFilling(NOT_ATTACHED),
    afterFilling(PASIDS_ATTACHED),
    CANNOT_TRACK,
    NO_VDEVICE,
    cannotRespond({
      what: 'the device has moved',
      does: (c) => {
        moveDevice(c, NO_PASID);
      },
    }),
  ],
  failing: [
    passesOverAutomatic((c) => {
      moveDevice(c, NO_PASID);
    }),
  ],
  effect: (c) => {
    moveDevice(c, NO_PASID);
  },
});
