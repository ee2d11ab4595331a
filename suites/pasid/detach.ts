import { NO_SUCH_ID, hwptData } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { PASID, attachedPasid, deviceWithPasids } from './set_up.js';

export const pasidDetach = suite(
  'pasid/detach',
  'PASID_DETACH and PASID_CHECK_HWPT, and whole lives of devices with PASIDs.',
  [
    scenario('operations,came_later', {
      doc: 'Kernels without PASIDs do not know the operations; others look for the handle.',
      covers: [
        'IOMMU_TEST_CMD/EOPNOTSUPP.op',
        'IOMMU_TEST_OP_PASID_DETACH/ENOENT.device',
        'IOMMU_TEST_OP_PASID_CHECK_HWPT/ENOENT.device',
      ],
      setup: (t) => t.ioas(),
      cases: {
        attach: (t, ioas) => t.pasidAttach(0, 1, ioas).fails({ '7.3': 'ENOENT', '6.12': 'EOPNOTSUPP' }),
        replace: (t, ioas) => t.pasidReplace(0, 1, ioas).fails({ '7.3': 'ENOENT', '6.12': 'EOPNOTSUPP' }),
        detach: (t) => t.pasidDetach(0, 1).fails({ '7.3': 'ENOENT', '6.12': 'EOPNOTSUPP' }),
        check: (t) => t.pasidCheck(0, 1, 0).fails({ '7.3': 'ENOENT', '6.12': 'EOPNOTSUPP' }),
      },
      control: (t, ioas) => t.mockDomain(ioas),
    }),
    scenario('detach,refused', {
      doc: 'Only the handle may be wrong; detaching what is not attached is fine.',
      covers: ['IOMMU_TEST_OP_PASID_DETACH/ENOENT.device', 'IOMMU_TEST_OP_PASID_DETACH/OK'],
      source: 'kselftest.md 8 pasid_attach',
      needs: ['pasid'],
      setup: deviceWithPasids,
      cases: {
        handle_is_device: (t, { device }) => t.pasidDetach(device, 0).fails('ENOENT'),
        handle_is_gone: (t, { handle }) => {
          t.destroy(handle);
          t.pasidDetach(handle, 0).fails('ENOENT');
        },
        nothing: (t, { handle }) => t.pasidDetach(handle, 100),
        beyond: (t, { handle }) => t.pasidDetach(handle, 0xffff_ffff),
        twice: (t, { handle, first, second }) => {
          t.pasidAttach(handle, 100, second);
          t.pasidDetach(handle, 100);
          t.pasidDetach(handle, 100);
          t.pasidCheck(handle, 0, first);
        },
        written_nowhere: (t, { handle }) =>
          t.ioctl('IOMMU_TEST_OP_PASID_DETACH', { id: handle, pasid: 1 }, { at: 'sealed' }),
      },
      control: (t, { handle }) => t.pasidDetach(handle, 0),
    }),
    scenario('detach,device_itself', {
      doc: 'Detaching PASID 0 takes the device off its page table; an automatic one goes with it. Attaching PASID 0 brings it back.',
      covers: ['IOMMU_TEST_OP_PASID_DETACH/OK', 'IOMMU_TEST_OP_PASID_ATTACH/OK'],
      source: 'mock.md 7',
      gaps: [34],
      needs: ['pasid'],
      without: { shifted_ids: 'the ids are what is tested' },
      setup: (t) => {
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
        t.mockDomain(1).ok({ out_stdev_id: 2, out_idev_id: 3, out_hwpt_id: 4 });
      },
      cases: {
        automatic_goes: (t) => {
          t.pasidDetach(2, 0);
          t.destroy(4).fails('ENOENT');
          t.destroy(1);
        },
        comes_back: (t) => {
          t.pasidDetach(2, 0);
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 4 });
          t.pasidAttach(2, 0, 4).ok({ pt_id: 5 });
          t.destroy(4).fails('EBUSY');
        },
        joins_automatic: (t) => {
          t.mockDomain(1).ok({ out_stdev_id: 5, out_idev_id: 6, out_hwpt_id: 4 });
          t.pasidDetach(2, 0);
          t.pasidAttach(2, 0, 1).ok({ pt_id: 4 });
        },
        handle_goes: (t) => {
          t.pasidDetach(2, 0);
          t.destroy(2);
          t.destroy(3).fails('ENOENT');
        },
        limits_go: (t) => {
          t.map(1, { iova: 0n }).fails('EINVAL');
          t.pasidDetach(2, 0);
          t.map(1, { iova: 0n });
          t.pasidAttach(2, 0, 1).fails('EADDRINUSE');
        },
      },
      control: (t) => {
        t.pasidDetach(2, 0);
        t.pasidAttach(2, 0, 1).ok({ pt_id: 4 });
      },
    }),
    scenario('check,answers', {
      doc: 'The check is EINVAL where something else is attached or the id is no page table, ENOENT where there is nothing of that id.',
      covers: [
        'IOMMU_TEST_OP_PASID_CHECK_HWPT/EINVAL.attached',
        'IOMMU_TEST_OP_PASID_CHECK_HWPT/ENOENT.hwpt',
        'IOMMU_TEST_OP_PASID_CHECK_HWPT/EINVAL.hwpt_type',
        'IOMMU_TEST_OP_PASID_CHECK_HWPT/EINVAL.other_hwpt',
        'IOMMU_TEST_OP_PASID_CHECK_HWPT/OK',
      ],
      source: 'mock.md 3',
      gaps: [38],
      needs: ['pasid'],
      setup: (t) => attachedPasid(t, 7, 'second'),
      cases: {
        handle_is_device: (t, { device, second }) => t.pasidCheck(device, 7, second).fails('ENOENT'),
        nothing_expected: (t, { handle }) => t.pasidCheck(handle, 7, 0).fails('EINVAL'),
        nothing_expected_of_device: (t, { handle }) => t.pasidCheck(handle, 0, 0).fails('EINVAL'),
        never_used: (t, { handle }) => t.pasidCheck(handle, 7, NO_SUCH_ID).fails('ENOENT'),
        never_used_and_nothing_attached: (t, { handle }) =>
          t.pasidCheck(handle, 8, NO_SUCH_ID).fails('ENOENT'),
        ioas: (t, { handle, ioas }) => t.pasidCheck(handle, 7, ioas).fails('EINVAL'),
        device: (t, { handle, device }) => t.pasidCheck(handle, 8, device).fails('EINVAL'),
        other: (t, { handle, first }) => t.pasidCheck(handle, 7, first).fails('EINVAL'),
        none: (t, { handle, first }) => t.pasidCheck(handle, 8, first).fails('EINVAL'),
        after_detach: (t, { handle, second }) => {
          t.pasidDetach(handle, 7);
          t.pasidCheck(handle, 7, second).fails('EINVAL');
          t.pasidCheck(handle, 7, 0);
        },
        device_itself: (t, { handle, first, second }) => {
          t.pasidCheck(handle, 0, first);
          t.pasidCheck(handle, 0, second).fails('EINVAL');
        },
        beyond: (t, { handle }) => t.pasidCheck(handle, 0xffff_ffff, 0),
        written_nowhere: (t, { handle, second }) =>
          t.ioctl(
            'IOMMU_TEST_OP_PASID_CHECK_HWPT',
            { id: handle, pasid: 7, hwpt_id: second },
            { at: 'sealed' },
          ),
      },
      control: (t, { handle, second }) => t.pasidCheck(handle, 7, second),
    }),
    scenario('life,of_a_device', {
      doc: 'What the kernel’s own test does with a device, its PASIDs, and another device without PASIDs; page faults apart.',
      covers: ['IOMMU_TEST_OP_PASID_ATTACH/OK', 'IOMMU_TEST_OP_PASID_REPLACE/OK'],
      source: 'kselftest.md 8 pasid_attach',
      needs: ['pasid', 'viommu'],
      setup: (t) => {
        const ioas = t.ioas();
        const mock = t.mockDevice(ioas, 4);
        const [handle, device] = [mock.out('out_stdev_id'), mock.out('out_idev_id')];
        const parent = t.hwptAlloc(device, ioas, { flags: 1 }).out('out_hwpt_id');
        const data = { ...hwptData([1]), flags: PASID };
        const one = t.hwptAlloc(device, parent, data).out('out_hwpt_id');
        const other = t.hwptAlloc(device, parent, data).out('out_hwpt_id');
        const viommu = t.viommu(device, parent).out('out_viommu_id');
        const unused = t.hwptAlloc(device, viommu, data).out('out_hwpt_id');
        const paging = t.hwptAlloc(device, ioas, { flags: PASID }).out('out_hwpt_id');
        return { ioas, handle, device, parent, one, other, viommu, unused, paging };
      },
      cases: {
        device_decides: (t, { handle, parent, one, paging }) => {
          t.pasidDetach(handle, 100);
          t.replace(handle, parent);
          t.pasidAttach(handle, 100, one).fails('EINVAL');
          t.replace(handle, paging);
          t.pasidAttach(handle, 100, one);
          t.pasidCheck(handle, 100, one);
          t.replace(handle, parent).fails('EINVAL');
          t.pasidDetach(handle, 100);
          t.pasidCheck(handle, 100, 0);
        },
        without_pasids: (t, { ioas, parent, one, paging }) => {
          const plain = t.mockDomain(ioas).out('out_stdev_id');
          t.replace(plain, one);
          t.replace(plain, ioas);
          t.pasidAttach(plain, 100, parent).fails('EINVAL');
          t.pasidAttach(plain, 100, paging).fails('EINVAL');
        },
        pasid_decides: (t, { ioas, handle, parent, one, other, paging }) => {
          t.replace(handle, paging);
          t.pasidAttach(handle, 100, parent).fails('EINVAL');
          t.pasidAttach(handle, 100, ioas).fails('EINVAL');
          t.pasidCheck(handle, 100, 0);
          t.pasidAttach(handle, 100, paging);
          t.pasidAttach(handle, 100, one).fails('EBUSY');
          t.pasidAttach(handle, 100, paging).fails('EBUSY');
          t.pasidReplace(handle, 200, paging).fails('EINVAL');
          t.pasidReplace(handle, 100, ioas).fails('EINVAL');
          t.pasidCheck(handle, 100, paging);
          t.pasidReplace(handle, 100, one);
          t.pasidReplace(handle, 100, other);
          t.pasidCheck(handle, 100, other);
          t.pasidDetach(handle, 100);
        },
        everything_goes: (t, { ioas, handle, parent, one, other, viommu, unused, paging }) => {
          t.replace(handle, paging);
          t.pasidAttach(handle, 100, one);
          t.pasidDetach(handle, 100);
          t.replace(handle, ioas);
          for (const id of [unused, viommu, one, other, paging, parent, handle, ioas]) t.destroy(id);
        },
      },
      control: (t, { handle, paging }) => t.replace(handle, paging),
    }),
  ],
);
