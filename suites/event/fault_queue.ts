import { NO_SUCH_ID, hwptData } from '../harness/builder.js';
import { APERTURE_START as A } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndParent } from '../hwpt/set_up.js';
import { WITH_FAULT, WRITABLE, deviceWithQueue, faultQueue, nestedWithFault } from './set_up.js';

export const eventFaultQueue = suite(
  'event/fault_queue',
  'IOMMU_FAULT_QUEUE_ALLOC, page tables that send faults to queues, and how long queues and their files live.',
  [
    scenario('alloc,refused', {
      doc: 'There are no flags, and a queue whose id user space does not get to know is not made.',
      covers: ['IOMMU_FAULT_QUEUE_ALLOC/EOPNOTSUPP.flags', 'IOMMU_FAULT_QUEUE_ALLOC/EFAULT.respond'],
      gaps: [1, 3, 42],
      source: 'device.md 2.10',
      setup: () => undefined,
      cases: {
        flag: (t) => t.ioctl('IOMMU_FAULT_QUEUE_ALLOC', { flags: 1 }, { fd: 'q' }).fails('EOPNOTSUPP'),
        flag_high: (t) =>
          t.ioctl('IOMMU_FAULT_QUEUE_ALLOC', { flags: 0x8000_0000 }, { fd: 'q' }).fails('EOPNOTSUPP'),
        flag_before_response: (t) =>
          t.ioctl('IOMMU_FAULT_QUEUE_ALLOC', { flags: 1 }, { fd: 'q', at: 'sealed' }).fails('EOPNOTSUPP'),
        response_unwritable: (t) => {
          faultQueue(t, 'q', { at: 'sealed' }).fails('EFAULT');
          t.poll('q').returns(0);
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
        },
        too_short: (t) => t.ioctl('IOMMU_FAULT_QUEUE_ALLOC', { size: 15 }, { fd: 'q' }).fails('EINVAL'),
      },
      control: (t) => {
        faultQueue(t).ok({ out_fault_id: 1 });
        t.poll('q').returns(WRITABLE);
      },
      without: { shifted_ids: 'the ids are what is tested' },
    }),
    scenario('hwpt,refused', {
      doc: 'FAULT_ID_VALID names a fault queue of the file, which is looked up last; parents of nested page tables have none.',
      covers: ['IOMMU_HWPT_ALLOC/ENOENT.fault', 'IOMMU_HWPT_ALLOC/EOPNOTSUPP.fault_of_parent'],
      gaps: [24],
      source: 'device.md 2.1, 9 D',
      setup: (t) => ({ ...deviceAndParent(t), queue: faultQueue(t).out('out_fault_id') }),
      cases: {
        zero: (t, { device, parent }) => nestedWithFault(t, device, parent, 0).fails('ENOENT'),
        never_used: (t, { device, parent }) => nestedWithFault(t, device, parent, NO_SUCH_ID).fails('ENOENT'),
        all_ones: (t, { device, parent }) => nestedWithFault(t, device, parent, 0xffff_ffff).fails('ENOENT'),
        is_parent: (t, { device, parent }) => nestedWithFault(t, device, parent, parent).fails('ENOENT'),
        of_other_file: (t, { device, parent }) => {
          t.open('g');
          const other = faultQueue(t, 'r', { file: 'g' }).out('out_fault_id');
          faultQueue(t, 's', { file: 'g' });
          t.destroy(other, 'g').fails('EBUSY');
          nestedWithFault(t, device, parent, 2).fails('ENOENT');
        },
        data_first: (t, { device, parent }) =>
          t
            .hwptAlloc(device, parent, { flags: WITH_FAULT, fault_id: NO_SUCH_ID, ...hwptData([0], 3) })
            .fails('EINVAL'),
        without_flag: (t, { device, parent, queue }) => {
          t.hwptAlloc(device, parent, { fault_id: queue, ...hwptData([0]) });
          t.close('q');
          t.destroy(queue);
        },
        nothing_is_left: (t, { device, parent }) => {
          nestedWithFault(t, device, parent, 0).fails('ENOENT');
          t.destroy(parent);
        },
        of_paging: (t, { device, ioas, queue }) =>
          t
            .hwptAlloc(device, ioas, { flags: WITH_FAULT, fault_id: queue })
            .fails({ '7.3': 'OK', '6.12': 'EOPNOTSUPP' }),
        of_parent: (t, { device, ioas, queue }) =>
          t.hwptAlloc(device, ioas, { flags: WITH_FAULT | 1, fault_id: queue }).fails('EOPNOTSUPP'),
        response_unwritable: (t, { device, parent, queue }) => {
          t.hwptAlloc(
            device,
            parent,
            { flags: WITH_FAULT, fault_id: queue, ...hwptData([0]) },
            { at: 'sealed' },
          ).fails('EFAULT');
          t.close('q');
          t.destroy(queue);
        },
      },
      control: (t, { device, parent, queue }) => nestedWithFault(t, device, parent, queue),
    }),
    scenario('life,users', {
      doc: 'A queue is busy while its file is open or a page table sends faults to it.',
      covers: ['IOMMU_FAULT_QUEUE_ALLOC/OK', 'IOMMU_DESTROY/EBUSY.users', 'close/OK'],
      gaps: [6, 41],
      source: 'device.md 0.5, 9 E',
      setup: (t) => {
        const all = deviceAndParent(t);
        const queue = faultQueue(t).out('out_fault_id');
        const hwpt = nestedWithFault(t, all.device, all.parent, queue).out('out_hwpt_id');
        return { ...all, queue, hwpt };
      },
      cases: {
        file_open: (t, { queue, hwpt }) => {
          t.destroy(hwpt);
          t.destroy(queue).fails('EBUSY');
          t.close('q');
          t.destroy(queue);
        },
        page_table_there: (t, { queue, hwpt }) => {
          t.close('q');
          t.destroy(queue).fails('EBUSY');
          t.destroy(hwpt);
          t.destroy(queue);
        },
        two_page_tables: (t, { device, parent, queue, hwpt }) => {
          const other = nestedWithFault(t, device, parent, queue).out('out_hwpt_id');
          t.close('q');
          t.destroy(hwpt);
          t.destroy(queue).fails('EBUSY');
          t.destroy(other);
          t.destroy(queue);
        },
        duplicate_open: (t, { queue, hwpt }) => {
          t.destroy(hwpt);
          t.dup('r', 'q');
          t.close('q');
          t.destroy(queue).fails('EBUSY');
          t.poll('r').returns(WRITABLE);
          t.close('r');
          t.destroy(queue);
        },
        destroyed_twice: (t, { queue, hwpt }) => {
          t.destroy(hwpt);
          t.close('q');
          t.destroy(queue);
          t.destroy(queue).fails('ENOENT');
        },
      },
      control: (t, { hwpt }) => t.destroy(hwpt),
    }),
    scenario('life,keeps_the_iommufd', {
      doc: 'The file of a queue keeps the iommufd alive when that is closed; the last of both takes everything with it.',
      covers: ['close/OK'],
      gaps: [8],
      source: 'device.md 3.4',
      setup: (t) => {
        const all = deviceWithQueue(t);
        t.map(all.ioas, { iova: A });
        t.counters(1);
        return all;
      },
      cases: {
        iommufd_first: (t) => {
          t.close();
          t.counters(1);
          t.poll('q').returns(WRITABLE);
          t.close('q');
          t.counters(0);
        },
        queue_first: (t) => {
          t.close('q');
          t.counters(1);
          t.close();
          t.counters(0);
        },
        duplicate_last: (t) => {
          t.dup('r', 'q');
          t.close();
          t.close('q');
          t.counters(1);
          t.close('r');
          t.counters(0);
        },
        two_queues: (t) => {
          faultQueue(t, 'r');
          t.close();
          t.close('q');
          t.counters(1);
          t.close('r');
          t.counters(0);
        },
      },
      control: (t) => t.poll('q').returns(WRITABLE),
    }),
  ],
);
