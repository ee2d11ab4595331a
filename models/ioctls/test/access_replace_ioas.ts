import { fd32 } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import { moveAccess, refusesMove } from '../../state/access.js';
import { noSuchIoas } from '../shared_rules.js';
import { ACCESS_RULES, lookUpAccess } from './access_descriptor.js';
import { defineTestOp } from './test_command.js';

const SOURCE = 'device.c:iommufd_access_replace';

export const accessReplaceIoas = defineTestOp(
  {
    op: 'ACCESS_REPLACE_IOAS',
    member: 'access_replace_ioas',
    doc: 'Moves an access to another IOAS of its own iommufd, without what it has pinned.',
    source: SOURCE,
    id: fd32(['access']),
    respond: 'nothing',
    allocates: true,
  },
  (c) => {
    const passed = lookUpAccess(c);
    const ioas = passed.accessFile?.iommufd.objects.findOfType(c.args.ioas_id, 'IOAS');
    return { ...passed, ioas };
  },
).behaves({
  rules: [
    ...ACCESS_RULES,
    noSuchIoas(SOURCE),
    {
      id: 'EADDRINUSE.alignment',
      says: 'the access pins, and an area of the new IOAS is not aligned to pages',
      cite: 'io_pagetable.c:iopt_add_access',
      when: ({ accessFile, ioas }) =>
        accessFile !== undefined && ioas !== undefined && refusesMove(accessFile.access, ioas),
    },
  ],
  effect: ({ accessFile, ioas }) => {
    moveAccess(present(accessFile, 'access').access, present(ioas, 'IOAS'));
  },
});
