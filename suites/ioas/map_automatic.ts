import { HUGE_PAGE, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

export const ioasMapAutomatic = suite(
  'ioas/map_automatic',
  'IOMMU_IOAS_MAP without FIXED_IOVA: which IOVA the kernel chooses. First fit, ascending, at the alignment of the memory.',
  [
    scenario('first_fit,ascending', {
      doc: 'The first page is never used; areas follow one another; a freed hole is used again at once.',
      covers: ['IOMMU_IOAS_MAP/OK'],
      source: 'core.md 4.4',
      gaps: [20],
      kselftest: ['iommufd_ioas.no_domain.area_auto_iova'],
      seeds: ['S1-32'],
      setup: (t) => t.ioas(),
      cases: {
        pages: (t, ioas) => {
          t.map(ioas, { va: 0x7f00_0000_1000n }).ok({ iova: 0x1000n });
          t.map(ioas, { va: 0x7f00_0000_1000n }).ok({ iova: 0x2000n });
          t.map(ioas, { va: 0x7f00_0000_1000n }).ok({ iova: 0x3000n });
        },
        freed_hole: (t, ioas) => {
          t.map(ioas).ok({ iova: 0x1000n });
          t.map(ioas).ok({ iova: 0x2000n });
          t.map(ioas).ok({ iova: 0x3000n });
          t.unmap(ioas, 0x2000n, P);
          t.map(ioas).ok({ iova: 0x2000n });
          t.map(ioas).ok({ iova: 0x4000n });
        },
        hole_too_small: (t, ioas) => {
          t.map(ioas).ok({ iova: 0x1000n });
          t.map(ioas, { iova: 0x3000n });
          t.map(ioas, { length: 0x2000n }).ok({ iova: 0x4000n });
          t.map(ioas).ok({ iova: 0x2000n });
        },
        around_fixed: (t, ioas) => {
          t.map(ioas, { iova: 0n, length: 0x1800n });
          t.map(ioas).ok({ iova: 0x2000n });
        },
        input_is_no_hint: (t, ioas) => t.map(ioas, { args: { iova: 0x5000_0000n } }).ok({ iova: 0x1000n }),
      },
      control: (t, ioas) => t.map(ioas).ok({ iova: 0x1000n }),
    }),
    scenario('alignment,of_length_and_memory', {
      doc: 'The alignment is the length rounded up to a power of two, but no more than the memory is aligned to, nor than a huge page.',
      covers: ['IOMMU_IOAS_MAP/OK'],
      source: 'core.md 4.4, verified examples',
      kselftest: ['iommufd_ioas.no_domain.area_auto_iova'],
      needs: ['thp'],
      setup: (t) => t.ioas(),
      cases: {
        huge: (t, ioas) => {
          t.map(ioas, { va: 0x7f00_0020_0000n, length: HUGE_PAGE }).ok({ iova: 0x200000n });
          t.map(ioas, { va: 0x7f00_0040_0000n, length: P }).ok({ iova: 0x1000n });
          t.map(ioas, { va: 0x7f00_0040_0000n, length: 3n * P }).ok({ iova: 0x4000n });
          t.map(ioas, { va: 0x7f00_0040_0000n, length: 2n * HUGE_PAGE }).ok({ iova: 0x400000n });
        },
        three_pages: (t, ioas) => t.map(ioas, { length: 3n * P }).ok({ iova: 0x4000n }),
        memory_aligned_to_a_page: (t, ioas) =>
          t.map(ioas, { va: 0x100_0040_1000n, length: 16n * P }).ok({ iova: 0x1000n }),
        memory_aligned_to_two: (t, ioas) =>
          t.map(ioas, { va: 0x100_0040_2000n, length: 16n * P }).ok({ iova: 0x2000n }),
        memory_at_zero: (t, ioas) => t.map(ioas, { va: 0n, length: 0x8000n }).ok({ iova: 0x8000n }),
        beyond_a_huge_page: (t, ioas) => t.map(ioas, { va: 0n, length: 1n << 30n }).ok({ iova: 0x200000n }),
      },
      control: (t, ioas) => t.map(ioas).ok({ iova: 0x1000n }),
    }),
    scenario('offset,within_page', {
      doc: 'The offset of the memory within its page is or-ed into the IOVA.',
      covers: ['IOMMU_IOAS_MAP/OK'],
      source: 'core.md 4.4, verified examples',
      setup: (t) => t.ioas(),
      cases: {
        single_bytes: (t, ioas) => {
          t.map(ioas, { va: 0x1000_0123n, length: 1n }).ok({ iova: 0x1123n });
          t.map(ioas, { va: 0x1000_0123n, length: 1n }).ok({ iova: 0x1127n });
          t.map(ioas, { va: 0x1000_0123n, length: 1n }).ok({ iova: 0x112bn });
          t.map(ioas, { va: 0x1000_0123n, length: 1n }).ok({ iova: 0x112fn });
        },
        sixteen_bytes: (t, ioas) => {
          t.map(ioas, { va: 0x1000_0123n, length: 0x10n }).ok({ iova: 0x1123n });
          t.map(ioas, { va: 0x1000_0123n, length: 0x10n }).ok({ iova: 0x1133n });
          t.map(ioas, { va: 0x1000_0123n, length: 0x10n }).ok({ iova: 0x1163n });
        },
        files_of_three_sizes: (t, ioas) => {
          t.map(ioas, { va: 0n, length: 0x1000n }).ok({ iova: 0x1000n });
          t.map(ioas, { va: 0n, length: 0x3000n }).ok({ iova: 0x4000n });
          t.map(ioas, { va: 0n, length: 1n }).ok({ iova: 0x2000n });
        },
      },
      control: (t, ioas) => t.map(ioas, { va: 0x1000_0123n, length: 1n }).ok({ iova: 0x1123n }),
    }),
    scenario('offset,in_aperture', {
      doc: 'In an aperture of half pages, half a page goes behind half a page.',
      covers: ['IOMMU_IOAS_MAP/OK', 'IOMMU_IOAS_MAP/EINVAL.automatic_alignment'],
      source: 'core.md 4.4, verified examples',
      gaps: [20],
      setup: (t) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        halves: (t, ioas) => {
          t.map(ioas, { va: 0x100_0040_0800n, length: 0x800n }).ok({ iova: 0x1000800n });
          t.map(ioas, { va: 0x100_0040_0800n, length: 0x1000n }).ok({ iova: 0x1001800n });
          t.map(ioas, { va: 0x100_0040_0000n, length: 0x800n }).ok({ iova: 0x1000000n });
        },
        quarter: (t, ioas) => t.map(ioas, { va: 0x100_0040_0400n, length: 0x800n }).fails('EINVAL'),
      },
      control: (t, ioas) => t.map(ioas).ok({ iova: 0x1000000n }),
    }),
    scenario('windows,allowed', {
      doc: 'With an allowed list the windows are searched ascending, joined where they touch, and without the first and the last page of the space.',
      covers: ['IOMMU_IOAS_MAP/ENOSPC.no_hole'],
      source: 'core.md 4.4',
      gaps: [20],
      kselftest: ['iommufd_ioas.no_domain.area_auto_iova'],
      seeds: ['S1-31'],
      setup: (t) => t.ioas(),
      cases: {
        ascending: (t, ioas) => {
          t.allow(ioas, [
            [0x20000n, 0x20fffn],
            [0x10000n, 0x10fffn],
          ]);
          t.map(ioas).ok({ iova: 0x10000n });
          t.map(ioas).ok({ iova: 0x20000n });
          t.map(ioas).fails('ENOSPC');
        },
        joined: (t, ioas) => {
          t.allow(ioas, [
            [0x11000n, 0x11fffn],
            [0x10000n, 0x10fffn],
          ]);
          t.map(ioas, { length: 0x2000n }).ok({ iova: 0x10000n });
        },
        two_bytes: (t, ioas) => {
          t.allow(ioas, [[0x5000n, 0x5001n]]);
          t.map(ioas, { va: 0x1000n, length: 2n }).ok({ iova: 0x5000n });
        },
        one_byte_of_two: (t, ioas) => {
          t.allow(ioas, [[0x5000n, 0x5001n]]);
          t.map(ioas, { va: 0x1000n, length: 1n }).ok({ iova: 0x5000n });
          t.map(ioas, { va: 0x1001n, length: 1n }).fails('ENOSPC');
        },
        only_first_page: (t, ioas) => {
          t.allow(ioas, [[0n, 0xfffn]]);
          t.map(ioas).fails('ENOSPC');
        },
        only_last_page: (t, ioas) => {
          t.allow(ioas, [[U64_MAX - P + 1n, U64_MAX]]);
          t.map(ioas).fails('ENOSPC');
        },
        reservation_outside: (t, ioas) => {
          t.allow(ioas, [[0x10000n, 0x1ffffn]]);
          t.reserve(ioas, 0x1000n, 0x1000n);
          t.map(ioas).ok({ iova: 0x10000n });
        },
      },
      control: (t, ioas) => {
        t.allow(ioas, [[0x10000n, 0x1ffffn]]);
        t.map(ioas).ok({ iova: 0x10000n });
      },
    }),
    scenario('space,full', {
      doc: 'Where reservations leave no hole of the length, the answer is ENOSPC.',
      covers: ['IOMMU_IOAS_MAP/ENOSPC.no_hole'],
      kselftest: ['iommufd_ioas.no_domain.reserved_overflow'],
      seeds: ['S2-42'],
      setup: (t) => {
        const ioas = t.ioas();
        t.reserve(ioas, 0x4000n, U64_MAX - 0x4000n);
        return ioas;
      },
      cases: {
        too_long: (t, ioas) => t.map(ioas, { length: 0x4000n }).fails('ENOSPC'),
        used_up: (t, ioas) => {
          t.map(ioas, { iova: 0x1000n, length: 0x3000n });
          t.map(ioas, { length: 1n }).fails('ENOSPC');
        },
        selftest_overflow: (t) => {
          const other = t.ioas();
          t.reserve(other, 6n, 0xffff_ffff_ffff_8001n);
          t.map(other, { length: 0x5000n }).fails('ENOSPC');
        },
      },
      control: (t, ioas) => t.map(ioas).ok({ iova: 0x1000n }),
    }),
    scenario('length,too_long', {
      doc: 'From 2^63 - 1 bytes on an automatic IOVA is EOVERFLOW, where a fixed one is not.',
      covers: ['IOMMU_IOAS_MAP/EOVERFLOW.automatic_length'],
      gaps: [20],
      setup: (t) => t.ioas(),
      cases: {
        at_the_limit: (t, ioas) => t.map(ioas, { va: 0n, length: (1n << 63n) - 1n }).fails('EOVERFLOW'),
        beyond: (t, ioas) => t.map(ioas, { va: 0n, length: 1n << 63n }).fails('EOVERFLOW'),
        most_of_the_space: (t, ioas) =>
          t.map(ioas, { va: 0n, length: U64_MAX - 2n * P + 1n }).fails('EOVERFLOW'),
        below: (t, ioas) => t.map(ioas, { va: 0n, length: (1n << 63n) - 2n }).ok(),
        fixed: (t, ioas) => t.map(ioas, { va: 0n, iova: 0n, length: 1n << 63n }).ok(),
      },
      control: (t, ioas) => t.map(ioas),
    }),
    scenario('order,automatic', {
      doc: 'Automatic placement is checked in the order: multiple of the alignment, length, alignment left, hole.',
      covers: [
        'IOMMU_IOAS_MAP/EINVAL.length_alignment',
        'IOMMU_IOAS_MAP/EOVERFLOW.automatic_length',
        'IOMMU_IOAS_MAP/EINVAL.automatic_alignment',
      ],
      source: 'core.md 4.4 and 10',
      setup: (t) => {
        const ioas = t.ioas();
        t.setOption('HUGE_PAGES', 0n, ioas);
        t.allow(ioas, [[0n, 0xfffn]]);
        return ioas;
      },
      cases: {
        multiple_before_length: (t, ioas) =>
          t.map(ioas, { va: 0n, length: (1n << 63n) + 1n }).fails('EINVAL'),
        length_before_alignment: (t, ioas) =>
          t.map(ioas, { va: 0x800n, length: 1n << 63n }).fails('EOVERFLOW'),
        alignment_before_hole: (t, ioas) => t.map(ioas, { va: 0x800n }).fails('EINVAL'),
        hole: (t, ioas) => t.map(ioas).fails('ENOSPC'),
      },
      control: (t, ioas) => t.map(ioas, { iova: 0x8000n }),
    }),
  ],
);
