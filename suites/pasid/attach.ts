import { BUFFER, HOLE } from '../../models/program/arena.js';
import { NO_SUCH_ID, hwptData } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { PASID, attachedPasid, deviceWithPasids } from './set_up.js';

export const pasidAttach = suite(
  'pasid/attach',
  'PASID_ATTACH: what a PASID may be attached to, and when. Page faults are not covered.',
  [
    scenario('arguments,refused', {
      doc: 'A missing handle or target is ENOENT, a target that is no page table EINVAL, whether the PASID is attached or not.',
      covers: [
        'IOMMU_TEST_OP_PASID_ATTACH/ENOENT.device',
        'IOMMU_TEST_OP_PASID_ATTACH/ENOENT.target',
        'IOMMU_TEST_OP_PASID_ATTACH/EINVAL.target_type',
      ],
      needs: ['pasid'],
      setup: deviceWithPasids,
      cases: {
        handle_zero: (t, { first }) => t.pasidAttach(0, 1, first).fails('ENOENT'),
        handle_is_device: (t, { device, first }) => t.pasidAttach(device, 1, first).fails('ENOENT'),
        target_zero: (t, { handle }) => t.pasidAttach(handle, 1, 0).fails('ENOENT'),
        target_never_used: (t, { handle }) => t.pasidAttach(handle, 1, NO_SUCH_ID).fails('ENOENT'),
        target_is_device: (t, { handle, device }) => t.pasidAttach(handle, 1, device).fails('EINVAL'),
        target_is_handle: (t, { handle }) => t.pasidAttach(handle, 1, handle).fails('EINVAL'),
        both_missing: (t) => t.pasidAttach(0, 1, 0).fails('ENOENT'),
        type_before_attached: (t, { handle, device }) => t.pasidAttach(handle, 0, device).fails('EINVAL'),
        missing_before_attached: (t, { handle }) => t.pasidAttach(handle, 0, 0).fails('ENOENT'),
      },
      control: (t, { handle, first }) => t.pasidAttach(handle, 1, first),
    }),
    scenario('attached,refused', {
      doc: 'What is attached is EBUSY, to whatever it is to be attached; nothing changes.',
      covers: ['IOMMU_TEST_OP_PASID_ATTACH/EBUSY.attached'],
      source: 'kselftest.md 8 pasid_attach',
      needs: ['pasid'],
      setup: (t) => attachedPasid(t, 100, 'second'),
      cases: {
        same: (t, { handle, second }) => t.pasidAttach(handle, 100, second).fails('EBUSY'),
        other: (t, { handle, first, second }) => {
          t.pasidAttach(handle, 100, first).fails('EBUSY');
          t.pasidCheck(handle, 100, second);
        },
        incompatible: (t, { handle, plain }) => t.pasidAttach(handle, 100, plain).fails('EBUSY'),
        ioas: (t, { handle, ioas }) => t.pasidAttach(handle, 100, ioas).fails('EBUSY'),
        device_itself: (t, { handle, first }) => t.pasidAttach(handle, 0, first).fails('EBUSY'),
        device_itself_to_ioas: (t, { handle, ioas }) => t.pasidAttach(handle, 0, ioas).fails('EBUSY'),
      },
      control: (t, { handle, second }) => t.pasidAttach(handle, 101, second),
    }),
    scenario('compatible,page_table', {
      doc: 'PASIDs can only be attached to page tables made with ALLOC_PASID, so never to an IOAS; what the parent was made with does not matter.',
      covers: ['IOMMU_TEST_OP_PASID_ATTACH/EINVAL.without_alloc_pasid', 'IOMMU_TEST_OP_PASID_ATTACH/OK'],
      source: 'kselftest.md 8 pasid_attach',
      gaps: [37],
      needs: ['pasid', 'viommu'],
      setup: (t) => {
        const all = deviceWithPasids(t);
        const parent = t.hwptAlloc(all.device, all.ioas, { flags: 1 }).out('out_hwpt_id');
        return { ...all, parent };
      },
      cases: {
        plain: (t, { handle, plain }) => {
          t.pasidAttach(handle, 100, plain).fails('EINVAL');
          t.pasidCheck(handle, 100, 0);
        },
        ioas: (t, { handle, ioas }) => {
          t.pasidAttach(handle, 100, ioas).fails('EINVAL');
          t.pasidCheck(handle, 100, 0);
        },
        automatic: (t, { handle, ioas }) => {
          const hwpt = t.mockDomain(ioas).out('out_hwpt_id');
          t.pasidAttach(handle, 100, hwpt).fails('EINVAL');
          t.pasidAttach(handle, 100, ioas).fails('EINVAL');
        },
        ioas_is_not_filled: (t, { handle }) => {
          const other = t.ioas();
          t.map(other, { iova: 0n });
          t.pasidAttach(handle, 100, other).fails('EINVAL');
        },
        nested_without: (t, { handle, device, parent }) => {
          const nested = t.nestedHwpt(device, parent, 1).out('out_hwpt_id');
          t.pasidAttach(handle, 100, nested).fails('EINVAL');
        },
        nested_with: (t, { handle, device, parent }) => {
          const data = { ...hwptData([1]), flags: PASID };
          const nested = t.hwptAlloc(device, parent, data).out('out_hwpt_id');
          t.pasidAttach(handle, 100, nested).ok();
          t.pasidCheck(handle, 100, nested);
        },
        over_viommu_without_vdevice: (t, { handle, device, parent }) => {
          const viommu = t.viommu(device, parent).out('out_viommu_id');
          const data = { ...hwptData([1]), flags: PASID };
          const nested = t.hwptAlloc(device, viommu, data).out('out_hwpt_id');
          t.pasidAttach(handle, 100, nested);
          t.destroy(nested).fails('EBUSY');
        },
      },
      control: (t, { handle, first }) => t.pasidAttach(handle, 100, first),
    }),
    scenario('compatible,device', {
      doc: 'A device on a page table without ALLOC_PASID cannot use PASIDs, and one that uses them cannot go there; one that is on none can use them.',
      covers: [
        'IOMMU_TEST_OP_PASID_ATTACH/EINVAL.device_without_alloc_pasid',
        'IOMMU_TEST_OP_PASID_ATTACH/EINVAL.pasids_attached',
        'IOMMU_TEST_OP_PASID_DETACH/OK',
      ],
      source: 'mock.md 7',
      needs: ['pasid'],
      setup: deviceWithPasids,
      cases: {
        on_plain: (t, { handle, plain, second }) => {
          t.replace(handle, plain);
          t.pasidAttach(handle, 100, second).fails('EINVAL');
        },
        on_ioas: (t, { handle, ioas, second }) => {
          t.replace(handle, ioas);
          t.pasidAttach(handle, 100, second).fails('EINVAL');
        },
        on_none: (t, { handle, second }) => {
          t.pasidDetach(handle, 0);
          t.pasidAttach(handle, 100, second);
          t.pasidCheck(handle, 0, 0);
        },
        back_to_plain: (t, { handle, plain, second }) => {
          t.pasidAttach(handle, 100, second);
          t.pasidDetach(handle, 0);
          t.pasidAttach(handle, 0, plain).fails('EINVAL');
          t.pasidCheck(handle, 0, 0);
        },
        back_to_ioas: (t, { handle, ioas, second }) => {
          t.pasidAttach(handle, 100, second);
          t.pasidDetach(handle, 0);
          t.pasidAttach(handle, 0, ioas).fails('EINVAL');
          t.pasidDetach(handle, 100);
          const hwpt = t.pasidAttach(handle, 0, ioas).out('pt_id');
          t.pasidCheck(handle, 0, hwpt);
        },
        back_to_ioas_that_cannot_be_filled: (t, { handle, second }) => {
          t.pasidAttach(handle, 100, second);
          t.pasidDetach(handle, 0);
          const other = t.ioas();
          t.map(other, { iova: 0n });
          t.pasidAttach(handle, 0, other).fails('EINVAL');
        },
        back_to_compatible: (t, { handle, first, second }) => {
          t.pasidAttach(handle, 100, second);
          t.pasidDetach(handle, 0);
          t.pasidAttach(handle, 0, first);
        },
      },
      control: (t, { handle, first, second }) => {
        t.pasidAttach(handle, 100, first);
        t.pasidAttach(handle, 101, second);
      },
    }),
    scenario('limit,pasids', {
      doc: 'A device has 2^20 PASIDs or, without the ability, only itself.',
      covers: ['IOMMU_TEST_OP_PASID_ATTACH/EINVAL.pasid_limit'],
      source: 'mock.md 4.1',
      gaps: [34],
      needs: ['pasid'],
      setup: deviceWithPasids,
      cases: {
        beyond: (t, { handle, first }) => t.pasidAttach(handle, 0x10_0000, first).fails('EINVAL'),
        far_beyond: (t, { handle, first }) => t.pasidAttach(handle, 0xffff_ffff, first).fails('EINVAL'),
        none: (t, { first }) => {
          const other = t.mockDevice(first, 0).out('out_stdev_id');
          t.pasidAttach(other, 1, first).fails('EINVAL');
          t.pasidDetach(other, 0);
          t.pasidAttach(other, 1, first).fails('EINVAL');
          t.pasidAttach(other, 0, first);
        },
        no_response: (t, { handle, first }) =>
          t.pasidAttach(handle, 0x10_0000, first, { at: 'sealed' }).fails('EINVAL'),
        last: (t, { handle, first }) => {
          t.pasidAttach(handle, 0xf_ffff, first);
          t.pasidCheck(handle, 0xf_ffff, first);
        },
      },
      control: (t, { handle, first }) => t.pasidAttach(handle, 1, first),
    }),
    scenario('dirty,only_the_device_itself', {
      doc: 'A device that cannot track dirty pages is refused on a page table that does, but its PASIDs are not: the mock does not look.',
      covers: ['IOMMU_TEST_OP_PASID_ATTACH/EINVAL.dirty_domain', 'IOMMU_HWPT_SET_DIRTY_TRACKING/OK'],
      source: 'kselftest.md 5 pasid_set_dirty_tracking, mock.md 7',
      gaps: [35],
      kselftest: ['iommufd_dirty_tracking.pasid_set_dirty_tracking'],
      needs: ['pasid'],
      setup: (t) => {
        const all = deviceWithPasids(t);
        const dirty = t.hwptAlloc(all.device, all.ioas, { flags: PASID | 2 }).out('out_hwpt_id');
        return { ...all, dirty, unable: t.mockDevice(all.first, 5).out('out_stdev_id') };
      },
      cases: {
        itself: (t, { unable, dirty }) => {
          t.pasidDetach(unable, 0);
          t.pasidAttach(unable, 0, dirty).fails('EINVAL');
          t.pasidCheck(unable, 0, 0);
        },
        itself_without_response: (t, { unable, dirty }) => {
          t.pasidDetach(unable, 0);
          t.pasidAttach(unable, 0, dirty, { at: 'sealed' }).fails('EINVAL');
        },
        pasid: (t, { unable, dirty }) => {
          t.pasidAttach(unable, 100, dirty);
          t.pasidCheck(unable, 100, dirty);
        },
        pasid_of_device_on_ioas: (t, { dirty }) => {
          const elsewhere = t.mockDevice(t.ioas(), 5).out('out_stdev_id');
          t.pasidAttach(elsewhere, 100, dirty).fails('EINVAL');
        },
        tracked_with_pasids: (t, { handle, dirty }) => {
          t.replace(handle, dirty);
          t.pasidAttach(handle, 100, dirty);
          t.ioctl('IOMMU_HWPT_SET_DIRTY_TRACKING', { hwpt_id: dirty, flags: 1 });
          t.ioctl('IOMMU_HWPT_SET_DIRTY_TRACKING', { hwpt_id: dirty, flags: 0 });
          t.pasidDetach(handle, 100);
        },
      },
      control: (t, { handle, dirty }) => t.pasidAttach(handle, 100, dirty),
    }),
    scenario('vdevice,only_the_device_itself', {
      doc: 'On a page table over a vIOMMU the device itself needs a vDEVICE there; it is ENOENT without one.',
      covers: ['IOMMU_TEST_OP_PASID_ATTACH/ENOENT.vdevice'],
      source: 'mock.md 4.2',
      needs: ['pasid', 'viommu'],
      setup: (t) => {
        const all = deviceWithPasids(t);
        const parent = t.hwptAlloc(all.device, all.ioas, { flags: 1 }).out('out_hwpt_id');
        const viommu = t.viommu(all.device, parent).out('out_viommu_id');
        const nested = t.nestedHwpt(all.device, viommu, 1).out('out_hwpt_id');
        t.pasidDetach(all.handle, 0);
        return { ...all, viommu, nested };
      },
      cases: {
        without: (t, { handle, nested }) => {
          t.pasidAttach(handle, 0, nested).fails('ENOENT');
          t.pasidCheck(handle, 0, 0);
        },
      },
      control: (t, { handle, device, viommu, nested }) => {
        t.vdevice(viommu, device, 1n);
        t.pasidAttach(handle, 0, nested);
      },
    }),
    scenario('fill,refused', {
      doc: 'An IOAS that cannot be put into a page table refuses the device itself: EADDRINUSE, EFAULT, ENOMEM; it stays detached.',
      covers: [
        'IOMMU_TEST_OP_PASID_ATTACH/EADDRINUSE.alignment',
        'IOMMU_TEST_OP_PASID_ATTACH/EADDRINUSE.aperture',
        'IOMMU_TEST_OP_PASID_ATTACH/EFAULT.user_memory',
        'IOMMU_TEST_OP_PASID_ATTACH/EOVERFLOW.user_memory_end',
        'IOMMU_TEST_OP_PASID_ATTACH/ENOMEM.memlock',
        'IOMMU_TEST_OP_PASID_ATTACH/EINVAL.file_pages',
      ],
      needs: ['pasid'],
      setup: (t) => {
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 2n * P });
        const all = deviceWithPasids(t);
        t.pasidDetach(all.handle, 0);
        return { ...all, other: t.ioas() };
      },
      cases: {
        misaligned: (t, { handle, other }) => {
          t.map(other, { iova: A + 0x400n });
          t.pasidAttach(handle, 0, other).fails('EADDRINUSE');
          t.pasidCheck(handle, 0, 0);
        },
        outside: (t, { handle, other }) => {
          t.map(other, { iova: 0n });
          t.pasidAttach(handle, 0, other).fails('EADDRINUSE');
          t.destroy(other);
        },
        memory: (t, { handle, other }) => {
          t.map(other, { iova: A, va: HOLE });
          t.pasidAttach(handle, 0, other).fails('EFAULT');
        },
        end_of_file: (t, { handle, other }) => {
          t.mapFile(other, t.memfd('m', 1n), { iova: A, start: P });
          t.pasidAttach(handle, 0, other).fails('EINVAL');
        },
        end_of_space: (t, { handle, other }) => {
          t.map(other, { iova: A, va: 0xffff_ffff_ffff_f000n, length: 0x800n });
          t.pasidAttach(handle, 0, other).fails('EOVERFLOW');
        },
        over_the_limit: (t, { handle, other }) => {
          t.map(other, { iova: A, length: 3n * P });
          t.pasidAttach(handle, 0, other).fails('ENOMEM');
          t.counters(0);
        },
        limit_before_response: (t, { handle, other }) => {
          t.map(other, { iova: A, length: 3n * P });
          t.pasidAttach(handle, 0, other, { at: 'sealed' }).fails('ENOMEM');
        },
      },
      control: (t, { handle, other }) => {
        t.map(other, { iova: A });
        const hwpt = t.pasidAttach(handle, 0, other).out('pt_id');
        t.checkMap(hwpt, A, BUFFER.start);
      },
    }),
    scenario('response,unwritable', {
      doc: 'A PASID whose page table cannot be told is detached again.',
      covers: ['IOMMU_TEST_OP_PASID_ATTACH/EFAULT.respond'],
      needs: ['pasid'],
      setup: deviceWithPasids,
      cases: {
        pasid: (t, { handle, second }) => {
          t.pasidAttach(handle, 1024, second, { at: 'sealed' }).fails('EFAULT');
          t.pasidCheck(handle, 1024, 0);
          t.destroy(second);
        },
        device_itself: (t, { handle, ioas }) => {
          t.pasidDetach(handle, 0);
          t.pasidAttach(handle, 0, ioas, { at: 'sealed' }).fails('EFAULT');
          t.pasidCheck(handle, 0, 0);
        },
      },
      control: (t, { handle, second }) => t.pasidAttach(handle, 1024, second),
    }),
    scenario('users,each_attachment', {
      doc: 'Each attachment of each PASID of each device holds the page table.',
      covers: ['IOMMU_TEST_OP_PASID_ATTACH/OK', 'IOMMU_DESTROY/EBUSY.users'],
      source: 'device.md 0.4',
      gaps: [36],
      needs: ['pasid'],
      setup: deviceWithPasids,
      cases: {
        several_on_one: (t, { handle, second }) => {
          for (const pasid of [1, 2, 3]) t.pasidAttach(handle, pasid, second);
          for (const pasid of [1, 2, 3]) {
            t.destroy(second).fails('EBUSY');
            t.pasidDetach(handle, pasid);
          }
          t.destroy(second);
        },
        two_devices: (t, { handle, first, second }) => {
          const other = t.mockDevice(first, 4).out('out_stdev_id');
          t.pasidAttach(handle, 1, second);
          t.pasidAttach(other, 1, second);
          t.pasidDetach(handle, 1);
          t.destroy(second).fails('EBUSY');
          t.pasidDetach(other, 1);
          t.destroy(second);
        },
        device_and_pasid_on_one: (t, { handle, first, second }) => {
          t.pasidAttach(handle, 1, first);
          t.replace(handle, second);
          t.destroy(first).fails('EBUSY');
          t.pasidDetach(handle, 1);
          t.destroy(first);
        },
        device_goes_and_pasids_stay: (t, { handle, first, second }) => {
          t.pasidAttach(handle, 1, second);
          t.pasidDetach(handle, 0);
          t.destroy(first);
          t.destroy(second).fails('EBUSY');
          t.pasidCheck(handle, 1, second);
        },
        device_after_its_pasids: (t, { handle, device, second }) => {
          t.pasidAttach(handle, 1, second);
          t.destroy(device).fails('EBUSY');
          t.pasidDetach(handle, 1);
          t.destroy(handle);
          t.destroy(device).fails('ENOENT');
        },
        another_descriptor_keeps_them: (t, { handle, second }) => {
          t.pasidAttach(handle, 1, second);
          t.close(t.dup('g'));
          t.pasidCheck(handle, 1, second);
        },
        file_after_its_pasids: (t, { handle, second }) => {
          t.pasidAttach(handle, 1, second);
          t.pasidDetach(handle, 1);
          t.close();
        },
      },
      control: (t, { second }) => t.destroy(second),
    }),
  ],
);
