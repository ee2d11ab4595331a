import { NO_SUCH_ID } from '../harness/builder.js';
import { P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

export const ioasUnmap = suite(
  'ioas/unmap',
  'IOMMU_IOAS_UNMAP: ranges, whole areas only, what a failing call has already removed. Areas in use by an access are not covered yet.',
  [
    scenario('target,no_ioas', {
      doc: 'An id that is no IOAS is ENOENT, before anything else is looked at.',
      covers: ['IOMMU_IOAS_UNMAP/ENOENT.ioas'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: 0x1000n });
        return ioas;
      },
      cases: {
        zero: (t) => t.unmap(0, 0x1000n, P).fails('ENOENT'),
        never_used: (t) => t.unmap(NO_SUCH_ID, 0x1000n, P).fails('ENOENT'),
        before_length: (t) => t.unmap(0, 0x1000n, 0n).fails('ENOENT'),
        before_overflow: (t) => t.unmap(0, U64_MAX, P).fails('ENOENT'),
        everything: (t) => t.unmap(0, 0n, U64_MAX).fails('ENOENT'),
      },
      control: (t, ioas) => t.unmap(ioas, 0x1000n, P).ok({ length: P }),
    }),
    scenario('range,bad', {
      doc: 'All ones is EOVERFLOW, an empty range EINVAL, one that wraps EOVERFLOW.',
      covers: [
        'IOMMU_IOAS_UNMAP/EOVERFLOW.iova_max',
        'IOMMU_IOAS_UNMAP/EOVERFLOW.length_max',
        'IOMMU_IOAS_UNMAP/EINVAL.length_zero',
        'IOMMU_IOAS_UNMAP/EOVERFLOW.wrap',
      ],
      seeds: ['S2-24', 'S3-20'],
      gaps: [11],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: U64_MAX - P + 1n });
        t.map(ioas, { iova: 0x1000n });
        return ioas;
      },
      cases: {
        iova_max: (t, ioas) => t.unmap(ioas, U64_MAX, 1n).fails('EOVERFLOW'),
        iova_max_before_length: (t, ioas) => t.unmap(ioas, U64_MAX, 0n).fails('EOVERFLOW'),
        length_max: (t, ioas) => t.unmap(ioas, 1n, U64_MAX).fails('EOVERFLOW'),
        length_zero: (t, ioas) => t.unmap(ioas, 0x1000n, 0n).fails('EINVAL'),
        length_zero_at_zero: (t, ioas) => t.unmap(ioas, 0n, 0n).fails('EINVAL'),
        wraps: (t, ioas) => t.unmap(ioas, U64_MAX - P + 1n, P + 1n).fails('EOVERFLOW'),
        wraps_before_straddling: (t, ioas) => t.unmap(ioas, U64_MAX - 1n, P).fails('EOVERFLOW'),
      },
      control: (t, ioas) => t.unmap(ioas, U64_MAX - P + 1n, P).ok({ length: P }),
    }),
    scenario('range,empty', {
      doc: 'Where nothing is mapped the answer is ENOENT.',
      covers: ['IOMMU_IOAS_UNMAP/ENOENT.empty'],
      seeds: ['S2-24', 'S3-14'],
      kselftest: ['iommufd_ioas.no_domain.area'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: 0x10000n });
        return ioas;
      },
      cases: {
        below: (t, ioas) => t.unmap(ioas, 0x0n, 0x10000n).fails('ENOENT'),
        above: (t, ioas) => t.unmap(ioas, 0x11000n, 0x10000n).fails('ENOENT'),
        again: (t, ioas) => {
          t.unmap(ioas, 0x10000n, P);
          t.unmap(ioas, 0x10000n, P).fails('ENOENT');
        },
        almost_everything: (t, ioas) => {
          t.unmap(ioas, 0x10000n, P);
          t.unmap(ioas, 0n, U64_MAX - 1n).fails('ENOENT');
        },
      },
      control: (t, ioas) => t.unmap(ioas, 0x10000n, P).ok({ length: P }),
    }),
    scenario('area,whole_only', {
      doc: 'An area of which the range covers a part is ENOENT and stays.',
      covers: ['IOMMU_IOAS_UNMAP/ENOENT.straddles'],
      seeds: ['S2-23', 'S3-03'],
      kselftest: ['iommufd_ioas.no_domain.area', 'iommufd_ioas.no_domain.unmap_fully_contained_areas'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: 0x10000n, length: 0x4000n });
        return ioas;
      },
      cases: {
        head: (t, ioas) => t.unmap(ioas, 0x10000n, 0x1000n).fails('ENOENT'),
        tail: (t, ioas) => t.unmap(ioas, 0x13000n, 0x1000n).fails('ENOENT'),
        middle: (t, ioas) => t.unmap(ioas, 0x11000n, 0x1000n).fails('ENOENT'),
        all_but_first_byte: (t, ioas) => t.unmap(ioas, 0x10001n, 0x3fffn).fails('ENOENT'),
        all_but_last_byte: (t, ioas) => t.unmap(ioas, 0x10000n, 0x3fffn).fails('ENOENT'),
        from_below: (t, ioas) => t.unmap(ioas, 0x8000n, 0x9000n).fails('ENOENT'),
        beyond: (t, ioas) => t.unmap(ioas, 0x12000n, 0x9000n).fails('ENOENT'),
        stays: (t, ioas) => {
          t.unmap(ioas, 0x10000n, 0x1000n).fails('ENOENT');
          t.unmap(ioas, 0x10000n, 0x4000n).ok({ length: 0x4000n });
        },
      },
      control: (t, ioas) => t.unmap(ioas, 0x8000n, 0x20000n).ok({ length: 0x4000n }),
    }),
    scenario('area,several', {
      doc: 'A range takes every area inside it, gaps or not, and reports their bytes.',
      covers: ['IOMMU_IOAS_UNMAP/OK'],
      kselftest: ['iommufd_ioas.no_domain.unmap_fully_contained_areas'],
      seeds: ['S2-22'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: 0x10000n, length: 0x1000n });
        t.map(ioas, { iova: 0x11000n, length: 0x2000n });
        t.map(ioas, { iova: 0x20000n, length: 0x4000n });
        return ioas;
      },
      cases: {
        exact: (t, ioas) => t.unmap(ioas, 0x10000n, 0x14000n).ok({ length: 0x7000n }),
        wider: (t, ioas) => t.unmap(ioas, 0n, 0x100000n).ok({ length: 0x7000n }),
        touching_two: (t, ioas) => {
          t.unmap(ioas, 0x10000n, 0x3000n).ok({ length: 0x3000n });
          t.unmap(ioas, 0x20000n, 0x4000n).ok({ length: 0x4000n });
        },
        one_of_two_touching: (t, ioas) => {
          t.unmap(ioas, 0x10000n, 0x1000n).ok({ length: 0x1000n });
          t.unmap(ioas, 0x11000n, 0x2000n).ok({ length: 0x2000n });
        },
      },
      control: (t, ioas) => t.unmap(ioas, 0x20000n, 0x4000n).ok({ length: 0x4000n }),
    }),
    scenario('failure,prefix_is_gone', {
      doc: 'Areas are removed ascending until one straddles the range: the call answers ENOENT, writes nothing, and the lower areas are gone.',
      covers: ['IOMMU_IOAS_UNMAP/ENOENT.straddles'],
      source: 'core.md 3.7 and 4.6, vector 9',
      gaps: [11],
      seeds: ['S2-26'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: 0x1000n, length: 0x1000n });
        t.map(ioas, { iova: 0x2000n, length: 0x2000n });
        return ioas;
      },
      cases: {
        first_gone: (t, ioas) => {
          t.unmap(ioas, 0x1000n, 0x2000n).fails('ENOENT');
          t.map(ioas, { iova: 0x1000n }).ok();
          t.map(ioas, { iova: 0x2000n }).fails('EEXIST');
        },
        two_gone: (t, ioas) => {
          t.map(ioas, { iova: 0n, length: 0x1000n });
          t.unmap(ioas, 0n, 0x3000n).fails('ENOENT');
          t.unmap(ioas, 0n, 0x2000n).fails('ENOENT');
          t.unmap(ioas, 0x2000n, 0x2000n).ok({ length: 0x2000n });
        },
        straddler_first: (t, ioas) => {
          t.unmap(ioas, 0x1001n, 0x3000n).fails('ENOENT');
          t.unmap(ioas, 0x1000n, 0x3000n).ok({ length: 0x3000n });
        },
      },
      control: (t, ioas) => t.unmap(ioas, 0x1000n, 0x3000n).ok({ length: 0x3000n }),
    }),
    scenario('everything,zero_to_max', {
      doc: 'The range (0, 2^64 - 1) removes everything and succeeds on an empty IOAS.',
      covers: ['IOMMU_IOAS_UNMAP/OK'],
      kselftest: ['iommufd_ioas.no_domain.area'],
      seeds: ['S2-25'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: 0n });
        t.map(ioas, { iova: U64_MAX - P + 1n });
        return ioas;
      },
      cases: {
        twice: (t, ioas) => {
          t.unmap(ioas, 0n, U64_MAX).ok({ length: 0x2000n });
          t.unmap(ioas, 0n, U64_MAX).ok({ length: 0n });
        },
        not_from_one: (t, ioas) => t.unmap(ioas, 1n, U64_MAX).fails('EOVERFLOW'),
      },
      control: (t, ioas) => t.unmap(ioas, 0n, U64_MAX).ok({ length: 0x2000n }),
    }),
    scenario('domain,translations_go', {
      doc: 'What is unmapped is no longer translated, and what is not still is.',
      covers: ['IOMMU_IOAS_UNMAP/OK', 'IOMMU_TEST_OP_MD_CHECK_MAP/EINVAL.translation'],
      setup: (t) => {
        const ioas = t.ioas();
        const hwpt = t.mockDomain(ioas).out('out_hwpt_id');
        t.map(ioas, { iova: 0x100_0000n });
        t.map(ioas, { iova: 0x100_1000n, va: 0x100_0040_1000n });
        return { ioas, hwpt };
      },
      cases: {
        first: (t, { ioas, hwpt }) => {
          t.unmap(ioas, 0x100_0000n, P);
          t.checkMap(hwpt, 0x100_0000n, 0x100_0040_0000n).fails('EINVAL');
          t.checkMap(hwpt, 0x100_1000n, 0x100_0040_1000n).ok();
        },
        everything: (t, { ioas, hwpt }) => {
          t.unmap(ioas, 0n, U64_MAX);
          t.checkMap(hwpt, 0x100_0000n, 0x100_0040_0000n).fails('EINVAL');
          t.checkMap(hwpt, 0x100_1000n, 0x100_0040_1000n).fails('EINVAL');
        },
        refused: (t, { ioas, hwpt }) => {
          t.unmap(ioas, 0x100_0800n, 0x800n).fails('ENOENT');
          t.checkMap(hwpt, 0x100_0000n, 0x100_0040_0000n, 2n * P).ok();
        },
      },
      control: (t, { hwpt }) => t.checkMap(hwpt, 0x100_0000n, 0x100_0040_0000n, 2n * P),
    }),
  ],
);
