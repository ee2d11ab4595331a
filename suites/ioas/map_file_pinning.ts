import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { ONLY_ONCE } from '../mock/every_alignment.js';
import { HALF, PAGES, SEEN, fileAndDomain, truncate } from './map_file_set_up.js';

export const ioasMapFilePinning = suite(
  'ioas/map_file_pinning',
  'IOMMU_IOAS_MAP_FILE with domains: which pages of a file are pinned, and for how long. Seals, files of huge pages and descriptors of files of memory opened to read are left out: programs have none.',
  [
    scenario('pages,of_the_file', {
      doc: 'The domain shows the pages of the file, each pinned once for its mapping.',
      covers: ['IOMMU_IOAS_MAP_FILE/OK'],
      source: 'core.md 5.1, 5.5',
      gaps: [17],
      kselftest: ['iommufd_mock_domain.one_domain_file.basic'],
      needs: ['map_file'],
      setup: fileAndDomain,
      cases: {
        whole: (t, { ioas, hwpt, file }) => {
          t.mapFile(ioas, file, { iova: A, length: PAGES * P });
          t.checkMap(hwpt, A, SEEN, PAGES * P);
          t.checkRefs(SEEN, 1, PAGES * P);
          t.counters(8);
          t.unmap(ioas, A, PAGES * P);
          t.checkRefs(SEEN, 0, PAGES * P);
          t.counters(0);
        },
        from_a_page_on: (t, { ioas, hwpt, file }) => {
          t.mapFile(ioas, file, { iova: A, start: 3n * P, length: 2n * P });
          t.checkMap(hwpt, A, SEEN + 3n * P, 2n * P);
          t.checkMap(hwpt, A, SEEN, P).fails('EINVAL');
          t.checkRefs(SEEN + 3n * P, 1, 2n * P);
          t.checkRefs(SEEN, 0, 3n * P);
          t.checkRefs(SEEN + 5n * P, 0, 3n * P);
        },
        from_half_a_page_on: (t, { ioas, hwpt, file }) => {
          t.mapFile(ioas, file, { iova: A + HALF, start: P + HALF, length: P });
          t.checkMap(hwpt, A + HALF, SEEN + P + HALF, P);
          t.checkRefs(SEEN + P, 1, 2n * P);
          t.counters(2);
        },
        twice: (t, { ioas, hwpt, file }) => {
          t.mapFile(ioas, file, { iova: A, length: 4n * P });
          t.mapFile(ioas, file, { iova: A + 16n * P, start: 2n * P, length: 4n * P });
          t.checkMap(hwpt, A + 16n * P, SEEN + 2n * P, 4n * P);
          t.checkRefs(SEEN, 1, 2n * P);
          t.checkRefs(SEEN + 2n * P, 2, 2n * P);
          t.counters(8);
        },
        by_address_too: (t, { ioas, hwpt, file }) => {
          t.mapFile(ioas, file, { iova: A });
          t.map(ioas, { va: SEEN, iova: A + P });
          t.checkMap(hwpt, A + P, SEEN);
          t.checkRefs(SEEN, 2);
        },
        two_tables: (t, { ioas, file }) => {
          t.mapFile(ioas, file, { iova: A, length: 2n * P });
          const device = t.mockDomain(ioas).out('out_idev_id');
          const second = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          t.checkMap(second, A, SEEN, 2n * P);
          t.counters(2);
          t.destroy(second);
          t.checkRefs(SEEN, 1, 2n * P);
        },
        read_only: (t, { ioas, hwpt, file }) => {
          t.mapFile(ioas, file, { iova: A, access: 'r' });
          t.checkMap(hwpt, A, SEEN);
        },
        closed: (t, { ioas, hwpt, file }) => {
          t.mapFile(ioas, file, { iova: A });
          t.close(file);
          t.checkMap(hwpt, A, SEEN);
          t.munmap(SEEN, PAGES);
          t.counters(1);
          t.unmap(ioas, A, P);
          t.counters(0);
        },
        domain_comes_later: (t, { file }) => {
          const later = t.ioas();
          t.mapFile(later, file, { iova: A, length: 2n * P });
          t.close(file);
          t.counters(0);
          const hwpt = t.mockDomain(later).out('out_hwpt_id');
          t.checkMap(hwpt, A, SEEN, 2n * P);
          t.counters(2);
        },
        domain_goes: (t, { file }) => {
          const other = t.ioas();
          const handle = t.mockDomain(other).out('out_stdev_id');
          t.mapFile(other, file, { iova: A, length: 2n * P });
          t.destroy(handle);
          t.counters(0);
          t.checkRefs(SEEN, 0, PAGES * P);
          const hwpt = t.mockDomain(other).out('out_hwpt_id');
          t.checkMap(hwpt, A, SEEN, 2n * P);
        },
        everything_is_closed: (t, { ioas, file }) => {
          t.mapFile(ioas, file, { iova: A, length: PAGES * P });
          t.close();
          t.counters(0);
        },
      },
      control: (t, { ioas, file }) => t.mapFile(ioas, file),
    }),
    scenario('pages,all_alignments', {
      doc: 'Every start and end at half pages within the file: the domain shows it, and whole pages are pinned.',
      covers: ['IOMMU_IOAS_MAP_FILE/OK', 'IOMMU_IOAS_UNMAP/OK'],
      kselftest: [
        'iommufd_mock_domain.one_domain_file.all_aligns',
        'iommufd_mock_domain.one_domain_file.all_aligns_copy',
      ],
      needs: ['map_file'],
      without: ONLY_ONCE,
      setup: fileAndDomain,
      cases: {
        one_domain: (t, { ioas, hwpt, file }) => {
          for (let start = 0n; start < PAGES * P; start += HALF) {
            for (let length = HALF; start + length <= PAGES * P; length += HALF) {
              const iova = A + (start % P);
              t.mapFile(ioas, file, { iova, start, length });
              t.checkMap(hwpt, iova, SEEN + start, length);
              t.checkRefs(SEEN + start - (start % P), 1);
              t.unmap(ioas, iova, length).ok({ length });
            }
          }
          t.checkRefs(SEEN, 0, PAGES * P);
        },
        another_comes_and_goes: (t, { ioas, hwpt, file }) => {
          const mock = t.mockDomain(ioas);
          for (let start = 0n; start < PAGES * P; start += HALF) {
            for (let length = HALF; start + length <= PAGES * P; length += HALF) {
              const iova = A + (start % P);
              t.mapFile(ioas, file, { iova, start, length });
              const second = t.hwptAlloc(mock.out('out_idev_id'), ioas).out('out_hwpt_id');
              t.checkMap(second, iova, SEEN + start, length);
              t.destroy(second);
              t.checkMap(hwpt, iova, SEEN + start, length);
              t.unmap(ioas, iova, length).ok({ length });
            }
          }
          t.checkRefs(SEEN, 0, PAGES * P);
        },
      },
      control: (t, { ioas, file }) => t.mapFile(ioas, file),
    }),
    scenario('copies,of_files', {
      doc: 'Copies show the pages of the file, share its pins, and are placed by the offset in the file.',
      covers: [
        'IOMMU_IOAS_COPY/OK',
        'IOMMU_IOAS_COPY/EINVAL.file_pages',
        'IOMMU_IOAS_COPY/EPERM.not_writeable',
      ],
      source: 'core.md 3.6, 5.1',
      gaps: [12],
      needs: ['map_file'],
      setup: (t) => {
        const all = fileAndDomain(t);
        const src = t.ioas();
        t.mapFile(src, all.file, { iova: 0n, start: 2n * P, length: 4n * P });
        return { ...all, src, dst: all.ioas };
      },
      cases: {
        pages: (t, { src, dst, hwpt }) => {
          t.copy({ src, dst, from: P, length: 2n * P, iova: A });
          t.checkMap(hwpt, A, SEEN + 3n * P, 2n * P);
          t.checkRefs(SEEN + 3n * P, 1, 2n * P);
          t.counters(2);
        },
        shared_pins: (t, { src, dst }) => {
          t.copy({ src, dst, from: 0n, length: 3n * P, iova: A });
          t.copy({ src, dst, from: P, length: 3n * P, iova: A + 16n * P });
          t.counters(4);
          t.checkRefs(SEEN + 2n * P, 1, 4n * P);
          t.unmap(dst, A, 3n * P);
          t.counters(3);
        },
        within_a_page: (t, { src, dst, hwpt }) => {
          t.copy({ src, dst, from: HALF, length: P, iova: A + HALF });
          t.checkMap(hwpt, A + HALF, SEEN + 2n * P + HALF, P);
        },
        automatic: (t, { src }) => {
          const dst = t.ioas();
          t.copy({ src, dst, from: 0n, length: 2n * P }).ok({ dst_iova: 0x2000n });
          t.copy({ src, dst, from: P, length: 2n * P }).ok({ dst_iova: 0x4000n });
          t.copy({ src, dst, from: 0x123n, length: 1n }).ok({ dst_iova: 0x1123n });
        },
        source_is_gone: (t, { src, dst, hwpt, file }) => {
          t.copy({ src, dst, from: 0n, length: 4n * P, iova: A });
          t.destroy(src);
          t.close(file);
          t.checkMap(hwpt, A, SEEN + 2n * P, 4n * P);
          t.unmap(dst, A, 4n * P);
          t.counters(0);
        },
        file_is_cut: (t, { src, dst, file }) => {
          truncate(t, file, 4n * P);
          t.copy({ src, dst, from: 0n, length: 3n * P, iova: A }).fails('EINVAL');
          t.copy({ src, dst, from: 0n, length: 2n * P, iova: A });
        },
        file_is_cut_after_pinning: (t, { src, dst, file }) => {
          t.copy({ src, dst, from: 0n, length: 4n * P, iova: A });
          truncate(t, file, 0n);
          t.copy({ src, dst, from: 0n, length: 4n * P, iova: A + 16n * P });
          t.counters(4);
        },
        read_only: (t, { src, dst, file }) => {
          t.mapFile(src, file, { iova: 16n * P, access: 'r' });
          t.copy({ src, dst, from: 16n * P, iova: A }).fails('EPERM');
          t.copy({ src, dst, from: 16n * P, iova: A, access: 'r' });
        },
        file_and_process: (t, { src, dst, hwpt }) => {
          t.map(src, { va: SEEN, iova: 4n * P });
          t.copy({ src, dst, from: 3n * P, length: 2n * P, iova: A });
          t.checkMap(hwpt, A, SEEN + 5n * P);
          t.checkMap(hwpt, A + P, SEEN);
          t.counters(2);
        },
      },
      control: (t, { src, dst }) => t.copy({ src, dst, from: 0n, length: 4n * P, iova: A }),
    }),
    scenario('charges,of_files', {
      doc: 'Pages of files are charged like those of a process: to the user, to its memory or to nobody.',
      covers: [
        'IOMMU_IOAS_MAP_FILE/ENOMEM.memlock',
        'IOMMU_IOAS_MAP_FILE/EINVAL.file_pages',
        'IOMMU_IOAS_MAP_FILE/EFAULT.respond',
      ],
      source: 'core.md 5.3',
      gaps: [16, 17],
      needs: ['map_file'],
      without: { shifted_ids: 'the option is set only while the file has no objects' },
      setup: (t) => t.memfd('m', PAGES),
      cases: {
        user: (t, file) => {
          t.process({ drop: ['CAP_IPC_LOCK'], memlock: 2n * P });
          const ioas = t.ioas();
          t.mockDomain(ioas);
          t.mapFile(ioas, file, { iova: A, length: 3n * P }).fails('ENOMEM');
          t.counters(0);
          t.mapFile(ioas, file, { iova: A, length: 2n * P });
          t.counters(2);
          t.mapFile(ioas, file).fails('ENOMEM');
          t.map(ioas).fails('ENOMEM');
          t.unmap(ioas, A, 2n * P);
          t.map(ioas, { length: 2n * P });
        },
        memory: (t, file) => {
          t.setOption('RLIMIT_MODE', 1n);
          t.process({ drop: ['CAP_IPC_LOCK'], memlock: 2n * P });
          const ioas = t.ioas();
          t.mockDomain(ioas);
          t.mapFile(ioas, file, { iova: A, length: 3n * P }).fails('ENOMEM');
          t.mapFile(ioas, file, { iova: A, length: 2n * P });
          t.counters(2, 2);
          t.unmap(ioas, A, 2n * P);
          t.counters(0);
        },
        nobody: (t, file) => {
          t.process({ memlock: 0n });
          const ioas = t.ioas();
          t.mockDomain(ioas);
          t.mapFile(ioas, file, { iova: A, length: 4n * P });
          t.counters(4);
        },
        without_domain: (t, file) => {
          t.process({ drop: ['CAP_IPC_LOCK'], memlock: 0n });
          const ioas = t.ioas();
          t.mapFile(ioas, file, { iova: A, length: 4n * P });
          t.mockDomain(ioas).fails('ENOMEM');
          t.counters(0);
        },
        end_before_limit: (t, file) => {
          t.process({ drop: ['CAP_IPC_LOCK'], memlock: 0n });
          const ioas = t.ioas();
          t.mockDomain(ioas);
          t.mapFile(ioas, file, { iova: A, length: 9n * P }).fails('EINVAL');
        },
        limit_before_answer: (t, file) => {
          t.process({ drop: ['CAP_IPC_LOCK'], memlock: 0n });
          const ioas = t.ioas();
          t.mockDomain(ioas);
          t.ioctl(
            'IOMMU_IOAS_MAP_FILE',
            { flags: 7, ioas_id: ioas, fd: { fd: file }, length: P, iova: A },
            { at: 'sealed' },
          ).fails('ENOMEM');
        },
      },
      control: (t, file) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        t.mapFile(ioas, file, { length: 4n * P });
        t.counters(4);
      },
    }),
  ],
);
