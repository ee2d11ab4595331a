import { BUFFER, HOLE } from '../../models/program/arena.js';
import { NO_SUCH_ID, hwptData } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { PASID, attachedPasid, deviceWithPasids } from './set_up.js';

export const pasidReplace = suite(
  'pasid/replace',
  'PASID_REPLACE, and MOCK_DOMAIN_REPLACE of devices whose PASIDs are attached. Page faults are not covered.',
  [
    scenario('arguments,refused', {
      doc: 'A missing handle or target is ENOENT, a target that is no page table EINVAL, whether the PASID is attached or not.',
      covers: [
        'IOMMU_TEST_OP_PASID_REPLACE/ENOENT.device',
        'IOMMU_TEST_OP_PASID_REPLACE/ENOENT.target',
        'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.target_type',
      ],
      needs: ['pasid'],
      setup: (t) => attachedPasid(t, 1, 'first'),
      cases: {
        handle_zero: (t, { second }) => t.pasidReplace(0, 1, second).fails('ENOENT'),
        handle_is_device: (t, { device, second }) => t.pasidReplace(device, 1, second).fails('ENOENT'),
        target_zero: (t, { handle }) => t.pasidReplace(handle, 1, 0).fails('ENOENT'),
        target_never_used: (t, { handle }) => t.pasidReplace(handle, 1, NO_SUCH_ID).fails('ENOENT'),
        target_is_device: (t, { handle, device }) => t.pasidReplace(handle, 1, device).fails('EINVAL'),
        both_missing: (t) => t.pasidReplace(0, 1, 0).fails('ENOENT'),
        missing_before_attachment: (t, { handle }) => t.pasidReplace(handle, 2, 0).fails('ENOENT'),
        stays: (t, { handle, first }) => {
          t.pasidReplace(handle, 1, 0).fails('ENOENT');
          t.pasidCheck(handle, 1, first);
        },
      },
      control: (t, { handle, second }) => t.pasidReplace(handle, 1, second),
    }),
    scenario('not_attached,refused', {
      doc: 'Only what is attached can be replaced; a device whose own attachment was removed as a PASID cannot either, until it is attached again.',
      covers: [
        'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.not_attached',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.not_attached',
      ],
      source: 'kselftest.md 8 pasid_attach',
      gaps: [26],
      needs: ['pasid'],
      setup: (t) => {
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 2n * P });
        return attachedPasid(t, 1, 'first');
      },
      cases: {
        pasid: (t, { handle, second }) => {
          t.pasidReplace(handle, 200, second).fails('EINVAL');
          t.pasidCheck(handle, 200, 0);
        },
        without_response: (t, { handle, second }) =>
          t.pasidReplace(handle, 200, second, { at: 'sealed' }).fails('EINVAL'),
        device_itself: (t, { handle, second }) => {
          t.pasidDetach(handle, 0);
          t.pasidReplace(handle, 0, second).fails('EINVAL');
          t.replace(handle, second).fails('EINVAL');
          t.pasidCheck(handle, 0, 0);
          t.pasidAttach(handle, 0, second);
          t.replace(handle, second);
        },
        device_itself_to_ioas: (t, { handle, ioas }) => {
          t.pasidDetach(handle, 1);
          t.pasidDetach(handle, 0);
          t.replace(handle, ioas).fails('EINVAL');
          t.mockDomain(ioas);
          t.replace(handle, ioas).fails('EINVAL');
          t.pasidReplace(handle, 0, ioas).fails('EINVAL');
        },
        ioas_is_filled_first: (t, { handle }) => {
          t.pasidDetach(handle, 0);
          const other = t.ioas();
          t.map(other, { iova: A, length: 3n * P });
          t.pasidReplace(handle, 0, other).fails('ENOMEM');
          t.pasidReplace(handle, 200, other).fails('ENOMEM');
          t.replace(handle, other).fails('ENOMEM');
          t.counters(0);
        },
      },
      control: (t, { handle, second }) => t.pasidReplace(handle, 1, second),
    }),
    scenario('moves,pasid', {
      doc: 'A PASID moves between page tables made with ALLOC_PASID, nested ones too, and lets go of the old one.',
      covers: ['IOMMU_TEST_OP_PASID_REPLACE/OK'],
      source: 'kselftest.md 8 pasid_attach',
      gaps: [36, 37],
      needs: ['pasid'],
      setup: (t) => attachedPasid(t, 7, 'second'),
      cases: {
        lets_go: (t, { handle, first, second }) => {
          t.pasidReplace(handle, 7, first);
          t.pasidCheck(handle, 7, first);
          t.destroy(second);
        },
        same: (t, { handle, second }) => {
          t.pasidReplace(handle, 7, second);
          t.pasidDetach(handle, 7);
          t.destroy(second);
        },
        nested: (t, { handle, device, ioas, second }) => {
          const parent = t.hwptAlloc(device, ioas, { flags: 1 }).out('out_hwpt_id');
          const data = { ...hwptData([1]), flags: PASID };
          const one = t.hwptAlloc(device, parent, data).out('out_hwpt_id');
          const other = t.hwptAlloc(device, parent, data).out('out_hwpt_id');
          t.pasidReplace(handle, 7, one);
          t.pasidReplace(handle, 7, other);
          t.destroy(one);
          t.destroy(other).fails('EBUSY');
          t.pasidReplace(handle, 7, second);
          t.destroy(other);
        },
        others_stay: (t, { handle, first, second }) => {
          t.pasidAttach(handle, 8, second);
          t.pasidReplace(handle, 7, first);
          t.pasidCheck(handle, 8, second);
          t.pasidCheck(handle, 0, first);
        },
        device_itself_as_pasid: (t, { handle, first, second }) => {
          t.pasidReplace(handle, 0, second);
          t.pasidCheck(handle, 0, second);
          t.destroy(first);
        },
        device_itself_to_ioas: (t, { handle, ioas, first }) => {
          t.pasidDetach(handle, 7);
          const hwpt = t.pasidReplace(handle, 0, ioas).out('pt_id');
          t.pasidCheck(handle, 0, hwpt);
          t.destroy(first);
        },
      },
      control: (t, { handle, first }) => t.pasidReplace(handle, 7, first),
    }),
    scenario('compatible,refused', {
      doc: 'Neither a PASID nor, while one is attached, the device itself moves to a page table without ALLOC_PASID; it stays where it is.',
      covers: [
        'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.without_alloc_pasid',
        'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.pasids_attached',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.pasids_attached',
      ],
      source: 'kselftest.md 8 pasid_attach',
      needs: ['pasid'],
      setup: (t) => {
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 2n * P });
        return attachedPasid(t, 7, 'second');
      },
      cases: {
        pasid_to_plain: (t, { handle, plain, second }) => {
          t.pasidReplace(handle, 7, plain).fails('EINVAL');
          t.pasidCheck(handle, 7, second);
        },
        pasid_to_ioas: (t, { handle, ioas, second }) => {
          t.pasidReplace(handle, 7, ioas).fails('EINVAL');
          t.pasidCheck(handle, 7, second);
        },
        pasid_to_ioas_with_automatic: (t, { handle, ioas, second }) => {
          t.mockDomain(ioas);
          t.pasidReplace(handle, 7, ioas).fails('EINVAL');
          t.pasidCheck(handle, 7, second);
        },
        ioas_is_filled_first: (t, { handle, second }) => {
          const other = t.ioas();
          t.map(other, { iova: A, length: 3n * P });
          t.pasidReplace(handle, 7, other).fails('ENOMEM');
          t.pasidReplace(handle, 0, other).fails('ENOMEM');
          t.replace(handle, other).fails('ENOMEM');
          t.pasidCheck(handle, 7, second);
        },
        device_to_plain: (t, { handle, plain, first }) => {
          t.replace(handle, plain).fails('EINVAL');
          t.pasidReplace(handle, 0, plain).fails('EINVAL');
          t.pasidCheck(handle, 0, first);
        },
        device_to_plain_without_response: (t, { handle, plain }) => {
          t.replace(handle, plain, { at: 'sealed' }).fails('EINVAL');
          t.pasidReplace(handle, 0, plain, { at: 'sealed' }).fails('EINVAL');
        },
        device_to_ioas: (t, { handle, ioas, first }) => {
          t.replace(handle, ioas).fails('EINVAL');
          t.pasidCheck(handle, 0, first);
        },
        device_to_plain_afterwards: (t, { handle, plain }) => {
          t.pasidDetach(handle, 7);
          t.replace(handle, plain);
        },
      },
      control: (t, { handle, second }) => t.replace(handle, second),
    }),
    scenario('device_itself,refused', {
      doc: 'PASID 0 is the device itself: it needs to track dirty pages where the page table does, and a vDEVICE over a vIOMMU.',
      covers: [
        'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.dirty_domain',
        'IOMMU_TEST_OP_PASID_REPLACE/ENOENT.vdevice',
      ],
      source: 'mock.md 4.2, 7',
      needs: ['pasid', 'viommu'],
      setup: (t) => {
        const all = deviceWithPasids(t);
        const dirty = t.hwptAlloc(all.device, all.ioas, { flags: PASID | 2 }).out('out_hwpt_id');
        const parent = t.hwptAlloc(all.device, all.ioas, { flags: 1 }).out('out_hwpt_id');
        const viommu = t.viommu(all.device, parent).out('out_viommu_id');
        const data = { ...hwptData([1]), flags: PASID };
        const nested = t.hwptAlloc(all.device, viommu, data).out('out_hwpt_id');
        const unable = t.mockDevice(all.first, 5).out('out_stdev_id');
        return { ...all, dirty, viommu, nested, unable };
      },
      cases: {
        dirty: (t, { unable, dirty, first }) => {
          t.pasidReplace(unable, 0, dirty).fails('EINVAL');
          t.replace(unable, dirty).fails('EINVAL');
          t.pasidCheck(unable, 0, first);
        },
        dirty_without_response: (t, { unable, dirty }) =>
          t.pasidReplace(unable, 0, dirty, { at: 'sealed' }).fails('EINVAL'),
        dirty_pasid: (t, { unable, dirty, first }) => {
          t.pasidAttach(unable, 7, first);
          t.pasidReplace(unable, 7, dirty);
        },
        no_vdevice: (t, { handle, nested, first }) => {
          t.pasidReplace(handle, 0, nested).fails('ENOENT');
          t.pasidCheck(handle, 0, first);
        },
        no_vdevice_and_response: (t, { handle, nested }) => {
          t.pasidReplace(handle, 0, nested, { at: 'sealed' }).fails('ENOENT');
          t.replace(handle, nested, { at: 'sealed' }).fails('ENOENT');
        },
        no_vdevice_of_pasid: (t, { handle, nested, first }) => {
          t.pasidAttach(handle, 7, first);
          t.pasidReplace(handle, 7, nested);
          t.pasidCheck(handle, 7, nested);
        },
      },
      control: (t, { handle, device, viommu, nested, dirty }) => {
        t.pasidReplace(handle, 0, dirty);
        t.vdevice(viommu, device, 1n);
        t.pasidReplace(handle, 0, nested);
      },
    }),
    scenario('failing,pasid_1024', {
      doc: 'The mock fails every other move of PASID 1024; it stays where it is, and detaching starts anew. A move to where it is does not reach the mock.',
      covers: ['IOMMU_TEST_OP_PASID_REPLACE/ENOMEM.failing_pasid'],
      source: 'kselftest.md 8, mock.md 7',
      gaps: [37],
      needs: ['pasid'],
      setup: (t) => attachedPasid(t, 1024, 'first'),
      cases: {
        every_other: (t, { handle, first, second }) => {
          t.pasidReplace(handle, 1024, second).fails('ENOMEM');
          t.pasidCheck(handle, 1024, first);
          t.pasidReplace(handle, 1024, second);
          t.pasidCheck(handle, 1024, second);
          t.pasidReplace(handle, 1024, first).fails('ENOMEM');
          t.pasidReplace(handle, 1024, first);
        },
        same: (t, { handle, first, second }) => {
          t.pasidReplace(handle, 1024, first);
          t.pasidReplace(handle, 1024, second).fails('ENOMEM');
          t.pasidReplace(handle, 1024, first);
          t.pasidReplace(handle, 1024, second);
        },
        detached: (t, { handle, second }) => {
          t.pasidDetach(handle, 1024);
          t.pasidAttach(handle, 1024, second);
          t.pasidReplace(handle, 1024, second);
        },
        detached_after_failure: (t, { handle, first, second }) => {
          t.pasidReplace(handle, 1024, second).fails('ENOMEM');
          t.pasidDetach(handle, 1024);
          t.pasidAttach(handle, 1024, second);
          t.pasidReplace(handle, 1024, first).fails('ENOMEM');
        },
        incompatible: (t, { handle, plain, second }) => {
          t.pasidReplace(handle, 1024, plain).fails('EINVAL');
          t.pasidReplace(handle, 1024, second).fails('ENOMEM');
        },
        each_device_for_itself: (t, { first, second }) => {
          const other = t.mockDevice(first, 4).out('out_stdev_id');
          t.pasidAttach(other, 1024, first);
          t.pasidReplace(other, 1024, second).fails('ENOMEM');
        },
        without_response: (t, { handle, second }) => {
          t.pasidReplace(handle, 1024, second, { at: 'sealed' }).fails('ENOMEM');
          t.pasidReplace(handle, 1024, second);
        },
        neighbours: (t, { handle, first, second }) => {
          for (const pasid of [1023, 1025]) {
            t.pasidAttach(handle, pasid, first);
            t.pasidReplace(handle, pasid, second);
          }
        },
      },
      control: (t, { handle, first }) => t.pasidReplace(handle, 1024, first),
    }),
    scenario('fill,refused', {
      doc: 'An IOAS that cannot be put into a page table refuses the device itself: EADDRINUSE, EFAULT, ENOMEM; it stays where it is.',
      covers: [
        'IOMMU_TEST_OP_PASID_REPLACE/EADDRINUSE.alignment',
        'IOMMU_TEST_OP_PASID_REPLACE/EADDRINUSE.aperture',
        'IOMMU_TEST_OP_PASID_REPLACE/EFAULT.user_memory',
        'IOMMU_TEST_OP_PASID_REPLACE/EOVERFLOW.user_memory_end',
        'IOMMU_TEST_OP_PASID_REPLACE/ENOMEM.memlock',
        'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.file_pages',
      ],
      needs: ['pasid'],
      setup: (t) => {
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 2n * P });
        return { ...deviceWithPasids(t), other: t.ioas() };
      },
      cases: {
        misaligned: (t, { handle, other, first }) => {
          t.map(other, { iova: A + 0x400n });
          t.pasidReplace(handle, 0, other).fails('EADDRINUSE');
          t.pasidCheck(handle, 0, first);
        },
        outside: (t, { handle, other }) => {
          t.map(other, { iova: 0n });
          t.pasidReplace(handle, 0, other).fails('EADDRINUSE');
          t.destroy(other);
        },
        memory: (t, { handle, other }) => {
          t.map(other, { iova: A, va: HOLE });
          t.pasidReplace(handle, 0, other).fails('EFAULT');
        },
        end_of_file: (t, { handle, other }) => {
          t.mapFile(other, t.memfd('m', 1n), { iova: A, start: P });
          t.pasidReplace(handle, 0, other).fails('EINVAL');
        },
        end_of_space: (t, { handle, other }) => {
          t.map(other, { iova: A, va: 0xffff_ffff_ffff_f000n, length: 0x800n });
          t.pasidReplace(handle, 0, other).fails('EOVERFLOW');
        },
        over_the_limit: (t, { handle, other }) => {
          t.map(other, { iova: A, length: 3n * P });
          t.pasidReplace(handle, 0, other, { at: 'sealed' }).fails('ENOMEM');
          t.counters(0);
        },
      },
      control: (t, { handle, other }) => {
        t.map(other, { iova: A });
        const hwpt = t.pasidReplace(handle, 0, other).out('pt_id');
        t.checkMap(hwpt, A, BUFFER.start);
      },
    }),
    scenario('response,unwritable', {
      doc: 'A PASID whose new page table cannot be told has moved all the same.',
      covers: ['IOMMU_TEST_OP_PASID_REPLACE/EFAULT.respond'],
      needs: ['pasid'],
      setup: (t) => attachedPasid(t, 7, 'first'),
      cases: {
        sealed: (t, { handle, second }) => {
          t.pasidReplace(handle, 7, second, { at: 'sealed' }).fails('EFAULT');
          t.pasidCheck(handle, 7, second);
          t.destroy(second).fails('EBUSY');
        },
      },
      control: (t, { handle, second }) => t.pasidReplace(handle, 7, second),
    }),
  ],
);
