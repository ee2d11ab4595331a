import { HOLE } from '../../models/program/arena.js';
import { NO_SUCH_ID, hwptData } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndParent } from './set_up.js';

const NEST_PARENT = 1;
const DIRTY_TRACKING = 2;
const FAULT_ID_VALID = 4;
const PASID = 8;

const IOTLB = 0x0bad_beef;

export const hwptNested = suite(
  'hwpt/nested',
  'IOMMU_HWPT_ALLOC over a page table, and MD_CHECK_IOTLB. Nested page tables over a vIOMMU are not covered yet.',
  [
    scenario('parent,refused', {
      doc: 'Only a page table made with NEST_PARENT can be a parent: not the automatic one, not another, not a nested one.',
      covers: ['IOMMU_HWPT_ALLOC/EINVAL.parent', 'IOMMU_HWPT_ALLOC/EINVAL.target_type'],
      gaps: [24],
      setup: deviceAndParent,
      cases: {
        automatic: (t, { mock, device }) =>
          t.nestedHwpt(device, mock.out('out_hwpt_id'), IOTLB).fails('EINVAL'),
        no_parent: (t, { device, ioas }) => {
          const plain = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          t.nestedHwpt(device, plain, IOTLB).fails('EINVAL');
        },
        nested: (t, { device, parent }) => {
          const nested = t.nestedHwpt(device, parent, IOTLB).out('out_hwpt_id');
          t.nestedHwpt(device, nested, IOTLB).fails('EINVAL');
        },
      },
      control: (t, { device, parent }) => t.nestedHwpt(device, parent, IOTLB),
    }),
    scenario('flags,nested', {
      doc: 'A nested page table takes FAULT_ID_VALID and, from 7.3, PASID; any other flag is EOPNOTSUPP, before the parent is looked at.',
      covers: ['IOMMU_HWPT_ALLOC/EOPNOTSUPP.nested_flags', 'IOMMU_HWPT_ALLOC/ENOENT.fault'],
      setup: deviceAndParent,
      cases: {
        nest_parent: (t, { device, parent }) =>
          t.hwptAlloc(device, parent, { ...hwptData([IOTLB]), flags: NEST_PARENT }).fails('EOPNOTSUPP'),
        dirty_tracking: (t, { device, parent }) =>
          t.hwptAlloc(device, parent, { ...hwptData([IOTLB]), flags: DIRTY_TRACKING }).fails('EOPNOTSUPP'),
        bit_4: (t, { device, parent }) =>
          t.hwptAlloc(device, parent, { ...hwptData([IOTLB]), flags: 0x10 }).fails('EOPNOTSUPP'),
        pasid: (t, { device, parent }) =>
          t
            .hwptAlloc(device, parent, { ...hwptData([IOTLB]), flags: PASID })
            .fails({ '7.3': 'OK', '6.12': 'EOPNOTSUPP' }),
        fault_without_queue: (t, { device, parent }) =>
          t
            .hwptAlloc(device, parent, { ...hwptData([IOTLB]), flags: FAULT_ID_VALID, fault_id: NO_SUCH_ID })
            .fails('ENOENT'),
        before_the_parent: (t, { mock, device }) =>
          t
            .hwptAlloc(device, mock.out('out_hwpt_id'), { ...hwptData([IOTLB]), flags: NEST_PARENT })
            .fails('EOPNOTSUPP'),
      },
      control: (t, { device, parent }) => t.nestedHwpt(device, parent, IOTLB),
    }),
    scenario('data,nested', {
      doc: 'Data is required, of the mock’s type, at least 4 bytes and at most as many as the kernel knows of.',
      covers: [
        'IOMMU_HWPT_ALLOC/EOPNOTSUPP.nested_flags',
        'IOMMU_HWPT_ALLOC/EOPNOTSUPP.nested_data',
        'IOMMU_HWPT_ALLOC/EINVAL.data_size',
        'IOMMU_HWPT_ALLOC/EFAULT.data',
      ],
      source: 'mock.md 6, 16',
      gaps: [23],
      setup: deviceAndParent,
      cases: {
        none: (t, { device, parent }) => t.hwptAlloc(device, parent).fails('EOPNOTSUPP'),
        none_over_automatic: (t, { mock, device }) =>
          t.hwptAlloc(device, mock.out('out_hwpt_id')).fails('EOPNOTSUPP'),
        other_type: (t, { device, parent }) =>
          t.hwptAlloc(device, parent, { ...hwptData([IOTLB]), data_type: 1 }).fails('EOPNOTSUPP'),
        other_type_over_automatic: (t, { mock, device }) =>
          t
            .hwptAlloc(device, mock.out('out_hwpt_id'), { ...hwptData([IOTLB]), data_type: 1 })
            .fails('EINVAL'),
        other_type_and_short: (t, { device, parent }) =>
          t.hwptAlloc(device, parent, { ...hwptData([IOTLB], 3), data_type: 1 }).fails('EOPNOTSUPP'),
        short: (t, { device, parent }) => t.hwptAlloc(device, parent, hwptData([IOTLB], 3)).fails('EINVAL'),
        short_and_unreadable: (t, { device, parent }) =>
          t.hwptAlloc(device, parent, { ...hwptData([IOTLB], 3), data_uptr: HOLE }).fails('EINVAL'),
        second_version: (t, { device, parent }) =>
          t.hwptAlloc(device, parent, hwptData([IOTLB, 9])).fails({ '7.3': 'OK', '6.12': 'EINVAL' }),
        long: (t, { device, parent }) => t.hwptAlloc(device, parent, hwptData([IOTLB, 0, 0])).fails('EINVAL'),
        unreadable: (t, { device, parent }) =>
          t.hwptAlloc(device, parent, { ...hwptData([IOTLB]), data_uptr: HOLE }).fails('EFAULT'),
        unreadable_and_no_queue: (t, { device, parent }) =>
          t
            .hwptAlloc(device, parent, { ...hwptData([IOTLB]), data_uptr: HOLE, flags: FAULT_ID_VALID })
            .fails('EFAULT'),
      },
      control: (t, { device, parent }) => t.nestedHwpt(device, parent, IOTLB),
    }),
    scenario('life,holds_its_parent', {
      doc: 'A nested page table holds its parent, and is held by devices; it goes by DESTROY alone.',
      covers: ['IOMMU_HWPT_ALLOC/OK', 'IOMMU_DESTROY/EBUSY.users'],
      gaps: [24],
      setup: (t) => {
        const all = deviceAndParent(t);
        return { ...all, nested: t.nestedHwpt(all.device, all.parent, IOTLB).out('out_hwpt_id') };
      },
      cases: {
        parent_is_busy: (t, { parent, nested }) => {
          t.destroy(parent).fails('EBUSY');
          t.destroy(nested);
          t.destroy(parent);
        },
        busy_with_a_device: (t, { nested }) => {
          const mock = t.mockDomain(nested);
          t.destroy(nested).fails('EBUSY');
          t.destroy(mock.out('out_stdev_id'));
          t.destroy(nested);
        },
        two_of_one_parent: (t, { device, parent, nested }) => {
          const second = t.nestedHwpt(device, parent, 1).out('out_hwpt_id');
          t.destroy(nested);
          t.destroy(parent).fails('EBUSY');
          t.destroy(second);
          t.destroy(parent);
        },
        device_without_dirty_tracking: (t, { ioas, device }) => {
          const args = { flags: NEST_PARENT | DIRTY_TRACKING };
          const dirtyParent = t.hwptAlloc(device, ioas, args).out('out_hwpt_id');
          const nested = t.nestedHwpt(device, dirtyParent, 1).out('out_hwpt_id');
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: nested, dev_flags: 1 });
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: dirtyParent, dev_flags: 1 }).fails('EINVAL');
        },
      },
      control: (t, { nested }) => t.mockDomain(nested),
    }),
    scenario('response,undone', {
      doc: 'A nested page table whose id cannot be written back is gone again, and its parent is free.',
      covers: ['IOMMU_HWPT_ALLOC/EFAULT.respond'],
      gaps: [3],
      setup: deviceAndParent,
      cases: {
        sealed: (t, { device, parent }) => {
          t.hwptAlloc(device, parent, hwptData([IOTLB]), { at: 'sealed' }).fails('EFAULT');
          t.destroy(parent);
        },
        after_the_fault_queue: (t, { device, parent }) =>
          t
            .hwptAlloc(device, parent, { ...hwptData([IOTLB]), flags: FAULT_ID_VALID }, { at: 'sealed' })
            .fails('ENOENT'),
      },
      control: (t, { device, parent }) => t.nestedHwpt(device, parent, IOTLB),
    }),
    scenario('iotlb,checked', {
      doc: 'All four entries begin with the value of the data; another value, or a fifth entry, is EINVAL, anything but a nested page table ENOENT.',
      covers: [
        'IOMMU_TEST_OP_MD_CHECK_IOTLB/ENOENT.hwpt',
        'IOMMU_TEST_OP_MD_CHECK_IOTLB/EINVAL.iotlb',
        'IOMMU_TEST_OP_MD_CHECK_IOTLB/OK',
      ],
      setup: (t) => {
        const all = deviceAndParent(t);
        return { ...all, nested: t.nestedHwpt(all.device, all.parent, IOTLB).out('out_hwpt_id') };
      },
      cases: {
        fifth: (t, { nested }) => t.checkIotlb(nested, 4, IOTLB).fails('EINVAL'),
        far: (t, { nested }) => t.checkIotlb(nested, 0xffff_ffff, IOTLB).fails('EINVAL'),
        other_value: (t, { nested }) => t.checkIotlb(nested, 0, IOTLB + 1).fails('EINVAL'),
        parent: (t, { parent }) => t.checkIotlb(parent, 0, IOTLB).fails('ENOENT'),
        zero: (t) => t.checkIotlb(0, 0, IOTLB).fails('ENOENT'),
        each: (t, { nested }) => {
          for (let entry = 0; entry < 4; entry++) t.checkIotlb(nested, entry, IOTLB);
        },
      },
      control: (t, { nested }) => t.checkIotlb(nested, 3, IOTLB),
    }),
  ],
);
