import { NO_SUCH_ID } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import {
  READABLE,
  WITH_FAULT,
  WRITABLE,
  deviceWithQueue,
  fault,
  faultQueue,
  nestedWithFault,
  record,
} from './set_up.js';

const FAULT = 40;
const ANSWER = 8;

export const eventFaultRouting = suite(
  'event/fault_routing',
  'Which queue a fault goes to, which is dropped, and which the kernel answers itself.',
  [
    scenario('trigger,refused', {
      doc: 'The device is named by its own id, not that of its handle.',
      covers: ['IOMMU_TEST_OP_TRIGGER_IOPF/ENOENT.device'],
      setup: deviceWithQueue,
      cases: {
        zero: (t) => fault(t, 0).fails('ENOENT'),
        never_used: (t) => fault(t, NO_SUCH_ID).fails('ENOENT'),
        is_handle: (t, { handle }) => fault(t, handle).fails('ENOENT'),
        is_queue: (t, { queue }) => fault(t, queue).fails('ENOENT'),
        of_other_file: (t, { device }) => {
          t.open('g');
          t.ioctl('IOMMU_TEST_OP_TRIGGER_IOPF', { dev_id: device }, { file: 'g' }).fails('ENOENT');
        },
      },
      control: (t, { device }) => fault(t, device),
    }),
    scenario('goes,to_page_table', {
      doc: 'A fault goes to the queue of the page table that the device is attached to; without one it is dropped.',
      covers: ['IOMMU_TEST_OP_TRIGGER_IOPF/OK'],
      gaps: [42],
      source: 'device.md 3.2',
      setup: deviceWithQueue,
      cases: {
        no_queue: (t, { handle, parent, device }) => {
          t.replace(handle, parent);
          fault(t, device);
          t.poll('q').returns(WRITABLE);
        },
        any_pasid_of_nested: (t, { device }) => {
          fault(t, device, { pasid: 77 });
          fault(t, device, { pasid: 0xffff_ffff });
          t.read('q', 2 * FAULT).reads(...record(1, { pasid: 77 }), ...record(2, { pasid: 0xffff_ffff }));
        },
        other_device: (t, { ioas, device }) => {
          const other = t.mockDomain(ioas).out('out_idev_id');
          fault(t, other);
          t.poll('q').returns(WRITABLE);
          fault(t, device);
          t.poll('q').returns(READABLE | WRITABLE);
        },
        other_queue: (t, { handle, device, parent }) => {
          const other = faultQueue(t, 'r').out('out_fault_id');
          t.replace(handle, nestedWithFault(t, device, parent, other).out('out_hwpt_id'));
          fault(t, device);
          t.poll('q').returns(WRITABLE);
          t.read('r', FAULT).reads(...record(1));
        },
        shared_queue: (t, { ioas, device, parent, queue }) => {
          const mock = t.mockDomain(ioas);
          const second = mock.out('out_idev_id');
          const hwpt = nestedWithFault(t, device, parent, queue).out('out_hwpt_id');
          t.replace(mock.out('out_stdev_id'), hwpt);
          fault(t, second, { grpid: 1 });
          fault(t, device, { grpid: 1 });
          t.read('q', 2 * FAULT).reads(...record(1, { grpid: 1 }, 8), ...record(2, { grpid: 1 }));
        },
        without_file: (t, { device, hwpt, handle, parent, queue }) => {
          t.close('q');
          fault(t, device);
          t.destroy(queue).fails('EBUSY');
          t.replace(handle, parent);
          t.destroy(hwpt);
          t.destroy(queue);
        },
        paging: {
          needs: ['viommu'],
          body: (t, { handle, device, ioas, queue }) => {
            const paging = t.hwptAlloc(device, ioas, { flags: WITH_FAULT, fault_id: queue });
            t.replace(handle, paging.out('out_hwpt_id'));
            fault(t, device, { grpid: 1 });
            fault(t, device, { pasid: 1, grpid: 2 });
            t.read('q', 2 * FAULT).reads(...record(1, { grpid: 1 }));
          },
        },
        at_once: (t, { device, hwpt }) => {
          const mock = t.mockDomain(hwpt);
          fault(t, mock.out('out_idev_id'));
          fault(t, device);
          t.read('q', 2 * FAULT).reads(...record(1, {}, 8), ...record(2));
        },
      },
      control: (t, { device }) => {
        fault(t, device);
        t.poll('q').returns(READABLE | WRITABLE);
      },
    }),
    scenario('answered,by_kernel', {
      doc: 'When a device leaves a page table the kernel answers its faults, read or not; nothing is left of them.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/OK', 'fault_write/EINVAL.cookie'],
      gaps: [41],
      source: 'device.md 3.2',
      setup: (t) => {
        const all = deviceWithQueue(t);
        fault(t, all.device, { grpid: 1 });
        fault(t, all.device, { grpid: 2 });
        t.read('q', FAULT).reads(...record(1, { grpid: 1 }));
        return all;
      },
      cases: {
        moved: (t, { handle, parent }) => {
          t.replace(handle, parent);
          t.poll('q').returns(WRITABLE);
          t.write('q', [1, 0]).fails('EINVAL');
          t.read('q', FAULT).returns(0);
        },
        moved_within_queue: (t, { handle, device, parent, queue }) => {
          t.replace(handle, nestedWithFault(t, device, parent, queue).out('out_hwpt_id'));
          t.poll('q').returns(WRITABLE);
          t.write('q', [1, 0]).fails('EINVAL');
          fault(t, device, { grpid: 3 });
          t.read('q', FAULT).reads(...record(1, { grpid: 3 }));
        },
        not_moved: (t, { handle, hwpt }) => {
          t.replace(handle, hwpt);
          t.poll('q').returns(READABLE | WRITABLE);
          t.write('q', [1, 0]).returns(ANSWER);
        },
        move_refused: (t, { handle, queue }) => {
          t.replace(handle, queue).fails('EINVAL');
          t.write('q', [1, 0]).returns(ANSWER);
          t.read('q', FAULT).reads(...record(1, { grpid: 2 }));
        },
        device_gone: (t, { handle, hwpt, queue }) => {
          t.destroy(handle);
          t.poll('q').returns(WRITABLE);
          t.write('q', [1, 0]).fails('EINVAL');
          t.destroy(hwpt);
          t.close('q');
          t.destroy(queue);
        },
        other_device_stays: (t, { handle, parent, hwpt }) => {
          const second = t.mockDomain(hwpt).out('out_idev_id');
          fault(t, second, { grpid: 3 });
          t.read('q', FAULT).reads(...record(2, { grpid: 2 }));
          t.replace(handle, parent);
          t.write('q', [2, 0]).fails('EINVAL');
          t.read('q', FAULT).reads(...record(1, { grpid: 3 }, 8));
          t.write('q', [1, 0]).returns(ANSWER);
        },
        closed_unread: (t) => {
          t.close();
          t.read('q', FAULT).reads(...record(2, { grpid: 2 }));
          t.write('q', [1, 0, 2, 0]).returns(2 * ANSWER);
          t.close('q');
        },
        closed_unanswered: (t) => {
          t.close('q');
          t.close();
        },
      },
      control: (t) => {
        t.write('q', [1, 0]).returns(ANSWER);
        t.read('q', FAULT).reads(...record(1, { grpid: 2 }));
      },
    }),
  ],
);
