import { HUGE } from '../../models/program/arena.js';
import type { Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, HUGE_PAGE, P } from '../harness/constants.js';
import { makeAccess, pin } from '../access/set_up.js';
import { hugeMemfd, mmapHuge } from '../harness/huge_pages.js';
import { scenario, suite } from '../harness/scenario.js';

const HALF = 0x800n;

/** Pages around the border between two huge ones. */
const AROUND = { start: HUGE.start + HUGE_PAGE - 4n * P, pages: 8n } as const;

/** Two huge pages, an IOAS with a device, and as many page tables more as are asked for. */
function twoHugePages(t: ScenarioBuilder, moreTables = 0) {
  mmapHuge(t, 2n);
  const ioas = t.ioas();
  const mock = t.mockDomain(ioas);
  const device = mock.out('out_idev_id');
  const more = Array.from({ length: moreTables }, () => t.hwptAlloc(device, ioas).out('out_hwpt_id'));
  const hwpt = mock.out('out_hwpt_id');
  return { ioas, hwpt, hwpts: [hwpt, ...more] };
}

/** What is mapped while somebody looks at it. */
interface Mapped {
  readonly iova: Scalar;
  readonly va: bigint;
  readonly length: bigint;
}

/**
 * Maps every range of half pages around the border, and lets somebody look at it.
 * @param file shows the memory, if it is one that is mapped
 */
function everyAlignment(
  t: ScenarioBuilder,
  { ioas, hwpts, file }: { readonly ioas: Scalar; readonly hwpts: readonly Scalar[]; readonly file?: string },
  whileMapped: (mapped: Mapped) => void,
): void {
  for (let start = 0n; start < AROUND.pages * P; start += HALF) {
    for (let end = start + HALF; end <= AROUND.pages * P; end += HALF) {
      const [va, length] = [AROUND.start + start, end - start];
      const map =
        file === undefined
          ? t.map(ioas, { va, length })
          : t.mapFile(ioas, file, { start: va - HUGE.start, length });
      const iova = map.out('iova');
      for (const hwpt of hwpts) t.checkMap(hwpt, iova, va, length);
      t.counters(Number((end + P - 1n) / P - start / P));
      whileMapped({ iova, va, length });
      t.unmap(ioas, iova, length);
    }
  }
  t.counters(0);
}

/** A file of two huge pages that the process sees, an IOAS and a device. */
function hugeFile(t: ScenarioBuilder) {
  const file = hugeMemfd(t, 'm', 2n);
  t.mmapFile(file, 0n, 1024n, { start: HUGE.start });
  const ioas = t.ioas();
  const mock = t.mockDomain(ioas);
  const [hwpt, device] = [mock.out('out_hwpt_id'), mock.out('out_idev_id')];
  return { file, ioas, hwpt, hwpts: [hwpt], device };
}

/** Once is enough: the sweeps are long. */
const ONLY_ONCE = {
  zero_tail: 'the programs are long',
  garbage_tail: 'the programs are long',
  shifted_ids: 'the programs are long',
  probed: 'the programs are long',
} as const;

