import { BUFFER, SCRATCH } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndParent } from '../hwpt/set_up.js';

const CHILD = 'child';

const EMPTY_TABLE = 'the option can only be set while no id is taken';

/** An IOAS, and a child that maps two pages of the buffer in it. */
function mappedByChild(t: ScenarioBuilder): Reference {
  const ioas = t.ioas();
  t.fork(CHILD);
  t.by(CHILD, () => t.map(ioas, { length: 2n * P, iova: A }));
  return ioas;
}

/** A file of which the child has mapped two pages. */
function fileMappedByChild(t: ScenarioBuilder): Reference {
  const ioas = t.ioas();
  const file = t.memfd('m', 4n);
  t.fork(CHILD);
  t.by(CHILD, () => t.mapFile(ioas, file, { iova: A, length: 2n * P }));
  return ioas;
}

/** A child that has the region of a vIOMMU mapped, as its parent has not. */
function regionMappedByChild(t: ScenarioBuilder) {
  const all = deviceAndParent(t);
  const data = { data_len: 24, data_uptr: { words: [0x1234, 0, 0, 0, 0, 0] } };
  const viommu = t.viommu(all.device, all.parent, data).out('out_viommu_id');
  t.fork(CHILD);
  t.by(CHILD, () => t.mmapFile('f', 0x1000n, 2n));
  return { ...all, viommu };
}

