import { id32 } from '../../layout/field.js';
import { defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_dev_check_cache';

export const devCheckCache = defineTestOp(
  {
    op: 'DEV_CHECK_CACHE',
    member: 'check_dev_cache',
    doc: 'Compares an entry of the cache of a mock device with a value.',
    source: SOURCE,
    id: id32(['DEVICE']),
    respond: 'nothing',
    allocates: false,
  },
  ({ args, file }) => ({ device: file.objects.findOfType(args.id, 'DEVICE') }),
).behaves({
  rules: [
    {
      id: 'ENOENT.device',
      says: 'no device of this file has the id',
      cite: SOURCE,
      when: ({ device }) => device === undefined,
    },
    {
      id: 'EINVAL.cache',
      says: 'there is no such entry, or it has another value',
      cite: SOURCE,
      when: ({ args, device }) =>
        device !== undefined && device.hardware.cache.at(args.cache_id) !== args.cache,
    },
  ],
});
