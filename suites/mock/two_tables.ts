import { BUFFER, HOLE } from '../../models/program/arena.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { ONLY_ONCE, everyAlignment } from './every_alignment.js';

/** Two devices on one IOAS, each with a page table of its own: the automatic one, and one of user space. */
function twoTables(t: ScenarioBuilder) {
  const ioas = t.ioas();
  const mock = t.mockDomain(ioas);
  const automatic = mock.out('out_hwpt_id');
  const own = t.hwptAlloc(mock.out('out_idev_id'), ioas).out('out_hwpt_id');
  const second = t.mockDomain(own).out('out_stdev_id');
  return { ioas, first: mock.out('out_stdev_id'), device: mock.out('out_idev_id'), automatic, own, second };
}

/** What is mapped last ends where memory does. */
const LAST_PAGE = BUFFER.start + BUFFER.bytes - P;

export const mockTwoTables = suite(
  'mock/two_tables',
  'Two page tables of one IOAS, both filled: what the kernel’s own tests with two domains claim to test, whose devices share one table.',
  [
    scenario('tables,every_alignment', {
      doc: 'Every range of half pages within eight pages translates in both tables, also in one that comes while it is mapped; pages are pinned once.',
      covers: ['IOMMU_IOAS_MAP/OK', 'IOMMU_IOAS_UNMAP/OK', 'IOMMU_HWPT_ALLOC/OK'],
      source: 'kselftest.md 4, 9',
      gaps: [21],
      kselftest: [
        'iommufd_mock_domain.two_domains.all_aligns',
        'iommufd_mock_domain.one_domain.all_aligns_copy',
        'iommufd_mock_domain.two_domains.all_aligns_copy',
      ],
      without: ONLY_ONCE,
      setup: twoTables,
      cases: {
        both: (t, { ioas, automatic, own }) => {
          everyAlignment(t, ioas, ({ iova, va, length }) => {
            t.checkMap(automatic, iova, va, length);
            t.checkMap(own, iova, va, length);
          });
        },
        third_comes_and_goes: (t, { ioas, device, own }) => {
          everyAlignment(t, ioas, ({ iova, va, length }) => {
            const third = t.hwptAlloc(device, ioas).out('out_hwpt_id');
            t.checkMap(third, iova, va, length);
            t.destroy(third);
            t.checkMap(own, iova, va, length);
          });
        },
        automatic_comes_and_goes: (t, { ioas, first, own }) => {
          t.destroy(first);
          everyAlignment(t, ioas, ({ iova, va, length }) => {
            const mock = t.mockDomain(ioas);
            t.checkMap(mock.out('out_hwpt_id'), iova, va, length);
            t.destroy(mock.out('out_stdev_id'));
            t.checkMap(own, iova, va, length);
          });
        },
      },
      control: (t, { ioas }) => t.map(ioas, { iova: A }),
    }),
    scenario('map,both_or_none', {
      doc: 'What is mapped appears in both tables and disappears from both; memory that cannot be pinned appears in none.',
      covers: ['IOMMU_IOAS_MAP/EFAULT.user_memory', 'IOMMU_IOAS_MAP/OK'],
      gaps: [21],
      kselftest: ['iommufd_mock_domain.two_domains.basic'],
      setup: twoTables,
      cases: {
        mapped: (t, { ioas, automatic, own }) => {
          const iova = t.map(ioas).out('iova');
          t.checkMap(automatic, iova, BUFFER.start);
          t.checkMap(own, iova, BUFFER.start);
          t.counters(1);
        },
        unmapped: (t, { ioas, automatic, own }) => {
          t.map(ioas, { iova: A, length: 2n * P });
          t.unmap(ioas, A, 2n * P);
          for (const hwpt of [automatic, own]) t.checkMap(hwpt, A, BUFFER.start).fails('EINVAL');
          t.counters(0);
        },
        second_half_is_a_hole: (t, { ioas, automatic, own }) => {
          t.map(ioas, { iova: A, va: LAST_PAGE, length: 2n * P }).fails('EFAULT');
          for (const hwpt of [automatic, own]) t.checkMap(hwpt, A, LAST_PAGE).fails('EINVAL');
          t.checkRefs(LAST_PAGE, 0);
          t.counters(0);
        },
        hole: (t, { ioas }) => t.map(ioas, { iova: A, va: HOLE }).fails('EFAULT'),
      },
      control: (t, { ioas }) => t.map(ioas),
    }),
    scenario('destroy,either_first', {
      doc: 'Whichever table goes first, the other translates what is mapped before and after, and memory stays pinned once until both are gone.',
      covers: ['IOMMU_DESTROY/OK', 'IOMMU_IOAS_UNMAP/OK'],
      gaps: [21],
      setup: (t) => {
        const all = twoTables(t);
        t.map(all.ioas, { iova: A, length: 3n * P });
        t.map(all.ioas, { iova: A + 16n * P, va: BUFFER.start + 0x800n, length: P });
        return all;
      },
      cases: {
        older: (t, { ioas, first, automatic, own }) => {
          t.destroy(first);
          t.destroy(automatic).fails('ENOENT');
          t.checkMap(own, A, BUFFER.start, 3n * P);
          t.checkMap(own, A + 16n * P, BUFFER.start + 0x800n);
          t.counters(5);
          t.map(ioas, { iova: A + 32n * P });
          t.checkMap(own, A + 32n * P, BUFFER.start);
          t.unmap(ioas, A, 3n * P);
          t.checkMap(own, A, BUFFER.start).fails('EINVAL');
          t.counters(3);
        },
        newer: (t, { ioas, second, automatic, own }) => {
          t.destroy(second);
          t.destroy(own);
          t.checkMap(automatic, A, BUFFER.start, 3n * P);
          t.counters(5);
          t.unmap(ioas, 0n, 0xffff_ffff_ffff_ffffn);
          t.counters(0);
        },
        both: (t, { first, second, own }) => {
          t.destroy(first);
          t.destroy(second);
          t.checkRefs(BUFFER.start, 2, 2n * P);
          t.destroy(own);
          t.counters(0);
          t.checkRefs(BUFFER.start, 0, 3n * P);
        },
        one_is_filled_from_the_other: (t, { ioas, first, device, own }) => {
          t.replace(first, own);
          const third = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          t.replace(first, third);
          t.checkMap(third, A, BUFFER.start, 3n * P);
          t.checkMap(third, A + 16n * P, BUFFER.start + 0x800n);
          t.checkRefs(BUFFER.start + 2n * P, 1);
          t.counters(5);
        },
        devices_change_places: (t, { first, second, ioas, automatic, own }) => {
          t.replace(second, automatic);
          t.replace(first, own);
          t.checkMap(automatic, A, BUFFER.start, 3n * P);
          t.checkMap(own, A, BUFFER.start, 3n * P);
          t.destroy(second);
          t.destroy(automatic).fails('ENOENT');
          t.destroy(ioas).fails('EBUSY');
          t.counters(5);
        },
      },
      control: (t, { automatic, own }) => {
        t.checkMap(automatic, A, BUFFER.start, 3n * P);
        t.checkMap(own, A, BUFFER.start, 3n * P);
        t.counters(5);
      },
    }),
  ],
);