const mapper = [
  scenario('mapper,memory_is_gone', {
    doc: 'Memory that a process had mapped before exec() cannot be pinned any more, as if it had exited; what is pinned stays, and is charged to memory that nobody has.',
    covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/EFAULT.user_memory', 'exec/OK'],
    source: 'core.md 5.4',
    seeds: ['S2-49'],
    setup: mappedByChild,
    cases: {
      not_pinned_yet: (t, ioas) => {
        t.exec(CHILD);
        t.mockDomain(ioas).fails('EFAULT');
        t.unmap(ioas, A, 2n * P).ok({ length: 2n * P });
        t.mockDomain(ioas);
      },
      by_the_process_itself: (t, ioas) => {
        t.exec(CHILD);
        t.by(CHILD, () => t.mockDomain(ioas).fails('EFAULT'));
      },
      pinned_before: (t, ioas) => {
        const device = t.mockDomain(ioas);
        t.by(CHILD, () => {
          t.counters(2);
        });
        t.exec(CHILD);
        t.checkMap(device.out('out_hwpt_id'), A, BUFFER.start, 2n * P);
        t.checkRefs(BUFFER.start, 1, 2n * P);
        t.counters(0);
        t.by(CHILD, () => {
          t.counters(0);
        });
        t.mockDomain(ioas);
      },
      unpinned_after: (t, ioas) => {
        t.mockDomain(ioas);
        t.exec(CHILD);
        t.by(CHILD, () => {
          t.unmap(ioas, A, 2n * P).ok({ length: 2n * P });
          t.counters(0);
        });
        t.checkRefs(BUFFER.start, 0, 2n * P);
      },
      let_go_and_wanted_again: (t, ioas) => {
        const device = t.mockDomain(ioas).out('out_stdev_id');
        t.exec(CHILD);
        t.destroy(device);
        t.checkRefs(BUFFER.start, 0, 2n * P);
        t.mockDomain(ioas).fails('EFAULT');
      },
      copied: (t, ioas) => {
        t.exec(CHILD);
        const other = t.ioas();
        t.copy({ src: ioas, dst: other, from: A, iova: A + 4n * P });
        t.mockDomain(other).fails('EFAULT');
      },
      twice: (t, ioas) => {
        t.exec(CHILD);
        t.by(CHILD, () => t.map(ioas, { iova: A + 4n * P }));
        t.exec(CHILD);
        t.unmap(ioas, A, 2n * P);
        t.mockDomain(ioas).fails('EFAULT');
      },
      memory_of_the_parent: (t, ioas) => {
        t.unmap(ioas, A, 2n * P);
        t.map(ioas, { iova: A });
        t.exec(CHILD);
        t.by(CHILD, () => t.mockDomain(ioas));
        t.counters(1);
      },
    },
    control: (t, ioas) => {
      t.exec(CHILD);
      t.unmap(ioas, A, 2n * P);
    },
  }),
  scenario('mapper,memory_is_new', {
    doc: 'After exec() the process maps and pins memory of its own, which nobody else has, and is charged for it.',
    covers: ['exec/OK', 'IOMMU_IOAS_MAP/OK'],
    source: 'core.md 5.3',
    setup: (t) => {
      const ioas = t.ioas();
      t.fork(CHILD);
      t.by(CHILD, () => {
        t.munmap(SCRATCH.start, 1n);
      });
      t.exec(CHILD);
      return ioas;
    },
    cases: {
      charged: (t, ioas) => {
        t.by(CHILD, () => t.map(ioas, { length: 3n * P, iova: A }));
        t.mockDomain(ioas);
        t.counters(0);
        t.by(CHILD, () => {
          t.counters(3);
        });
      },
      not_shared: (t, ioas) => {
        const hwpt = t.mockDomain(ioas).out('out_hwpt_id');
        t.by(CHILD, () => {
          t.map(ioas, { iova: A });
          t.checkMap(hwpt, A, BUFFER.start);
          t.checkRefs(BUFFER.start, 1);
        });
        t.checkRefs(BUFFER.start, 0);
        t.checkMap(hwpt, A, BUFFER.start).fails('EINVAL');
      },
      whole_again: (t, ioas) => {
        t.mockDomain(ioas);
        t.by(CHILD, () => t.map(ioas, { va: SCRATCH.start, iova: A }));
      },
    },
    control: (t, ioas) => t.by(CHILD, () => t.map(ioas, { iova: A })),
  }),
  scenario('mapper,file_stays', {
    doc: 'A mapping of a file needs no memory of the process that made it: its pages can be pinned still, and are charged to a user who is there still.',
    covers: ['exec/OK', 'IOMMU_IOAS_MAP_FILE/OK'],
    needs: ['map_file'],
    source: 'core.md 5.3',
    setup: (t) => {
      t.process({ drop: ['CAP_IPC_LOCK'], memlock: 3n * P });
      return fileMappedByChild(t);
    },
    cases: {
      pinned_later: (t, ioas) => {
        t.exec(CHILD);
        t.mockDomain(ioas);
        t.counters(0);
        t.by(CHILD, () => {
          t.counters(0);
        });
      },
      charged_as_before: (t, ioas) => {
        t.exec(CHILD);
        t.mockDomain(ioas);
        t.map(ioas, { iova: A + 4n * P });
        t.map(ioas, { iova: A + 5n * P }).fails('ENOMEM');
      },
      limit_of_the_process: (t, ioas) => {
        t.exec(CHILD);
        t.by(CHILD, () => {
          t.process({ memlock: P });
        });
        t.mockDomain(ioas).fails('ENOMEM');
      },
    },
    control: (t, ioas) => t.mockDomain(ioas),
  }),
];

const changeProcess = [
  scenario('change_process,from_its_past', {
    doc: 'Memory is what tells processes apart: after exec() CHANGE_PROCESS moves what the process itself had mapped before, and a limit stands in the way again.',
    covers: ['IOMMU_IOAS_CHANGE_PROCESS/OK', 'IOMMU_IOAS_CHANGE_PROCESS/ENOMEM.memlock'],
    needs: ['map_file'],
    source: 'core.md 3.10; ioas.c:need_charge_update',
    setup: (t) => {
      t.process({ drop: ['CAP_IPC_LOCK'], memlock: 4n * P });
      const ioas = fileMappedByChild(t);
      t.mockDomain(ioas);
      t.exec(CHILD);
      return ioas;
    },
    cases: {
      moved: (t, ioas) => {
        t.by(CHILD, () => {
          t.counters(0);
          t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {});
          t.counters(2);
          t.unmap(ioas, A, 2n * P);
          t.counters(0);
        });
      },
      moved_to_the_parent: (t) => {
        t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {});
        t.counters(2);
      },
      charged_twice_meanwhile: (t) => {
        t.by(CHILD, () => {
          t.process({ memlock: 3n * P });
          t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {}).fails('ENOMEM');
          t.counters(0);
        });
      },
    },
    control: (t) => t.by(CHILD, () => t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {})),
  }),
];

