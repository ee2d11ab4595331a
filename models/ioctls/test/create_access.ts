import { id32 } from '../../layout/field.js';
import { PAGE_SIZE } from '../../base/u64.js';
import { present } from '../../base/assert.js';
import { createAccess as addAccess, refusesAccess } from '../../state/access.js';
import { AccessFile } from '../../state/access_file.js';
import { cannotRespond, hasUnknownBits, noSuchIoas } from '../shared_rules.js';
import { defineTestOp } from './test_command.js';
import { CREATE_ACCESS_FLAGS } from './test_members.js';

const SOURCE = 'selftest.c:iommufd_test_create_access';

export const createAccess = defineTestOp(
  {
    op: 'CREATE_ACCESS',
    member: 'create_access',
    doc: 'Creates an access of the CPU to an IOAS, under an id that it does not tell, and a descriptor that holds it.',
    source: SOURCE,
    id: id32(['IOAS']),
    respond: 'struct',
    allocates: true,
  },
  ({ args, file }) => ({
    ioas: file.objects.findOfType(args.id, 'IOAS'),
    alignment: (args.flags & CREATE_ACCESS_FLAGS.NEEDS_PIN_PAGES) === 0 ? 1n : PAGE_SIZE,
  }),
).behaves({
  rules: [
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags has a bit besides NEEDS_PIN_PAGES',
      cite: SOURCE,
      when: ({ args }) => hasUnknownBits(args.flags, CREATE_ACCESS_FLAGS),
    },
    noSuchIoas('device.c:iommufd_access_attach'),
    {
      id: 'EADDRINUSE.alignment',
      says: 'the access pins, and an area of the IOAS is not aligned to pages',
      cite: 'io_pagetable.c:iopt_add_access',
      when: ({ ioas, alignment }) => ioas !== undefined && refusesAccess(ioas, { alignment }),
    },
    cannotRespond(),
  ],
  effect: (c) => {
    const { args, file, alignment } = c;
    const [id] = file.objects.lowestFreeIds(1);
    const access = addAccess(file, present(id, 'a free id'), present(c.ioas, 'IOAS'), alignment);
    args.out_access_fd = c.installFd(new AccessFile(file, access), true);
  },
});
