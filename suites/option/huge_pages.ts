import { NO_SUCH_ID } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

export const optionHugePages = suite(
  'option/huge_pages',
  'IOMMU_OPTION_HUGE_PAGES: an IOAS without large pages, and when it can be made one. Sizes of page-table entries are not covered.',
  [
    scenario('value,round_trip', {
      doc: 'Large pages are on; they can be turned off and on; other values are EINVAL.',
      covers: ['IOMMU_OPTION/OK', 'IOMMU_OPTION/EINVAL.value'],
      kselftest: ['iommufd_ioas.no_domain.ioas_option_huge_pages'],
      seeds: ['S2-46'],
      setup: (t) => t.ioas(),
      cases: {
        off_and_on: (t, ioas) => {
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 1n });
          t.setOption('HUGE_PAGES', 0n, ioas).ok({ val64: 0n });
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 0n });
          t.setOption('HUGE_PAGES', 1n, ioas).ok({ val64: 1n });
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 1n });
        },
        two: (t, ioas) => t.setOption('HUGE_PAGES', 2n, ioas).fails('EINVAL'),
        beyond_32_bits: (t, ioas) => t.setOption('HUGE_PAGES', 1n << 32n, ioas).fails('EINVAL'),
        per_ioas: (t, ioas) => {
          t.setOption('HUGE_PAGES', 0n, ioas);
          t.getOption('HUGE_PAGES', t.ioas()).ok({ val64: 1n });
        },
      },
      control: (t, ioas) => t.setOption('HUGE_PAGES', 0n, ioas),
    }),
    scenario('target,no_ioas', {
      doc: 'An object that is no IOAS is ENOENT, before operation and value are looked at.',
      covers: ['IOMMU_OPTION/ENOENT.ioas'],
      kselftest: ['iommufd.global_options'],
      seeds: ['S2-46'],
      setup: (t) => t.ioas(),
      cases: {
        zero: (t) => t.getOption('HUGE_PAGES').fails('ENOENT'),
        never_used: (t) => t.setOption('HUGE_PAGES', 0n, NO_SUCH_ID).fails('ENOENT'),
        before_operation: (t) => t.ioctl('IOMMU_OPTION', { option_id: 1, op: 2 }).fails('ENOENT'),
        before_value: (t) => t.setOption('HUGE_PAGES', 2n, NO_SUCH_ID).fails('ENOENT'),
        reserved_first: (t) =>
          t.ioctl('IOMMU_OPTION', { option_id: 1, op: 1, __reserved: 1 }).fails('EOPNOTSUPP'),
      },
      control: (t, ioas) => t.getOption('HUGE_PAGES', ioas),
    }),
    scenario('off,alignment', {
      doc: 'Without large pages the alignment is a page; turning them on again lowers it.',
      covers: ['IOMMU_OPTION/OK', 'IOMMU_IOAS_IOVA_RANGES/OK'],
      gaps: [15],
      kselftest: ['iommufd_ioas.no_domain.ioas_align_change'],
      setup: (t) => t.ioas(),
      cases: {
        raised: (t, ioas) => {
          t.setOption('HUGE_PAGES', 0n, ioas);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 4096 });
        },
        lowered: (t, ioas) => {
          t.setOption('HUGE_PAGES', 0n, ioas);
          t.setOption('HUGE_PAGES', 1n, ioas);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 1 });
          t.map(ioas, { iova: 1n, length: 1n });
        },
        with_domain: (t, ioas) => {
          t.mockDomain(ioas);
          t.setOption('HUGE_PAGES', 0n, ioas);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 4096 });
          t.setOption('HUGE_PAGES', 1n, ioas);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 2048 });
        },
        kept_without_domain: (t, ioas) => {
          t.setOption('HUGE_PAGES', 0n, ioas);
          const device = t.mockDomain(ioas);
          t.destroy(device.out('out_stdev_id'));
          t.ranges(ioas, 1).ok({ out_iova_alignment: 4096 });
        },
      },
      control: (t, ioas) => t.ranges(ioas, 1).ok({ out_iova_alignment: 1 }),
    }),
    scenario('off,misaligned_area', {
      doc: 'An area that is not aligned to pages keeps large pages on: EADDRINUSE.',
      covers: ['IOMMU_OPTION/EADDRINUSE.alignment'],
      kselftest: ['iommufd_ioas.no_domain.ioas_align_change'],
      setup: (t) => t.ioas(),
      cases: {
        length: (t, ioas) => {
          t.map(ioas, { iova: 0x1000n, length: 1n });
          t.setOption('HUGE_PAGES', 0n, ioas).fails('EADDRINUSE');
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 1n });
          t.ranges(ioas, 1).ok({ out_iova_alignment: 1 });
        },
        iova: (t, ioas) => {
          t.map(ioas, { iova: 0x1800n });
          t.setOption('HUGE_PAGES', 0n, ioas).fails('EADDRINUSE');
        },
        memory: (t, ioas) => {
          t.map(ioas, { iova: 0x1000n, va: 0x1800n });
          t.setOption('HUGE_PAGES', 0n, ioas).fails('EADDRINUSE');
        },
        unmapped_again: (t, ioas) => {
          t.map(ioas, { iova: 0x1800n });
          t.unmap(ioas, 0x1800n, P);
          t.setOption('HUGE_PAGES', 0n, ioas).ok();
        },
        turning_on_is_fine: (t, ioas) => {
          t.map(ioas, { iova: 0x1800n });
          t.setOption('HUGE_PAGES', 1n, ioas).ok();
        },
      },
      control: (t, ioas) => {
        t.map(ioas, { iova: 0x1000n });
        t.setOption('HUGE_PAGES', 0n, ioas);
      },
    }),
    scenario('off,mapped_domain', {
      doc: 'With a domain and an area, turning large pages off is EINVAL; with either alone it is not; when already off it is nothing.',
      covers: ['IOMMU_OPTION/EINVAL.mapped'],
      gaps: [15],
      seeds: ['S2-46'],
      setup: (t) => t.ioas(),
      cases: {
        both: (t, ioas) => {
          t.mockDomain(ioas);
          t.map(ioas, { iova: A });
          t.setOption('HUGE_PAGES', 0n, ioas).fails('EINVAL');
        },
        both_and_misaligned: (t, ioas) => {
          t.mockDomain(ioas);
          t.map(ioas, { iova: A, length: 0x800n });
          t.setOption('HUGE_PAGES', 0n, ioas).fails('EINVAL');
        },
        only_domain: (t, ioas) => {
          t.mockDomain(ioas);
          t.setOption('HUGE_PAGES', 0n, ioas).ok();
        },
        already_off: (t, ioas) => {
          t.setOption('HUGE_PAGES', 0n, ioas);
          t.mockDomain(ioas);
          t.map(ioas, { iova: A });
          t.setOption('HUGE_PAGES', 0n, ioas).ok();
        },
        on_is_always_fine: (t, ioas) => {
          t.setOption('HUGE_PAGES', 0n, ioas);
          t.mockDomain(ioas);
          t.map(ioas, { iova: A });
          t.setOption('HUGE_PAGES', 1n, ioas).ok();
          t.ranges(ioas, 1).ok({ out_iova_alignment: 2048 });
        },
        value_before: (t, ioas) => {
          t.mockDomain(ioas);
          t.map(ioas, { iova: A });
          t.setOption('HUGE_PAGES', 2n, ioas).fails('EINVAL');
        },
      },
      control: (t, ioas) => {
        t.map(ioas, { iova: A });
        t.setOption('HUGE_PAGES', 0n, ioas);
      },
    }),
    scenario('off,translates_the_same', {
      doc: 'Mappings made without large pages translate like any others.',
      covers: ['IOMMU_TEST_OP_MD_CHECK_MAP/OK'],
      setup: (t) => {
        const ioas = t.ioas();
        t.setOption('HUGE_PAGES', 0n, ioas);
        return { ioas, hwpt: t.mockDomain(ioas).out('out_hwpt_id') };
      },
      cases: {
        mapped: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A, length: 16n * P });
          t.checkMap(hwpt, A, 0x100_0040_0000n, 16n * P);
          t.counters(16);
        },
        unmapped: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A, length: 16n * P });
          t.unmap(ioas, A, 16n * P);
          t.checkMap(hwpt, A, 0x100_0040_0000n).fails('EINVAL');
          t.counters(0);
        },
      },
      control: (t, { ioas }) => t.map(ioas, { iova: A }),
    }),
  ],
);
