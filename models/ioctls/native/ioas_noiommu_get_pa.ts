import { id32, iova64, length64, reserved32, sizeField, u32, u64 } from '../../layout/field.js';
import { defineCall } from '../description.js';

export const ioasNoiommuGetPa = defineCall(
  {
    name: 'IOMMU_IOAS_NOIOMMU_GET_PA',
    command: 0x3b95,
    doc: 'Tells the physical address behind an IOVA of a device without an IOMMU; only with CONFIG_IOMMUFD_NOIOMMU.',
    source: 'ioas.c:iommufd_ioas_noiommu_get_pa',
    fields: {
      size: sizeField(),
      flags: u32('must be 0'),
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
  () => ({}),
).behaves({
  rules: [
    {
      id: 'EOPNOTSUPP.not_configured',
      says: 'the kernel was built without CONFIG_IOMMUFD_NOIOMMU, as every kernel here',
      cite: 'iommufd_private.h:iommufd_ioas_noiommu_get_pa',
      when: () => true,
    },
  ],
  effect: () => undefined,
});
