import { BUFFER, HUGE } from '../../models/program/arena.js';
import type { Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, HUGE_PAGE, P } from '../harness/constants.js';
import { mmapHuge } from '../harness/huge_pages.js';
import { scenario, suite } from '../harness/scenario.js';
import { ONLY_ONCE } from '../mock/every_alignment.js';
import {
  HALF,
  NO_CLEAR,
  type Tracking,
  bitmap,
  bits,
  hugeFormat,
  read,
  readEvenPagesOnce,
  tracking,
  write,
} from './dirty_pages.js';

const MIB = 0x10_0000n;
const PAGES_PER_MIB = 256;
const HALVES_PER_MIB = 512;

/** Where in a page bitmaps of the kernel's own tests begin. */
const OFFSETS = [0, 0x800, 0xff1];

/** Maps a file of so many MiB in one piece, and reads its bits with bitmaps everywhere. */
function readFile(t: ScenarioBuilder, { ioas, hwpt }: Tracking, mib: number): void {
  const pages = PAGES_PER_MIB * mib;
  const file = t.memfd('m', BigInt(pages));
  t.mapFile(ioas, file, { iova: A, length: BigInt(pages) * P });
  t.counters(pages);
  for (const offset of OFFSETS) readEvenPagesOnce(t, hwpt, pages, offset);
}

/** Maps the same MiB of memory again and again, and reads the bits of all areas with bitmaps everywhere. */
function readAreas(t: ScenarioBuilder, { ioas, hwpt }: Tracking, mib: number): void {
  for (let at = 0n; at < mib; at++) t.map(ioas, { va: BUFFER.start, iova: A + at * MIB, length: MIB });
  t.counters(PAGES_PER_MIB * mib);
  for (const offset of OFFSETS) readEvenPagesOnce(t, hwpt, PAGES_PER_MIB * mib, offset);
}

/**
 * Maps four MiB in huge pages again and again, writes to each second leaf of one MiB, and reads that with a bitmap so far into a
 * page: kept, cleared, gone.
 */
function readLeaves(t: ScenarioBuilder, hwpt: Scalar, mib: number, offset: number): void {
  const length = BigInt(mib) * MIB;
  const leaves = Array.from({ length: mib / 2 }, (_, at) => 2 * HALVES_PER_MIB * at);
  const args = { iova: A, length, page_size: HALF, uptr: { words: bits(HALVES_PER_MIB * mib, leaves) } };
  t.ioctl('IOMMU_TEST_OP_DIRTY', { id: hwpt, ...args }).ok({ out_nr_dirty: BigInt(mib / 2) });
  const data = { words: bits(HALVES_PER_MIB * mib, []), in: { page_offset: offset } };
  const bytes = (HALVES_PER_MIB * mib) / 8;
  const halves = leaves.flatMap((first) => Array.from({ length: HALVES_PER_MIB }, (_, at) => first + at));
  for (const flags of [NO_CLEAR, NO_CLEAR, 0]) {
    read(t, hwpt, A, { length, args: { data, flags } }).ok({ data: bitmap(bytes, halves) });
  }
  read(t, hwpt, A, { length, args: { data } }).ok({ data: bitmap(bytes, []) });
}

export const hwptDirtyLarge = suite(
  'hwpt/dirty_large',
  'IOMMU_HWPT_GET_DIRTY_BITMAP of 64 and 128 MiB, whose bitmaps fill one page and two. Programs have no such memory of their own: it is a file, or little memory mapped many times.',
  [
    scenario('pages', {
      doc: 'Each second page of 64 and 128 MiB is reported, wherever the bitmap lies, kept with NO_CLEAR and clean afterwards.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK', 'IOMMU_TEST_OP_DIRTY/OK'],
      source: 'kselftest.md 5',
      kselftest: [
        'iommufd_dirty_tracking.domain_dirty64M.get_dirty_bitmap',
        'iommufd_dirty_tracking.domain_dirty64M.get_dirty_bitmap_no_clear',
        'iommufd_dirty_tracking.domain_dirty128M.get_dirty_bitmap',
        'iommufd_dirty_tracking.domain_dirty128M.get_dirty_bitmap_no_clear',
      ],
      without: ONLY_ONCE,
      setup: tracking,
      cases: {
        file_of_64m: {
          needs: ['map_file'],
          body: (t, all) => {
            readFile(t, all, 64);
          },
        },
        file_of_128m: {
          needs: ['map_file'],
          body: (t, all) => {
            readFile(t, all, 128);
          },
        },
        areas_of_64m: (t, all) => {
          readAreas(t, all, 64);
        },
        areas_of_128m: (t, all) => {
          readAreas(t, all, 128);
        },
      },
      control: (t, { ioas, hwpt }) => {
        t.map(ioas, { iova: A, length: MIB });
        write(t, hwpt, A, [0]);
        read(t, hwpt, A, { length: MIB, granule: P }).ok({ data: bitmap(40, [0]) });
      },
    }),
    scenario('leaves', {
      doc: 'Each second leaf of 1 MiB of 64 and 128 MiB is reported whole, wherever the bitmap lies, kept with NO_CLEAR and clean afterwards.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK', 'IOMMU_TEST_OP_DIRTY/OK'],
      source: 'kselftest.md 5',
      gaps: [22],
      kselftest: [
        'iommufd_dirty_tracking.domain_dirty64M_huge.get_dirty_bitmap',
        'iommufd_dirty_tracking.domain_dirty64M_huge.get_dirty_bitmap_no_clear',
        'iommufd_dirty_tracking.domain_dirty128M_huge.get_dirty_bitmap',
        'iommufd_dirty_tracking.domain_dirty128M_huge.get_dirty_bitmap_no_clear',
      ],
      needs: ['hugetlb', 'viommu'],
      without: ONLY_ONCE,
      setup: (t) => {
        mmapHuge(t, 2n);
        const ioas = t.ioas();
        const device = t.mockDomain(ioas).out('out_idev_id');
        return { ioas, device };
      },
      cases: Object.fromEntries(
        [64, 128].map((mib) => [
          `areas_of_${String(mib)}m`,
          (t: ScenarioBuilder, { ioas, device }: { readonly ioas: Scalar; readonly device: Scalar }) => {
            const length = 2n * HUGE_PAGE;
            for (let at = 0n; at < BigInt(mib) * MIB; at += length) {
              t.map(ioas, { va: HUGE.start, iova: A + at, length });
            }
            const hwpt = hugeFormat(t, ioas, device);
            for (const offset of OFFSETS) readLeaves(t, hwpt, mib, offset);
            t.destroy(hwpt);
          },
        ]),
      ),
      control: (t, { ioas, device }) => {
        t.map(ioas, { va: HUGE.start, iova: A, length: 2n * HUGE_PAGE });
        readLeaves(t, hugeFormat(t, ioas, device), 4, 0);
      },
    }),
  ],
);
