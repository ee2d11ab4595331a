import { PASIDS_OUTLIVE_DEVICE } from '../../pasids_outlive.js';
import { id32, sizeField } from '../../layout/field.js';
import { hasPasids } from '../../state/attach.js';
import { destroying } from '../../state/destroy.js';
import { OBJECT_TYPES } from '../../state/objects.js';
import { present } from '../../base/assert.js';
import { defineCall } from '../description.js';

const REMOVE = 'main.c:iommufd_object_remove';

export const destroy = defineCall(
  {
    name: 'IOMMU_DESTROY',
    command: 0x3b80,
    doc: 'Destroys any object that nothing depends on and frees its id.',
    source: 'main.c:iommufd_destroy',
    fields: {
      size: sizeField(),
      id: id32(OBJECT_TYPES),
    },
    lastRequired: 'id',
    respond: 'nothing',
    allocates: false,
  },
  ({ args, file }) => ({ object: file.objects.find(args.id) }),
).behaves({
  rules: [
    {
      id: 'ENOENT.object',
      says: 'no object of this file has the id',
      cite: REMOVE,
      when: ({ object }) => object === undefined,
    },
    {
      id: 'EBUSY.users',
      says: 'something depends on the object',
      cite: REMOVE,
      when: ({ object }) => object !== undefined && object.users !== 1,
    },
    {
      id: 'unspecified.pasids_attached',
      says: 'PASIDs of the mock device are attached: the kernel warns, and then uses memory that it has freed',
      cite: 'selftest.c:iommufd_selftest_destroy',
      when: ({ object }) => object?.type === 'SELFTEST' && hasPasids(object.device),
      splat: PASIDS_OUTLIVE_DEVICE,
    },
  ],
  effect: ({ world, file, object }) => {
    world.goOn(destroying(file, present(object, 'object')));
  },
});
