import { id32 } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import { detaching } from '../../state/attach.js';
import { noSuchHandle } from './attach_target.js';
import { defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_pasid_detach';

export const pasidDetach = defineTestOp(
  {
    op: 'PASID_DETACH',
    member: 'pasid_detach',
    doc: 'Detaches a PASID of a mock device, if it is attached; PASID 0 is the device itself.',
    source: SOURCE,
    id: id32(['SELFTEST']),
    respond: 'nothing',
    allocates: false,
  },
  ({ args, file }) => ({ device: file.objects.findOfType(args.id, 'SELFTEST')?.device }),
).behaves({
  rules: [noSuchHandle(SOURCE)],
  effect: ({ world, args, file, device }) => {
    world.goOn(detaching(file, present(device, 'a device'), args.pasid));
  },
});