export const ioasMapHuge = suite(
  'ioas/map_huge',
  'IOMMU_IOAS_MAP of memory in huge pages: what is mapped, pinned and refused is the same as page by page, whatever the leaves are.',
  [
    scenario('pages,counted', {
      doc: 'Of a huge page so many small pages are pinned and charged as are mapped.',
      covers: ['IOMMU_IOAS_MAP/OK', 'IOMMU_IOAS_UNMAP/OK'],
      needs: ['hugetlb'],
      source: 'core.md 4.5',
      setup: (t) => twoHugePages(t),
      cases: {
        one_of_them: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start + 3n * P, iova: A });
          t.counters(1);
          t.checkMap(hwpt, A, HUGE.start + 3n * P);
        },
        one_huge_page: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start + HUGE_PAGE, iova: A, length: HUGE_PAGE });
          t.counters(512);
          t.checkMap(hwpt, A, HUGE.start + HUGE_PAGE, HUGE_PAGE);
          t.unmap(ioas, A, HUGE_PAGE).ok({ length: HUGE_PAGE });
          t.counters(0);
        },
        twice: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start, iova: A, length: HUGE_PAGE });
          t.map(ioas, { va: HUGE.start + P, iova: A + HUGE_PAGE, length: HUGE_PAGE });
          t.counters(1024);
          t.checkMap(hwpt, A + HUGE_PAGE, HUGE.start + P, HUGE_PAGE);
          t.unmap(ioas, A, HUGE_PAGE);
          t.counters(512);
          t.checkMap(hwpt, A + HUGE_PAGE, HUGE.start + P, HUGE_PAGE);
        },
        copied: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start, iova: A, length: 2n * HUGE_PAGE });
          const from = A + HUGE_PAGE - P;
          const there = A + 4n * HUGE_PAGE + P;
          t.copy({ src: ioas, dst: ioas, from, iova: there, length: 2n * P });
          t.counters(1024);
          t.unmap(ioas, A, 2n * HUGE_PAGE);
          t.counters(2);
          t.checkMap(hwpt, there, HUGE.start + HUGE_PAGE - P, 2n * P);
        },
        automatic_iova: (t, { ioas, hwpt }) => {
          const iova = t
            .map(ioas, { va: HUGE.start, length: 2n * HUGE_PAGE })
            .ok({ iova: A })
            .out('iova');
          t.checkMap(hwpt, iova, HUGE.start, 2n * HUGE_PAGE);
        },
        pins_not_compared: (t, { ioas }) => {
          t.map(ioas, { va: HUGE.start, iova: A, length: HUGE_PAGE });
          t.checkRefs(HUGE.start, 1, 2n * HUGE_PAGE);
          t.checkRefs(HUGE.start, 7, 2n * HUGE_PAGE);
          t.checkRefs(HUGE.start + HUGE_PAGE, 0, 2n * HUGE_PAGE).fails('EFAULT');
        },
        unmapped_and_mapped_anew: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start, iova: A, length: 2n * HUGE_PAGE });
          t.munmap(HUGE.start, 512n);
          t.checkMap(hwpt, A, HUGE.start).fails('EFAULT');
          t.checkMap(hwpt, A + HUGE_PAGE, HUGE.start + HUGE_PAGE, HUGE_PAGE);
          mmapHuge(t, 1n);
          t.checkMap(hwpt, A, HUGE.start).fails('EINVAL');
          t.counters(1024);
        },
      },
      control: (t, { ioas, hwpt }) => {
        t.map(ioas, { va: HUGE.start, iova: A, length: 2n * HUGE_PAGE });
        t.counters(1024);
        t.checkMap(hwpt, A, HUGE.start, 2n * HUGE_PAGE);
      },
    }),
    scenario('memory,not_there', {
      doc: 'A huge page that is missing, or may not be written, is EFAULT, and nothing stays pinned.',
      covers: ['IOMMU_IOAS_MAP/EFAULT.user_memory'],
      needs: ['hugetlb'],
      kselftest: [
        'iommufd_mock_domain.one_domain_hugepage.basic',
        'iommufd_mock_domain.two_domains_hugepage.basic',
      ],
      setup: (t) => twoHugePages(t, 1),
      cases: {
        second: (t, { ioas }) => {
          t.munmap(HUGE.start + HUGE_PAGE, 512n);
          t.map(ioas, { va: HUGE.start, length: 2n * HUGE_PAGE }).fails('EFAULT');
          t.counters(0);
        },
        both: (t, { ioas }) => {
          t.munmap(HUGE.start, 1024n);
          t.map(ioas, { va: HUGE.start, length: 2n * HUGE_PAGE }).fails('EFAULT');
          t.counters(0);
        },
        read_only: (t, { ioas, hwpt }) => {
          mmapHuge(t, 1n, HUGE.start, 'ro');
          t.map(ioas, { va: HUGE.start, iova: A, length: HUGE_PAGE }).fails('EFAULT');
          t.counters(0);
          t.map(ioas, { va: HUGE.start, iova: A, length: HUGE_PAGE, access: 'r' });
          t.checkMap(hwpt, A, HUGE.start, HUGE_PAGE);
        },
        sealed_later: (t, { ioas }) => {
          t.step({ do: 'mprotect', start: HUGE.start + HUGE_PAGE, bytes: HUGE_PAGE, access: 'none' });
          t.map(ioas, { va: HUGE.start + HUGE_PAGE - P, length: 2n * P }).fails('EFAULT');
          t.map(ioas, { va: HUGE.start + HUGE_PAGE - P });
          t.counters(1);
        },
      },
      control: (t, { ioas, hwpts }) => {
        const iova = t.map(ioas, { va: HUGE.start, length: P }).out('iova');
        for (const hwpt of hwpts) t.checkMap(hwpt, iova, HUGE.start);
      },
    }),
    scenario('alignments,around_a_border', {
      doc: 'Every range of half pages around the border between two huge pages is translated, by one page table and by two; a device may come and go meanwhile.',
      covers: ['IOMMU_IOAS_MAP/OK', 'IOMMU_IOAS_UNMAP/OK'],
      needs: ['hugetlb'],
      source: 'kselftest.md 4; the kernel’s own loop maps nothing, see kselftest.md 9',
      gaps: [21],
      kselftest: [
        'iommufd_mock_domain.one_domain_hugepage.all_aligns',
        'iommufd_mock_domain.two_domains_hugepage.all_aligns',
        'iommufd_mock_domain.one_domain_hugepage.all_aligns_copy',
        'iommufd_mock_domain.two_domains_hugepage.all_aligns_copy',
      ],
      without: ONLY_ONCE,
      setup: (t) => mmapHuge(t, 2n),
      cases: {
        one_table: (t) => {
          everyAlignment(t, twoHugePages(t), () => undefined);
        },
        two_tables: (t) => {
          everyAlignment(t, twoHugePages(t, 1), () => undefined);
        },
        a_device_comes_and_goes: (t) => {
          const made = twoHugePages(t);
          everyAlignment(t, made, () => t.destroy(t.mockDomain(made.ioas).out('out_stdev_id')));
        },
      },
      control: (t) => {
        const { ioas, hwpt } = twoHugePages(t);
        t.map(ioas, { va: AROUND.start, iova: A, length: AROUND.pages * P });
        t.checkMap(hwpt, A, AROUND.start, AROUND.pages * P);
      },
    }),
    scenario('alignments,of_a_file', {
      doc: 'Every range of half pages of a file around the border between two huge pages is translated, also by the page table of a device that comes and goes.',
      covers: ['IOMMU_IOAS_MAP_FILE/OK', 'IOMMU_IOAS_UNMAP/OK'],
      needs: ['hugetlb', 'map_file'],
      source:
        'kselftest.md 4; the kernel’s own file has small pages, and its own loop maps nothing, see kselftest.md 9',
      gaps: [17],
      kselftest: [
        'iommufd_mock_domain.one_domain_file_hugepage.all_aligns',
        'iommufd_mock_domain.one_domain_file_hugepage.all_aligns_copy',
      ],
      without: ONLY_ONCE,
      setup: hugeFile,
      cases: {
        one_device: (t, made) => {
          everyAlignment(t, made, () => undefined);
        },
        another_comes_and_goes: (t, made) => {
          everyAlignment(t, made, ({ iova, va, length }) => {
            const other = t.mockDomain(made.ioas);
            t.checkMap(other.out('out_hwpt_id'), iova, va, length);
            t.destroy(other.out('out_stdev_id'));
          });
        },
        another_table_comes_and_goes: (t, made) => {
          everyAlignment(t, made, ({ iova, va, length }) => {
            const table = t.hwptAlloc(made.device, made.ioas).out('out_hwpt_id');
            t.checkMap(table, iova, va, length);
            t.destroy(table);
          });
        },
      },
      control: (t, { ioas, file, hwpt }) => {
        t.mapFile(ioas, file, { start: AROUND.start - HUGE.start, iova: A, length: AROUND.pages * P });
        t.checkMap(hwpt, A, AROUND.start, AROUND.pages * P);
      },
    }),
    scenario('file,of_huge_pages', {
      doc: 'A file of huge pages is mapped from any offset on, through its address and by MAP_FILE, as far as it goes.',
      covers: ['IOMMU_IOAS_MAP_FILE/OK', 'IOMMU_IOAS_MAP_FILE/EINVAL.file_pages'],
      needs: ['hugetlb', 'map_file'],
      source: 'kselftest.md 4; the kernel’s own file has small pages, see kselftest.md 9',
      gaps: [17],
      kselftest: ['iommufd_mock_domain.one_domain_file_hugepage.basic'],
      setup: hugeFile,
      cases: {
        middle: (t, { ioas, file, hwpt }) => {
          t.mapFile(ioas, file, { start: HUGE_PAGE - P, iova: A, length: 2n * P });
          t.counters(2);
          t.checkMap(hwpt, A, HUGE.start + HUGE_PAGE - P, 2n * P);
        },
        half_pages: (t, { ioas, file, hwpt }) => {
          t.mapFile(ioas, file, { start: HUGE_PAGE - HALF, iova: A + HALF, length: P });
          t.counters(2);
          t.checkMap(hwpt, A + HALF, HUGE.start + HUGE_PAGE - HALF, P);
        },
        pinned_by_an_access: (t, { file }) => {
          const other = t.ioas();
          t.mapFile(other, file, { start: HUGE_PAGE - 2n * P, iova: A, length: 4n * P });
          const access = makeAccess(t, 'a', other);
          const uptr = HUGE.start + HUGE_PAGE - 2n * P;
          pin(t, access, A, 4n * P, { uptr });
          t.counters(4);
          pin(t, access, A + P, 2n * P, { uptr }).fails('EBADE');
          t.counters(4);
        },
        one_byte_too_long: (t, { ioas, file }) => {
          t.mapFile(ioas, file, { length: 2n * HUGE_PAGE + 1n }).fails('EINVAL');
          t.counters(0);
        },
        cut_short: (t, { ioas, file }) => {
          t.step({ do: 'truncate', file, bytes: 0n });
          t.mapFile(ioas, file, { length: P }).fails('EINVAL');
          t.counters(0);
        },
        cut_short_while_mapped: (t, { ioas, file, hwpt }) => {
          t.mapFile(ioas, file, { iova: A, length: 2n * HUGE_PAGE });
          t.step({ do: 'truncate', file, bytes: HUGE_PAGE });
          t.checkMap(hwpt, A, HUGE.start, HUGE_PAGE);
          t.checkMap(hwpt, A + HUGE_PAGE, HUGE.start + HUGE_PAGE).fails('EFAULT');
          t.counters(1024);
        },
        longer_with_its_mapping: (t, { ioas, file, hwpt }) => {
          const start = HUGE.start + HUGE_PAGE;
          t.mmapFile(file, HUGE_PAGE, 1024n, { start });
          t.mapFile(ioas, file, { start: 2n * HUGE_PAGE, iova: A, length: P });
          t.checkMap(hwpt, A, start + HUGE_PAGE);
        },
        not_longer_read_only: (t, { ioas, file }) => {
          t.mmapFile(file, HUGE_PAGE, 1024n, { start: HUGE.start + HUGE_PAGE, access: 'ro' });
          t.mapFile(ioas, file, { start: 2n * HUGE_PAGE, length: P }).fails('EINVAL');
        },
      },
      control: (t, { ioas, file, hwpt }) => {
        t.mapFile(ioas, file, { iova: A, length: 2n * HUGE_PAGE });
        t.counters(1024);
        t.checkMap(hwpt, A, HUGE.start, 2n * HUGE_PAGE);
      },
    }),
  ],
);
