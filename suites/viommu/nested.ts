import { hwptData } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndViommu } from './set_up.js';

const IOTLB = 0x0bad_beef;

export const viommuNested = suite(
  'viommu/nested',
  'Nested page tables over a vIOMMU: who holds what, and which devices they take.',
  [
    scenario('alloc,over_viommu', {
      doc: 'A nested page table can be made over a vIOMMU, with the same flags and data as over a page table, and holds the vIOMMU.',
      covers: [
        'IOMMU_HWPT_ALLOC/OK',
        'IOMMU_HWPT_ALLOC/EOPNOTSUPP.nested_flags',
        'IOMMU_DESTROY/EBUSY.users',
      ],
      source: 'device.md 2.1',
      needs: ['viommu'],
      setup: deviceAndViommu,
      cases: {
        holds_the_viommu: (t, { device, viommu, parent }) => {
          const nested = t.nestedHwpt(device, viommu, IOTLB).out('out_hwpt_id');
          t.destroy(viommu).fails('EBUSY');
          t.destroy(nested);
          t.destroy(viommu);
          t.destroy(parent);
        },
        iotlb: (t, { device, viommu }) => {
          const nested = t.nestedHwpt(device, viommu, IOTLB).out('out_hwpt_id');
          t.checkIotlb(nested, 3, IOTLB);
          t.invalidate(nested, [0, 3]).ok({ entry_num: 1 });
          t.checkIotlb(nested, 3, 0);
        },
        flags: (t, { device, viommu }) =>
          t.hwptAlloc(device, viommu, { ...hwptData([0]), flags: 1 }).fails('EOPNOTSUPP'),
        no_data: (t, { device, viommu }) => t.hwptAlloc(device, viommu).fails('EOPNOTSUPP'),
        other_data: (t, { device, viommu }) =>
          t.hwptAlloc(device, viommu, { ...hwptData([0]), data_type: 1 }).fails('EOPNOTSUPP'),
        short_data: (t, { device, viommu }) => t.hwptAlloc(device, viommu, hwptData([0], 3)).fails('EINVAL'),
      },
      control: (t, { device, viommu }) => t.nestedHwpt(device, viommu, IOTLB),
    }),
    scenario('attach,needs_a_vdevice', {
      doc: 'Only a device with a vDEVICE on that vIOMMU can be attached; others are ENOENT, and stay where they are.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN/ENOENT.vdevice',
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/ENOENT.vdevice',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/ENOENT.vdevice',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.target_type',
      ],
      source: 'mock.md 0, 4.2',
      gaps: [26, 45],
      needs: ['viommu'],
      setup: (t) => {
        const all = deviceAndViommu(t);
        return { ...all, nested: t.nestedHwpt(all.device, all.viommu, IOTLB).out('out_hwpt_id') };
      },
      cases: {
        viommu_itself: (t, { handle, viommu, mock }) => {
          t.replace(handle, viommu).fails('EINVAL');
          t.mockDomain(viommu).fails('EINVAL');
          t.destroy(mock.out('out_hwpt_id')).fails('EBUSY');
        },
        new_device: (t, { nested }) => t.mockDomain(nested).fails('ENOENT'),
        new_device_with_flags: (t, { nested }) =>
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: nested, dev_flags: 1 }).fails('ENOENT'),
        without_vdevice: (t, { handle, nested, mock }) => {
          t.replace(handle, nested).fails('ENOENT');
          t.destroy(mock.out('out_hwpt_id')).fails('EBUSY');
        },
        vdevice_elsewhere: (t, { handle, device, parent, nested }) => {
          const other = t.viommu(device, parent).out('out_viommu_id');
          t.vdevice(other, device, 1n);
          t.replace(handle, nested).fails('ENOENT');
        },
        vdevice_goes_while_attached: (t, { handle, device, viommu, nested }) => {
          const vdevice = t.vdevice(viommu, device, 1n).out('out_vdevice_id');
          t.replace(handle, nested);
          t.destroy(vdevice);
          t.destroy(nested).fails('EBUSY');
          t.replace(handle, nested);
        },
        over_the_parent_instead: (t, { handle, device, parent }) => {
          const plain = t.nestedHwpt(device, parent, 1).out('out_hwpt_id');
          t.replace(handle, plain);
        },
      },
      control: (t, { handle, device, viommu, nested }) => {
        t.vdevice(viommu, device, 1n);
        t.replace(handle, nested);
      },
    }),
  ],
);
