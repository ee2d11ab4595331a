import { NO_SUCH_ID } from '../harness/builder.js';
import { APERTURE_START as A } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndViommu } from '../viommu/set_up.js';
import { READABLE, deviceOfGuest, event, eventRecord, veventq } from './set_up.js';

const DEPTH_MAX = 1 << 19;

export const eventVeventq = suite(
  'event/veventq',
  'IOMMU_VEVENTQ_ALLOC: arguments, queues of several types, and how long queues and their files live.',
  [
    scenario('alloc,refused', {
      doc: 'Flags, reserved bits and type 0 are not supported; a depth is from 1 to 2^19; there is one queue of a type.',
      covers: [
        'IOMMU_VEVENTQ_ALLOC/EOPNOTSUPP.flags',
        'IOMMU_VEVENTQ_ALLOC/EOPNOTSUPP.reserved',
        'IOMMU_VEVENTQ_ALLOC/EOPNOTSUPP.type',
        'IOMMU_VEVENTQ_ALLOC/EINVAL.depth',
        'IOMMU_VEVENTQ_ALLOC/ENOENT.viommu',
        'IOMMU_VEVENTQ_ALLOC/EEXIST.type',
        'IOMMU_VEVENTQ_ALLOC/EFAULT.respond',
      ],
      gaps: [1, 3, 5, 48],
      kselftest: ['iommufd_viommu.mock_viommu.vdevice_alloc'],
      source: 'device.md 2.8',
      needs: ['viommu'],
      setup: deviceAndViommu,
      cases: {
        flag: (t, { viommu }) => veventq(t, viommu, 1, { flags: 1 }).fails('EOPNOTSUPP'),
        reserved: (t, { viommu }) => veventq(t, viommu, 1, { __reserved: 1 }).fails('EOPNOTSUPP'),
        type_zero: (t, { viommu }) => veventq(t, viommu, 1, { type: 0 }).fails('EOPNOTSUPP'),
        type_before_depth: (t, { viommu }) => veventq(t, viommu, 0, { type: 0 }).fails('EOPNOTSUPP'),
        flag_before_depth: (t, { viommu }) => veventq(t, viommu, 0, { flags: 1 }).fails('EOPNOTSUPP'),
        depth_zero: (t, { viommu }) => veventq(t, viommu, 0).fails('EINVAL'),
        depth_beyond: (t, { viommu }) => veventq(t, viommu, DEPTH_MAX + 1).fails('EINVAL'),
        depth_before_viommu: (t) => veventq(t, NO_SUCH_ID, 0).fails('EINVAL'),
        viommu_zero: (t) => veventq(t, 0, 1).fails('ENOENT'),
        viommu_never_used: (t) => veventq(t, NO_SUCH_ID, 1).fails('ENOENT'),
        viommu_is_parent: (t, { parent }) => veventq(t, parent, 1).fails('ENOENT'),
        second_of_type: (t, { viommu }) => {
          veventq(t, viommu, 2);
          veventq(t, viommu, 4, {}, { fd: 'r' }).fails('EEXIST');
        },
        second_of_type_unwritable: (t, { viommu }) => {
          veventq(t, viommu, 2);
          veventq(t, viommu, 4, {}, { fd: 'r', at: 'sealed' }).fails('EEXIST');
        },
        response_unwritable: (t, { viommu }) => {
          veventq(t, viommu, 1, {}, { at: 'sealed' }).fails('EFAULT');
          t.poll('q').returns(0);
          t.destroy(viommu);
        },
        after_unwritable: (t, { viommu }) => {
          veventq(t, viommu, 1, {}, { at: 'sealed' }).fails('EFAULT');
          veventq(t, viommu, 1, {}, { fd: 'r' });
        },
        reserved_not_passed: (t, { viommu }) => veventq(t, viommu, 1, { size: 28, __reserved: 1 }),
        too_short: (t, { viommu }) => veventq(t, viommu, 1, { size: 27 }).fails('EINVAL'),
      },
      control: (t, { viommu }) => veventq(t, viommu, DEPTH_MAX),
    }),
    scenario('alloc,several', {
      doc: 'A vIOMMU has queues of several types, known to the driver or not, and so has another one.',
      covers: ['IOMMU_VEVENTQ_ALLOC/OK'],
      gaps: [48],
      source: 'device.md 2.8',
      needs: ['viommu'],
      setup: (t) => {
        const all = deviceOfGuest(t);
        const first = veventq(t, all.viommu, 2).out('out_veventq_id');
        return { ...all, first };
      },
      cases: {
        other_types: (t, { viommu, device }) => {
          veventq(t, viommu, 1, { type: 1 }, { fd: 'r' });
          veventq(t, viommu, 1, { type: 0xffff_ffff }, { fd: 's' });
          event(t, device);
          t.poll('r').returns(0);
          t.poll('s').returns(0);
          t.read('q', 12).reads(...eventRecord(0));
        },
        other_viommu: (t, { device, parent }) => {
          const other = t.viommu(device, parent).out('out_viommu_id');
          veventq(t, other, 1, {}, { fd: 'r' });
          event(t, device);
          t.poll('r').returns(0);
          t.poll('q').returns(READABLE);
        },
        type_free_again: (t, { viommu, first, device }) => {
          event(t, device);
          t.close('q');
          t.destroy(first);
          veventq(t, viommu, 2, {}, { fd: 'r' });
          t.poll('r').returns(0);
          event(t, device);
          t.read('r', 12).reads(...eventRecord(0));
        },
      },
      control: (t, { viommu }) => veventq(t, viommu, 1, { type: 2 }, { fd: 'r' }),
    }),
    scenario('life,users', {
      doc: 'A queue is busy while its file is open, and keeps its vIOMMU busy; what has not been read goes with it.',
      covers: ['IOMMU_DESTROY/EBUSY.users', 'close/OK'],
      gaps: [6, 8, 48],
      source: 'device.md 0.5, 3.4',
      needs: ['viommu'],
      setup: (t) => {
        const all = deviceOfGuest(t);
        const queue = veventq(t, all.viommu, 2).out('out_veventq_id');
        event(t, all.device);
        return { ...all, queue };
      },
      cases: {
        file_open: (t, { queue }) => {
          t.destroy(queue).fails('EBUSY');
          t.close('q');
          t.destroy(queue);
          t.destroy(queue).fails('ENOENT');
        },
        duplicate_open: (t, { queue }) => {
          t.dup('r', 'q');
          t.close('q');
          t.destroy(queue).fails('EBUSY');
          t.read('r', 12).reads(...eventRecord(0));
        },
        keeps_viommu: (t, { queue, viommu, vdevice, nested, handle, parent }) => {
          t.replace(handle, parent);
          t.destroy(nested);
          t.destroy(vdevice);
          t.close('q');
          t.destroy(viommu).fails('EBUSY');
          t.destroy(queue);
          t.destroy(viommu);
        },
        collects_without_file: (t, { queue, device }) => {
          t.close('q');
          event(t, device);
          event(t, device);
          event(t, device);
          t.destroy(queue);
          event(t, device).fails('EOPNOTSUPP');
        },
        keeps_the_iommufd: (t, { ioas }) => {
          t.map(ioas, { iova: A });
          t.close();
          t.counters(1);
          t.read('q', 12).reads(...eventRecord(0));
          t.close('q');
          t.counters(0);
        },
        iommufd_last: (t, { ioas }) => {
          t.map(ioas, { iova: A });
          t.close('q');
          t.close();
          t.counters(0);
        },
      },
      control: (t) => t.close('q'),
    }),
  ],
);
