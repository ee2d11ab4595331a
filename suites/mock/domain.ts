import { BUFFER } from '../../models/program/arena.js';
import { NO_SUCH_ID } from '../harness/builder.js';
import { APERTURE_LAST, APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

export const mockDomain = suite(
  'mock/domain',
  'MOCK_DOMAIN and MOCK_DOMAIN_FLAGS: attaching a device to an IOAS or a page table. Nested page tables: viommu/nested.',
  [
    scenario('target,refused', {
      doc: 'Attaching to nothing is ENOENT, to a device or its handle EINVAL; no id stays taken.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN/ENOENT.target',
        'IOMMU_TEST_OP_MOCK_DOMAIN/EINVAL.target_type',
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/ENOENT.target',
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EINVAL.target_type',
      ],
      kselftest: ['iommufd_ioas.no_domain.hwpt_attach'],
      setup: (t) => {
        const ioas = t.ioas();
        return { ioas, device: t.mockDomain(ioas) };
      },
      cases: {
        zero: (t) => t.mockDomain(0).fails('ENOENT'),
        never_used: (t) => t.mockDomain(NO_SUCH_ID).fails('ENOENT'),
        device: (t, { device }) => t.mockDomain(device.out('out_idev_id')).fails('EINVAL'),
        handle: (t, { device }) => t.mockDomain(device.out('out_stdev_id')).fails('EINVAL'),
        flags_variant_zero: (t) => t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: 0 }).fails('ENOENT'),
        flags_variant_device: (t, { device }) =>
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: device.out('out_idev_id') }).fails('EINVAL'),
      },
      control: (t, { ioas }) => t.mockDomain(ioas),
    }),
    scenario('target,own_new_ids', {
      doc: 'The ids that the call itself takes are not there yet: naming one is ENOENT for the handle, which is unpublished, but the device is bound already and is the wrong type.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/ENOENT.target', 'IOMMU_TEST_OP_MOCK_DOMAIN/EINVAL.target_type'],
      source: 'core.md 2.5, device.c:iommufd_device_bind',
      without: { shifted_ids: 'the ids are what is tested' },
      setup: (t) => {
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
      },
      cases: {
        handle: (t) => t.mockDomain(2).fails('ENOENT'),
        device: (t) => t.mockDomain(3).fails('EINVAL'),
        page_table: (t) => t.mockDomain(4).fails('ENOENT'),
      },
      control: (t) => t.mockDomain(1).ok({ out_stdev_id: 2, out_idev_id: 3, out_hwpt_id: 4 }),
    }),
    scenario('target,page_table', {
      doc: 'A device can be attached to the automatic page table by its id, and keeps it alive.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/OK'],
      kselftest: ['iommufd_ioas.mock_domain.hwpt_attach'],
      setup: (t) => {
        const ioas = t.ioas();
        const first = t.mockDomain(ioas);
        return { ioas, first, hwpt: first.out('out_hwpt_id') };
      },
      cases: {
        attaches: (t, { hwpt, ioas }) => {
          t.mockDomain(hwpt);
          t.destroy(ioas).fails('EBUSY');
        },
        outlives_the_first: (t, { ioas, first, hwpt }) => {
          const second = t.mockDomain(hwpt);
          t.destroy(first.out('out_stdev_id'));
          t.destroy(hwpt).fails('EBUSY');
          t.destroy(second.out('out_stdev_id'));
          t.destroy(hwpt).fails('ENOENT');
          t.destroy(ioas);
        },
        after_it_is_gone: (t, { first, hwpt }) => {
          t.destroy(first.out('out_stdev_id'));
          t.mockDomain(hwpt).fails('ENOENT');
        },
      },
      control: (t, { ioas }) => t.mockDomain(ioas),
    }),
    scenario('flags,of_the_device', {
      doc: 'Flags that this kernel does not know are EINVAL, before the target is looked at; MOCK_DOMAIN does not read them.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EINVAL.dev_flags'],
      gaps: [27],
      setup: (t) => t.ioas(),
      cases: {
        bit_1: (t, ioas) =>
          t
            .ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 2 })
            .fails({ '7.3': 'EINVAL', '6.12': 'OK' }),
        bit_3: (t, ioas) =>
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 8 }).fails('EINVAL'),
        all: (t, ioas) =>
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 0xffff_ffff }).fails('EINVAL'),
        before_target: (t) =>
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: 0, dev_flags: 8 }).fails('EINVAL'),
        no_dirty: (t, ioas) => t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 1 }).ok(),
      },
      control: (t, ioas) => t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 0 }),
    }),
    scenario('attach,aperture', {
      doc: 'An IOAS with an area outside of the aperture takes no mock device: EADDRINUSE, and nothing has changed.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN/EADDRINUSE.aperture',
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EADDRINUSE.aperture',
      ],
      gaps: [14],
      seeds: ['S2-17'],
      setup: (t) => t.ioas(),
      cases: {
        below: (t, ioas) => {
          t.map(ioas, { iova: A - P });
          t.mockDomain(ioas).fails('EADDRINUSE');
          t.ranges(ioas, 1).ok({ num_iovas: 1, out_iova_alignment: 1, allowed_iovas: [[0n, U64_MAX]] });
        },
        above: (t, ioas) => {
          t.map(ioas, { iova: APERTURE_LAST + 1n });
          t.mockDomain(ioas).fails('EADDRINUSE');
        },
        across: (t, ioas) => {
          t.map(ioas, { iova: APERTURE_LAST + 1n - P, length: 2n * P });
          t.mockDomain(ioas).fails('EADDRINUSE');
        },
        flags_variant: (t, ioas) => {
          t.map(ioas, { iova: A - P });
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas }).fails('EADDRINUSE');
        },
        unmapped_again: (t, ioas) => {
          t.map(ioas, { iova: 0n });
          t.unmap(ioas, 0n, P);
          t.mockDomain(ioas).ok();
        },
        reservations_may_overlap: (t, ioas) => {
          t.reserve(ioas, 0n, A + P);
          t.mockDomain(ioas).ok();
          t.ranges(ioas, 1).ok({ num_iovas: 1, allowed_iovas: [[A + P, APERTURE_LAST]] });
        },
      },
      control: (t, ioas) => {
        t.map(ioas, { iova: A });
        t.map(ioas, { iova: APERTURE_LAST + 1n - P });
        t.mockDomain(ioas);
      },
    }),
    scenario('attach,alignment', {
      doc: 'An IOAS with an area that is not a multiple of 2048 takes no mock device: EADDRINUSE.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN/EADDRINUSE.alignment',
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EADDRINUSE.alignment',
      ],
      gaps: [14],
      seeds: ['S2-16'],
      setup: (t) => t.ioas(),
      cases: {
        iova: (t, ioas) => {
          t.map(ioas, { iova: A + 0x400n });
          t.mockDomain(ioas).fails('EADDRINUSE');
        },
        length: (t, ioas) => {
          t.map(ioas, { iova: A, length: 0x400n });
          t.mockDomain(ioas).fails('EADDRINUSE');
        },
        memory: (t, ioas) => {
          t.map(ioas, { iova: A, va: 0x100_0040_0400n });
          t.mockDomain(ioas).fails('EADDRINUSE');
        },
        flags_variant: (t, ioas) => {
          t.map(ioas, { iova: A + 0x400n });
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas }).fails('EADDRINUSE');
        },
      },
      control: (t, ioas) => {
        t.map(ioas, { iova: A + 0x800n, va: 0x100_0040_0800n, length: 0x800n });
        t.mockDomain(ioas);
      },
    }),
    scenario('attach,order', {
      doc: 'An attach is refused for the alignment first, then the aperture, then the memory; the flags variant likewise.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN/EADDRINUSE.aperture',
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EFAULT.user_memory',
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EOVERFLOW.user_memory_end',
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/ENOMEM.memlock',
      ],
      source: 'core.md 4.7',
      setup: (t) => t.ioas(),
      cases: {
        aperture_before_memory: (t, ioas) => {
          t.map(ioas, { iova: 0n, va: 0xdead_000n });
          t.mockDomain(ioas).fails('EADDRINUSE');
        },
        allowed_before_memory: (t, ioas) => {
          t.map(ioas, { iova: A, va: 0xdead_000n });
          t.allow(ioas, [[0n, P]]);
          t.mockDomain(ioas).fails('EADDRINUSE');
        },
        aperture_before_memory_flags: (t, ioas) => {
          t.map(ioas, { iova: 0n, va: 0n });
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas }).fails('EADDRINUSE');
        },
        memory_flags: (t, ioas) => {
          t.map(ioas, { iova: A, va: 0n });
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas }).fails('EFAULT');
        },
        end_of_space_flags: (t, ioas) => {
          t.map(ioas, { iova: A, va: U64_MAX - P + 1n, length: 0x800n });
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas }).fails('EOVERFLOW');
        },
        limit_flags: (t) => {
          t.process({ drop: ['CAP_IPC_LOCK'], memlock: 0n });
          const ioas = t.ioas();
          t.map(ioas, { iova: A });
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas }, { at: 'sealed' }).fails('ENOMEM');
        },
      },
      control: (t, ioas) => {
        t.map(ioas, { iova: A });
        t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas });
      },
    }),
    scenario('attach,response_undone', {
      doc: 'A device whose ids cannot be written back is gone again: detached, its page table destroyed, its ids free.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/EFAULT.respond', 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EFAULT.respond'],
      gaps: [3],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 2n * P });
        return ioas;
      },
      cases: {
        sealed: (t, ioas) => {
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: ioas }, { at: 'sealed' }).fails('EFAULT');
          t.counters(0);
          t.destroy(ioas).ok();
        },
        sealed_flags: (t, ioas) => {
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas }, { at: 'sealed' }).fails('EFAULT');
          t.counters(0);
          t.destroy(ioas).ok();
        },
        target_first: (t) =>
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: 0 }, { at: 'sealed' }).fails('ENOENT'),
      },
      control: (t, ioas) => t.mockDomain(ioas),
    }),
    scenario('detach,limits_go', {
      doc: 'When the last device goes, the IOAS is free of aperture and alignment, and areas may lie anywhere again.',
      covers: ['IOMMU_DESTROY/OK', 'IOMMU_IOAS_MAP/OK'],
      setup: (t) => {
        const ioas = t.ioas();
        return { ioas, device: t.mockDomain(ioas).out('out_stdev_id') };
      },
      cases: {
        below: (t, { ioas, device }) => {
          t.map(ioas, { iova: 0n }).fails('EINVAL');
          t.destroy(device);
          t.map(ioas, { iova: 0n }).ok();
        },
        odd: (t, { ioas, device }) => {
          t.destroy(device);
          t.map(ioas, { iova: 1n, length: 1n }).ok();
        },
        other_device_left: (t, { ioas, device }) => {
          t.mockDomain(ioas);
          t.destroy(device);
          t.map(ioas, { iova: 0n }).fails('EINVAL');
        },
        misaligned_then_attach: (t, { ioas, device }) => {
          t.destroy(device);
          t.map(ioas, { iova: A + 1n, length: 1n });
          t.mockDomain(ioas).fails('EADDRINUSE');
        },
      },
      control: (t, { ioas }) => t.map(ioas, { iova: A }),
    }),
    scenario('detach,and_others_come', {
      doc: 'Devices come and go in any order; a page table that has gone with its last device is not found again.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/OK', 'IOMMU_DESTROY/OK'],
      source: 'fixed-bugs.md 5 and 9',
      setup: (t) => {
        const ioas = t.ioas();
        const mock = t.mockDomain(ioas);
        return { ioas, first: mock.out('out_stdev_id'), hwpt: mock.out('out_hwpt_id') };
      },
      cases: {
        first_of_two_goes: (t, { ioas, first }) => {
          t.mockDomain(ioas);
          t.destroy(first);
          t.mockDomain(ioas).ok();
        },
        attached_by_page_table: (t, { ioas, first, hwpt }) => {
          const second = t.mockDomain(hwpt).out('out_stdev_id');
          t.map(ioas, { iova: A });
          t.destroy(first);
          t.destroy(second);
          t.destroy(hwpt).fails('ENOENT');
          t.counters(0);
          const third = t.mockDomain(ioas);
          t.counters(1);
          t.checkMap(third.out('out_hwpt_id'), A, BUFFER.start, P);
          t.destroy(ioas).fails('EBUSY');
        },
      },
      control: (t, { hwpt }) => t.mockDomain(hwpt),
    }),
  ],
);
