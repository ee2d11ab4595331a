import { flags32, id32, sizeField } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import { newIoas } from '../../state/objects.js';
import { defineCall } from '../description.js';
import { chooseIds } from '../choices.js';
import { cannotRespond } from '../shared_rules.js';

export const ioasAlloc = defineCall(
  {
    name: 'IOMMU_IOAS_ALLOC',
    command: 0x3b81,
    doc: 'Creates an IO address space: no areas, nothing reserved, alignment 1, large pages enabled.',
    source: 'ioas.c:iommufd_ioas_alloc_ioctl',
    fields: {
      size: sizeField(),
      flags: flags32({}),
      out_ioas_id: id32(['IOAS'], 'out'),
    },
    lastRequired: 'out_ioas_id',
    respond: 'struct',
    allocates: true,
  },
  () => ({}),
).behaves({
  rules: [
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags is not 0',
      cite: 'ioas.c:iommufd_ioas_alloc_ioctl',
      when: ({ args }) => args.flags !== 0,
    },
    cannotRespond(),
  ],
  effect: (c) => {
    const id = present(chooseIds(c, ['out_ioas_id'])[0], 'an id');
    c.file.objects.insert(newIoas(id));
    c.args.out_ioas_id = id;
  },
});
