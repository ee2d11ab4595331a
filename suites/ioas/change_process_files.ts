import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { dmabuf, revoke } from '../dmabuf/set_up.js';

function changeProcess(t: ScenarioBuilder) {
  return t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {});
}

export const ioasChangeProcessFiles = suite(
  'ioas/change_process_files',
  'IOMMU_IOAS_CHANGE_PROCESS with mappings of files, called by the process that made them and by another.',
  [
    scenario('areas,of_files_only', {
      doc: 'It is refused while any area of any IOAS of the file shows anything but a file.',
      covers: ['IOMMU_IOAS_CHANGE_PROCESS/OK', 'IOMMU_IOAS_CHANGE_PROCESS/EINVAL.not_file'],
      source: 'core.md 3.10',
      gaps: [18],
      seeds: ['S4-15'],
      needs: ['map_file'],
      setup: (t) => {
        const ioas = t.ioas();
        const other = t.ioas();
        const file = t.memfd('m', 4n);
        t.mapFile(ioas, file, { iova: A, length: 2n * P });
        return { ioas, other, file };
      },
      cases: {
        files_in_both: (t, { other, file }) => {
          t.mapFile(other, file, { iova: A });
          changeProcess(t);
        },
        user_memory_beside: (t, { ioas }) => {
          t.map(ioas, { iova: A + 2n * P });
          changeProcess(t).fails('EINVAL');
        },
        user_memory_below: (t, { ioas }) => {
          t.map(ioas, { iova: A - P });
          changeProcess(t).fails('EINVAL');
          t.unmap(ioas, A - P, P);
          changeProcess(t);
        },
        user_memory_in_the_other: (t, { other }) => {
          t.map(other, { iova: A });
          changeProcess(t).fails('EINVAL');
          t.destroy(other);
          changeProcess(t);
        },
        copy_of_user_memory: (t, { ioas, other }) => {
          t.map(other, { iova: A });
          t.copy({ src: other, dst: ioas, from: A, iova: A + 2n * P });
          t.destroy(other);
          changeProcess(t).fails('EINVAL');
        },
        copy_of_a_file: (t, { ioas, other }) => {
          t.copy({ src: ioas, dst: other, from: A, length: 2n * P, iova: A });
          changeProcess(t);
        },
        file_that_is_closed: (t, { file }) => {
          t.close(file);
          changeProcess(t);
        },
        dma_buf: {
          needs: ['dmabuf'],
          body: (t, { other }) => {
            dmabuf(t, 'd', 0x1000);
            t.mapFile(other, 'd', { iova: A });
            changeProcess(t).fails('EINVAL');
            revoke(t, 'd', 1);
            changeProcess(t).fails('EINVAL');
            t.unmap(other, A, P);
            changeProcess(t);
          },
        },
      },
      control: (t) => changeProcess(t),
    }),
    ...(['none', 'user', 'mm'] as const).map((mode) =>
      scenario(`charges,mode_${mode}`, {
        doc: 'In the process that is charged already nothing has to move, so that no limit stands in the way.',
        covers: ['IOMMU_IOAS_CHANGE_PROCESS/OK'],
        source: 'core.md 3.10; ioas.c:need_charge_update',
        gaps: [18],
        needs: ['map_file'],
        without: { shifted_ids: 'the option is set only while the file has no objects' },
        setup: (t) => {
          const file = t.memfd('m', 4n);
          if (mode === 'mm') t.setOption('RLIMIT_MODE', 1n);
          if (mode !== 'none') t.process({ drop: ['CAP_IPC_LOCK'], memlock: 3n * P });
          const ioas = t.ioas();
          t.mockDomain(ioas);
          t.mapFile(ioas, file, { iova: A, length: 2n * P });
          return { ioas, file, locked: mode === 'mm' ? 2 : 0 };
        },
        cases: {
          limit_is_full: (t, { ioas, locked }) => {
            t.process({ memlock: 0n });
            changeProcess(t);
            t.counters(2, locked);
            t.unmap(ioas, A, 2n * P);
            t.counters(0);
          },
          twice: (t, { ioas, locked }) => {
            changeProcess(t);
            changeProcess(t);
            t.counters(2, locked);
            t.destroy(ioas).fails('EBUSY');
          },
          charges_go_on: (t, { ioas, file }) => {
            changeProcess(t);
            t.mapFile(ioas, file, { iova: A + 2n * P });
            const beyond = t.mapFile(ioas, file, { iova: A + 3n * P });
            if (mode !== 'none') beyond.fails('ENOMEM');
          },
          refused: (t, { ioas, locked }) => {
            t.map(ioas, { iova: A + 4n * P });
            changeProcess(t).fails('EINVAL');
            t.unmap(ioas, A + 4n * P, P);
            t.counters(2, locked);
          },
          copy_keeps_the_pages: (t, { ioas, locked }) => {
            const other = t.ioas();
            t.copy({ src: ioas, dst: other, from: A, length: 2n * P, iova: A });
            changeProcess(t);
            t.destroy(other);
            t.counters(2, locked);
          },
        },
        control: (t) => changeProcess(t),
      }),
    ),
    scenario('other_process,charged_to_nobody', {
      doc: 'Memory mapped with CAP_IPC_LOCK changes its owner without pinned_vm: who unmaps it has less than nothing pinned.',
      covers: ['IOMMU_IOAS_CHANGE_PROCESS/OK'],
      source: 'core.md 3.10; the finding change-process-counters',
      kselftest: ['change_process.account_none.basic'],
      gaps: [18],
      needs: ['map_file'],
      setup: (t) => {
        const file = t.memfd('m', 4n);
        const ioas = t.ioas();
        t.mockDomain(ioas);
        t.fork('mapper');
        t.fork('taker');
        t.by('mapper', () => {
          t.mapFile(ioas, file, { iova: A, length: 2n * P });
        });
        const counts = (mapper: number, taker: number): void => {
          t.by('mapper', () => {
            t.counters(mapper);
          });
          t.by('taker', () => {
            t.counters(taker);
          });
        };
        return { ioas, counts, take: () => t.by('taker', () => changeProcess(t)) };
      },
      cases: {
        taken: (_t, { counts, take }) => {
          take();
          counts(2, 0);
        },
        unmapped: (t, { ioas, counts, take }) => {
          take();
          t.unmap(ioas, A, 2n * P);
          counts(2, -2);
        },
        taken_back: (t, { ioas, counts, take }) => {
          take();
          t.by('mapper', () => changeProcess(t));
          t.unmap(ioas, A, 2n * P);
          counts(0, 0);
        },
        nothing_mapped: (t, { ioas, counts }) => {
          t.unmap(ioas, A, 2n * P);
          t.by('taker', () => changeProcess(t));
          counts(0, 0);
        },
      },
      control: (_t, { counts }) => {
        counts(2, 0);
      },
    }),
    ...(['user', 'mm'] as const).map((mode) =>
      scenario(`other_process,mode_${mode}`, {
        doc: 'The caller pays for what others pinned, and they do not any more; a user is charged twice in between.',
        covers: ['IOMMU_IOAS_CHANGE_PROCESS/OK', 'IOMMU_IOAS_CHANGE_PROCESS/ENOMEM.memlock'],
        source: 'core.md 3.10',
        kselftest: [`change_process.account_${mode}.basic`],
        gaps: [18],
        needs: ['map_file'],
        without: { shifted_ids: 'the option is set only while the file has no objects' },
        setup: (t) => {
          const file = t.memfd('m', 4n);
          if (mode === 'mm') t.setOption('RLIMIT_MODE', 1n);
          t.process({ drop: ['CAP_IPC_LOCK'], memlock: 4n * P });
          const ioas = t.ioas();
          t.mockDomain(ioas);
          t.mapFile(ioas, file, { iova: A, length: 2n * P });
          t.fork('child');
          const locked = mode === 'mm' ? 2 : 0;
          return { ioas, file, locked, take: () => t.by('child', () => changeProcess(t)) };
        },
        cases: {
          there_and_back: (t, { ioas, locked, take }) => {
            t.by('child', () => {
              t.counters(0);
            });
            take();
            t.counters(0);
            t.by('child', () => {
              t.counters(2, locked);
            });
            changeProcess(t);
            t.counters(2, locked);
            t.by('child', () => {
              t.counters(0);
            });
            t.unmap(ioas, A, 2n * P);
            t.counters(0);
          },
          twice_by_the_same: (t, { locked, take }) => {
            take();
            take();
            t.by('child', () => {
              t.counters(2, locked);
            });
          },
          unmapped_by_another: (t, { ioas, take }) => {
            take();
            t.unmap(ioas, A, 2n * P);
            t.by('child', () => {
              t.counters(0);
            });
          },
          limit_exceeded: (t, { locked, take }) => {
            t.by('child', () => {
              t.process({ memlock: mode === 'mm' ? P : 3n * P });
            });
            take().fails('ENOMEM');
            t.counters(2, locked);
          },
          limit_reached: (t, { take }) => {
            t.by('child', () => {
              t.process({ memlock: mode === 'mm' ? 2n * P : 4n * P });
            });
            take();
          },
          shared_pages_count_once: (t, { ioas, locked, take }) => {
            const other = t.ioas();
            t.copy({ src: ioas, dst: other, from: A, length: 2n * P, iova: A });
            take();
            t.by('child', () => {
              t.counters(2, locked);
            });
          },
          user_memory_beside: (t, { ioas, locked, take }) => {
            const area = t.map(ioas, { iova: A + 2n * P });
            take().fails('EINVAL');
            t.counters(3, mode === 'mm' ? locked + 1 : 0);
            t.unmap(ioas, area.out('iova'), P);
            take();
          },
          outlives_its_owner: (t, { ioas, take }) => {
            take();
            t.exit('child');
            t.unmap(ioas, A, 2n * P);
            t.counters(0);
          },
        },
        control: (_t, { take }) => take(),
      }),
    ),
    scenario('other_process,nothing_pinned', {
      doc: 'Mappings that are not pinned change over too, and are charged to their new owner when they are pinned.',
      covers: ['IOMMU_IOAS_CHANGE_PROCESS/OK'],
      source: 'core.md 3.10',
      gaps: [18],
      needs: ['map_file'],
      setup: (t) => {
        const ioas = t.ioas();
        t.mapFile(ioas, t.memfd('m', 4n), { iova: A, length: 2n * P });
        t.fork('child');
        return ioas;
      },
      cases: {
        pinned_later: (t, ioas) => {
          t.by('child', () => changeProcess(t));
          t.mockDomain(ioas);
          t.counters(0);
          t.by('child', () => {
            t.counters(2);
          });
        },
        owner_is_gone: (t, ioas) => {
          t.by('child', () => changeProcess(t));
          t.exit('child');
          t.mockDomain(ioas);
          t.counters(0);
        },
      },
      control: (t) => t.by('child', () => changeProcess(t)),
    }),
  ],
);
