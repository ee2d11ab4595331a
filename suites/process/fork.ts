import { BUFFER, SCRATCH } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';

const APERTURE = 0x100_0000n;
const CHILD = 'child';

const EMPTY_TABLE = 'the option can only be set while no id is taken';

/** An IOAS, and a child that maps two pages of the buffer in it. */
function mappedByChild(t: ScenarioBuilder): Reference {
  const ioas = t.ioas();
  t.fork(CHILD);
  t.by(CHILD, () => t.map(ioas, { length: 0x2000n, iova: APERTURE }));
  return ioas;
}

export const processFork = suite(
  'process/fork',
  'Programs of several processes: whose memory is pinned, who pays, and what outlives whom. Descriptors are inherited by fork().',
  [
    scenario('mapper,present', {
      doc: 'Memory is that of the process that mapped it: a device that comes later pins it there, and that process pays.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/OK', 'fork/OK'],
      source: 'core.md 5.3',
      kselftest: ['iommufd_ioas.no_domain.fork_present', 'iommufd_ioas.mock_domain.fork_present'],
      setup: mappedByChild,
      cases: {
        pinned_in_the_child: (t, ioas) => {
          t.mockDomain(ioas);
          t.counters(0);
          t.by(CHILD, () => {
            t.counters(2);
          });
          t.checkRefs(BUFFER.start, 1, 0x2000n);
        },
        translated: (t, ioas) => {
          const hwpt = t.mockDomain(ioas).out('out_hwpt_id');
          t.checkMap(hwpt, APERTURE, BUFFER.start, 0x2000n);
        },
        memory_of_the_child_alone: (t, ioas) => {
          t.by(CHILD, () => {
            t.munmap(SCRATCH.start, 1n);
            t.map(ioas, { va: SCRATCH.start, iova: 0x200_0000n });
          });
          t.map(ioas, { va: SCRATCH.start, iova: 0x300_0000n });
          t.mockDomain(ioas).fails('EFAULT');
        },
        memory_of_the_parent_alone: (t, ioas) => {
          t.munmap(SCRATCH.start, 1n);
          t.by(CHILD, () => t.map(ioas, { va: SCRATCH.start, iova: 0x200_0000n }));
          t.mockDomain(ioas);
        },
      },
      control: (t, ioas) => t.mockDomain(ioas),
    }),
    scenario('mapper,gone', {
      doc: 'Memory of a process that has exited cannot be pinned any more; what is pinned stays.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/EFAULT.user_memory', 'exit/OK'],
      source: 'core.md 5.4',
      kselftest: ['iommufd_ioas.no_domain.fork_gone'],
      setup: mappedByChild,
      cases: {
        not_pinned_yet: (t, ioas) => {
          t.exit(CHILD);
          t.mockDomain(ioas).fails('EFAULT');
        },
        pinned_before: (t, ioas) => {
          const device = t.mockDomain(ioas);
          t.exit(CHILD);
          t.checkMap(device.out('out_hwpt_id'), APERTURE, BUFFER.start, 0x2000n);
          t.checkRefs(BUFFER.start, 1, 0x2000n);
          t.counters(0);
          t.mockDomain(ioas);
          t.hwptAlloc(device.out('out_idev_id'), ioas);
          t.destroy(device.out('out_stdev_id'));
        },
        unpinned_after: (t, ioas) => {
          t.mockDomain(ioas);
          t.exit(CHILD);
          t.unmap(ioas, APERTURE, 0x2000n).ok({ length: 0x2000n });
          t.checkRefs(BUFFER.start, 0, 0x2000n);
        },
        let_go_and_wanted_again: (t, ioas) => {
          const device = t.mockDomain(ioas).out('out_stdev_id');
          t.exit(CHILD);
          t.destroy(device);
          t.checkRefs(BUFFER.start, 0, 0x2000n);
          t.mockDomain(ioas).fails('EFAULT');
        },
        copied: (t, ioas) => {
          t.exit(CHILD);
          const other = t.ioas();
          t.copy({ src: ioas, dst: other, from: APERTURE, iova: 0x200_0000n });
          t.mockDomain(other).fails('EFAULT');
        },
      },
      control: (t, ioas) => {
        t.exit(CHILD);
        t.unmap(ioas, APERTURE, 0x2000n);
      },
    }),
    scenario('charge,exited_user', {
      doc: 'What a process was charged as a user is given back although it has exited.',
      covers: ['IOMMU_IOAS_MAP/ENOMEM.memlock'],
      source: 'core.md 5.3',
      setup: (t) => {
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 0x3000n });
        const ioas = t.ioas();
        t.mockDomain(ioas);
        t.fork(CHILD);
        t.by(CHILD, () => t.map(ioas, { length: 0x2000n, iova: APERTURE }));
        return ioas;
      },
      cases: {
        still_charged: (t, ioas) => {
          t.exit(CHILD);
          t.map(ioas, { length: 0x2000n }).fails('ENOMEM');
        },
        given_back: (t, ioas) => {
          t.exit(CHILD);
          t.unmap(ioas, APERTURE, 0x2000n);
          t.map(ioas, { length: 0x3000n });
        },
        one_limit_for_both: (t, ioas) => t.map(ioas, { length: 0x2000n }).fails('ENOMEM'),
      },
      control: (t, ioas) => t.map(ioas, { iova: 0x200_0000n }),
    }),
    scenario('charge,memory_of_mapper', {
      without: { shifted_ids: EMPTY_TABLE },
      doc: 'In the mode that charges memory, the limit and the counter are those of the process that mapped.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/ENOMEM.memlock'],
      source: 'core.md 5.3',
      setup: (t) => {
        t.setOption('RLIMIT_MODE', 1n);
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 0x4000n });
        t.fork(CHILD);
        const ioas = t.ioas();
        t.by(CHILD, () => t.map(ioas, { length: 0x3000n, iova: APERTURE }));
        return ioas;
      },
      cases: {
        counted_there: (t, ioas) => {
          t.mockDomain(ioas);
          t.counters(0, 0);
          t.by(CHILD, () => {
            t.counters(3, 3);
          });
        },
        limit_of_the_mapper: (t, ioas) => {
          t.by(CHILD, () => {
            t.process({ memlock: 0x2000n });
          });
          t.mockDomain(ioas).fails('ENOMEM');
        },
        limit_of_the_caller_does_not_matter: (t, ioas) => {
          t.process({ memlock: 0n });
          t.mockDomain(ioas);
        },
        limits_do_not_add_up: (t, ioas) => {
          t.mockDomain(ioas);
          t.map(ioas, { length: 0x4000n, iova: 0x200_0000n });
          t.counters(4, 4);
        },
      },
      control: (t, ioas) => t.mockDomain(ioas),
    }),
    scenario('charge,memory_of_gone_mapper', {
      without: { shifted_ids: EMPTY_TABLE },
      doc: 'In the mode that charges memory nobody relieves a process that is gone: pages of a file that it has mapped stay charged when they are unpinned.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/ENOMEM.memlock', 'IOMMU_TEST_OP_MOCK_DOMAIN/OK'],
      source: 'core.md 5.3',
      needs: ['map_file'],
      setup: (t) => {
        t.setOption('RLIMIT_MODE', 1n);
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 0x4000n });
        const file = t.memfd('m', 4n);
        const [ioas, other] = [t.ioas(), t.ioas()];
        const device = t.mockDomain(ioas);
        t.fork(CHILD);
        t.by(CHILD, () => {
          t.mapFile(ioas, file, { iova: APERTURE, length: 0x3000n });
          t.mapFile(other, file, { iova: APERTURE, length: 0x2000n });
        });
        return { ioas, other, device };
      },
      cases: {
        relieved_while_it_runs: (t, { ioas, other }) => {
          t.unmap(ioas, APERTURE, 0x3000n);
          t.mockDomain(other);
        },
        unpinned_after_exit: (t, { ioas, other }) => {
          t.exit(CHILD);
          t.unmap(ioas, APERTURE, 0x3000n);
          t.mockDomain(other).fails('ENOMEM');
        },
        unpinned_after_exec: (t, { ioas, other }) => {
          t.exec(CHILD);
          t.unmap(ioas, APERTURE, 0x3000n);
          t.mockDomain(other).fails('ENOMEM');
        },
        pinned_again: (t, { ioas, other, device }) => {
          t.exit(CHILD);
          t.destroy(device.out('out_stdev_id'));
          t.mockDomain(ioas);
          t.mockDomain(other).fails('ENOMEM');
        },
        relieved_by_the_next_pin: (t, { ioas, other }) => {
          const part = t.ioas();
          t.copy({ src: ioas, dst: part, from: APERTURE, iova: APERTURE });
          t.exit(CHILD);
          t.unmap(ioas, APERTURE, 0x3000n);
          t.mockDomain(part);
          t.mockDomain(other);
        },
        others_do_not_pay: (t, { ioas }) => {
          t.exit(CHILD);
          t.unmap(ioas, APERTURE, 0x3000n);
          t.map(ioas, { length: 0x4000n });
          t.counters(4, 4);
        },
      },
      control: (t, { other }) => {
        t.exit(CHILD);
        t.unmap(other, APERTURE, 0x2000n);
      },
    }),
    scenario('descriptors,inherited', {
      doc: 'A descriptor that was inherited keeps the file open; one that was opened later is of its process alone.',
      covers: ['envelope/EBADF.file', 'close/OK'],
      source: 'core.md 2.6',
      setup: (t) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        t.map(ioas, { iova: APERTURE });
        t.fork(CHILD);
        return ioas;
      },
      cases: {
        closed_here: (t, ioas) => {
          t.close();
          t.counters(1);
          t.by(CHILD, () => t.unmap(ioas, APERTURE, 0x1000n));
          t.counters(0);
        },
        closed_there: (t, ioas) => {
          t.by(CHILD, () => {
            t.close();
            t.unmap(ioas, APERTURE, 0x1000n).fails('EBADF');
          });
          t.unmap(ioas, APERTURE, 0x1000n);
        },
        exit_is_the_last: (t) => {
          t.close();
          t.counters(1);
          t.exit(CHILD);
          t.counters(0);
        },
        opened_later: (t) => {
          t.open('g');
          t.by(CHILD, () => t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'g' }).fails('EBADF'));
        },
        opened_there: (t) => {
          t.by(CHILD, () => {
            t.open('g');
            t.ioas('g');
          });
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'g' }).fails('EBADF');
        },
      },
      control: (t, ioas) => t.by(CHILD, () => t.destroy(ioas).fails('EBUSY')),
    }),
    scenario('credentials,own', {
      without: { shifted_ids: EMPTY_TABLE },
      doc: 'Capabilities and limits are those of the process that calls.',
      covers: ['IOMMU_OPTION/EPERM.resource'],
      setup: (t) => {
        t.fork(CHILD);
      },
      cases: {
        dropped_there: (t) => {
          t.by(CHILD, () => {
            t.process({ drop: ['CAP_SYS_RESOURCE'] });
            t.setOption('RLIMIT_MODE', 1n).fails('EPERM');
          });
          t.setOption('RLIMIT_MODE', 1n);
        },
        dropped_here: (t) => {
          t.process({ drop: ['CAP_SYS_RESOURCE'] });
          t.setOption('RLIMIT_MODE', 1n).fails('EPERM');
          t.by(CHILD, () => t.setOption('RLIMIT_MODE', 1n));
        },
        inherited: (t) => {
          t.process({ drop: ['CAP_SYS_RESOURCE'] });
          t.fork('second');
          t.by('second', () => t.setOption('RLIMIT_MODE', 1n).fails('EPERM'));
        },
      },
      control: (t) => t.by(CHILD, () => t.setOption('RLIMIT_MODE', 1n)),
    }),
  ],
);
