import { HUGE } from '../../models/program/arena.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, HUGE_PAGE, P } from '../harness/constants.js';
import { mmapHuge } from '../harness/huge_pages.js';
import { scenario, suite } from '../harness/scenario.js';
import { SHUFFLED, TYPE1, TYPE1V2, compatIoas, mapDma, setIommu, unmapDma } from './set_up.js';

const BYTES = 2n * HUGE_PAGE;
const PIECE = BYTES / 16n;

/** Two huge pages that a device translates. */
function twoHugePages(t: ScenarioBuilder, type: number) {
  mmapHuge(t, 2n);
  const ioas = compatIoas(t);
  setIommu(t, type);
  const hwpt = t.mockDomain(ioas).out('out_hwpt_id');
  mapDma(t, { iova: A, vaddr: HUGE.start, size: BYTES });
  t.counters(1024);
  return { ioas, hwpt };
}

export const vfioCutHuge = suite(
  'vfio/cut_huge',
  'VFIO_IOMMU_UNMAP_DMA of parts of huge pages: TYPE1, which maps page by page, cuts them anywhere, TYPE1v2 nowhere.',
  [
    scenario('huge_pages,in_pieces', {
      doc: 'Two huge pages go in sixteen pieces in any order with TYPE1; with TYPE1v2 none does.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/OK', 'VFIO_IOMMU_UNMAP_DMA/ENOENT.straddles'],
      seeds: ['S3-09'],
      needs: ['iommufd_test', 'hugetlb'],
      kselftest: ['vfio_compat_mock_domain.huge_map'],
      gaps: [57],
      setup: () => undefined,
      cases: {
        type1: (t) => {
          twoHugePages(t, TYPE1);
          for (const [done, piece] of SHUFFLED.entries()) {
            unmapDma(t, A + piece * PIECE, PIECE).ok({ size: PIECE });
            t.counters(1024 - 64 * (done + 1));
          }
        },
        type1v2: (t) => {
          twoHugePages(t, TYPE1V2);
          for (const piece of SHUFFLED) unmapDma(t, A + piece * PIECE, PIECE).fails('ENOENT', { size: 0n });
          t.counters(1024);
        },
      },
      control: (t) => {
        twoHugePages(t, TYPE1V2);
        unmapDma(t, A, BYTES).ok({ size: BYTES });
        t.counters(0);
      },
    }),
    scenario('huge_pages,at_odd_places', {
      doc: 'TYPE1 takes single pages out of a huge one and leaves the rest translated; an area in large leaves stays whole, and cannot lose them.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/OK', 'VFIO_IOMMU_UNMAP_DMA/ENOENT.straddles'],
      needs: ['iommufd_test', 'hugetlb'],
      source: 'core.md 4.8, 4.9',
      gaps: [15, 57],
      setup: () => undefined,
      cases: {
        across_the_border: (t) => {
          const { hwpt } = twoHugePages(t, TYPE1);
          unmapDma(t, A + HUGE_PAGE - P, 2n * P).ok({ size: 2n * P });
          t.counters(1022);
          t.checkMap(hwpt, A, HUGE.start, HUGE_PAGE - P);
          t.checkMap(hwpt, A + HUGE_PAGE - P, HUGE.start + HUGE_PAGE - P).fails('EINVAL');
          t.checkMap(hwpt, A + HUGE_PAGE + P, HUGE.start + HUGE_PAGE + P, HUGE_PAGE - P);
        },
        half_a_page: (t) => {
          twoHugePages(t, TYPE1);
          unmapDma(t, A + HUGE_PAGE, 0x800n).fails('EINVAL');
          t.counters(1024);
        },
        large_leaves: (t) => {
          const { ioas, hwpt } = twoHugePages(t, TYPE1V2);
          unmapDma(t, A, HUGE_PAGE).fails('ENOENT', { size: 0n });
          unmapDma(t, A + HUGE_PAGE - P, 2n * P).fails('ENOENT', { size: 0n });
          t.unmap(ioas, A + P, P).fails('ENOENT');
          t.setOption('HUGE_PAGES', 0n, ioas).fails('EINVAL');
          t.checkMap(hwpt, A, HUGE.start, BYTES);
          unmapDma(t, A - P, BYTES + 2n * P).ok({ size: BYTES });
          t.counters(0);
        },
        one_area_of_each: (t) => {
          const { ioas, hwpt } = twoHugePages(t, TYPE1);
          t.setOption('HUGE_PAGES', 1n, ioas);
          mapDma(t, { iova: A + 4n * HUGE_PAGE, vaddr: HUGE.start, size: HUGE_PAGE });
          unmapDma(t, A + 4n * HUGE_PAGE, P).fails('ENOENT', { size: 0n });
          unmapDma(t, A, P).fails('ENOENT', { size: 0n });
          t.checkMap(hwpt, A + 4n * HUGE_PAGE, HUGE.start, HUGE_PAGE);
          t.counters(1536);
        },
      },
      control: (t) => {
        twoHugePages(t, TYPE1);
        unmapDma(t, A + P, P).ok({ size: P });
        t.counters(1023);
      },
    }),
  ],
);
