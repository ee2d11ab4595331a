import { NO_SUCH_ID } from '../harness/builder.js';
import { P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

/** Not mapped by anybody, and aligned to pages. */
const NOWHERE = 0xdea_d000n;

export const ioasMap = suite(
  'ioas/map',
  'IOMMU_IOAS_MAP without a domain: arguments, order of checks, fixed placement. Automatic placement and pinning have their own files.',
  [
    scenario('flags,unknown', {
      doc: 'Any bit besides FIXED_IOVA, WRITEABLE and READABLE is EOPNOTSUPP; so is a reserved member.',
      covers: ['IOMMU_IOAS_MAP/EOPNOTSUPP.flags', 'IOMMU_IOAS_MAP/EOPNOTSUPP.reserved'],
      gaps: [5, 9],
      seeds: ['S2-47'],
      setup: (t) => t.ioas(),
      cases: {
        bit_3: (t, ioas) => t.map(ioas, { args: { flags: 0xe } }).fails('EOPNOTSUPP'),
        bit_31: (t, ioas) => t.map(ioas, { args: { flags: 0x8000_0006 } }).fails('EOPNOTSUPP'),
        reserved: (t, ioas) => t.map(ioas, { args: { __reserved: 1 } }).fails('EOPNOTSUPP'),
      },
      control: (t, ioas) => t.map(ioas, { args: { flags: 6 } }),
    }),
    scenario('flags,access', {
      doc: 'At least one of READABLE and WRITEABLE is required; either alone is enough.',
      covers: ['IOMMU_IOAS_MAP/EINVAL.no_access'],
      gaps: [9],
      seeds: ['S2-39'],
      setup: (t) => t.ioas(),
      cases: {
        none: (t, ioas) => t.map(ioas, { access: 'none' }).fails('EINVAL'),
        none_fixed: (t, ioas) => t.map(ioas, { access: 'none', iova: P }).fails('EINVAL'),
        only_read: (t, ioas) => t.map(ioas, { access: 'r' }).ok(),
        only_write: (t, ioas) => t.map(ioas, { access: 'w' }).ok(),
      },
      control: (t, ioas) => t.map(ioas, { access: 'rw' }),
    }),
    scenario('range,all_ones', {
      doc: 'An iova or a length of 2^64 - 1 is EOVERFLOW, the iova even where it is not used.',
      covers: ['IOMMU_IOAS_MAP/EOVERFLOW.iova_max', 'IOMMU_IOAS_MAP/EOVERFLOW.length_max'],
      seeds: ['S2-13', 'S3-20'],
      gaps: [9],
      setup: (t) => t.ioas(),
      cases: {
        iova_fixed: (t, ioas) => t.map(ioas, { iova: U64_MAX, length: 1n }).fails('EOVERFLOW'),
        iova_unused: (t, ioas) => t.map(ioas, { args: { iova: U64_MAX } }).fails('EOVERFLOW'),
        length: (t, ioas) => t.map(ioas, { va: 0n, length: U64_MAX }).fails('EOVERFLOW'),
        length_fixed: (t, ioas) => t.map(ioas, { va: 0n, iova: 0n, length: U64_MAX }).fails('EOVERFLOW'),
      },
      control: (t, ioas) => t.map(ioas, { iova: U64_MAX - 1n, length: 1n }),
    }),
    scenario('range,empty', {
      doc: 'A length of 0 is EINVAL.',
      covers: ['IOMMU_IOAS_MAP/EINVAL.length_zero'],
      gaps: [9],
      seeds: ['S2-12'],
      setup: (t) => t.ioas(),
      cases: {
        automatic: (t, ioas) => t.map(ioas, { length: 0n }).fails('EINVAL'),
        fixed: (t, ioas) => t.map(ioas, { iova: P, length: 0n }).fails('EINVAL'),
      },
      control: (t, ioas) => t.map(ioas, { length: 1n }),
    }),
    scenario('range,memory_wraps', {
      doc: 'Memory that ends at or beyond 2^64 is EOVERFLOW.',
      covers: ['IOMMU_IOAS_MAP/EOVERFLOW.user_va_wrap'],
      gaps: [9],
      seeds: ['S2-11'],
      setup: (t) => t.ioas(),
      cases: {
        ends_exactly_there: (t, ioas) => t.map(ioas, { va: U64_MAX - P + 1n }).fails('EOVERFLOW'),
        one_byte: (t, ioas) => t.map(ioas, { va: U64_MAX, length: 1n }).fails('EOVERFLOW'),
        beyond: (t, ioas) => t.map(ioas, { va: U64_MAX, length: P }).fails('EOVERFLOW'),
      },
      control: (t, ioas) => t.map(ioas, { va: U64_MAX - P, length: P }),
    }),
    scenario('range,length_limit', {
      doc: 'A length beyond 2^64 - 1 - PAGE_SIZE is EINVAL. Where the memory wraps as well, 7.3 says so first and 6.12 last.',
      covers: ['IOMMU_IOAS_MAP/EINVAL.length_limit', 'IOMMU_IOAS_MAP/EOVERFLOW.user_va_wrap'],
      source: 'core.md 3.4 and 8',
      setup: (t) => t.ioas(),
      cases: {
        just_beyond: (t, ioas) => t.map(ioas, { va: 0n, iova: 0n, length: U64_MAX - P + 1n }).fails('EINVAL'),
        automatic: (t, ioas) => t.map(ioas, { va: 0n, length: U64_MAX - P + 1n }).fails('EINVAL'),
        wrapping: (t, ioas) =>
          t
            .map(ioas, { va: U64_MAX - P + 1n, iova: 0n, length: U64_MAX - P + 1n })
            .fails({ '7.3': 'EOVERFLOW', '6.12': 'EINVAL' }),
      },
      control: (t, ioas) => t.map(ioas, { va: 0n, iova: 0n, length: 1n << 62n }),
    }),
    scenario('range,page_count', {
      doc: 'A range whose pages cannot be counted is EOVERFLOW, and the kernel warns: user space can provoke it.',
      covers: ['IOMMU_IOAS_MAP/EOVERFLOW.page_count'],
      source: 'core.md 3.4 row 11',
      without: {
        zero_tail: 'one warning is enough',
        shifted_ids: 'one warning is enough',
        probed: 'one warning is enough',
      },
      setup: (t) => t.ioas(),
      cases: {
        longest_from_offset: (t, ioas) =>
          t
            .map(ioas, { va: 2n, iova: 0n, length: U64_MAX - P })
            .fails('EOVERFLOW')
            .warns('WARNING in iopt_insert_area'),
      },
      control: (t, ioas) => t.map(ioas, { va: 1n, iova: 0n, length: U64_MAX - P }),
    }),
    scenario('target,no_ioas', {
      doc: 'An id that is no IOAS of this file is ENOENT.',
      covers: ['IOMMU_IOAS_MAP/ENOENT.ioas'],
      setup: (t) => t.ioas(),
      cases: {
        zero: (t) => t.map(0).fails('ENOENT'),
        never_used: (t) => t.map(NO_SUCH_ID).fails('ENOENT'),
        destroyed: (t, ioas) => {
          t.destroy(ioas);
          t.map(ioas).fails('ENOENT');
        },
      },
      control: (t, ioas) => t.map(ioas),
    }),
    scenario('target,wrong_type', {
      doc: 'Ids of devices and page tables are no IOAS.',
      covers: ['IOMMU_IOAS_MAP/ENOENT.ioas'],
      seeds: ['S1-35'],
      setup: (t) => {
        const ioas = t.ioas();
        return { ioas, device: t.mockDomain(ioas) };
      },
      cases: {
        device: (t, { device }) => t.map(device.out('out_idev_id')).fails('ENOENT'),
        page_table: (t, { device }) => t.map(device.out('out_hwpt_id')).fails('ENOENT'),
      },
      control: (t, { ioas }) => t.map(ioas),
    }),
    scenario('memory,not_touched', {
      doc: 'Without a domain, memory is neither touched nor validated: any address maps.',
      covers: ['IOMMU_IOAS_MAP/OK'],
      seeds: ['S1-26'],
      setup: (t) => t.ioas(),
      cases: {
        unmapped: (t, ioas) => t.map(ioas, { va: NOWHERE }).ok({ iova: 0x1000n }),
        null_page: (t, ioas) => t.map(ioas, { va: 0n }).ok(),
        kernel_address: (t, ioas) => t.map(ioas, { va: 0xffff_8880_0000_0000n }).ok(),
        huge: (t, ioas) => t.map(ioas, { va: 0n, iova: 0n, length: 1n << 60n }).ok(),
      },
      control: (t, ioas) => t.map(ioas),
    }),
    scenario('fixed,anywhere', {
      doc: 'A fixed IOVA may be 0 or reach the top of the space, at any byte while the alignment is 1.',
      covers: ['IOMMU_IOAS_MAP/OK'],
      seeds: ['S1-26', 'S1-32', 'S3-01', 'S2-14', 'S2-42'],
      setup: (t) => t.ioas(),
      cases: {
        zero: (t, ioas) => t.map(ioas, { iova: 0n }).ok({ iova: 0n }),
        top_page: (t, ioas) => t.map(ioas, { iova: U64_MAX - P + 1n }).ok({ iova: 0xffff_ffff_ffff_f000n }),
        odd_byte: (t, ioas) => {
          t.map(ioas, { iova: 0x1001n, va: 0x100_0040_0001n, length: 3n }).ok({ iova: 0x1001n });
          t.unmap(ioas, 0x1001n, 3n).ok({ length: 3n });
        },
        one_byte_each: (t, ioas) => {
          t.map(ioas, { iova: 0x1001n, length: 1n });
          t.map(ioas, { iova: 0x1002n, length: 1n });
          t.unmap(ioas, 0x1001n, 2n).ok({ length: 2n });
        },
      },
      control: (t, ioas) => t.map(ioas, { iova: 0x5000n }).ok({ iova: 0x5000n }),
    }),
    scenario('fixed,wraps', {
      doc: 'A fixed range beyond 2^64 is EOVERFLOW.',
      covers: ['IOMMU_IOAS_MAP/EOVERFLOW.iova_wrap'],
      seeds: ['S2-13'],
      setup: (t) => t.ioas(),
      cases: {
        by_one: (t, ioas) => t.map(ioas, { iova: U64_MAX - P + 2n }).fails('EOVERFLOW'),
        by_far: (t, ioas) =>
          t.map(ioas, { va: 0n, iova: U64_MAX - 1n, length: 1n << 62n }).fails('EOVERFLOW'),
      },
      control: (t, ioas) => t.map(ioas, { iova: U64_MAX - P + 1n }),
    }),
    scenario('fixed,overlap', {
      doc: 'A fixed range that meets an area is EEXIST, whichever way they meet; a touching one is not.',
      covers: ['IOMMU_IOAS_MAP/EEXIST.area'],
      seeds: ['S2-19', 'S3-08'],
      kselftest: ['iommufd_ioas.no_domain.area'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: 0x10000n, length: 0x4000n });
        return ioas;
      },
      cases: {
        equal: (t, ioas) => t.map(ioas, { iova: 0x10000n, length: 0x4000n }).fails('EEXIST'),
        head: (t, ioas) => t.map(ioas, { iova: 0xf000n, length: 0x1001n }).fails('EEXIST'),
        tail: (t, ioas) => t.map(ioas, { iova: 0x13fffn, length: 0x1000n }).fails('EEXIST'),
        inside: (t, ioas) => t.map(ioas, { iova: 0x11000n, length: 0x1000n }).fails('EEXIST'),
        around: (t, ioas) => t.map(ioas, { iova: 0xf000n, length: 0x8000n }).fails('EEXIST'),
        one_byte: (t, ioas) => t.map(ioas, { iova: 0x10000n, length: 1n }).fails('EEXIST'),
        touching_below: (t, ioas) => t.map(ioas, { iova: 0xf000n, length: 0x1000n }).ok(),
        touching_above: (t, ioas) => t.map(ioas, { iova: 0x14000n, length: 0x1000n }).ok(),
      },
      control: (t, ioas) => t.map(ioas, { iova: 0x20000n, length: 0x4000n }),
    }),
    scenario('fixed,reserved', {
      doc: 'A fixed range that meets a reservation is EINVAL.',
      covers: ['IOMMU_IOAS_MAP/EINVAL.iova_reserved'],
      gaps: [9],
      seeds: ['S1-33', 'S2-20'],
      setup: (t) => {
        const ioas = t.ioas();
        t.reserve(ioas, 0x10000n, 0x4000n);
        return ioas;
      },
      cases: {
        equal: (t, ioas) => t.map(ioas, { iova: 0x10000n, length: 0x4000n }).fails('EINVAL'),
        last_byte: (t, ioas) => t.map(ioas, { iova: 0x13fffn, length: 1n }).fails('EINVAL'),
        first_byte: (t, ioas) => t.map(ioas, { iova: 0xf000n, length: 0x1001n }).fails('EINVAL'),
        around: (t, ioas) => t.map(ioas, { iova: 0xf000n, length: 0x8000n }).fails('EINVAL'),
      },
      control: (t, ioas) => t.map(ioas, { iova: 0x14000n }),
    }),
    scenario('fixed,aperture', {
      doc: 'With a mock domain, fixed ranges must lie in its aperture and be multiples of 2048.',
      covers: [
        'IOMMU_IOAS_MAP/EINVAL.iova_reserved',
        'IOMMU_IOAS_MAP/EINVAL.iova_alignment',
        'IOMMU_IOAS_MAP/EINVAL.length_alignment',
        'IOMMU_IOAS_MAP/EINVAL.user_va_alignment',
      ],
      gaps: [9],
      seeds: ['S1-34', 'S2-15'],
      setup: (t) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        below: (t, ioas) => t.map(ioas, { iova: 0xff_f000n }).fails('EINVAL'),
        above: (t, ioas) => t.map(ioas, { iova: 0x8000_0000n }).fails('EINVAL'),
        across_the_end: (t, ioas) => t.map(ioas, { iova: 0x7fff_f800n }).fails('EINVAL'),
        first: (t, ioas) => t.map(ioas, { iova: 0x100_0000n }).ok(),
        last: (t, ioas) => t.map(ioas, { iova: 0x7fff_f000n }).ok(),
        half_page: (t, ioas) => t.map(ioas, { iova: 0x100_0800n, length: 0x800n, va: 0x100_0040_0800n }).ok(),
        odd_iova: (t, ioas) => t.map(ioas, { iova: 0x100_0400n }).fails('EINVAL'),
        odd_length: (t, ioas) => t.map(ioas, { iova: 0x100_0000n, length: 0x400n }).fails('EINVAL'),
        odd_memory: (t, ioas) => t.map(ioas, { iova: 0x100_0000n, va: 0x100_0040_0400n }).fails('EINVAL'),
      },
      control: (t, ioas) => t.map(ioas, { iova: 0x200_0000n }),
    }),
    scenario('alignment,pages', {
      doc: 'Without large pages everything is a multiple of 4096: length, fixed IOVA, and the memory within its page.',
      covers: [
        'IOMMU_IOAS_MAP/EINVAL.length_alignment',
        'IOMMU_IOAS_MAP/EINVAL.iova_alignment',
        'IOMMU_IOAS_MAP/EINVAL.user_va_alignment',
        'IOMMU_IOAS_MAP/EINVAL.automatic_alignment',
      ],
      gaps: [9],
      kselftest: ['iommufd_ioas.no_domain.ioas_align_change'],
      setup: (t) => {
        const ioas = t.ioas();
        t.setOption('HUGE_PAGES', 0n, ioas);
        return ioas;
      },
      cases: {
        length: (t, ioas) => t.map(ioas, { length: 0x1001n }).fails('EINVAL'),
        length_fixed: (t, ioas) => t.map(ioas, { iova: 0x1000n, length: 0x800n }).fails('EINVAL'),
        iova: (t, ioas) => t.map(ioas, { iova: 0x800n }).fails('EINVAL'),
        memory_fixed: (t, ioas) => t.map(ioas, { iova: 0x1000n, va: 0x1001n }).fails('EINVAL'),
        memory_automatic: (t, ioas) => t.map(ioas, { va: 0x1001n }).fails('EINVAL'),
      },
      control: (t, ioas) => {
        t.map(ioas, { iova: 0x1000n, va: 0x7000n });
        t.map(ioas, { va: 0x7000n });
      },
    }),
    scenario('order,arguments', {
      doc: 'Of two wrong arguments the one that the kernel checks first decides: flags, range of iova and length, access, IOAS, range of memory, length.',
      covers: [
        'IOMMU_IOAS_MAP/EOPNOTSUPP.flags',
        'IOMMU_IOAS_MAP/EOVERFLOW.iova_max',
        'IOMMU_IOAS_MAP/ENOENT.ioas',
      ],
      source: 'core.md 3.4 and 10',
      setup: (t) => t.ioas(),
      cases: {
        flags_before_iova: (t, ioas) =>
          t.map(ioas, { args: { flags: 8, iova: U64_MAX } }).fails('EOPNOTSUPP'),
        reserved_before_iova: (t, ioas) =>
          t.map(ioas, { args: { __reserved: 1, iova: U64_MAX } }).fails('EOPNOTSUPP'),
        flags_before_ioas: (t) => t.map(0, { args: { flags: 8 } }).fails('EOPNOTSUPP'),
        iova_before_access: (t, ioas) => t.map(ioas, { access: 'none', iova: U64_MAX }).fails('EOVERFLOW'),
        length_before_access: (t, ioas) =>
          t.map(ioas, { access: 'none', length: U64_MAX }).fails('EOVERFLOW'),
        iova_before_ioas: (t) => t.map(0, { iova: U64_MAX }).fails('EOVERFLOW'),
        access_before_ioas: (t) => t.map(0, { access: 'none' }).fails('EINVAL'),
        ioas_before_memory: (t) => t.map(0, { va: U64_MAX }).fails('ENOENT'),
        ioas_before_length: (t) => t.map(0, { length: 0n }).fails('ENOENT'),
      },
      control: (t, ioas) => t.map(ioas),
    }),
    scenario('order,placement', {
      doc: 'Placement is checked in the order: length, fixed IOVA (alignment, wrap, reservation, area), memory within its page.',
      covers: [
        'IOMMU_IOAS_MAP/EINVAL.iova_alignment',
        'IOMMU_IOAS_MAP/EOVERFLOW.iova_wrap',
        'IOMMU_IOAS_MAP/EINVAL.iova_reserved',
        'IOMMU_IOAS_MAP/EEXIST.area',
      ],
      source: 'core.md 4.3 and 10',
      setup: (t) => {
        const ioas = t.ioas();
        t.setOption('HUGE_PAGES', 0n, ioas);
        t.map(ioas, { iova: 0x10000n });
        t.reserve(ioas, 0x11000n, 0x1000n);
        t.reserve(ioas, 0xffff_ffff_ffff_f000n, 0x1000n);
        return ioas;
      },
      cases: {
        length_before_iova: (t, ioas) => t.map(ioas, { iova: 0x10000n, length: 0x800n }).fails('EINVAL'),
        alignment_before_wrap: (t, ioas) =>
          t.map(ioas, { iova: 0xffff_ffff_ffff_e800n, length: 0x2000n }).fails('EINVAL'),
        alignment_before_area: (t, ioas) => t.map(ioas, { iova: 0x10800n }).fails('EINVAL'),
        wrap_before_reservation: (t, ioas) =>
          t.map(ioas, { iova: 0xffff_ffff_ffff_f000n, length: 0x2000n }).fails('EOVERFLOW'),
        reservation_before_area: (t, ioas) =>
          t.map(ioas, { iova: 0x10000n, length: 0x2000n }).fails('EINVAL'),
        memory_wrap_before_length: (t, ioas) =>
          t.map(ioas, { va: U64_MAX, length: 0x1001n }).fails('EOVERFLOW'),
        area_before_memory: (t, ioas) => t.map(ioas, { iova: 0x10000n, va: 0x1001n }).fails('EEXIST'),
        length_before_area: (t, ioas) => t.map(ioas, { iova: 0x10000n, length: 0x1001n }).fails('EINVAL'),
      },
      control: (t, ioas) => t.map(ioas, { iova: 0x20000n }),
    }),
  ],
);
