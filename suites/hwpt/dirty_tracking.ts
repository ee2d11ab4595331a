import { NO_SUCH_ID, type ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { DIRTY_TRACKING, bitmap, read, setTracking, tracking, write } from './dirty_pages.js';

/** A mock device and a page table that can track dirty pages. */
function dirtyPageTable(t: ScenarioBuilder) {
  const ioas = t.ioas();
  const mock = t.mockDomain(ioas);
  const device = mock.out('out_idev_id');
  const hwpt = t.hwptAlloc(device, ioas, { flags: DIRTY_TRACKING }).out('out_hwpt_id');
  return { ioas, mock, device, hwpt };
}

export const hwptDirtyTracking = suite(
  'hwpt/dirty_tracking',
  'IOMMU_HWPT_SET_DIRTY_TRACKING, and who may be attached to a page table that tracks.',
  [
    scenario('arguments,refused', {
      doc: 'Unknown flags are EOPNOTSUPP, a target that is no paging page table ENOENT, one without dirty bits EOPNOTSUPP.',
      covers: [
        'IOMMU_HWPT_SET_DIRTY_TRACKING/EOPNOTSUPP.flags',
        'IOMMU_HWPT_SET_DIRTY_TRACKING/ENOENT.hwpt',
        'IOMMU_HWPT_SET_DIRTY_TRACKING/EOPNOTSUPP.no_dirty_bits',
      ],
      gaps: [29],
      setup: dirtyPageTable,
      cases: {
        bit_1: (t, { hwpt }) => setTracking(t, hwpt, 2).fails('EOPNOTSUPP'),
        bit_31: (t, { hwpt }) => setTracking(t, hwpt, 0x8000_0001).fails('EOPNOTSUPP'),
        zero: (t) => setTracking(t, 0, 1).fails('ENOENT'),
        never_used: (t) => setTracking(t, NO_SUCH_ID, 1).fails('ENOENT'),
        ioas: (t, { ioas }) => setTracking(t, ioas, 1).fails('ENOENT'),
        nested: (t, { ioas, device }) => {
          const parent = t.hwptAlloc(device, ioas, { flags: 1 | DIRTY_TRACKING }).out('out_hwpt_id');
          const nested = t.nestedHwpt(device, parent, 0).out('out_hwpt_id');
          setTracking(t, nested, 1).fails('ENOENT');
        },
        automatic: (t, { mock }) => setTracking(t, mock.out('out_hwpt_id'), 1).fails('EOPNOTSUPP'),
        off_where_there_is_none: (t, { mock }) =>
          setTracking(t, mock.out('out_hwpt_id'), 0).fails('EOPNOTSUPP'),
        flags_before_target: (t) => setTracking(t, 0, 2).fails('EOPNOTSUPP'),
      },
      control: (t, { hwpt }) =>
        t.ioctl('IOMMU_HWPT_SET_DIRTY_TRACKING', { hwpt_id: hwpt, flags: 1, __reserved: 1 }),
    }),
    scenario('tracking,toggles', {
      doc: 'Tracking can be switched on and off, also when it already is, with and without areas.',
      covers: ['IOMMU_HWPT_SET_DIRTY_TRACKING/OK'],
      gaps: [29],
      kselftest: ['iommufd_dirty_tracking.set_dirty_tracking'],
      setup: dirtyPageTable,
      cases: {
        on_and_off: (t, { hwpt }) => {
          for (const flags of [0, 1, 1, 0, 0, 1]) setTracking(t, hwpt, flags);
        },
        with_areas: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A, length: 0x4000n });
          setTracking(t, hwpt, 1);
          t.unmap(ioas, A, 0x4000n);
          setTracking(t, hwpt, 0);
        },
        goes_while_tracking: (t, { hwpt }) => {
          setTracking(t, hwpt, 1);
          t.destroy(hwpt);
        },
      },
      control: (t, { hwpt }) => setTracking(t, hwpt, 1),
    }),
    scenario('tracking,and_dirty_pages', {
      doc: 'Switching tracking on makes all pages clean, also when it is on; switching it off keeps what is dirty, which 6.12 then does not show.',
      covers: ['IOMMU_HWPT_SET_DIRTY_TRACKING/OK', 'IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      source: 'core.md 7.1, mock.md 12',
      gaps: [29, 33],
      setup: (t) => {
        const all = tracking(t);
        for (const page of [0n, 1n, 8n]) t.map(all.ioas, { iova: A + page * P });
        for (const page of [0n, 1n, 8n]) write(t, all.hwpt, A + page * P, [0]);
        return all;
      },
      cases: {
        on_again: (t, { hwpt }) => {
          setTracking(t, hwpt, 1);
          read(t, hwpt, A, { length: 2n * P, granule: P }).ok({ data: bitmap(4, []) });
          read(t, hwpt, A + 8n * P, { granule: P }).ok({ data: bitmap(4, []) });
        },
        off: (t, { hwpt }) => {
          setTracking(t, hwpt, 0);
          const data = { byProfile: { '7.3': bitmap(4, [0, 1]), '6.12': bitmap(4, []) } };
          read(t, hwpt, A, { length: 2n * P, granule: P, args: { flags: 1 } }).ok({ data });
          read(t, hwpt, A, { length: 2n * P, granule: P }).ok({ data });
          read(t, hwpt, A, { length: 2n * P, granule: P }).ok({ data: bitmap(4, []) });
        },
        off_and_on: (t, { hwpt }) => {
          setTracking(t, hwpt, 0);
          setTracking(t, hwpt, 1);
          read(t, hwpt, A, { length: 2n * P, granule: P }).ok({ data: bitmap(4, []) });
        },
        refused: (t, { hwpt }) => {
          setTracking(t, hwpt, 3).fails('EOPNOTSUPP');
          read(t, hwpt, A, { length: 2n * P, granule: P }).ok({ data: bitmap(4, [0, 1]) });
        },
        of_another: (t, { ioas, device, hwpt }) => {
          const other = t.hwptAlloc(device, ioas, { flags: DIRTY_TRACKING }).out('out_hwpt_id');
          setTracking(t, other, 1);
          read(t, hwpt, A, { length: 2n * P, granule: P }).ok({ data: bitmap(4, [0, 1]) });
        },
      },
      control: (t, { hwpt }) =>
        read(t, hwpt, A, { length: 2n * P, granule: P }).ok({ data: bitmap(4, [0, 1]) }),
    }),
    scenario('devices,that_cannot', {
      doc: 'A device that cannot track dirty pages is EINVAL on a page table that does, and fine elsewhere.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EINVAL.dirty_domain',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.dirty_domain',
        'IOMMU_HWPT_ALLOC/EOPNOTSUPP.dirty_tracking',
      ],
      kselftest: ['iommufd_dirty_tracking.enforce_dirty'],
      setup: dirtyPageTable,
      cases: {
        new: (t, { hwpt }) =>
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: hwpt, dev_flags: 1 }).fails('EINVAL'),
        moved: (t, { ioas, hwpt }) => {
          const unable = t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 1 });
          t.replace(unable.out('out_stdev_id'), hwpt).fails('EINVAL');
          t.destroy(unable.out('out_hwpt_id')).fails('EBUSY');
        },
        moved_without_response: (t, { ioas, hwpt }) => {
          const unable = t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 1 });
          t.replace(unable.out('out_stdev_id'), hwpt, { at: 'sealed' }).fails('EINVAL');
        },
        page_table_for_it: (t) => {
          const other = t.ioas();
          const unable = t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: other, dev_flags: 1 });
          t.hwptAlloc(unable.out('out_idev_id'), other, { flags: DIRTY_TRACKING }).fails('EOPNOTSUPP');
        },
        on_the_ioas: (t, { ioas }) => t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 1 }),
      },
      control: (t, { hwpt }) => t.mockDomain(hwpt),
    }),
  ],
);
