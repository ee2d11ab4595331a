import { FROZEN, HOLE, NO_ACCESS, PRIVATE, SCRATCH, BUFFER } from '../../models/program/arena.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

export const ioasMapPinning = suite(
  'ioas/map_pinning',
  'MAP and attach with a domain: which memory can be pinned, when it is, how often, and who pays. Memory of other processes is not covered.',
  [
    scenario('memory,refused', {
      doc: 'With a domain, memory is pinned: what is not mapped, or not accessible as the mapping asks, is EFAULT, and nothing stays.',
      covers: ['IOMMU_IOAS_MAP/EFAULT.user_memory'],
      gaps: [10],
      kselftest: ['iommufd_mock_domain.one_domain.basic'],
      seeds: ['S2-10'],
      setup: (t) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        unmapped: (t, ioas) => t.map(ioas, { va: HOLE }).fails('EFAULT'),
        second_page_unmapped: (t, ioas) => {
          t.map(ioas, { va: SCRATCH.start + SCRATCH.bytes - P, length: 2n * P }).fails('EFAULT');
          t.counters(0);
        },
        kernel_address: (t, ioas) => t.map(ioas, { va: 0xffff_8880_0000_0000n }).fails('EFAULT'),
        end_of_user_space: (t, ioas) => t.map(ioas, { va: 0x7fff_ffff_f000n }).fails('EFAULT'),
        null_page: (t, ioas) => t.map(ioas, { va: 0n }).fails('EFAULT'),
        write_to_read_only: (t, ioas) => t.map(ioas, { va: FROZEN.start, access: 'w' }).fails('EFAULT'),
        read_write_of_read_only: (t, ioas) => t.map(ioas, { va: FROZEN.start, access: 'rw' }).fails('EFAULT'),
        no_access: (t, ioas) => t.map(ioas, { va: NO_ACCESS.start, access: 'r' }).fails('EFAULT'),
        nothing_stays: (t, ioas) => {
          t.map(ioas, { iova: A, va: HOLE }).fails('EFAULT');
          t.unmap(ioas, A, P).fails('ENOENT');
          t.map(ioas, { iova: A }).ok();
        },
      },
      control: (t, ioas) => {
        t.map(ioas, { va: FROZEN.start, access: 'r' });
        t.map(ioas, { va: PRIVATE.start });
        t.counters(2);
      },
    }),
    scenario('memory,end_of_space', {
      doc: 'Memory whose first chunk of pages ends at 2^64 is EOVERFLOW, other kernel memory EFAULT.',
      covers: ['IOMMU_IOAS_MAP/EOVERFLOW.user_memory_end'],
      source: 'core.md 5.4',
      setup: (t) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        last_page: (t, ioas) => t.map(ioas, { va: U64_MAX - P + 1n, length: 0x800n }).fails('EOVERFLOW'),
        page_before: (t, ioas) => t.map(ioas, { va: U64_MAX - 2n * P + 1n, length: P }).fails('EFAULT'),
      },
      control: (t, ioas) => t.map(ioas),
    }),
    scenario('pins,with_domain', {
      doc: 'A mapping in an IOAS with a domain pins its pages, counting whole pages, and unmapping unpins them.',
      covers: ['IOMMU_IOAS_MAP/OK', 'IOMMU_IOAS_UNMAP/OK'],
      source: 'core.md 5.2 and 5.3',
      seeds: ['S2-02'],
      setup: (t) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        t.counters(0);
        return ioas;
      },
      cases: {
        four_pages: (t, ioas) => {
          t.map(ioas, { iova: A, length: 4n * P });
          t.counters(4);
          t.checkRefs(BUFFER.start, 1, 4n * P);
          t.unmap(ioas, A, 4n * P);
          t.counters(0);
          t.checkRefs(BUFFER.start, 0, 4n * P);
        },
        half_a_page: (t, ioas) => {
          t.map(ioas, { iova: A, length: 0x800n });
          t.counters(1);
        },
        half_pages_across: (t, ioas) => {
          t.map(ioas, { iova: A + 0x800n, va: BUFFER.start + 0x800n, length: P });
          t.counters(2);
        },
        same_memory_twice: (t, ioas) => {
          t.map(ioas, { iova: A });
          t.map(ioas, { iova: A + P });
          t.counters(2);
          t.checkRefs(BUFFER.start, 2);
          t.unmap(ioas, A, P);
          t.counters(1);
          t.checkRefs(BUFFER.start, 1);
        },
      },
      control: (t, ioas) => {
        t.map(ioas, { iova: A });
        t.counters(1);
      },
    }),
    scenario('pins,first_device', {
      doc: 'Without a domain nothing is pinned; the first device pins every area; further devices pin nothing; the last one unpins.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/OK', 'IOMMU_DESTROY/OK'],
      source: 'core.md 5.2',
      seeds: ['S1-25', 'S3-11', 'S2-01'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 2n * P });
        t.map(ioas, { iova: A + 0x10000n, va: BUFFER.start + 0x10000n, length: 3n * P });
        t.counters(0);
        return ioas;
      },
      cases: {
        one: (t, ioas) => {
          const device = t.mockDomain(ioas);
          t.counters(5);
          t.checkRefs(BUFFER.start, 1, 2n * P);
          t.checkRefs(BUFFER.start + 0x10000n, 1, 3n * P);
          t.destroy(device.out('out_stdev_id'));
          t.counters(0);
        },
        two: (t, ioas) => {
          const first = t.mockDomain(ioas);
          const second = t.mockDomain(ioas);
          t.counters(5);
          t.destroy(first.out('out_stdev_id'));
          t.counters(5);
          t.destroy(second.out('out_stdev_id'));
          t.counters(0);
        },
        attached_again: (t, ioas) => {
          const device = t.mockDomain(ioas);
          t.destroy(device.out('out_stdev_id'));
          t.mockDomain(ioas);
          t.counters(5);
        },
        translations_again: (t, ioas) => {
          t.destroy(t.mockDomain(ioas).out('out_stdev_id'));
          const table = t.mockDomain(ioas).out('out_hwpt_id');
          t.checkMap(table, A, BUFFER.start, 2n * P);
          t.checkMap(table, A + 0x10000n, BUFFER.start + 0x10000n, 3n * P);
        },
      },
      control: (t, ioas) => {
        t.mockDomain(ioas);
        t.counters(5);
      },
    }),
    scenario('attach,unpinnable', {
      doc: 'A device does not attach to an IOAS with memory that cannot be pinned; everything is as before, also for the areas that could be.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN/EFAULT.user_memory',
        'IOMMU_TEST_OP_MOCK_DOMAIN/EOVERFLOW.user_memory_end',
      ],
      seeds: ['S2-05', 'S2-10'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 2n * P });
        return ioas;
      },
      cases: {
        unmapped: (t, ioas) => {
          t.map(ioas, { iova: A + 0x10000n, va: HOLE });
          t.mockDomain(ioas).fails('EFAULT');
          t.counters(0);
          t.ranges(ioas, 1).ok({ num_iovas: 1, out_iova_alignment: 1, allowed_iovas: [[0n, U64_MAX]] });
          t.unmap(ioas, A + 0x10000n, P);
          t.mockDomain(ioas).ok();
        },
        read_only: (t, ioas) => {
          t.map(ioas, { iova: A + 0x10000n, va: FROZEN.start });
          t.mockDomain(ioas).fails('EFAULT');
        },
        end_of_space: (t, ioas) => {
          t.map(ioas, { iova: A + 0x10000n, va: U64_MAX - P + 1n, length: 0x800n });
          t.mockDomain(ioas).fails('EOVERFLOW');
        },
      },
      control: (t, ioas) => {
        t.mockDomain(ioas);
        t.counters(2);
      },
    }),
    scenario('memory,as_it_is_when_pinned', {
      doc: 'Memory is looked at when it is pinned, not when it is mapped; pinned pages stay although user space unmaps them.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN/EFAULT.user_memory',
        'IOMMU_TEST_OP_MD_CHECK_MAP/EINVAL.translation',
      ],
      seeds: ['S3-05', 'S3-19'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, va: SCRATCH.start, length: 2n * P });
        return ioas;
      },
      cases: {
        gone_before: (t, ioas) => {
          t.munmap(SCRATCH.start + P, 1n);
          t.mockDomain(ioas).fails('EFAULT');
        },
        made_read_only_before: (t, ioas) => {
          t.mmap(SCRATCH.start, 1n, 'ro');
          t.mockDomain(ioas).fails('EFAULT');
        },
        gone_after: (t, ioas) => {
          t.mockDomain(ioas);
          t.munmap(SCRATCH.start, 2n);
          t.counters(2);
          t.unmap(ioas, A, 2n * P).ok({ length: 2n * P });
          t.counters(0);
        },
        other_page_after: (t, ioas) => {
          const device = t.mockDomain(ioas);
          t.checkMap(device.out('out_hwpt_id'), A, SCRATCH.start, 2n * P);
          t.mmap(SCRATCH.start, 1n, 'rw');
          t.checkMap(device.out('out_hwpt_id'), A, SCRATCH.start).fails('EINVAL');
          t.checkMap(device.out('out_hwpt_id'), A + P, SCRATCH.start + P).ok();
          t.checkRefs(SCRATCH.start, 0);
        },
      },
      control: (t, ioas) => {
        const device = t.mockDomain(ioas);
        t.checkMap(device.out('out_hwpt_id'), A, SCRATCH.start, 2n * P);
      },
    }),
    scenario('account,mm_mode', {
      doc: 'With RLIMIT_MODE 1 and without CAP_IPC_LOCK, pins are charged to locked_vm against RLIMIT_MEMLOCK.',
      covers: ['IOMMU_IOAS_MAP/ENOMEM.memlock', 'IOMMU_OPTION/OK'],
      seeds: ['S3-06'],
      source: 'core.md 5.3',
      gaps: [16],
      without: { shifted_ids: 'RLIMIT_MODE is set while the file has no objects' },
      setup: (t) => {
        t.setOption('RLIMIT_MODE', 1n);
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 4n * P });
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        charged: (t, ioas) => {
          t.map(ioas, { iova: A, length: 3n * P });
          t.counters(3, 3);
          t.unmap(ioas, A, 3n * P);
          t.counters(0, 0);
        },
        over_the_limit: (t, ioas) => {
          t.map(ioas, { iova: A, length: 5n * P }).fails('ENOMEM');
          t.counters(0, 0);
        },
        used_up: (t, ioas) => {
          t.map(ioas, { iova: A, length: 3n * P });
          t.map(ioas, { iova: A + 0x10000n, length: 2n * P }).fails('ENOMEM');
          t.map(ioas, { iova: A + 0x10000n, length: P }).ok();
          t.counters(4, 4);
        },
        fault_before_limit: (t, ioas) =>
          t.map(ioas, { va: SCRATCH.start + SCRATCH.bytes - 5n * P, length: 6n * P }).fails('EFAULT'),
        limit_before_response: (t, ioas) => {
          const args = { flags: 7, ioas_id: ioas, user_va: BUFFER.start, length: 5n * P, iova: A };
          t.ioctl('IOMMU_IOAS_MAP', args, { at: 'sealed' }).fails('ENOMEM');
        },
      },
      control: (t, ioas) => {
        t.map(ioas, { iova: A, length: 4n * P });
        t.counters(4, 4);
      },
    }),
    scenario('account,user_mode', {
      doc: 'Without CAP_IPC_LOCK, pins are charged to the user against RLIMIT_MEMLOCK; locked_vm does not move.',
      covers: ['IOMMU_IOAS_MAP/ENOMEM.memlock', 'IOMMU_TEST_OP_MOCK_DOMAIN/ENOMEM.memlock'],
      source: 'core.md 5.3',
      gaps: [16],
      seeds: ['S2-06'],
      setup: (t) => {
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 4n * P });
        return t.ioas();
      },
      cases: {
        charged: (t, ioas) => {
          t.mockDomain(ioas);
          t.map(ioas, { iova: A, length: 4n * P });
          t.counters(4, 0);
          t.map(ioas, { iova: A + 0x10000n, length: P }).fails('ENOMEM');
          t.unmap(ioas, A, 4n * P);
          t.map(ioas, { iova: A + 0x10000n, length: P }).ok();
        },
        at_attach: (t, ioas) => {
          t.map(ioas, { iova: A, length: 5n * P });
          t.mockDomain(ioas).fails('ENOMEM');
          t.counters(0, 0);
        },
        second_area_at_attach: (t, ioas) => {
          t.map(ioas, { iova: A, length: 3n * P });
          t.map(ioas, { iova: A + 0x10000n, length: 2n * P });
          t.mockDomain(ioas).fails('ENOMEM');
          t.counters(0, 0);
          t.unmap(ioas, A, 3n * P);
          t.mockDomain(ioas).ok();
          t.counters(2, 0);
        },
        limit_of_the_moment: (t, ioas) => {
          t.mockDomain(ioas);
          t.process({ memlock: 2n * P });
          t.map(ioas, { iova: A, length: 3n * P }).fails('ENOMEM');
          t.process({ memlock: 3n * P });
          t.map(ioas, { iova: A, length: 3n * P }).ok();
        },
        limit_before_response: (t, ioas) => {
          t.map(ioas, { iova: A, length: 5n * P });
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: ioas }, { at: 'sealed' }).fails('ENOMEM');
        },
      },
      control: (t, ioas) => {
        t.map(ioas, { iova: A, length: 4n * P });
        t.mockDomain(ioas);
        t.counters(4, 0);
      },
    }),
    scenario('account,exempt', {
      doc: 'With CAP_IPC_LOCK at the time of MAP there is no limit, whatever RLIMIT_MODE says; VmPin still counts.',
      covers: ['IOMMU_IOAS_MAP/OK'],
      source: 'core.md 5.3',
      without: { shifted_ids: 'RLIMIT_MODE is set while the file has no objects' },
      seeds: ['S2-08'],
      setup: (t) => {
        t.setOption('RLIMIT_MODE', 1n);
        t.process({ memlock: P });
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        beyond_the_limit: (t, ioas) => {
          t.map(ioas, { iova: A, length: 8n * P });
          t.counters(8, 0);
        },
        dropped_later: (t, ioas) => {
          t.map(ioas, { iova: A, length: 8n * P });
          t.process({ drop: ['CAP_IPC_LOCK'] });
          t.map(ioas, { iova: A + 0x10000n, length: 2n * P }).fails('ENOMEM');
          t.counters(8, 0);
        },
      },
      control: (t, ioas) => {
        t.map(ioas, { iova: A, length: P });
        t.counters(1, 0);
      },
    }),
  ],
);
