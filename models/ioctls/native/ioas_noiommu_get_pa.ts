import { flags32, id32, iova64, length64, reserved32, sizeField, u64 } from '../../layout/field.js';
import { isRevoked } from '../../state/pages.js';
import { defineCall } from '../description.js';
import { emptyRange, memberIsMax, noSuchIoas } from '../shared_rules.js';

const SOURCE = 'ioas.c:iommufd_ioas_noiommu_get_pa';

export const ioasNoiommuGetPa = defineCall(
  {
    name: 'IOMMU_IOAS_NOIOMMU_GET_PA',
    command: 0x3b95,
    doc: 'Tells the physical address behind an IOVA of a device without an IOMMU. A mock device has one, unless its memory for it was lacking.',
    source: SOURCE,
    fields: {
      size: sizeField(),
      flags: flags32({}),
      ioas_id: id32(['IOAS']),
      __reserved: reserved32(),
      iova: iova64('the address'),
      length: length64('in: bytes asked for; out: bytes that lie side by side', 'inout'),
      out_phys: u64('the physical address', 'out'),
    },
    lastRequired: 'out_phys',
    respond: 'struct',
    allocates: false,
  },
  ({ args, file }) => {
    const ioas = file.objects.findOfType(args.ioas_id, 'IOAS');
    return { ioas, area: ioas?.table.areaAt(args.iova) };
  },
).behaves({
  rules: [
    {
      id: 'EOPNOTSUPP.not_configured',
      says: 'the kernel was built without CONFIG_IOMMUFD_NOIOMMU',
      cite: 'iommufd_private.h:iommufd_ioas_noiommu_get_pa',
      isFor: (profile) => !profile.hasNoiommu,
      when: () => true,
    },
    {
      id: 'EPERM.rawio',
      says: 'the process lacks CAP_SYS_RAWIO',
      cite: SOURCE,
      when: ({ world }) => !world.process.capabilities.has('CAP_SYS_RAWIO'),
    },
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags or __reserved is not 0',
      cite: SOURCE,
      when: ({ args }) => args.flags !== 0 || args.__reserved !== 0,
    },
    emptyRange(SOURCE),
    memberIsMax(SOURCE, 'iova'),
    noSuchIoas(SOURCE),
    {
      id: 'ENOENT.area',
      says: 'nothing is mapped at the address',
      cite: 'io_pagetable.c:iopt_get_phys',
      when: ({ area }) => area === undefined,
    },
    {
      id: 'EINVAL.dmabuf_revoked',
      says: 'the area shows a dma-buf that was revoked',
      cite: 'io_pagetable.c:iopt_get_phys',
      when: ({ area }) => area !== undefined && isRevoked(area.pages),
    },
    {
      id: 'EOPNOTSUPP.not_noiommu',
      says: 'the area is in no page table, or in one of an IOMMU',
      cite: 'io_pagetable.c:iopt_get_phys',
      when: () => true,
    },
  ],
});
