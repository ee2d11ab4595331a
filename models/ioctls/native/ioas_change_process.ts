import { reserved32, sizeField } from '../../layout/field.js';
import { defineCall } from '../description.js';
import { reservedNotZero } from '../shared_rules.js';

const SOURCE = 'ioas.c:iommufd_ioas_change_process';

export const ioasChangeProcess = defineCall(
  {
    name: 'IOMMU_IOAS_CHANGE_PROCESS',
    command: 0x3b92,
    doc: 'Makes the calling process the one that pays for the pinned memory of every IOAS; only for mappings of files.',
    source: SOURCE,
    fields: { size: sizeField(), __reserved: reserved32() },
    lastRequired: '__reserved',
    respond: 'nothing',
    allocates: true,
  },
  ({ file }) => ({ ioases: file.objects.objects.filter((object) => object.type === 'IOAS') }),
).behaves({
  rules: [
    reservedNotZero(SOURCE),
    {
      id: 'EINVAL.not_file',
      says: 'an IOAS maps memory of a process by its address, or a dma-buf',
      cite: SOURCE,
      when: ({ ioases }) =>
        ioases.some(({ table }) => table.areas.some(({ pages }) => pages.source.kind !== 'file')),
    },
  ],
  // The process that maps is the one that calls: nothing has to move, whatever its limits are now.
  effect: () => undefined,
});
