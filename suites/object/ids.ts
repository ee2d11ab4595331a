import { scenario, suite } from '../harness/scenario.js';

const IDS = { shifted_ids: 'exact ids are what is expected' } as const;

export const objectIds = suite(
  'object/ids',
  'Which ids new objects get: the lowest free ones of the file, from 1.',
  [
    scenario('lowest_free,ascending', {
      doc: 'Ids start at 1 and ascend; a freed id is taken again before a new one.',
      covers: ['IOMMU_IOAS_ALLOC/OK'],
      source: 'core.md 2.1',
      gaps: [6],
      without: IDS,
      seeds: ['S1-04'],
      setup: (t) => {
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 2 });
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 3 });
      },
      cases: {
        middle: (t) => {
          t.destroy(2);
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 2 });
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 4 });
        },
        lowest_of_two: (t) => {
          t.destroy(3);
          t.destroy(1);
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 3 });
        },
        after_failure: (t) => {
          t.ioctl('IOMMU_IOAS_ALLOC', { flags: 1 }).fails('EOPNOTSUPP');
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 4 });
        },
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 4 }),
    }),
    scenario('per_file,independent', {
      doc: 'Each file counts for itself.',
      covers: ['IOMMU_IOAS_ALLOC/OK'],
      without: IDS,
      seeds: ['S1-18'],
      setup: (t) => {
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
        t.open('g');
      },
      cases: {
        second_file: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'g' }).ok({ out_ioas_id: 1 }),
        reopened: (t) => {
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'g' }).ok({ out_ioas_id: 1 });
          t.close('g');
          t.open('h');
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'h' }).ok({ out_ioas_id: 1 });
        },
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 2 }),
    }),
    scenario('device,three_at_once', {
      doc: 'A mock device takes its handle, the device and, if there is none yet, the page table, in this order.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/OK'],
      source: 'mock.md 4.6',
      without: IDS,
      setup: (t) => {
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
      },
      cases: {
        two_devices_share: (t) => {
          t.mockDomain(1).ok({ out_stdev_id: 2, out_idev_id: 3, out_hwpt_id: 4 });
          t.mockDomain(1).ok({ out_stdev_id: 5, out_idev_id: 6, out_hwpt_id: 4 });
        },
        into_gaps: (t) => {
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 2 });
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 3 });
          t.destroy(2);
          t.mockDomain(1).ok({ out_stdev_id: 2, out_idev_id: 4, out_hwpt_id: 5 });
        },
        all_freed: (t) => {
          t.mockDomain(1).ok({ out_stdev_id: 2, out_idev_id: 3, out_hwpt_id: 4 });
          t.destroy(2);
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 2 });
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 3 });
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 4 });
        },
        freed_by_failure: (t) => {
          t.mockDomain(0).fails('ENOENT');
          t.mockDomain(1).ok({ out_stdev_id: 2, out_idev_id: 3, out_hwpt_id: 4 });
        },
      },
      control: (t) => t.mockDomain(1).ok({ out_stdev_id: 2, out_idev_id: 3, out_hwpt_id: 4 }),
    }),
    scenario('close,frees_everything', {
      doc: 'Closing a file with IOASes, areas and devices in it leaves nothing pinned.',
      covers: ['close/OK'],
      kselftest: [
        'iommufd_ioas.no_domain.ioas_auto_destroy',
        'iommufd_ioas.mock_domain.ioas_auto_destroy',
        'iommufd_ioas.two_mock_domain.ioas_auto_destroy',
        'iommufd_ioas.no_domain.ioas_area_auto_destroy',
        'iommufd_ioas.mock_domain.ioas_area_auto_destroy',
        'iommufd_ioas.two_mock_domain.ioas_area_auto_destroy',
        'iommufd_viommu.viommu_auto_destroy',
      ],
      seeds: ['S1-17'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: 0x100_0000n, length: 0x4000n });
        return ioas;
      },
      cases: {
        without_device: (t) => {
          t.close();
          t.counters(0);
        },
        with_device: (t, ioas) => {
          t.mockDomain(ioas);
          t.counters(4);
          t.close();
          t.counters(0);
        },
        with_two_devices: (t, ioas) => {
          t.mockDomain(ioas);
          t.mockDomain(ioas);
          t.close();
          t.counters(0);
        },
        ten_areas: (t, ioas) => {
          for (let at = 0n; at < 10n; at++) t.map(ioas, { iova: 0x200_0000n + at * 0x1000n });
          t.close();
        },
        ten_areas_with_devices: (t, ioas) => {
          t.mockDomain(ioas);
          for (let at = 0n; at < 10n; at++) t.map(ioas, { iova: 0x200_0000n + at * 0x1000n });
          t.mockDomain(ioas);
          t.counters(14);
          t.close();
          t.counters(0);
        },
        with_viommu: {
          needs: ['viommu'],
          body: (t, ioas) => {
            const device = t.mockDomain(ioas).out('out_idev_id');
            const parent = t.hwptAlloc(device, ioas, { flags: 1 }).out('out_hwpt_id');
            t.vdevice(t.viommu(device, parent).out('out_viommu_id'), device, 1n);
            t.close();
            t.counters(0);
          },
        },
        two_files: (t, ioas) => {
          t.mockDomain(ioas);
          t.open('g');
          const other = t.ioas('g');
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: other }, { file: 'g' });
          t.close('g');
          t.counters(4);
          t.close();
          t.counters(0);
        },
      },
      control: (t) => {
        t.counters(0);
      },
    }),
  ],
);
