import { BUFFER, HOLE } from '../../models/program/arena.js';
import { NO_SUCH_ID, type ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

/** A mock device on one IOAS, and a second IOAS. */
function deviceAndIoases(t: ScenarioBuilder) {
  const ioas = t.ioas();
  const mock = t.mockDomain(ioas);
  const automatic = mock.out('out_hwpt_id');
  return { ioas, other: t.ioas(), mock, handle: mock.out('out_stdev_id'), automatic };
}

export const mockReplace = suite(
  'mock/replace',
  'MOCK_DOMAIN_REPLACE: a device moves between IOASes and page tables. With PASIDs: pasid/replace.',
  [
    scenario('target,refused', {
      doc: 'A missing handle or target is ENOENT, a target that is no page table EINVAL, and the device stays where it is.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/ENOENT.device',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/ENOENT.target',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.target_type',
      ],
      gaps: [26],
      kselftest: ['iommufd_ioas.no_domain.alloc_hwpt_nested'],
      setup: deviceAndIoases,
      cases: {
        handle_zero: (t, { other }) => t.replace(0, other).fails('ENOENT'),
        handle_is_device: (t, { mock, other }) => t.replace(mock.out('out_idev_id'), other).fails('ENOENT'),
        handle_is_ioas: (t, { ioas, other }) => t.replace(ioas, other).fails('ENOENT'),
        target_zero: (t, { handle }) => t.replace(handle, 0).fails('ENOENT'),
        target_never_used: (t, { handle }) => t.replace(handle, NO_SUCH_ID).fails('ENOENT'),
        target_is_device: (t, { handle, mock }) => t.replace(handle, mock.out('out_idev_id')).fails('EINVAL'),
        target_is_handle: (t, { handle }) => t.replace(handle, handle).fails('EINVAL'),
        both_missing: (t) => t.replace(0, 0).fails('ENOENT'),
        stays: (t, { handle, automatic }) => {
          t.replace(handle, 0).fails('ENOENT');
          t.destroy(automatic).fails('EBUSY');
        },
      },
      control: (t, { handle, other }) => t.replace(handle, other),
    }),
    scenario('moves,between_ioases', {
      doc: 'With its last device an automatic page table goes, and the new IOAS gets one.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/OK'],
      kselftest: ['iommufd_mock_domain.replace'],
      setup: (t) => {
        const all = deviceAndIoases(t);
        t.map(all.ioas, { iova: A });
        t.map(all.other, { iova: A, va: BUFFER.start + P });
        return all;
      },
      cases: {
        old_goes: (t, { handle, automatic, ioas, other }) => {
          t.replace(handle, other);
          t.destroy(automatic).fails('ENOENT');
          t.destroy(ioas);
          t.destroy(other).fails('EBUSY');
        },
        back_to_the_vanished: (t, { handle, automatic, other }) => {
          t.replace(handle, other);
          t.replace(handle, automatic).fails('ENOENT');
          t.destroy(other).fails('EBUSY');
        },
        new_translates: (t, { handle, other }) => {
          t.counters(1);
          const hwpt = t.replace(handle, other).out('pt_id');
          t.checkMap(hwpt, A, BUFFER.start + P);
          t.counters(1);
        },
        there_and_back: (t, { handle, ioas, other }) => {
          t.replace(handle, other);
          const hwpt = t.replace(handle, ioas).out('pt_id');
          t.checkMap(hwpt, A, BUFFER.start);
        },
        second_device_keeps_it: (t, { handle, ioas, other, automatic }) => {
          t.mockDomain(ioas);
          t.replace(handle, other);
          t.checkMap(automatic, A, BUFFER.start);
          t.counters(2);
        },
        back_to_what_another_device_kept: (t, { handle, ioas, other, automatic }) => {
          const second = t.mockDomain(ioas).out('out_stdev_id');
          t.replace(handle, other);
          t.destroy(other).fails('EBUSY');
          t.replace(handle, automatic);
          t.destroy(other);
          t.replace(second, automatic);
          t.destroy(second);
          t.destroy(automatic).fails('EBUSY');
          t.checkMap(automatic, A, BUFFER.start);
          t.counters(1);
        },
        joins_the_automatic_one: (t, { handle, other }) => {
          const second = t.mockDomain(other).out('out_hwpt_id');
          t.replace(handle, other);
          t.checkMap(second, A, BUFFER.start + P);
          t.destroy(second).fails('EBUSY');
        },
        limits_move: (t, { handle, ioas, other }) => {
          t.replace(handle, other);
          t.map(ioas, { iova: 0n });
          t.map(other, { iova: 0n }).fails('EINVAL');
        },
      },
      control: (t, { handle, other }) => t.replace(handle, other),
    }),
    scenario('moves,nowhere', {
      doc: 'To its own IOAS or page table a device moves without anything happening.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/OK'],
      kselftest: ['iommufd_mock_domain.replace'],
      without: { shifted_ids: 'the ids are what is tested' },
      setup: (t) => {
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
        t.mockDomain(1).ok({ out_stdev_id: 2, out_idev_id: 3, out_hwpt_id: 4 });
      },
      cases: {
        ioas: (t) => t.replace(2, 1).ok({ pt_id: 4 }),
        page_table: (t) => t.replace(2, 4).ok({ pt_id: 4 }),
      },
      control: (t) => {
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 5 });
        t.replace(2, 5).ok({ pt_id: 6 });
      },
    }),
    scenario('moves,between_page_tables', {
      doc: 'A device moves to page tables of user space, nested ones too, which stay when it leaves.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/OK', 'IOMMU_DESTROY/EBUSY.users'],
      kselftest: ['iommufd_mock_domain.alloc_hwpt'],
      setup: (t) => {
        const all = deviceAndIoases(t);
        const device = all.mock.out('out_idev_id');
        const parent = t.hwptAlloc(device, all.ioas, { flags: 1 }).out('out_hwpt_id');
        return { ...all, parent, nested: t.nestedHwpt(device, parent, 5).out('out_hwpt_id') };
      },
      cases: {
        to_paging: (t, { handle, parent, automatic }) => {
          t.replace(handle, parent);
          t.destroy(automatic).fails('ENOENT');
        },
        to_nested: (t, { handle, nested, automatic }) => {
          t.replace(handle, nested);
          t.destroy(nested).fails('EBUSY');
          t.destroy(automatic).fails('ENOENT');
        },
        from_nested_to_parent: (t, { handle, nested, parent }) => {
          t.replace(handle, nested);
          t.replace(handle, parent);
          t.destroy(nested);
          t.destroy(parent).fails('EBUSY');
        },
        back_to_the_ioas: (t, { handle, parent, ioas }) => {
          t.replace(handle, parent);
          const hwpt = t.replace(handle, ioas).out('pt_id');
          t.destroy(hwpt).fails('EBUSY');
          t.destroy(parent).fails('EBUSY');
        },
      },
      control: (t, { handle, parent }) => t.replace(handle, parent),
    }),
    scenario('fill,refused', {
      doc: 'An IOAS that cannot be put into a page table refuses the device: EADDRINUSE, EFAULT, ENOMEM; the device stays where it is.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EADDRINUSE.alignment',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EADDRINUSE.aperture',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EFAULT.user_memory',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EOVERFLOW.user_memory_end',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/ENOMEM.memlock',
      ],
      setup: (t) => {
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 2n * P });
        return deviceAndIoases(t);
      },
      cases: {
        misaligned: (t, { handle, other, automatic }) => {
          t.map(other, { iova: A + 0x400n });
          t.replace(handle, other).fails('EADDRINUSE');
          t.destroy(automatic).fails('EBUSY');
        },
        outside: (t, { handle, other }) => {
          t.map(other, { iova: 0n });
          t.replace(handle, other).fails('EADDRINUSE');
          t.destroy(other);
        },
        memory: (t, { handle, other }) => {
          t.map(other, { iova: A, va: HOLE });
          t.replace(handle, other).fails('EFAULT');
        },
        end_of_space: (t, { handle, other }) => {
          t.map(other, { iova: A, va: 0xffff_ffff_ffff_f000n, length: 0x800n });
          t.replace(handle, other).fails('EOVERFLOW');
        },
        over_the_limit: (t, { handle, other }) => {
          t.map(other, { iova: A, length: 3n * P });
          t.replace(handle, other).fails('ENOMEM');
          t.counters(0);
        },
        limit_before_response: (t, { handle, other }) => {
          t.map(other, { iova: A, length: 3n * P });
          t.replace(handle, other, { at: 'sealed' }).fails('ENOMEM');
        },
      },
      control: (t, { handle, other }) => t.replace(handle, other),
    }),
    scenario('response,unwritable', {
      doc: 'A device whose new page table cannot be told has moved all the same.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EFAULT.respond'],
      setup: deviceAndIoases,
      cases: {
        sealed: (t, { handle, ioas, other, automatic }) => {
          t.replace(handle, other, { at: 'sealed' }).fails('EFAULT');
          t.destroy(automatic).fails('ENOENT');
          t.destroy(ioas);
          t.destroy(other).fails('EBUSY');
        },
      },
      control: (t, { handle, other }) => t.replace(handle, other),
    }),
  ],
);
