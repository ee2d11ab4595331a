import { HOLE } from '../../models/program/arena.js';
import type { Operand, Scalar } from '../../models/program/program.js';
import { NO_SUCH_ID, type ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { DIRTY_TRACKING, HALF, bitmap, read, setTracking, tracking, write } from '../hwpt/dirty_pages.js';

const dirty = (t: ScenarioBuilder, id: Scalar, args: Readonly<Record<string, Operand>>) =>
  t.ioctl('IOMMU_TEST_OP_DIRTY', {
    id,
    iova: A,
    length: 8n * HALF,
    page_size: HALF,
    uptr: { words: [1] },
    ...args,
  });

/** Four mapped pages of a page table that tracks. */
function trackingPages(t: ScenarioBuilder) {
  const all = tracking(t);
  t.map(all.ioas, { iova: A, length: 4n * P });
  return all;
}

/** One bit more than SZ_16M bytes have. */
const TOO_MANY_BITS = (1n << 27n) + 1n;

export const mockDirty = suite('mock/dirty', 'OP_DIRTY: a device writes through a page table.', [
  scenario('arguments,refused', {
    doc: 'A range that is no list of pages, no bitmap, too many bits, a target that is no paging page table or does not track.',
    covers: [
      'IOMMU_TEST_OP_DIRTY/EINVAL.page_size',
      'IOMMU_TEST_OP_DIRTY/EINVAL.length_zero',
      'IOMMU_TEST_OP_DIRTY/EINVAL.iova_page',
      'IOMMU_TEST_OP_DIRTY/EINVAL.length_page',
      'IOMMU_TEST_OP_DIRTY/EINVAL.uptr',
      'IOMMU_TEST_OP_DIRTY/EOVERFLOW.bits',
      'IOMMU_TEST_OP_DIRTY/ENOENT.hwpt',
      'IOMMU_TEST_OP_DIRTY/EINVAL.not_tracking',
      'IOMMU_TEST_OP_DIRTY/EFAULT.bitmap',
    ],
    gaps: [32],
    setup: trackingPages,
    cases: {
      page_size_0: (t, { hwpt }) => dirty(t, hwpt, { page_size: 0n }).fails('EINVAL'),
      length_0: (t, { hwpt }) => dirty(t, hwpt, { length: 0n }).fails('EINVAL'),
      iova_inside_page: (t, { hwpt }) => dirty(t, hwpt, { iova: A + 1n }).fails('EINVAL'),
      length_with_rest: (t, { hwpt }) => dirty(t, hwpt, { length: 8n * HALF + 1n }).fails('EINVAL'),
      length_below_page: (t, { hwpt }) => dirty(t, hwpt, { length: HALF - 1n }).fails('EINVAL'),
      no_bitmap: (t, { hwpt }) => dirty(t, hwpt, { uptr: 0n }).fails('EINVAL'),
      too_many_bits: (t, { hwpt }) =>
        dirty(t, hwpt, { length: TOO_MANY_BITS, page_size: 1n }).fails('EOVERFLOW'),
      bits_just_allowed: (t, { hwpt }) =>
        dirty(t, hwpt, { length: TOO_MANY_BITS - 1n, page_size: 1n }).fails('EFAULT'),
      zero: (t) => dirty(t, 0, {}).fails('ENOENT'),
      never_used: (t) => dirty(t, NO_SUCH_ID, {}).fails('ENOENT'),
      ioas: (t, { ioas }) => dirty(t, ioas, {}).fails('ENOENT'),
      nested: (t, { ioas, device }) => {
        const parent = t.hwptAlloc(device, ioas, { flags: 1 | DIRTY_TRACKING }).out('out_hwpt_id');
        dirty(t, t.nestedHwpt(device, parent, 0).out('out_hwpt_id'), {}).fails('ENOENT');
      },
      without_dirty_bits: (t, { ioas, device }) =>
        dirty(t, t.hwptAlloc(device, ioas).out('out_hwpt_id'), {}).fails('EINVAL'),
      never_tracked: (t, { ioas, device }) =>
        dirty(t, t.hwptAlloc(device, ioas, { flags: DIRTY_TRACKING }).out('out_hwpt_id'), {}).fails('EINVAL'),
      tracks_no_more: (t, { hwpt }) => {
        setTracking(t, hwpt, 0);
        dirty(t, hwpt, {}).fails('EINVAL');
      },
      bitmap_in_hole: (t, { hwpt }) => dirty(t, hwpt, { uptr: HOLE }).fails('EFAULT'),
      bitmap_ends_in_hole: (t, { hwpt }) =>
        dirty(t, hwpt, { length: 9n * HALF, uptr: { words: [1], in: { edge: 1 } } }).fails('EFAULT'),
      no_bitmap_before_too_many: (t, { hwpt }) =>
        dirty(t, hwpt, { length: TOO_MANY_BITS, page_size: 1n, uptr: 0n }).fails('EINVAL'),
      too_many_before_target: (t) => dirty(t, 0, { length: TOO_MANY_BITS, page_size: 1n }).fails('EOVERFLOW'),
      tracking_before_bitmap: (t, { hwpt }) => {
        setTracking(t, hwpt, 0);
        dirty(t, hwpt, { uptr: HOLE }).fails('EINVAL');
      },
    },
    control: (t, { hwpt }) =>
      dirty(t, hwpt, { length: 8n * HALF, uptr: { words: [1], in: { edge: 1 } }, flags: 0xff }).ok({
        out_nr_dirty: 1n,
      }),
  }),
  scenario('bits,counted', {
    doc: 'Bits of the range are counted, also of pages that are dirty already; 6.12 counts those of mapped pages only.',
    covers: ['IOMMU_TEST_OP_DIRTY/OK'],
    source: 'mock.md 3, 16',
    gaps: [32],
    setup: trackingPages,
    cases: {
      none: (t, { hwpt }) => dirty(t, hwpt, { uptr: { words: [0] } }).ok({ out_nr_dirty: 0n }),
      all: (t, { hwpt }) => dirty(t, hwpt, { uptr: { words: [0xff] } }).ok({ out_nr_dirty: 8n }),
      behind_the_range: (t, { hwpt }) =>
        dirty(t, hwpt, { length: 3n * HALF, uptr: { words: [0xf8] } }).ok({ out_nr_dirty: 0n }),
      again: (t, { hwpt }) => {
        dirty(t, hwpt, {}).ok({ out_nr_dirty: 1n });
        dirty(t, hwpt, {}).ok({ out_nr_dirty: 1n });
      },
      read_only_bitmap: (t, { hwpt }) =>
        dirty(t, hwpt, { uptr: { words: [5], in: 'sealed' } }).ok({ out_nr_dirty: 2n }),
      partly_mapped: (t, { hwpt }) =>
        dirty(t, hwpt, { length: 16n * HALF, uptr: { words: [0xffff] } }).ok({
          out_nr_dirty: { byProfile: { '7.3': 16n, '6.12': 8n } },
        }),
      unmapped: (t, { hwpt }) =>
        dirty(t, hwpt, { iova: 0n }).ok({ out_nr_dirty: { byProfile: { '7.3': 1n, '6.12': 0n } } }),
      beyond_the_end: (t, { hwpt }) =>
        dirty(t, hwpt, { iova: U64_MAX - HALF + 1n, uptr: { words: [0xff] } }).ok({
          out_nr_dirty: { byProfile: { '7.3': 8n, '6.12': 0n } },
        }),
    },
    control: (t, { hwpt }) => dirty(t, hwpt, {}).ok({ out_nr_dirty: 1n }),
  }),
  scenario('pages,written', {
    doc: 'A bit makes the page dirty that translates its IOVA; the array of 6.12 takes the number of the bit for one of half pages.',
    covers: ['IOMMU_TEST_OP_DIRTY/OK', 'IOMMU_TEST_OP_DIRTY/EFAULT.respond'],
    source: 'mock.md 3, 16',
    setup: trackingPages,
    cases: {
      last: (t, { hwpt }) => {
        write(t, hwpt, A + 3n * P, [1]).ok({ out_nr_dirty: 1n });
        read(t, hwpt, A, { length: 4n * P, granule: P }).ok({ data: bitmap(1, [3]) });
      },
      by_whole_pages: (t, { hwpt }) => {
        dirty(t, hwpt, { length: 4n * P, page_size: P, uptr: { words: [0b101] } }).ok({
          out_nr_dirty: { byProfile: { '7.3': 2n, '6.12': 0n } },
        });
        read(t, hwpt, A, { length: 4n * P, granule: P }).ok({
          data: { byProfile: { '7.3': bitmap(1, [0, 2]), '6.12': bitmap(1, []) } },
        });
      },
      by_bytes: (t, { hwpt }) => {
        dirty(t, hwpt, { iova: A + P, length: 8n, page_size: 1n, uptr: { words: [0x80] } });
        read(t, hwpt, A, { length: 4n * P, granule: P }).ok({
          data: { byProfile: { '7.3': bitmap(1, [1]), '6.12': bitmap(1, []) } },
        });
      },
      answer_unwritable: (t, { hwpt }) => {
        write(t, hwpt, A + P, [0], { at: 'sealed' }).fails('EFAULT');
        read(t, hwpt, A, { length: 4n * P, granule: P }).ok({ data: bitmap(1, [1]) });
      },
      bitmap_before_answer: (t, { hwpt }) => {
        const args = { id: hwpt, iova: A, length: 8n * HALF, page_size: HALF, uptr: HOLE };
        t.ioctl('IOMMU_TEST_OP_DIRTY', args, { at: 'sealed' }).fails('EFAULT');
        read(t, hwpt, A, { length: 4n * P, granule: P }).ok({ data: bitmap(1, []) });
      },
    },
    control: (t, { hwpt }) => write(t, hwpt, A, [0]).ok({ out_nr_dirty: 1n }),
  }),
]);
