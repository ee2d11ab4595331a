import { id32 } from '../../layout/field.js';
import { defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_md_check_iotlb';

export const mdCheckIotlb = defineTestOp(
  {
    op: 'MD_CHECK_IOTLB',
    member: 'check_iotlb',
    doc: 'Compares an entry of the IOTLB of a nested page table with a value.',
    source: SOURCE,
    id: id32(['HWPT_NESTED']),
    respond: 'nothing',
    allocates: false,
  },
  ({ args, file }) => ({ hwpt: file.objects.findOfType(args.id, 'HWPT_NESTED') }),
).behaves({
  rules: [
    {
      id: 'ENOENT.hwpt',
      says: 'no nested page table of this file has the id',
      cite: 'selftest.c:get_md_pagetable_nested',
      when: ({ hwpt }) => hwpt === undefined,
    },
    {
      id: 'EINVAL.iotlb',
      says: 'there is no such entry, or it has another value',
      cite: SOURCE,
      when: ({ args, hwpt }) => hwpt !== undefined && hwpt.iotlb.at(args.iotlb_id) !== args.iotlb,
    },
  ],
});
