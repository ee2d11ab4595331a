import { present } from '../../base/assert.js';
import { u32 } from '../../layout/field.js';
import { reportFault } from '../../state/report.js';
import { defineTestOp } from './test_command.js';
import { noSuchDevice } from '../shared_rules.js';

const SOURCE = 'selftest.c:iommufd_test_trigger_iopf';

/** What is made to fail in it: the look for the device, then the group of the fault, then what kernels keep to check themselves. */
const GROUP = 2;

export const triggerIopf = defineTestOp(
  {
    op: 'TRIGGER_IOPF',
    member: 'trigger_iopf',
    doc: 'Lets a mock device ask for a page; succeeds whether or not a fault queue gets to see it.',
    source: SOURCE,
    id: u32('unused'),
    respond: 'nothing',
    allocates: false,
  },
  ({ args, file }) => ({ device: file.objects.findOfType(args.dev_id, 'DEVICE') }),
).behaves({
  failing: [
    {
      of: 'memory',
      errno: 'OK',
      what: 'the fault is answered by the kernel, and no queue gets it',
      cite: 'drivers/iommu/io-pgfault.c:iommu_report_device_fault',
      when: (_c, nth) => nth === GROUP,
    },
  ],
  rules: [noSuchDevice(SOURCE)],
  effect: ({ args, device }) => {
    const { pasid, grpid, perm, addr } = args;
    reportFault(present(device, 'a device'), { pasid, grpid, perm, addr });
  },
});
