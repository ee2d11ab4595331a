import { NO_SUCH_ID } from '../harness/builder.js';
import { APERTURE_START } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

export const objectDestroy = suite(
  'object/destroy',
  'IOMMU_DESTROY: what can be destroyed, what is in use, what is gone.',
  [
    scenario('missing,ids', {
      doc: 'Ids that name nothing are ENOENT: 0, never used, already destroyed, of another file.',
      covers: ['IOMMU_DESTROY/ENOENT.object'],
      gaps: [6],
      kselftest: ['iommufd.cmd_fail', 'iommufd_ioas.no_domain.ioas_destroy'],
      seeds: ['S1-01', 'S1-02', 'S1-18'],
      setup: (t) => t.ioas(),
      cases: {
        zero: (t) => t.destroy(0).fails('ENOENT'),
        never_used: (t) => t.destroy(NO_SUCH_ID).fails('ENOENT'),
        largest: (t) => t.destroy(0xffff_ffff).fails('ENOENT'),
        twice: (t, ioas) => {
          t.destroy(ioas);
          t.destroy(ioas).fails('ENOENT');
        },
        of_another_file: (t, ioas) => {
          t.open('g');
          t.destroy(ioas, 'g').fails('ENOENT');
        },
      },
      control: (t, ioas) => t.destroy(ioas),
    }),
    scenario('ioas,areas_do_not_hold_it', {
      doc: 'Areas do not keep an IOAS from being destroyed; its id is free afterwards.',
      covers: ['IOMMU_DESTROY/OK'],
      kselftest: ['iommufd_ioas.no_domain.ioas_area_destroy'],
      seeds: ['S1-03'],
      setup: (t) => t.ioas(),
      cases: {
        one_area: (t, ioas) => {
          t.map(ioas);
          t.destroy(ioas);
        },
        several_areas: (t, ioas) => {
          t.map(ioas, { iova: 0x10000n });
          t.map(ioas, { iova: 0x20000n });
          t.map(ioas);
          t.destroy(ioas);
        },
        reserved_and_allowed: (t, ioas) => {
          t.allow(ioas, [[0x1000n, 0x1fffn]]);
          t.destroy(ioas);
        },
      },
      control: (t, ioas) => t.destroy(ioas),
    }),
    scenario('ioas,held_by_page_table', {
      doc: 'An IOAS with a page table is EBUSY until the last device has gone.',
      covers: ['IOMMU_DESTROY/EBUSY.users'],
      kselftest: [
        'iommufd_ioas.mock_domain.ioas_destroy',
        'iommufd_ioas.two_mock_domain.ioas_destroy',
        'iommufd_ioas.mock_domain.ioas_area_destroy',
      ],
      seeds: ['S1-14'],
      setup: (t) => {
        const ioas = t.ioas();
        return { ioas, device: t.mockDomain(ioas) };
      },
      cases: {
        attached: (t, { ioas }) => t.destroy(ioas).fails('EBUSY'),
        with_area: (t, { ioas }) => {
          t.map(ioas, { iova: APERTURE_START });
          t.destroy(ioas).fails('EBUSY');
        },
        two_devices: (t, { ioas, device }) => {
          const second = t.mockDomain(ioas);
          t.destroy(device.out('out_stdev_id'));
          t.destroy(ioas).fails('EBUSY');
          t.destroy(second.out('out_stdev_id'));
          t.destroy(ioas);
        },
      },
      control: (t, { ioas, device }) => {
        t.destroy(device.out('out_stdev_id'));
        t.destroy(ioas);
      },
    }),
    scenario('device,owned_by_kernel', {
      doc: 'A bound device belongs to its in-kernel owner, and its page table to the device: both are EBUSY.',
      covers: ['IOMMU_DESTROY/EBUSY.users'],
      gaps: [6],
      seeds: ['S1-14'],
      setup: (t) => t.mockDomain(t.ioas()),
      cases: {
        device: (t, device) => t.destroy(device.out('out_idev_id')).fails('EBUSY'),
        automatic_page_table: (t, device) => t.destroy(device.out('out_hwpt_id')).fails('EBUSY'),
      },
      control: (t, device) => t.destroy(device.out('out_stdev_id')),
    }),
    scenario('device,takes_its_page_table', {
      doc: 'With its last device an automatic page table goes; device and page table ids answer ENOENT then.',
      covers: ['IOMMU_DESTROY/ENOENT.object', 'IOMMU_DESTROY/OK'],
      gaps: [6],
      setup: (t) => t.mockDomain(t.ioas()),
      cases: {
        device: (t, device) => {
          t.destroy(device.out('out_stdev_id'));
          t.destroy(device.out('out_idev_id')).fails('ENOENT');
        },
        page_table: (t, device) => {
          t.destroy(device.out('out_stdev_id'));
          t.destroy(device.out('out_hwpt_id')).fails('ENOENT');
        },
        handle: (t, device) => {
          t.destroy(device.out('out_stdev_id'));
          t.destroy(device.out('out_stdev_id')).fails('ENOENT');
        },
      },
      control: (t, device) => t.destroy(device.out('out_stdev_id')),
    }),
  ],
);
