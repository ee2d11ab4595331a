import { fd32 } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import { unpinItem } from '../../state/access.js';
import { ACCESS_RULES, lookUpAccess } from './access_descriptor.js';
import { defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_access_item_destroy';

export const destroyAccessPages = defineTestOp(
  {
    op: 'DESTROY_ACCESS_PAGES',
    member: 'destroy_access_pages',
    doc: 'Lets go of what one ACCESS_PAGES has pinned.',
    source: SOURCE,
    id: fd32(['access']),
    respond: 'nothing',
    allocates: false,
  },
  (c) => {
    const passed = lookUpAccess(c);
    const item = passed.accessFile?.access.items.find(({ id }) => id === c.args.access_pages_id);
    return { ...passed, item };
  },
).behaves({
  rules: [
    ...ACCESS_RULES,
    {
      id: 'ENOENT.item',
      says: 'the access has no item of that number',
      cite: SOURCE,
      when: ({ item }) => item === undefined,
    },
  ],
  effect: ({ accessFile, item }) => {
    unpinItem(present(accessFile, 'access').access, present(item, 'item'));
  },
});
