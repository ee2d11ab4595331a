import { NO_SUCH_ID, type ScenarioBuilder } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndViommu } from '../viommu/set_up.js';
import {
  type DeviceOfGuest,
  NAME,
  READABLE,
  deviceOfGuest,
  event,
  eventRecord,
  lostRecord,
  veventq,
} from './set_up.js';

/** Bytes of the mark of lost events, and of an event. */
const MARK = 8;
const EVENT = 12;

/** A device of a guest and a queue that keeps so many events, with so many reported. */
function queueOf(depth: number, events: number): (t: ScenarioBuilder) => DeviceOfGuest {
  return (t) => {
    const all = deviceOfGuest(t);
    veventq(t, all.viommu, depth);
    for (let count = 0; count < events; count++) event(t, all.device);
    return all;
  };
}

export const eventVeventqFile = suite(
  'event/veventq_file',
  'Events of the mock: who reports them, reading them from the file of a vEVENTQ, and what says that some were lost.',
  [
    scenario('trigger,refused', {
      doc: 'Events come from a device that is attached through a vIOMMU under a name, and need a queue of their type.',
      covers: [
        'IOMMU_TEST_OP_TRIGGER_VEVENT/ENOENT.device',
        'IOMMU_TEST_OP_TRIGGER_VEVENT/ENOENT.viommu',
        'IOMMU_TEST_OP_TRIGGER_VEVENT/ENOENT.virt_id',
        'IOMMU_TEST_OP_TRIGGER_VEVENT/EOPNOTSUPP.veventq',
      ],
      gaps: [45, 48],
      source: 'mock.md 3, 8.4',
      needs: ['viommu'],
      setup: deviceAndViommu,
      cases: {
        device_zero: (t) => event(t, 0).fails('ENOENT'),
        device_never_used: (t) => event(t, NO_SUCH_ID).fails('ENOENT'),
        device_is_handle: (t, { handle }) => event(t, handle).fails('ENOENT'),
        not_attached_through: (t, { viommu, device }) => {
          veventq(t, viommu, 1);
          t.vdevice(viommu, device, 1n);
          event(t, device).fails('ENOENT');
        },
        name_is_zero: (t, { viommu, device, handle }) => {
          veventq(t, viommu, 1);
          t.vdevice(viommu, device, 0n);
          t.replace(handle, t.nestedHwpt(device, viommu, 0).out('out_hwpt_id'));
          event(t, device).fails('ENOENT');
        },
        name_is_zero_without_queue: (t, { viommu, device, handle }) => {
          t.vdevice(viommu, device, 0n);
          t.replace(handle, t.nestedHwpt(device, viommu, 0).out('out_hwpt_id'));
          event(t, device).fails('ENOENT');
        },
        no_queue: (t, { viommu, device, handle }) => {
          t.vdevice(viommu, device, 1n);
          t.replace(handle, t.nestedHwpt(device, viommu, 0).out('out_hwpt_id'));
          event(t, device).fails('EOPNOTSUPP');
        },
        no_queue_of_type: (t, { viommu, device, handle }) => {
          veventq(t, viommu, 1, { type: 1 });
          t.vdevice(viommu, device, 1n);
          t.replace(handle, t.nestedHwpt(device, viommu, 0).out('out_hwpt_id'));
          event(t, device).fails('EOPNOTSUPP');
        },
        gone_back: (t, { viommu, device, handle, parent }) => {
          veventq(t, viommu, 1);
          t.vdevice(viommu, device, 1n);
          t.replace(handle, t.nestedHwpt(device, viommu, 0).out('out_hwpt_id'));
          t.replace(handle, parent);
          event(t, device).fails('ENOENT');
        },
      },
      control: (t, { viommu, device, handle }) => {
        veventq(t, viommu, 1);
        t.vdevice(viommu, device, 1n);
        t.replace(handle, t.nestedHwpt(device, viommu, 0).out('out_hwpt_id'));
        event(t, device);
      },
    }),
    scenario('trigger,name', {
      doc: 'An event carries the name that the device had when it came to the vIOMMU: that stays although its vDEVICE goes.',
      covers: ['IOMMU_TEST_OP_TRIGGER_VEVENT/OK'],
      gaps: [45],
      source: 'mock.md 4.2',
      needs: ['viommu'],
      setup: queueOf(4, 0),
      cases: {
        vdevice_gone: (t, { device, vdevice }) => {
          t.destroy(vdevice);
          event(t, device);
          t.read('q', EVENT).reads(...eventRecord(0));
        },
        renamed: (t, { device, vdevice, viommu, nested, handle }) => {
          t.destroy(vdevice);
          t.vdevice(viommu, device, 0x88n);
          t.replace(handle, nested);
          t.replace(handle, t.nestedHwpt(device, viommu, 0).out('out_hwpt_id'));
          event(t, device);
          t.read('q', EVENT).reads(...eventRecord(0));
        },
        renamed_and_back: (t, { device, vdevice, viommu, nested, handle, parent }) => {
          t.destroy(vdevice);
          t.vdevice(viommu, device, 0x88n);
          t.replace(handle, parent);
          t.replace(handle, nested);
          event(t, device);
          t.read('q', EVENT).reads(...eventRecord(0, 0x88));
        },
        moved_without_vdevice: (t, { device, vdevice, handle, viommu, nested }) => {
          const other = t.nestedHwpt(device, viommu, 0).out('out_hwpt_id');
          t.destroy(vdevice);
          t.replace(handle, other).fails('ENOENT');
          event(t, device);
          t.read('q', EVENT).reads(...eventRecord(0));
          t.destroy(nested).fails('EBUSY');
        },
        of_two_devices: (t, { device, ioas, viommu }) => {
          const mock = t.mockDomain(ioas);
          const other = mock.out('out_idev_id');
          t.vdevice(viommu, other, 0xaan);
          t.replace(mock.out('out_stdev_id'), t.nestedHwpt(other, viommu, 0).out('out_hwpt_id'));
          event(t, other);
          event(t, device);
          t.read('q', 2 * EVENT).reads(...eventRecord(0, 0xaa), ...eventRecord(1));
        },
        other_viommu: (t, { device, vdevice, handle, parent }) => {
          const other = t.viommu(device, parent).out('out_viommu_id');
          veventq(t, other, 1, {}, { fd: 'r' });
          const nested = t.nestedHwpt(device, other, 0).out('out_hwpt_id');
          t.destroy(vdevice);
          t.vdevice(other, device, 0x88n);
          t.replace(handle, nested);
          event(t, device);
          t.poll('q').returns(0);
          t.read('r', EVENT).reads(...eventRecord(0, 0x88));
        },
        wide: (t, { device, vdevice, viommu, handle, parent, nested }) => {
          t.replace(handle, parent);
          t.destroy(vdevice);
          t.vdevice(viommu, device, (5n << 32n) | 6n);
          t.replace(handle, nested);
          event(t, device);
          t.read('q', EVENT).reads(...eventRecord(0, 6));
        },
        low_half_zero: (t, { device, vdevice, viommu, handle, parent, nested }) => {
          t.replace(handle, parent);
          t.destroy(vdevice);
          t.vdevice(viommu, device, 5n << 32n);
          t.replace(handle, nested);
          event(t, device);
          t.read('q', EVENT).reads(...eventRecord(0, 0));
        },
      },
      control: (t, { device }) => {
        event(t, device);
        t.read('q', EVENT).reads(...eventRecord(0, NAME));
      },
    }),
    scenario('file,refused', {
      doc: 'The file has no positions, takes nothing, and has no ioctls and no mappings.',
      covers: [
        'veventq_read/ESPIPE.offset',
        'veventq_write/ESPIPE.offset',
        'veventq_write/EINVAL.no_method',
        'mmap/ENODEV.anonymous',
        'mmap/EPERM.no_exec',
        'truncate/EINVAL.kind',
      ],
      gaps: [48],
      source: 'device.md 3, 3.3',
      needs: ['viommu'],
      setup: queueOf(4, 1),
      cases: {
        pread: (t) => t.read('q', EVENT, { offset: 0n }).fails('ESPIPE'),
        pread_too_little: (t) => t.read('q', 0, { offset: 0n }).fails('ESPIPE'),
        pwrite: (t) => t.write('q', [1, 0], { offset: 0n }).fails('ESPIPE'),
        write: (t) => t.write('q', [1, 0]).fails('EINVAL'),
        write_nothing: (t) => t.write('q', []).fails('EINVAL'),
        write_at_hole: (t) => t.write('q', [1, 0], { at: 'hole' }).fails('EINVAL'),
        ioctl: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'q' }).fails('ENOTTY'),
        mmap: (t) => t.mmapFile('q', 0n, 1n).fails('ENODEV'),
        mmap_executable: (t) => t.mmapFile('q', 0n, 1n, { access: 'rwx' }).fails('EPERM'),
        truncate: (t) => t.step({ do: 'truncate', file: 'q', bytes: 0n }).fails('EINVAL'),
      },
      control: (t) => t.read('q', EVENT).reads(...eventRecord(0)),
    }),
    scenario('read,counts', {
      doc: 'A read takes whole records: less than a header is EINVAL, and so is too little for the first; nothing there reads 0.',
      covers: ['veventq_read/EINVAL.header', 'veventq_read/EINVAL.event', 'veventq_read/OK'],
      gaps: [48],
      kselftest: ['iommufd_viommu.mock_viommu.vdevice_alloc'],
      source: 'device.md 3.3, 9 F, 9 G',
      needs: ['viommu'],
      setup: queueOf(4, 0),
      cases: {
        empty_nothing: (t) => t.read('q', 0).fails('EINVAL'),
        empty_too_little: (t) => t.read('q', 7).fails('EINVAL'),
        empty_header: (t) => t.read('q', 8).returns(0),
        empty_at_hole: (t) => t.read('q', 4096, { at: 'hole' }).returns(0),
        too_little_at_hole: (t) => t.read('q', 7, { at: 'hole' }).fails('EINVAL'),
        nothing: (t, { device }) => {
          event(t, device);
          t.read('q', 0).fails('EINVAL');
        },
        header_only: (t, { device }) => {
          event(t, device);
          t.read('q', 8).fails('EINVAL');
          t.read('q', 11).fails('EINVAL');
          t.read('q', 8, { at: 'hole' }).fails('EINVAL');
          t.read('q', EVENT).reads(...eventRecord(0));
        },
        rest_too_small: (t, { device }) => {
          event(t, device);
          event(t, device);
          t.read('q', 23).reads(...eventRecord(0));
          t.read('q', 13).reads(...eventRecord(1));
        },
        several: (t, { device }) => {
          for (let count = 0; count < 3; count++) event(t, device);
          t.read('q', 4096).reads(...eventRecord(0), ...eventRecord(1), ...eventRecord(2));
          t.read('q', 4096).returns(0);
        },
        two_devices: (t, { device, viommu, nested, ioas }) => {
          const mock = t.mockDomain(ioas);
          const second = mock.out('out_idev_id');
          t.vdevice(viommu, second, 0x77n);
          t.replace(mock.out('out_stdev_id'), nested);
          event(t, second);
          event(t, device);
          t.read('q', 4096).reads(...eventRecord(0, 0x77), ...eventRecord(1));
        },
      },
      control: (t, { device }) => {
        event(t, device);
        t.read('q', EVENT).reads(...eventRecord(0));
      },
    }),
    scenario('read,unwritable', {
      doc: 'A record that cannot be handed over stays first in the queue.',
      covers: ['veventq_read/EFAULT.buffer'],
      gaps: [48],
      source: 'device.md 3.3',
      needs: ['viommu'],
      setup: queueOf(2, 2),
      cases: {
        hole: (t) => {
          t.read('q', EVENT, { at: 'hole' }).fails('EFAULT');
          t.read('q', EVENT).reads(...eventRecord(0));
        },
        read_only: (t) => t.read('q', EVENT, { at: 'sealed' }).fails('EFAULT'),
        cut_header: (t) =>
          t
            .read('q', EVENT, { at: { edge: 5 } })
            .fails('EFAULT')
            .leaves(0, 0),
        cut_payload: (t) => {
          t.read('q', EVENT, { at: { edge: 10 } })
            .fails('EFAULT')
            .leaves(...eventRecord(0));
          t.read('q', EVENT).reads(...eventRecord(0));
        },
        second: (t) => {
          t.read('q', 2 * EVENT, { at: { edge: 21 } })
            .returns(EVENT)
            .leaves(...eventRecord(0), ...eventRecord(1));
          t.poll('q').returns(READABLE);
          t.read('q', EVENT).reads(...eventRecord(1));
        },
        stays_counted: (t, { device }) => {
          t.read('q', EVENT, { at: 'hole' }).fails('EFAULT');
          event(t, device);
          t.read('q', 4096).reads(...eventRecord(0), ...eventRecord(1), ...lostRecord(2));
        },
        mark: (t, { device }) => {
          event(t, device);
          t.read('q', 2 * EVENT).reads(...eventRecord(0), ...eventRecord(1));
          t.read('q', MARK, { at: 'hole' }).fails('EFAULT');
          t.read('q', MARK).reads(...lostRecord(2));
          t.read('q', MARK).returns(0);
        },
        mark_after_events: (t, { device }) => {
          event(t, device);
          t.read('q', 4096, { at: { edge: 24 } }).reads(...eventRecord(0), ...eventRecord(1));
          t.read('q', 4096).reads(...lostRecord(2));
        },
      },
      control: (t) => t.read('q', 2 * EVENT).reads(...eventRecord(0), ...eventRecord(1)),
    }),
    scenario('lost,mark', {
      doc: 'Beyond its depth a queue marks its end with the number of the last lost event; an event that comes later takes the mark’s place.',
      covers: ['veventq_read/OK', 'IOMMU_TEST_OP_TRIGGER_VEVENT/OK'],
      gaps: [48],
      kselftest: ['iommufd_viommu.mock_viommu.vdevice_alloc'],
      source: 'device.md 3.3, 9 F, 9 G',
      needs: ['viommu'],
      setup: queueOf(2, 3),
      cases: {
        all_at_once: (t) => {
          t.read('q', 4096).reads(...eventRecord(0), ...eventRecord(1), ...lostRecord(2));
          t.poll('q').returns(0);
        },
        mark_needs_its_size: (t) => {
          t.read('q', 2 * EVENT + 7).reads(...eventRecord(0), ...eventRecord(1));
          t.poll('q').returns(READABLE);
          t.read('q', MARK).reads(...lostRecord(2));
        },
        mark_fits: (t) =>
          t.read('q', 2 * EVENT + MARK).reads(...eventRecord(0), ...eventRecord(1), ...lostRecord(2)),
        lost_again: (t, { device }) => {
          event(t, device);
          event(t, device);
          t.read('q', 4096).reads(...eventRecord(0), ...eventRecord(1), ...lostRecord(4));
        },
        gap_instead: (t, { device }) => {
          t.read('q', EVENT).reads(...eventRecord(0));
          event(t, device);
          t.read('q', 4096).reads(...eventRecord(1), ...eventRecord(3));
        },
        gap_then_lost: (t, { device }) => {
          t.read('q', EVENT).reads(...eventRecord(0));
          event(t, device);
          event(t, device);
          t.read('q', 4096).reads(...eventRecord(1), ...eventRecord(3), ...lostRecord(4));
        },
        only_mark_left: (t, { device }) => {
          t.read('q', 2 * EVENT).reads(...eventRecord(0), ...eventRecord(1));
          event(t, device);
          t.read('q', 4096).reads(...eventRecord(3));
        },
        after_the_mark: (t, { device }) => {
          t.read('q', 4096).reads(...eventRecord(0), ...eventRecord(1), ...lostRecord(2));
          event(t, device);
          t.read('q', 4096).reads(...eventRecord(3));
        },
        lost_a_second_time: (t, { device }) => {
          t.read('q', 4096).reads(...eventRecord(0), ...eventRecord(1), ...lostRecord(2));
          for (let count = 0; count < 4; count++) event(t, device);
          t.read('q', 4096).reads(...eventRecord(3), ...eventRecord(4), ...lostRecord(6));
        },
      },
      control: (t) => t.read('q', 2 * EVENT).reads(...eventRecord(0), ...eventRecord(1)),
    }),
    scenario('lost,depth_one', {
      doc: 'A queue that keeps one event has room for the mark beside it.',
      covers: ['veventq_read/OK', 'veventq_poll/OK'],
      gaps: [48],
      source: 'device.md 9 G',
      needs: ['viommu'],
      setup: queueOf(1, 2),
      cases: {
        both: (t, { device }) => {
          t.read('q', 4096).reads(...eventRecord(0), ...lostRecord(1));
          event(t, device);
          t.read('q', 4096).reads(...eventRecord(2));
        },
        polled: (t) => {
          t.poll('q').returns(READABLE);
          t.read('q', EVENT).reads(...eventRecord(0));
          t.poll('q').returns(READABLE);
          t.read('q', EVENT).reads(...lostRecord(1));
          t.poll('q').returns(0);
        },
      },
      control: (t) => t.read('q', EVENT).reads(...eventRecord(0)),
    }),
  ],
);
