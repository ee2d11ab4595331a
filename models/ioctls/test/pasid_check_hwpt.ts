import { id32 } from '../../layout/field.js';
import { noSuchHandle } from './attach_target.js';
import { defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_pasid_check_hwpt';
const LOOKUP = 'selftest.c:iommufd_get_hwpt';

export const pasidCheckHwpt = defineTestOp(
  {
    op: 'PASID_CHECK_HWPT',
    member: 'pasid_check',
    doc: 'Asks whether a PASID of a mock device is attached to a page table, or to none if hwpt_id is 0.',
    source: SOURCE,
    id: id32(['SELFTEST']),
    respond: 'nothing',
    allocates: false,
  },
  ({ args, file }) => {
    const device = file.objects.findOfType(args.id, 'SELFTEST')?.device;
    return { device, hwpt: file.objects.find(args.hwpt_id), attached: device?.attachments.get(args.pasid) };
  },
).behaves({
  rules: [
    noSuchHandle(SOURCE),
    {
      id: 'EINVAL.attached',
      says: 'hwpt_id is 0, and the PASID is attached',
      cite: SOURCE,
      when: ({ args, attached }) => args.hwpt_id === 0 && attached !== undefined,
    },
    {
      id: 'ENOENT.hwpt',
      says: 'hwpt_id is not 0, and no object of this file has it',
      cite: LOOKUP,
      when: ({ args, hwpt }) => args.hwpt_id !== 0 && hwpt === undefined,
    },
    {
      id: 'EINVAL.hwpt_type',
      says: 'hwpt_id is the id of something else than a page table',
      cite: LOOKUP,
      when: ({ hwpt }) => hwpt !== undefined && hwpt.type !== 'HWPT_PAGING' && hwpt.type !== 'HWPT_NESTED',
    },
    {
      id: 'EINVAL.other_hwpt',
      says: 'the PASID is not attached to the page table',
      cite: SOURCE,
      when: ({ hwpt, attached }) => hwpt !== undefined && hwpt !== attached,
    },
  ],
});
