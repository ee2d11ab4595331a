import { NO_SUCH_ID, type ScenarioBuilder } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';

const GET = 0;
const SET = 1;
const CLEAR = 2;

const get = (t: ScenarioBuilder) => t.ioctl('IOMMU_VFIO_IOAS', { op: GET });
const set = (t: ScenarioBuilder, ioas: Parameters<ScenarioBuilder['destroy']>[0]) =>
  t.ioctl('IOMMU_VFIO_IOAS', { op: SET, ioas_id: ioas });
const clear = (t: ScenarioBuilder) => t.ioctl('IOMMU_VFIO_IOAS', { op: CLEAR });

export const vfioCompatIoas = suite(
  'vfio/compat_ioas',
  'IOMMU_VFIO_IOAS: which IOAS VFIO’s own ioctls work on.',
  [
    scenario('arguments,refused', {
      doc: 'A reserved member and an unknown op are EOPNOTSUPP, GET of nothing is ENODEV, SET to what is no IOAS ENOENT.',
      covers: [
        'IOMMU_VFIO_IOAS/EOPNOTSUPP.reserved',
        'IOMMU_VFIO_IOAS/EOPNOTSUPP.op',
        'IOMMU_VFIO_IOAS/ENODEV.compat_ioas',
        'IOMMU_VFIO_IOAS/ENOENT.ioas',
      ],
      source: 'core.md 3.9',
      gaps: [5, 56],
      kselftest: ['iommufd.vfio_ioas'],
      seeds: ['S2-55', 'S2-56'],
      setup: (t) => t.ioas(),
      cases: {
        reserved: (t) => t.ioctl('IOMMU_VFIO_IOAS', { op: CLEAR, __reserved: 1 }).fails('EOPNOTSUPP'),
        op_3: (t, ioas) => t.ioctl('IOMMU_VFIO_IOAS', { op: 3, ioas_id: ioas }).fails('EOPNOTSUPP'),
        op_65535: (t, ioas) => t.ioctl('IOMMU_VFIO_IOAS', { op: 0xffff, ioas_id: ioas }).fails('EOPNOTSUPP'),
        get_of_nothing: (t) => get(t).fails('ENODEV'),
        set_to_zero: (t) => set(t, 0).fails('ENOENT'),
        set_to_nothing: (t) => set(t, NO_SUCH_ID).fails('ENOENT'),
        set_to_device: (t, ioas) => set(t, t.mockDomain(ioas).out('out_idev_id')).fails('ENOENT'),
        reserved_before_op: (t) => t.ioctl('IOMMU_VFIO_IOAS', { op: GET, __reserved: 1 }).fails('EOPNOTSUPP'),
      },
      control: (t, ioas) => set(t, ioas),
    }),
    scenario('pointer,set_and_cleared', {
      doc: 'GET tells what SET has set until CLEAR or DESTROY; the pointer holds no reference, and CLEAR needs none.',
      covers: ['IOMMU_VFIO_IOAS/OK', 'IOMMU_VFIO_IOAS/ENODEV.compat_ioas'],
      gaps: [56],
      kselftest: ['iommufd.vfio_ioas'],
      without: { shifted_ids: 'the ids are what is tested' },
      seeds: ['S2-56'],
      setup: (t) => {
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 2 });
        set(t, 1);
      },
      cases: {
        told: (t) => get(t).ok({ ioas_id: 1 }),
        set_again: (t) => {
          set(t, 2);
          get(t).ok({ ioas_id: 2 });
        },
        bad_set_changes_nothing: (t) => {
          set(t, 77).fails('ENOENT');
          get(t).ok({ ioas_id: 1 });
        },
        cleared: (t) => {
          clear(t);
          get(t).fails('ENODEV');
          clear(t);
        },
        destroyed: (t) => {
          t.destroy(1);
          get(t).fails('ENODEV');
        },
        other_destroyed: (t) => {
          t.destroy(2);
          get(t).ok({ ioas_id: 1 });
        },
        not_a_new_one_of_the_same_id: (t) => {
          t.destroy(1);
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
          get(t).fails('ENODEV');
        },
        other_file: (t) => {
          const other = t.open('g');
          t.ioctl('IOMMU_VFIO_IOAS', { op: GET }, { file: other }).fails('ENODEV');
        },
      },
      control: (t) => get(t).ok({ ioas_id: 1, op: GET }),
    }),
    scenario('response,only_of_get', {
      doc: 'GET must be able to write the struct back; SET and CLEAR never do.',
      covers: ['IOMMU_VFIO_IOAS/EFAULT.respond'],
      setup: (t) => {
        const ioas = t.ioas();
        set(t, ioas);
        return ioas;
      },
      cases: {
        get: (t) => t.ioctl('IOMMU_VFIO_IOAS', { op: GET }, { at: 'sealed' }).fails('EFAULT'),
        get_of_nothing: (t) => {
          clear(t);
          t.ioctl('IOMMU_VFIO_IOAS', { op: GET }, { at: 'sealed' }).fails('ENODEV');
        },
        set: (t, ioas) => t.ioctl('IOMMU_VFIO_IOAS', { op: SET, ioas_id: ioas }, { at: 'sealed' }).ok(),
        clear: (t) => t.ioctl('IOMMU_VFIO_IOAS', { op: CLEAR }, { at: 'sealed' }).ok(),
      },
      control: (t) => get(t),
    }),
  ],
);
