import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { HALF, PAGES, SEEN, fileAndDomain, truncate } from './map_file_set_up.js';

export const ioasMapFileEnd = suite(
  'ioas/map_file_end',
  'IOMMU_IOAS_MAP_FILE with domains: where a file ends, and files that are truncated.',
  [
    scenario('end,of_the_file', {
      doc: 'A page is pinned only if the file has all of it; what is pinned stays, whatever becomes of the file.',
      covers: [
        'IOMMU_IOAS_MAP_FILE/EINVAL.file_pages',
        'IOMMU_HWPT_ALLOC/EINVAL.file_pages',
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EINVAL.file_pages',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.file_pages',
      ],
      source: 'core.md 5.5',
      gaps: [17],
      kselftest: ['iommufd_mock_domain.one_domain_file.basic'],
      needs: ['map_file'],
      setup: fileAndDomain,
      cases: {
        behind: (t, { ioas, file }) => t.mapFile(ioas, file, { start: PAGES * P }).fails('EINVAL'),
        across: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { start: 7n * P, length: 2n * P }).fails('EINVAL'),
        one_byte_too_many: (t, { ioas, file }) => {
          t.mapFile(ioas, file, { iova: A, length: PAGES * P + HALF }).fails('EINVAL');
          t.counters(0);
        },
        far_behind: (t, { ioas, file }) => {
          t.mapFile(ioas, file, { start: 1n << 62n }).fails('EINVAL');
          t.mapFile(ioas, file, { start: 1n << 63n }).fails('EINVAL');
        },
        last_half: (t, { ioas, hwpt, file }) => {
          t.mapFile(ioas, file, { iova: A, start: 7n * P + HALF, length: HALF });
          t.checkMap(hwpt, A, SEEN + 7n * P + HALF, HALF);
        },
        page_cut: (t, { ioas, file }) => {
          truncate(t, file, 2n * P + HALF);
          t.mapFile(ioas, file, { start: 2n * P, length: HALF }).fails('EINVAL');
          t.mapFile(ioas, file, { length: 2n * P });
        },
        one_byte_cut: (t, { ioas, file }) => {
          truncate(t, file, 2n * P - 1n);
          t.mapFile(ioas, file, { length: 2n * P }).fails('EINVAL');
          t.mapFile(ioas, file, { length: P });
        },
        emptied: (t, { ioas, file }) => {
          truncate(t, file, 0n);
          t.mapFile(ioas, file).fails('EINVAL');
        },
        emptied_while_mapped: (t, { ioas, file }) => {
          t.mapFile(ioas, file, { iova: A, length: 4n * P });
          truncate(t, file, 0n);
          t.counters(4);
          t.mapFile(ioas, file).fails('EINVAL');
          t.unmap(ioas, A, 4n * P).ok({ length: 4n * P });
          t.counters(0);
        },
        new_pages_are_others: (t, { ioas, hwpt, file }) => {
          t.mapFile(ioas, file, { iova: A, length: 2n * P });
          truncate(t, file, P);
          truncate(t, file, 2n * P);
          t.checkMap(hwpt, A, SEEN);
          t.checkMap(hwpt, A + P, SEEN + P).fails('EINVAL');
          t.checkRefs(SEEN + P, 0);
          t.mapFile(ioas, file, { iova: A + 16n * P, length: 2n * P });
          t.checkMap(hwpt, A + 16n * P, SEEN, 2n * P);
          t.checkRefs(SEEN, 2);
          t.checkRefs(SEEN + P, 1);
          t.counters(4);
        },
        new_table_shows_the_old_pages: (t, { ioas, file }) => {
          t.mapFile(ioas, file, { iova: A });
          const device = t.mockDomain(ioas).out('out_idev_id');
          truncate(t, file, 0n);
          t.hwptAlloc(device, ioas);
          t.counters(1);
        },
        table_for_pages_that_are_gone: (t, { file }) => {
          const ioas = t.ioas();
          const other = t.ioas();
          const device = t.mockDomain(other).out('out_idev_id');
          t.mapFile(ioas, file, { iova: A, start: 7n * P, length: P });
          truncate(t, file, 7n * P);
          t.hwptAlloc(device, ioas).fails('EINVAL');
          truncate(t, file, 8n * P);
          t.hwptAlloc(device, ioas);
        },
        device_moves_to_pages_that_are_gone: (t, { file }) => {
          const ioas = t.ioas();
          const handle = t.mockDomain(t.ioas()).out('out_stdev_id');
          t.mapFile(ioas, file, { iova: A, start: PAGES * P });
          t.replace(handle, ioas).fails('EINVAL');
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: 0 }).fails('EINVAL');
          t.unmap(ioas, A, P);
          t.replace(handle, ioas);
        },
        earlier_areas_are_unpinned_again: (t, { file }) => {
          const ioas = t.ioas();
          t.mapFile(ioas, file, { iova: A, length: 2n * P });
          t.mapFile(ioas, file, { iova: A + 4n * P, start: PAGES * P });
          t.mockDomain(ioas).fails('EINVAL');
          t.counters(0);
          t.checkRefs(SEEN, 0, 2n * P);
        },
        first_failure_decides: (t, { file }) => {
          const ioas = t.ioas();
          t.munmap(SEEN + 16n * P, 1n);
          t.mapFile(ioas, file, { iova: A, start: PAGES * P });
          t.map(ioas, { va: SEEN + 16n * P, iova: A + P });
          t.mockDomain(ioas).fails('EINVAL');
        },
        first_failure_is_of_the_process: (t, { file }) => {
          const ioas = t.ioas();
          t.munmap(SEEN + 16n * P, 1n);
          t.mapFile(ioas, file, { iova: A + P, start: PAGES * P });
          t.map(ioas, { va: SEEN + 16n * P, iova: A });
          t.mockDomain(ioas).fails('EFAULT');
        },
      },
      control: (t, { ioas, file }) => t.mapFile(ioas, file, { start: 7n * P }),
    }),
  ],
);
