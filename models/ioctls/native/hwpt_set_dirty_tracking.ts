import { present } from '../../base/assert.js';
import { flags32, id32, sizeField, u32 } from '../../layout/field.js';
import { defineCall } from '../description.js';

const SOURCE = 'hw_pagetable.c:iommufd_hwpt_set_dirty_tracking';

/** IOMMU_HWPT_DIRTY_TRACKING_ENABLE. */
const FLAGS = { ENABLE: 1 } as const;

export const hwptSetDirtyTracking = defineCall(
  {
    name: 'IOMMU_HWPT_SET_DIRTY_TRACKING',
    command: 0x3b8b,
    doc: 'Switches the dirty bits of a paging page table on, clearing them, or off.',
    source: SOURCE,
    fields: {
      size: sizeField(),
      flags: flags32(FLAGS),
      hwpt_id: id32(['HWPT_PAGING']),
      __reserved: u32('never checked'),
    },
    lastRequired: '__reserved',
    respond: 'nothing',
    allocates: false,
  },
  ({ args, file }) => ({ hwpt: file.objects.findOfType(args.hwpt_id, 'HWPT_PAGING') }),
).behaves({
  findings: [
    {
      id: 'reserved-not-checked',
      says: '__reserved is never looked at, although it must be 0',
      isShown: ({ args }) => args.__reserved !== 0,
    },
  ],
  rules: [
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags has a bit besides ENABLE',
      cite: SOURCE,
      when: ({ args }) => (args.flags & ~FLAGS.ENABLE) !== 0,
    },
    {
      id: 'ENOENT.hwpt',
      says: 'no paging page table of this file has the id',
      cite: SOURCE,
      when: ({ hwpt }) => hwpt === undefined,
    },
    {
      id: 'EOPNOTSUPP.no_dirty_bits',
      says: 'the page table was not made with DIRTY_TRACKING',
      cite: 'io_pagetable.c:iopt_set_dirty_tracking',
      when: ({ hwpt }) => hwpt?.domain.hasDirtyBits === false,
    },
  ],
  effect: ({ args, hwpt }) => {
    const { domain } = present(hwpt, 'a page table');
    domain.tracksDirty = (args.flags & FLAGS.ENABLE) !== 0;
    if (domain.tracksDirty) domain.cleanAll();
  },
});
