import { HOLE } from '../../models/program/arena.js';
import { NO_SUCH_ID, type ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import {
  DIRTY_TRACKING,
  HALF,
  NO_CLEAR,
  bitmap,
  read,
  readEvenPages,
  setTracking,
  tracking,
  write,
} from './dirty_pages.js';

/** Sixteen mapped pages of a page table that tracks. */
function trackingPages(t: ScenarioBuilder) {
  const all = tracking(t);
  t.map(all.ioas, { iova: A, length: 16n * P });
  return all;
}

/** Each second page of sixteen, and the first half of each. */
const EVEN_PAGES = [0, 2, 4, 6, 8, 10, 12, 14];
const HALVES_OF_EVEN_PAGES = EVEN_PAGES.map((page) => 2 * page);

/** Sizes of memory in the kernel's own selftests that fit the memory of programs; larger ones: hwpt/dirty_large. */
const SIZES = ['8k', '16k', '64k', '128k', '320k'];

const KSELFTESTS = SIZES.flatMap((size) => [
  `iommufd_dirty_tracking.domain_dirty${size}.get_dirty_bitmap`,
  `iommufd_dirty_tracking.domain_dirty${size}.get_dirty_bitmap_no_clear`,
]);

export const hwptDirtyBitmap = suite(
  'hwpt/dirty_bitmap',
  'IOMMU_HWPT_GET_DIRTY_BITMAP where each page is mapped by itself. Leaves of huge pages are not covered: no memory of a program is known to have them. Bitmaps that fill more than the 512 pages that are pinned at once are not covered.',
  [
    scenario('arguments,refused', {
      doc: 'Unknown flags, a wrong target, an empty, wrapping or misaligned range, a page size of 0 or one that the range does not keep to.',
      covers: [
        'IOMMU_HWPT_GET_DIRTY_BITMAP/EOPNOTSUPP.flags',
        'IOMMU_HWPT_GET_DIRTY_BITMAP/EOPNOTSUPP.reserved',
        'IOMMU_HWPT_GET_DIRTY_BITMAP/ENOENT.hwpt',
        'IOMMU_HWPT_GET_DIRTY_BITMAP/EINVAL.length_zero',
        'IOMMU_HWPT_GET_DIRTY_BITMAP/EOVERFLOW.wrap',
        'IOMMU_HWPT_GET_DIRTY_BITMAP/EINVAL.iova_alignment',
        'IOMMU_HWPT_GET_DIRTY_BITMAP/EINVAL.end_alignment',
        'IOMMU_HWPT_GET_DIRTY_BITMAP/EINVAL.page_size',
        'IOMMU_HWPT_GET_DIRTY_BITMAP/EINVAL.iova_page',
        'IOMMU_HWPT_GET_DIRTY_BITMAP/EINVAL.end_page',
        'IOMMU_HWPT_GET_DIRTY_BITMAP/EOPNOTSUPP.no_dirty_bits',
      ],
      gaps: [30],
      setup: trackingPages,
      cases: {
        flag_1: (t, { hwpt }) => read(t, hwpt, A, { args: { flags: 2 } }).fails('EOPNOTSUPP'),
        flag_31: (t, { hwpt }) => read(t, hwpt, A, { args: { flags: 0x8000_0001 } }).fails('EOPNOTSUPP'),
        reserved: (t, { hwpt }) => read(t, hwpt, A, { args: { __reserved: 1 } }).fails('EOPNOTSUPP'),
        zero: (t) => read(t, 0, A).fails('ENOENT'),
        never_used: (t) => read(t, NO_SUCH_ID, A).fails('ENOENT'),
        ioas: (t, { ioas }) => read(t, ioas, A).fails('ENOENT'),
        nested: (t, { ioas, device }) => {
          const parent = t.hwptAlloc(device, ioas, { flags: 1 | DIRTY_TRACKING }).out('out_hwpt_id');
          read(t, t.nestedHwpt(device, parent, 0).out('out_hwpt_id'), A).fails('ENOENT');
        },
        length_0: (t, { hwpt }) => read(t, hwpt, A, { length: 0n }).fails('EINVAL'),
        wraps: (t, { hwpt }) =>
          read(t, hwpt, U64_MAX - P + 1n, { length: 2n * P, granule: P }).fails('EOVERFLOW'),
        iova_misaligned: (t, { hwpt }) => read(t, hwpt, A + HALF, { length: HALF }).fails('EINVAL'),
        end_misaligned: (t, { hwpt }) => read(t, hwpt, A, { length: HALF }).fails('EINVAL'),
        page_size_0: (t, { hwpt }) => read(t, hwpt, A, { args: { page_size: 0n } }).fails('EINVAL'),
        iova_inside_granule: (t, { hwpt }) =>
          read(t, hwpt, A + P, { length: P, granule: 2n * P }).fails('EINVAL'),
        end_inside_granule: (t, { hwpt }) => read(t, hwpt, A, { length: P, granule: 2n * P }).fails('EINVAL'),
        without_dirty_bits: (t, { ioas, device }) =>
          read(t, t.hwptAlloc(device, ioas).out('out_hwpt_id'), A).fails('EOPNOTSUPP'),
        flags_before_target: (t) => read(t, 0, A, { args: { flags: 2 } }).fails('EOPNOTSUPP'),
        reserved_before_target: (t) => read(t, 0, A, { args: { __reserved: 1 } }).fails('EOPNOTSUPP'),
        target_before_range: (t) => read(t, 0, A, { length: 0n }).fails('ENOENT'),
        wrap_before_alignment: (t, { hwpt }) =>
          read(t, hwpt, U64_MAX - P + 2n, { length: 2n * P, granule: P }).fails('EOVERFLOW'),
        range_before_dirty_bits: (t, { ioas, device }) => {
          const plain = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          read(t, plain, A, { length: P, granule: 2n * P }).fails('EINVAL');
        },
      },
      control: (t, { hwpt }) => read(t, hwpt, A).ok({ data: bitmap(4, []) }),
    }),
    scenario('range,any', {
      doc: 'Ranges that end with the address space, or where nothing is mapped, are no errors, and a page size that is no power of two counts as its lowest bit.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      source: 'core.md 7.2',
      gaps: [30],
      setup: trackingPages,
      cases: {
        to_the_end: (t, { hwpt }) => {
          write(t, hwpt, A, [0]);
          const args = { page_size: 1n << 63n, iova: 0n, length: 1n << 63n };
          read(t, hwpt, 0n, { args }).ok({ data: bitmap(4, []) });
          const whole = { page_size: P, iova: A, length: U64_MAX - A + 1n };
          read(t, hwpt, A, { args: whole }).ok({ data: bitmap(4, [0]) });
        },
        unmapped: (t, { hwpt }) => read(t, hwpt, 0x800_0000n).ok({ data: bitmap(4, []) }),
        three_halves: (t, { hwpt }) => {
          write(t, hwpt, A + P, [0, 1]);
          read(t, hwpt, A, { length: 2n * P, args: { page_size: 0x1800n } }).ok({ data: bitmap(4, [2, 3]) });
        },
        bytes: (t, { hwpt }) => {
          write(t, hwpt, A, [0, 1]);
          const all = new Uint8Array(512).fill(0xff);
          read(t, hwpt, A, { granule: 1n }).ok({ data: Uint8Array.of(...all, 0) });
        },
        one_bit_for_all: (t, { hwpt }) => {
          write(t, hwpt, A + 15n * P, [1]);
          read(t, hwpt, A, { length: 16n * P, granule: 16n * P }).ok({ data: bitmap(4, [0]) });
        },
      },
      control: (t, { hwpt }) => read(t, hwpt, A).ok({ data: bitmap(4, []) }),
    }),
    scenario('pages,reported', {
      doc: 'Pages that were written to are reported, wherever the bitmap lies, and clean afterwards.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK', 'IOMMU_TEST_OP_DIRTY/OK'],
      kselftest: KSELFTESTS,
      setup: tracking,
      cases: {
        size_8k: (t, all) => {
          readEvenPages(t, all, 2, 0);
        },
        size_16k: (t, all) => {
          readEvenPages(t, all, 4, 0);
        },
        size_64k: (t, all) => {
          readEvenPages(t, all, 16, 0);
        },
        size_128k: (t, all) => {
          readEvenPages(t, all, 32, 0);
        },
        size_320k: (t, all) => {
          readEvenPages(t, all, 80, 0);
        },
        size_1024k: (t, all) => {
          readEvenPages(t, all, 256, 0);
        },
        two_pages_of_bitmap: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A, length: 8n * P });
          write(t, hwpt, A + 7n * P, [0, 1]);
          read(t, hwpt, A, { length: 8n * P, granule: 1n }).ok({
            data: Uint8Array.of(...new Uint8Array(0xe00), ...new Uint8Array(0x200).fill(0xff)),
          });
        },
      },
      control: (t, all) => {
        readEvenPages(t, all, 16, 0);
      },
    }),
    scenario('bitmap,anywhere', {
      doc: 'The bitmap may begin at any byte, and go over the end of a page.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      kselftest: KSELFTESTS,
      setup: tracking,
      cases: {
        in_mid_page: (t, all) => {
          for (const pages of [2, 4, 16, 32, 80]) readEvenPages(t, all, pages, 0x800);
        },
        at_odd_byte: (t, all) => {
          for (const pages of [2, 4, 16, 32, 80]) readEvenPages(t, all, pages, 0xff1);
        },
        over_two_pages: (t, all) => {
          readEvenPages(t, all, 16, 0xffd);
        },
      },
      control: (t, all) => {
        readEvenPages(t, all, 16, 0);
      },
    }),
    scenario('pages,kept', {
      doc: 'With NO_CLEAR pages stay dirty, and bits are added to what the bitmap has.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      setup: (t) => {
        const all = trackingPages(t);
        write(t, all.hwpt, A, HALVES_OF_EVEN_PAGES);
        return all;
      },
      cases: {
        same_twice: (t, { hwpt }) => {
          for (const flags of [NO_CLEAR, NO_CLEAR, 0]) {
            read(t, hwpt, A, { length: 16n * P, granule: P, args: { flags } }).ok({
              data: bitmap(4, EVEN_PAGES),
            });
          }
          read(t, hwpt, A, { length: 16n * P, granule: P }).ok({ data: bitmap(4, []) });
        },
        only_what_was_asked_is_cleared: (t, { hwpt }) => {
          read(t, hwpt, A + 4n * P, { length: 4n * P, granule: P }).ok({ data: bitmap(4, [0, 2]) });
          read(t, hwpt, A, { length: 16n * P, granule: P }).ok({ data: bitmap(4, [0, 2, 8, 10, 12, 14]) });
        },
        bits_are_added: (t, { hwpt }) => {
          const data = { words: [0xff00_000e] };
          read(t, hwpt, A, { length: 16n * P, granule: P, args: { data } }).ok({
            data: Uint8Array.of(0x5f, 0x55, 0x00, 0xff),
          });
        },
      },
      control: (t, { hwpt }) =>
        read(t, hwpt, A, { length: 16n * P, granule: P, args: { flags: NO_CLEAR } }).ok({
          data: bitmap(4, EVEN_PAGES),
        }),
    }),
    scenario('areas,several', {
      doc: 'Areas without a gap between them are read in one go; at the first gap reading stops, and what lies behind stays dirty.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      source: 'core.md 7.2',
      gaps: [31, 33],
      setup: (t) => {
        const all = tracking(t);
        for (const page of [0n, 1n, 3n]) t.map(all.ioas, { iova: A + page * P });
        for (const page of [0n, 1n, 3n]) write(t, all.hwpt, A + page * P, [0, 1]);
        return all;
      },
      cases: {
        stops_at_gap: (t, { hwpt }) => {
          read(t, hwpt, A, { length: 4n * P, granule: P }).ok({ data: bitmap(4, [0, 1]) });
          read(t, hwpt, A, { length: 4n * P, granule: P }).ok({ data: bitmap(4, []) });
          read(t, hwpt, A + 3n * P, { granule: P }).ok({ data: bitmap(4, [0]) });
        },
        starts_in_gap: (t, { hwpt }) => {
          read(t, hwpt, A + 2n * P, { length: 2n * P, granule: P }).ok({ data: bitmap(4, []) });
          read(t, hwpt, A + 3n * P, { granule: P }).ok({ data: bitmap(4, [0]) });
        },
        gap_is_filled: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A + 2n * P });
          read(t, hwpt, A, { length: 4n * P, granule: P }).ok({ data: bitmap(4, [0, 1, 3]) });
        },
        ends_inside_an_area: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A + 4n * P, length: 4n * P });
          write(t, hwpt, A + 4n * P, [0, 2, 4, 6]);
          read(t, hwpt, A + 3n * P, { length: 3n * P, granule: P }).ok({ data: bitmap(4, [0, 1, 2]) });
          read(t, hwpt, A + 4n * P, { length: 4n * P, granule: P }).ok({ data: bitmap(4, [2, 3]) });
        },
      },
      control: (t, { hwpt }) =>
        read(t, hwpt, A, { length: 2n * P, granule: P }).ok({ data: bitmap(4, [0, 1]) }),
    }),
    scenario('areas,come_and_go', {
      doc: 'Dirty bits are those of one page table, and go with the area; a new area is clean.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      source: 'mock.md 12',
      gaps: [33],
      setup: trackingPages,
      cases: {
        unmapped: (t, { ioas, hwpt }) => {
          write(t, hwpt, A, [0, 1]);
          t.unmap(ioas, A, 16n * P);
          t.map(ioas, { iova: A, length: 16n * P });
          read(t, hwpt, A, { length: 16n * P, granule: P }).ok({ data: bitmap(4, []) });
        },
        mapped_while_tracking: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A + 16n * P });
          write(t, hwpt, A + 16n * P, [0]);
          read(t, hwpt, A, { length: 17n * P, granule: P }).ok({ data: bitmap(4, [16]) });
        },
        another_page_table: (t, { ioas, device, hwpt }) => {
          const other = t.hwptAlloc(device, ioas, { flags: DIRTY_TRACKING }).out('out_hwpt_id');
          setTracking(t, other, 1);
          write(t, hwpt, A, [0]);
          write(t, other, A + P, [0]);
          read(t, other, A, { length: 2n * P, granule: P }).ok({ data: bitmap(4, [1]) });
          read(t, hwpt, A, { length: 2n * P, granule: P }).ok({ data: bitmap(4, [0]) });
        },
        a_copy_of_the_memory: (t, { ioas, hwpt }) => {
          t.copy({ src: ioas, dst: ioas, from: A, length: 16n * P, iova: A + 16n * P });
          write(t, hwpt, A + 16n * P, [0]);
          read(t, hwpt, A, { length: 32n * P, granule: P }).ok({ data: bitmap(4, [16]) });
        },
        read_only_area: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A + 16n * P, access: 'r' });
          write(t, hwpt, A + 16n * P, [0]).ok({ out_nr_dirty: 1n });
          read(t, hwpt, A + 16n * P, { granule: P }).ok({ data: bitmap(4, [0]) });
        },
      },
      control: (t, { hwpt }) => {
        write(t, hwpt, A, [0]);
        read(t, hwpt, A, { granule: P }).ok({ data: bitmap(4, [0]) });
      },
    }),
    scenario('memory,unwritable', {
      doc: 'A bitmap that cannot be written is no error: the bits are lost, the pages clean. Without a dirty page nobody looks at it.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      source: 'core.md 7.2; finding dirty-bits-lost',
      gaps: [31],
      setup: (t) => {
        const all = trackingPages(t);
        write(t, all.hwpt, A, HALVES_OF_EVEN_PAGES);
        return all;
      },
      cases: {
        hole: (t, { hwpt }) => {
          read(t, hwpt, A, { length: 16n * P, granule: P, args: { data: HOLE } });
          read(t, hwpt, A, { length: 16n * P, granule: P }).ok({ data: bitmap(4, []) });
        },
        null: (t, { hwpt }) => {
          read(t, hwpt, A, { length: 16n * P, granule: P, args: { data: 0n } });
          read(t, hwpt, A, { length: 16n * P, granule: P }).ok({ data: bitmap(4, []) });
        },
        read_only: (t, { hwpt }) => {
          const data = { words: [0], in: 'sealed' } as const;
          read(t, hwpt, A, { length: 16n * P, granule: P, args: { data } }).ok({ data: bitmap(4, []) });
          read(t, hwpt, A, { length: 16n * P, granule: P }).ok({ data: bitmap(4, []) });
        },
        ends_in_hole: (t, { hwpt }) => {
          const data = { words: [0], in: { edge: 1 } };
          read(t, hwpt, A, { length: 16n * P, granule: P, args: { data } }).ok({
            data: bitmap(1, [0, 2, 4, 6]),
          });
          read(t, hwpt, A, { length: 16n * P, granule: P }).ok({ data: bitmap(4, []) });
        },
        kept: (t, { hwpt }) => {
          read(t, hwpt, A, { length: 16n * P, granule: P, args: { data: HOLE, flags: NO_CLEAR } });
          read(t, hwpt, A, { length: 16n * P, granule: P }).ok({ data: bitmap(4, EVEN_PAGES) });
        },
        nothing_to_write: (t, { hwpt }) => {
          read(t, hwpt, A + P, { granule: P, args: { data: HOLE } });
          read(t, hwpt, A, { length: 16n * P, granule: P }).ok({ data: bitmap(4, EVEN_PAGES) });
        },
      },
      control: (t, { hwpt }) =>
        read(t, hwpt, A, { length: 16n * P, granule: P }).ok({ data: bitmap(4, EVEN_PAGES) }),
    }),
  ],
);
