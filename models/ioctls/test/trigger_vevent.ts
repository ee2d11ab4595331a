import { present } from '../../base/assert.js';
import { u32 } from '../../layout/field.js';
import { reportEvent, veventqOf } from '../../state/report.js';
import { VEVENTQ_TYPES } from '../native/veventq_alloc.js';
import { defineTestOp } from './test_command.js';
import { noSuchDevice } from '../shared_rules.js';

const SOURCE = 'selftest.c:iommufd_test_trigger_vevent';

export const triggerVevent = defineTestOp(
  {
    op: 'TRIGGER_VEVENT',
    member: 'trigger_vevent',
    doc: 'Lets a mock device report an event to the vIOMMU that it is attached through.',
    source: SOURCE,
    id: u32('unused'),
    respond: 'nothing',
    allocates: true,
  },
  ({ args, file }) => {
    const device = file.objects.findOfType(args.dev_id, 'DEVICE');
    const viommu = device?.hardware.viommu;
    const veventq = viommu === undefined ? undefined : veventqOf(file, viommu, VEVENTQ_TYPES.SELFTEST);
    return { device, veventq };
  },
).behaves({
  failing: [
    {
      of: 'memory',
      errno: 'ENOMEM',
      what: 'the event is lost, and the queue says so',
      cite: 'driver.c:iommufd_viommu_report_event',
      when: ({ veventq }) => veventq !== undefined,
      does: ({ veventq }) => {
        present(veventq, 'a vEVENTQ').queue.lose();
      },
    },
  ],
  rules: [
    noSuchDevice(SOURCE),
    {
      id: 'ENOENT.viommu',
      says: 'the device is not attached through a vIOMMU',
      cite: SOURCE,
      when: ({ device }) => device !== undefined && device.hardware.viommu === undefined,
    },
    {
      id: 'ENOENT.virt_id',
      says: 'the name of the device was 0 when it was attached through the vIOMMU',
      cite: SOURCE,
      when: ({ device }) => device?.hardware.viommu !== undefined && device.hardware.virtId === 0n,
    },
    {
      id: 'EOPNOTSUPP.veventq',
      says: 'the vIOMMU has no queue for events of the mock',
      cite: 'driver.c:iommufd_viommu_report_event',
      when: ({ device, veventq }) => device?.hardware.viommu !== undefined && veventq === undefined,
    },
  ],
  effect: ({ device, veventq }) => {
    reportEvent(present(veventq, 'a vEVENTQ'), present(device, 'a device').hardware.virtId);
  },
});
