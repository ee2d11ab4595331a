import { BUFFER, HOLE } from '../../models/program/arena.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

export const mockCheckRefs = suite(
  'mock/check_refs',
  'MD_CHECK_REFS: how often pages are pinned. It is the probe of other scenarios, so its own refusals are tested here.',
  [
    scenario('range,misaligned', {
      doc: 'length and uptr must be multiples of a page, and the memory must not end at or beyond 2^64.',
      covers: [
        'IOMMU_TEST_OP_MD_CHECK_REFS/EINVAL.length_alignment',
        'IOMMU_TEST_OP_MD_CHECK_REFS/EINVAL.uptr_alignment',
        'IOMMU_TEST_OP_MD_CHECK_REFS/EINVAL.uptr_wrap',
      ],
      setup: () => undefined,
      cases: {
        length: (t) => t.checkRefs(BUFFER.start, 0, 0x800n).fails('EINVAL'),
        uptr: (t) => t.checkRefs(BUFFER.start + 0x800n, 0, 0n).fails('EINVAL'),
        wrap: (t) => t.checkRefs(U64_MAX - P + 1n, 0).fails('EINVAL'),
        not_before_wrap: (t) => t.checkRefs(U64_MAX - 2n * P + 1n, 0).fails('EFAULT'),
        nothing: (t) => t.checkRefs(BUFFER.start, 77, 0n).ok(),
      },
      control: (t) => t.checkRefs(BUFFER.start, 0),
    }),
    scenario('memory,unreadable', {
      doc: 'Memory that cannot be read is EFAULT, unless a page before it has another number of pins.',
      covers: ['IOMMU_TEST_OP_MD_CHECK_REFS/EFAULT.uptr', 'IOMMU_TEST_OP_MD_CHECK_REFS/EIO.refs'],
      setup: () => undefined,
      cases: {
        hole: (t) => t.checkRefs(HOLE, 0).fails('EFAULT'),
        second_page: (t) => t.checkRefs(BUFFER.start + BUFFER.bytes - P, 0, 2n * P).fails('EFAULT'),
        after_difference: (t) => t.checkRefs(BUFFER.start + BUFFER.bytes - P, 1, 2n * P).fails('EIO'),
      },
      control: (t) => t.checkRefs(BUFFER.start + BUFFER.bytes - P, 0),
    }),
    scenario('count,differs', {
      doc: 'Another number of pins is EIO.',
      covers: ['IOMMU_TEST_OP_MD_CHECK_REFS/EIO.refs'],
      gaps: [25],
      setup: (t) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        t.map(ioas, { iova: A, length: 2n * P });
      },
      cases: {
        too_few: (t) => t.checkRefs(BUFFER.start, 0).fails('EIO'),
        too_many: (t) => t.checkRefs(BUFFER.start, 2).fails('EIO'),
        third_page: (t) => t.checkRefs(BUFFER.start, 1, 3n * P).fails('EIO'),
      },
      control: (t) => t.checkRefs(BUFFER.start, 1, 2n * P),
    }),
    scenario('count,per_map', {
      doc: 'Each MAP of the same memory pins it once, by any file.',
      covers: ['IOMMU_TEST_OP_MD_CHECK_REFS/OK'],
      setup: (t) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        three: (t, ioas) => {
          t.map(ioas, { iova: A });
          t.map(ioas, { iova: A + P });
          t.map(ioas, { iova: A + 2n * P, length: 2n * P });
          t.checkRefs(BUFFER.start, 3);
          t.checkRefs(BUFFER.start + P, 1);
        },
        two_files: (t, ioas) => {
          t.map(ioas, { iova: A });
          t.open('g');
          const other = t.ioas('g');
          t.ioctl(
            'IOMMU_IOAS_MAP',
            { flags: 7, ioas_id: other, user_va: BUFFER.start, length: P, iova: A },
            { file: 'g' },
          );
          t.checkRefs(BUFFER.start, 1);
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: other }, { file: 'g' });
          t.checkRefs(BUFFER.start, 2);
          t.close('g');
          t.checkRefs(BUFFER.start, 1);
        },
      },
      control: (t, ioas) => {
        t.map(ioas, { iova: A });
        t.checkRefs(BUFFER.start, 1);
      },
    }),
  ],
);
