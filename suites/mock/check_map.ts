import { BUFFER, FROZEN, HOLE, PRIVATE } from '../../models/program/arena.js';
import { NO_SUCH_ID, type ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { ONLY_ONCE, everyAlignment } from './every_alignment.js';

/** An IOAS with a device, four pages mapped at the start of the aperture. */
function mapped(t: ScenarioBuilder) {
  const ioas = t.ioas();
  const device = t.mockDomain(ioas);
  t.map(ioas, { iova: A, length: 4n * P });
  return { ioas, device, hwpt: device.out('out_hwpt_id') };
}

export const mockCheckMap = suite(
  'mock/check_map',
  'MD_CHECK_MAP: what the page table of the mock translates to. It is the probe of other scenarios, so its own refusals are tested here.',
  [
    scenario('target,no_page_table', {
      doc: 'An id that is no paging page table is ENOENT.',
      covers: ['IOMMU_TEST_OP_MD_CHECK_MAP/ENOENT.hwpt'],
      setup: mapped,
      cases: {
        zero: (t) => t.checkMap(0, A, BUFFER.start).fails('ENOENT'),
        never_used: (t) => t.checkMap(NO_SUCH_ID, A, BUFFER.start).fails('ENOENT'),
        ioas: (t, { ioas }) => t.checkMap(ioas, A, BUFFER.start).fails('ENOENT'),
        device: (t, { device }) => t.checkMap(device.out('out_idev_id'), A, BUFFER.start).fails('ENOENT'),
      },
      control: (t, { hwpt }) => t.checkMap(hwpt, A, BUFFER.start),
    }),
    scenario('range,misaligned', {
      doc: 'iova, length and uptr must be multiples of 2048, and the memory must not end at or beyond 2^64.',
      covers: [
        'IOMMU_TEST_OP_MD_CHECK_MAP/EINVAL.iova_alignment',
        'IOMMU_TEST_OP_MD_CHECK_MAP/EINVAL.length_alignment',
        'IOMMU_TEST_OP_MD_CHECK_MAP/EINVAL.uptr_alignment',
        'IOMMU_TEST_OP_MD_CHECK_MAP/EINVAL.uptr_wrap',
      ],
      gaps: [25],
      setup: mapped,
      cases: {
        iova: (t, { hwpt }) => t.checkMap(hwpt, A + 1n, BUFFER.start, 0n).fails('EINVAL'),
        length: (t, { hwpt }) => t.checkMap(hwpt, A, BUFFER.start, 1n).fails('EINVAL'),
        uptr: (t, { hwpt }) => t.checkMap(hwpt, A, BUFFER.start + 1n, 0n).fails('EINVAL'),
        wrap: (t, { hwpt }) => t.checkMap(hwpt, A, U64_MAX - P + 1n).fails('EINVAL'),
        not_before_wrap: (t, { hwpt }) => t.checkMap(hwpt, A, U64_MAX - 2n * P + 1n).fails('EFAULT'),
        half_pages: (t, { hwpt }) => t.checkMap(hwpt, A + 0x800n, BUFFER.start + 0x800n, 0x800n).ok(),
        nothing: (t, { hwpt }) => t.checkMap(hwpt, A, BUFFER.start, 0n).ok(),
        nothing_of_nothing: (t, { hwpt }) => t.checkMap(hwpt, 0n, HOLE, 0n).ok(),
      },
      control: (t, { hwpt }) => t.checkMap(hwpt, A, BUFFER.start),
    }),
    scenario('order,alignment_and_lookup', {
      doc: '7.3 looks the page table up before the alignment, 6.12 after.',
      covers: ['IOMMU_TEST_OP_MD_CHECK_MAP/ENOENT.hwpt', 'IOMMU_TEST_OP_MD_CHECK_MAP/EINVAL.iova_alignment'],
      source: 'mock.md 16',
      setup: mapped,
      cases: {
        iova: (t) => t.checkMap(0, A + 1n, BUFFER.start).fails({ '7.3': 'ENOENT', '6.12': 'EINVAL' }),
        length: (t) => t.checkMap(0, A, BUFFER.start, 1n).fails({ '7.3': 'ENOENT', '6.12': 'EINVAL' }),
        uptr: (t) => t.checkMap(0, A, BUFFER.start + 1n).fails({ '7.3': 'ENOENT', '6.12': 'EINVAL' }),
        wrap: (t) => t.checkMap(0, A, U64_MAX - P + 1n).fails({ '7.3': 'ENOENT', '6.12': 'EINVAL' }),
        wrap_before_memory: (t, { hwpt }) => t.checkMap(hwpt, A, U64_MAX - 0x7ffn, 0x800n).fails('EINVAL'),
      },
      control: (t, { hwpt }) => t.checkMap(hwpt, A, BUFFER.start),
    }),
    scenario('memory,unreadable', {
      doc: 'Memory that cannot be read is EFAULT, in the last page of the address space EOVERFLOW, unless a page before it differs.',
      covers: [
        'IOMMU_TEST_OP_MD_CHECK_MAP/EFAULT.uptr',
        'IOMMU_TEST_OP_MD_CHECK_MAP/EOVERFLOW.uptr_end',
        'IOMMU_TEST_OP_MD_CHECK_MAP/EINVAL.translation',
      ],
      setup: (t) => {
        const all = mapped(t);
        t.map(all.ioas, { iova: A + 0x10000n, va: BUFFER.start + BUFFER.bytes - P });
        return all;
      },
      cases: {
        hole: (t, { hwpt }) => t.checkMap(hwpt, A, HOLE).fails('EFAULT'),
        second_page: (t, { hwpt }) =>
          t.checkMap(hwpt, A + 0x10000n, BUFFER.start + BUFFER.bytes - P, 2n * P).fails('EFAULT'),
        after_difference: (t, { hwpt }) =>
          t.checkMap(hwpt, A, BUFFER.start + BUFFER.bytes - P, 2n * P).fails('EINVAL'),
        last_page: (t, { hwpt }) => t.checkMap(hwpt, A, U64_MAX - P + 1n, 0x800n).fails('EOVERFLOW'),
        page_before_the_last: (t, { hwpt }) =>
          t.checkMap(hwpt, A, U64_MAX - P - 0x7ffn, 0x1000n).fails('EFAULT'),
        kernel_address: (t, { hwpt }) => t.checkMap(hwpt, A, 0xffff_8880_0000_0000n).fails('EFAULT'),
      },
      control: (t, { hwpt }) => t.checkMap(hwpt, A + 0x10000n, BUFFER.start + BUFFER.bytes - P),
    }),
    scenario('translation,differs', {
      doc: 'Where nothing is mapped, or another page is, the answer is EINVAL.',
      covers: ['IOMMU_TEST_OP_MD_CHECK_MAP/EINVAL.translation'],
      gaps: [25],
      setup: mapped,
      cases: {
        other_page: (t, { hwpt }) => t.checkMap(hwpt, A, BUFFER.start + P).fails('EINVAL'),
        other_half: (t, { hwpt }) => t.checkMap(hwpt, A, BUFFER.start + 0x800n, 0x800n).fails('EINVAL'),
        behind_the_end: (t, { hwpt }) => t.checkMap(hwpt, A, BUFFER.start, 5n * P).fails('EINVAL'),
        not_mapped: (t, { hwpt }) => t.checkMap(hwpt, A + 0x10000n, BUFFER.start).fails('EINVAL'),
        outside_of_the_aperture: (t, { hwpt }) => t.checkMap(hwpt, 0n, BUFFER.start).fails('EINVAL'),
        last_page_differs: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A + 4n * P });
          t.checkMap(hwpt, A, BUFFER.start, 5n * P).fails('EINVAL');
        },
      },
      control: (t, { hwpt }) => t.checkMap(hwpt, A, BUFFER.start, 4n * P),
    }),
    scenario('translation,every_alignment', {
      doc: 'Every range of half pages within eight pages translates and is pinned once, also while another device comes and goes.',
      covers: ['IOMMU_TEST_OP_MD_CHECK_MAP/OK', 'IOMMU_TEST_OP_MD_CHECK_REFS/OK'],
      kselftest: ['iommufd_mock_domain.one_domain.all_aligns', 'iommufd_mock_domain.two_domains.all_aligns'],
      without: ONLY_ONCE,
      setup: (t) => {
        const ioas = t.ioas();
        return { ioas, hwpt: t.mockDomain(ioas).out('out_hwpt_id') };
      },
      cases: {
        one_device: (t, { ioas, hwpt }) => {
          everyAlignment(t, ioas, ({ iova, va, length }) => t.checkMap(hwpt, iova, va, length));
        },
        two_devices: (t, { ioas, hwpt }) => {
          t.mockDomain(ioas);
          everyAlignment(t, ioas, ({ iova, va, length }) => t.checkMap(hwpt, iova, va, length));
        },
        another_comes_and_goes: (t, { ioas, hwpt }) => {
          everyAlignment(t, ioas, ({ iova, va, length }) => {
            t.destroy(t.mockDomain(ioas).out('out_stdev_id'));
            t.checkMap(hwpt, iova, va, length);
          });
        },
      },
      control: (t, { ioas }) => t.map(ioas, { iova: A }),
    }),
    scenario('translation,of_all_kinds', {
      doc: 'Shared, private and read-only memory translates page by page, across touching areas, at offsets within the page.',
      covers: ['IOMMU_TEST_OP_MD_CHECK_MAP/OK', 'IOMMU_IOAS_MAP/OK'],
      kselftest: ['iommufd_mock_domain.one_domain.basic'],
      setup: mapped,
      cases: {
        private: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A + 0x10000n, va: PRIVATE.start, length: 3n * P });
          t.checkMap(hwpt, A + 0x10000n, PRIVATE.start, 3n * P);
        },
        read_only: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A + 0x10000n, va: FROZEN.start, length: 3n * P, access: 'r' });
          t.checkMap(hwpt, A + 0x10000n, FROZEN.start, 3n * P);
        },
        touching_areas: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A + 4n * P, va: BUFFER.start + 4n * P, length: 4n * P });
          t.checkMap(hwpt, A, BUFFER.start, 8n * P);
        },
        offset: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A + 0x10800n, va: BUFFER.start + 0x800n, length: 0x1800n });
          t.checkMap(hwpt, A + 0x10800n, BUFFER.start + 0x800n, 0x1800n);
        },
        other_offset: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A + 0x10000n, va: BUFFER.start + 0x800n, length: 0x1000n });
          t.checkMap(hwpt, A + 0x10000n, BUFFER.start + 0x800n, 0x1000n);
        },
      },
      control: (t, { hwpt }) => t.checkMap(hwpt, A, BUFFER.start, 4n * P),
    }),
  ],
);