const region = [
  scenario('region,unmapped', {
    doc: 'Regions that the process had mapped are unmapped, and hold their vIOMMU and the file no longer.',
    covers: ['exec/OK', 'IOMMU_DESTROY/EBUSY.users'],
    needs: ['viommu'],
    source: 'device.md 4.4',
    setup: regionMappedByChild,
    cases: {
      destroyed_after: (t, { viommu }) => {
        t.destroy(viommu).fails('EBUSY');
        t.exec(CHILD);
        t.destroy(viommu);
      },
      of_the_parent_stays: (t, { viommu }) => {
        t.mmapFile('f', 0x1000n, 2n);
        t.exec(CHILD);
        t.destroy(viommu).fails('EBUSY');
      },
      mapped_again: (t, { viommu }) => {
        t.exec(CHILD);
        t.by(CHILD, () => t.mmapFile('f', 0x1000n, 2n));
        t.destroy(viommu).fails('EBUSY');
      },
      last_reference: (t, { ioas }) => {
        t.map(ioas, { iova: A });
        t.close();
        t.by(CHILD, () => t.close());
        t.counters(1);
        t.exec(CHILD);
        t.counters(0);
      },
    },
    control: (t) => {
      t.exec(CHILD);
    },
  }),
];

const credentials = [
  scenario('credentials,after', {
    doc: 'The first user has all capabilities again after exec(), as files give them; limits stay.',
    covers: ['exec/OK', 'IOMMU_OPTION/EPERM.resource', 'IOMMU_IOAS_MAP/ENOMEM.memlock'],
    without: { shifted_ids: EMPTY_TABLE },
    source: 'security/commoncap.c:handle_privileged_root',
    setup: (t) => {
      t.fork(CHILD);
    },
    cases: {
      capability_is_back: (t) => {
        t.by(CHILD, () => {
          t.process({ drop: ['CAP_SYS_RESOURCE'] });
          t.setOption('RLIMIT_MODE', 1n).fails('EPERM');
        });
        t.exec(CHILD);
        t.by(CHILD, () => t.setOption('RLIMIT_MODE', 1n));
      },
      dropped_again: (t) => {
        t.exec(CHILD);
        t.by(CHILD, () => {
          t.process({ drop: ['CAP_SYS_RESOURCE'] });
          t.setOption('RLIMIT_MODE', 1n).fails('EPERM');
        });
      },
      limit_stays: (t) => {
        t.by(CHILD, () => {
          t.process({ memlock: P });
        });
        t.exec(CHILD);
        t.by(CHILD, () => {
          t.process({ drop: ['CAP_IPC_LOCK'] });
          const ioas = t.ioas();
          t.mockDomain(ioas);
          t.map(ioas, { iova: A });
          t.map(ioas, { iova: A + P }).fails('ENOMEM');
        });
      },
    },
    control: (t) => {
      t.exec(CHILD);
      t.by(CHILD, () => t.setOption('RLIMIT_MODE', 1n));
    },
  }),
];

export const processExec = suite(
  'process/exec',
  'exec(): memory that was mapped is gone and its pins stay, regions are unmapped, capabilities come back.',
  [...mapper, ...changeProcess, ...region, ...credentials],
);
