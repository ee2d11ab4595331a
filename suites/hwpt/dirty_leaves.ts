import { BUFFER } from '../../models/program/arena.js';
import { type ScenarioBuilder, hwptData } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import {
  DIRTY_TRACKING,
  HALF,
  NO_CLEAR,
  bitmap,
  read,
  setTracking,
  tracking,
  trackingWithLargePages,
  write,
} from './dirty_pages.js';

/** Three areas of one page each, side by side, in leaves of a page; the range may begin and end in the middle of one. */
function leavesOfAPage(t: ScenarioBuilder) {
  const all = trackingWithLargePages(t);
  for (const page of [0n, 1n, 2n]) t.map(all.ioas, { iova: A + page * P, va: BUFFER.start + page * P });
  return all;
}

/** In 6.12 a page table has no format to choose, so there is none. */
const UNLESS_6_12 = { '7.3': 'OK', '6.12': 'ENOENT' } as const;

export const hwptDirtyLeaves = suite(
  'hwpt/dirty_leaves',
  'IOMMU_HWPT_GET_DIRTY_BITMAP and the sizes of leaves: what is mapped at once is dirty as a whole. Several pages in a leaf are not covered, because where memory lies physically is not known.',
  [
    scenario('sizes,of_leaves', {
      doc: 'A leaf is dirty as a whole: a page, or half a page where IOVA and memory are half a page apart. 6.12 has halves only.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      source: 'mock.md 5.3, 12, 16',
      gaps: [30],
      setup: (t) => trackingWithLargePages(t),
      cases: {
        page: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A });
          write(t, hwpt, A, [1]);
          read(t, hwpt, A).ok({ data: { byProfile: { '7.3': bitmap(4, [0, 1]), '6.12': bitmap(4, [1]) } } });
        },
        pages_askew: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A, va: BUFFER.start + HALF, length: 2n * P });
          write(t, hwpt, A, [0, 3]);
          read(t, hwpt, A, { length: 2n * P }).ok({ data: bitmap(4, [0, 3]) });
        },
        half_page: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A, length: HALF });
          write(t, hwpt, A, [0]);
          read(t, hwpt, A, { length: HALF }).ok({ data: bitmap(4, [0]) });
        },
        halves_and_a_page: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A + HALF, va: BUFFER.start + HALF, length: 2n * P });
          write(t, hwpt, A + HALF, [0]);
          read(t, hwpt, A + HALF, { length: 2n * P }).ok({ data: bitmap(4, [0]) });
          write(t, hwpt, A + HALF, [1, 3]);
          read(t, hwpt, A + HALF, { length: 2n * P }).ok({
            data: { byProfile: { '7.3': bitmap(4, [1, 2, 3]), '6.12': bitmap(4, [1, 3]) } },
          });
        },
        covered_by_a_bit: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A, length: 4n * P });
          write(t, hwpt, A, [5]);
          read(t, hwpt, A, { length: 4n * P, granule: 4n * P }).ok({ data: bitmap(4, [0]) });
          read(t, hwpt, A, { length: 4n * P, granule: 4n * P }).ok({ data: bitmap(4, []) });
        },
        large_pages_come_back: (t, { device }) => {
          const ioas = t.ioas();
          t.setOption('HUGE_PAGES', 0n, ioas);
          const hwpt = t.hwptAlloc(device, ioas, { flags: 2 }).out('out_hwpt_id');
          t.ioctl('IOMMU_HWPT_SET_DIRTY_TRACKING', { hwpt_id: hwpt, flags: 1 });
          t.map(ioas, { iova: A, length: 4n * P });
          t.setOption('HUGE_PAGES', 1n, ioas);
          write(t, hwpt, A, [4, 5]);
          read(t, hwpt, A, { length: 4n * P }).ok({ data: bitmap(4, [4, 5]) });
        },
      },
      control: (t, { ioas, hwpt }) => {
        t.map(ioas, { iova: A });
        write(t, hwpt, A, [0, 1]);
        read(t, hwpt, A).ok({ data: bitmap(4, [0, 1]) });
      },
    }),
    scenario('sizes,of_the_huge_format', {
      doc: 'The huge format maps what is smaller than a huge page in pages. 6.12 has no formats to choose from.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      setup: (t) => trackingWithLargePages(t),
      cases: {
        pages: (t, { ioas, device }) => {
          t.map(ioas, { iova: A, length: 16n * P });
          const args = { flags: DIRTY_TRACKING, ...hwptData([0, 1]) };
          const huge = t.hwptAlloc(device, ioas, args).fails({ '7.3': 'OK', '6.12': 'EOPNOTSUPP' });
          const hwpt = huge.out('out_hwpt_id');
          setTracking(t, hwpt, 1).fails(UNLESS_6_12);
          write(t, hwpt, A, [0, 9]).fails(UNLESS_6_12);
          read(t, hwpt, A, { length: 16n * P }).fails(UNLESS_6_12, {
            data: { byProfile: { '7.3': bitmap(4, [0, 1, 8, 9]), '6.12': bitmap(4, []) } },
          });
        },
      },
      control: (t, { ioas, hwpt }) => {
        t.map(ioas, { iova: A });
        read(t, hwpt, A).ok({ data: bitmap(4, []) });
      },
    }),
    scenario('range,begins_inside', {
      doc: 'A dirty leaf that begins before the range is not reported, and clean afterwards; 6.12, whose leaves are half pages, has none.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      source: 'core.md 7.3; finding dirty-leaf-cleaned-unreported',
      gaps: [31],
      setup: leavesOfAPage,
      cases: {
        lost: (t, { hwpt }) => {
          write(t, hwpt, A, [0, 1]);
          read(t, hwpt, A + HALF, { length: P + HALF }).ok({
            data: { byProfile: { '7.3': bitmap(4, []), '6.12': bitmap(4, [0]) } },
          });
          read(t, hwpt, A).ok({ data: { byProfile: { '7.3': bitmap(4, []), '6.12': bitmap(4, [0]) } } });
        },
        kept: (t, { hwpt }) => {
          write(t, hwpt, A, [0, 1]);
          read(t, hwpt, A + HALF, { length: P + HALF, args: { flags: NO_CLEAR } });
          read(t, hwpt, A).ok({ data: bitmap(4, [0, 1]) });
        },
        others_are_reported: (t, { hwpt }) => {
          write(t, hwpt, A, [1, 2, 3]);
          read(t, hwpt, A + HALF, { length: P + HALF }).ok({
            data: { byProfile: { '7.3': bitmap(4, [1, 2]), '6.12': bitmap(4, [0, 1, 2]) } },
          });
        },
      },
      control: (t, { hwpt }) => {
        write(t, hwpt, A + P, [0, 1]);
        read(t, hwpt, A + HALF, { length: P + HALF }).ok({ data: bitmap(4, [1, 2]) });
      },
    }),
    scenario('range,ends_inside', {
      doc: 'A dirty leaf that ends behind the range sets bits behind the end of the bitmap, as far as memory is pinned.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      source: 'finding dirty-bits-behind-bitmap',
      gaps: [31],
      setup: leavesOfAPage,
      cases: {
        next_bit: (t, { hwpt }) => {
          write(t, hwpt, A, [0, 1]);
          read(t, hwpt, A, { length: HALF }).ok({
            data: { byProfile: { '7.3': bitmap(4, [0, 1]), '6.12': bitmap(4, [0]) } },
          });
          read(t, hwpt, A).ok({ data: { byProfile: { '7.3': bitmap(4, []), '6.12': bitmap(4, [1]) } } });
        },
        next_byte: (t, { hwpt }) => {
          write(t, hwpt, A, [0]);
          read(t, hwpt, A, { length: HALF, granule: 0x100n, args: { data: { words: [0, 0] } } }).ok({
            data: {
              byProfile: {
                '7.3': Uint8Array.of(0xff, 0xff, 0, 0, 0, 0, 0, 0),
                '6.12': Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0),
              },
            },
          });
        },
        next_page: (t, { hwpt }) => {
          write(t, hwpt, A, [0]);
          const data = { words: [0, 0], in: { page_offset: 0xfff } };
          read(t, hwpt, A, { length: HALF, granule: 0x100n, args: { data } }).ok({
            data: {
              byProfile: {
                '7.3': Uint8Array.of(0xff, 0xff, 0, 0, 0, 0, 0, 0),
                '6.12': Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0),
              },
            },
          });
        },
        not_pinned: (t, { hwpt }) => {
          write(t, hwpt, A, [0]);
          const data = { words: [0], in: { edge: 1 } };
          read(t, hwpt, A, { length: HALF, granule: 0x100n, args: { data } }).ok({
            data: Uint8Array.of(0xff),
          });
          read(t, hwpt, A).ok({ data: bitmap(4, []) });
        },
      },
      control: (t, { hwpt }) => {
        write(t, hwpt, A, [0, 1]);
        read(t, hwpt, A, { length: P }).ok({ data: bitmap(4, [0, 1]) });
      },
    }),
    scenario('sizes,page_by_page', {
      doc: 'Without large pages a leaf is a page, whatever lies side by side; in 6.12 half a page all the same.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      source: 'mock.md 5.3, 16',
      setup: tracking,
      cases: {
        whole_buffer: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A, length: 256n * P });
          write(t, hwpt, A, [0, 511]);
          read(t, hwpt, A, { length: 256n * P, granule: P }).ok({ data: bitmap(36, [0, 255]) });
        },
        second_half: (t, { ioas, hwpt }) => {
          t.map(ioas, { iova: A, length: 4n * P });
          write(t, hwpt, A, [3]);
          read(t, hwpt, A, { length: 4n * P }).ok({
            data: { byProfile: { '7.3': bitmap(4, [2, 3]), '6.12': bitmap(4, [3]) } },
          });
        },
      },
      control: (t, { ioas, hwpt }) => {
        t.map(ioas, { iova: A });
        write(t, hwpt, A, [0, 1]);
        read(t, hwpt, A).ok({ data: bitmap(4, [0, 1]) });
      },
    }),
  ],
);
