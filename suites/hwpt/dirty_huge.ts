import { HUGE } from '../../models/program/arena.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, HUGE_PAGE, P } from '../harness/constants.js';
import { mmapHuge } from '../harness/huge_pages.js';
import { scenario, suite } from '../harness/scenario.js';
import {
  DIRTY_TRACKING,
  NO_CLEAR,
  bitmap,
  hugeFormat,
  read,
  setTracking,
  tracking,
  trackingWithLargePages,
  write,
} from './dirty_pages.js';

const MIB = 0x10_0000n;
/** One bit of these for a thirty-second of a huge page. */
const K64 = 0x1_0000n;

/** MOCK_FLAGS_DEVICE_HUGE_IOVA. */
const HUGE_IOVA = 2;

const UNLESS_7_3 = { '7.3': 'ENOENT', '6.12': 'OK' } as const;

/** The numbers from one up to and without another. */
function from(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, index) => first + index);
}

/** Two huge pages, and a page table of the default format that tracks. */
function huge(t: ScenarioBuilder) {
  mmapHuge(t, 2n);
  return trackingWithLargePages(t);
}

/** Bits of the generic page table, and those of the array of half pages that came before it. */
function bitsOf(byteCount: number, generic: readonly number[], array: readonly number[]) {
  return { data: { byProfile: { '7.3': bitmap(byteCount, generic), '6.12': bitmap(byteCount, array) } } };
}

export const hwptDirtyHuge = suite(
  'hwpt/dirty_huge',
  'IOMMU_HWPT_GET_DIRTY_BITMAP of memory in huge pages, which is known to lie in one piece: leaves are as large as IOVA, memory and length allow. What two huge pages have in common is not known.',
  [
    scenario('leaves,default_format', {
      doc: 'A leaf of the default format is any power of two that divides IOVA and memory and fits the area; in 6.12 half a page.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      needs: ['hugetlb'],
      source: 'mock.md 5.3',
      gaps: [30],
      setup: huge,
      cases: {
        huge_page: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start, iova: A, length: HUGE_PAGE });
          write(t, hwpt, A + 3n * K64, [0]);
          const options = { length: HUGE_PAGE, granule: K64 };
          read(t, hwpt, A, { ...options, args: { flags: NO_CLEAR } }).ok(bitsOf(12, from(0, 32), [3]));
          read(t, hwpt, A, options).ok(bitsOf(12, from(0, 32), [3]));
          read(t, hwpt, A, options).ok({ data: bitmap(12, []) });
        },
        a_page_askew: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start, iova: A + P, length: HUGE_PAGE });
          write(t, hwpt, A + P, [5]);
          read(t, hwpt, A + P, { length: HUGE_PAGE, granule: P }).ok({ data: bitmap(72, [2]) });
        },
        sixteen_pages_askew: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start, iova: A + K64, length: HUGE_PAGE });
          write(t, hwpt, A + K64 + 3n * P, [0]);
          read(t, hwpt, A + K64, { length: 2n * K64, granule: P }).ok(bitsOf(12, from(0, 16), [3]));
        },
        larger_and_larger: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start + P, iova: A + P, length: 7n * P });
          write(t, hwpt, A + 2n * P, [0]);
          read(t, hwpt, A + P, { length: 7n * P, granule: P }).ok(bitsOf(8, [1, 2], [1]));
          write(t, hwpt, A + 5n * P, [0]);
          read(t, hwpt, A + P, { length: 7n * P, granule: P }).ok(bitsOf(8, [3, 4, 5, 6], [4]));
          write(t, hwpt, A + P, [0]);
          read(t, hwpt, A + P, { length: 7n * P, granule: P }).ok({ data: bitmap(8, [0]) });
        },
        not_across_areas: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start, iova: A, length: MIB });
          t.map(ioas, { va: HUGE.start + MIB, iova: A + MIB, length: MIB });
          write(t, hwpt, A + MIB, [0]);
          read(t, hwpt, A, { length: HUGE_PAGE, granule: K64 }).ok(bitsOf(12, from(16, 32), [16]));
        },
        copied_part: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start, iova: A, length: HUGE_PAGE });
          const there = A + 2n * HUGE_PAGE;
          t.copy({ src: ioas, dst: ioas, from: A + 4n * P, iova: there + 4n * P, length: 8n * P });
          write(t, hwpt, there + 9n * P, [0]);
          read(t, hwpt, there + 4n * P, { length: 8n * P, granule: P }).ok(bitsOf(8, [4, 5, 6, 7], [5]));
        },
        begins_inside: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start, iova: A, length: HUGE_PAGE });
          write(t, hwpt, A + MIB, [0]);
          read(t, hwpt, A + MIB, { length: MIB, granule: K64 }).ok(bitsOf(8, [], [0]));
          read(t, hwpt, A, { length: HUGE_PAGE, granule: K64 }).ok({ data: bitmap(12, []) });
        },
        ends_inside: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start, iova: A, length: HUGE_PAGE });
          write(t, hwpt, A + 3n * K64, [0]);
          read(t, hwpt, A, { length: MIB, granule: K64 }).ok(bitsOf(8, from(0, 32), [3]));
          read(t, hwpt, A, { length: HUGE_PAGE, granule: K64 }).ok({ data: bitmap(12, []) });
        },
      },
      control: (t, { ioas, hwpt }) => {
        t.map(ioas, { va: HUGE.start, iova: A, length: HUGE_PAGE });
        read(t, hwpt, A, { length: HUGE_PAGE, granule: K64 }).ok({ data: bitmap(12, []) });
      },
    }),
    scenario('leaves,page_by_page', {
      doc: 'Without large pages each page of a huge one has a leaf of its own.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      needs: ['hugetlb'],
      gaps: [30],
      setup: (t) => {
        mmapHuge(t, 1n);
        return tracking(t);
      },
      cases: {
        one_page: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: HUGE.start, iova: A, length: HUGE_PAGE });
          write(t, hwpt, A + 9n * P, [0]);
          read(t, hwpt, A, { length: HUGE_PAGE, granule: P }).ok({ data: bitmap(72, [9]) });
        },
      },
      control: (t, { ioas, hwpt }) => {
        t.map(ioas, { va: HUGE.start, iova: A, length: HUGE_PAGE });
        read(t, hwpt, A, { length: HUGE_PAGE, granule: P }).ok({ data: bitmap(72, []) });
      },
    }),
    scenario('leaves,huge_format', {
      doc: 'The huge format has leaves of 1 MiB and pages; 6.12 has no formats, but devices with leaves of 1 MiB and half pages.',
      covers: ['IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      needs: ['hugetlb'],
      source: 'mock.md 5.3, 16',
      gaps: [22, 30],
      setup: (t) => {
        mmapHuge(t, 2n);
        const ioas = t.ioas();
        const device = t.mockDomain(ioas).out('out_idev_id');
        return { ioas, device };
      },
      cases: {
        of_7_3: {
          needs: ['viommu'],
          body: (t, { ioas, device }) => {
            const hwpt = hugeFormat(t, ioas, device);
            t.map(ioas, { va: HUGE.start, iova: A, length: 2n * HUGE_PAGE });
            write(t, hwpt, A + MIB + P, [0]);
            write(t, hwpt, A + 3n * MIB, [0]);
            const options = { length: 2n * HUGE_PAGE, granule: K64 };
            read(t, hwpt, A, { ...options, args: { flags: NO_CLEAR } }).ok({
              data: bitmap(16, [...from(16, 32), ...from(48, 64)]),
            });
            read(t, hwpt, A, options).ok({ data: bitmap(16, [...from(16, 32), ...from(48, 64)]) });
            read(t, hwpt, A, options).ok({ data: bitmap(16, []) });
          },
        },
        pages_around_a_leaf: {
          needs: ['viommu'],
          body: (t, { ioas, device }) => {
            const hwpt = hugeFormat(t, ioas, device);
            const start = A + 8n * K64;
            t.map(ioas, { va: HUGE.start + 8n * K64, iova: start, length: HUGE_PAGE });
            write(t, hwpt, start, [0]);
            write(t, hwpt, A + HUGE_PAGE + P, [0]);
            read(t, hwpt, start, { length: 8n * K64, granule: P }).ok({ data: bitmap(24, [0]) });
            read(t, hwpt, A + HUGE_PAGE, { length: 8n * K64, granule: P }).ok({ data: bitmap(24, [1]) });
            write(t, hwpt, A + MIB, [0]);
            read(t, hwpt, start, { length: HUGE_PAGE, granule: K64 }).ok({ data: bitmap(12, from(8, 24)) });
          },
        },
        askew: {
          needs: ['viommu'],
          body: (t, { ioas, device }) => {
            const hwpt = hugeFormat(t, ioas, device);
            t.map(ioas, { va: HUGE.start, iova: A + P, length: HUGE_PAGE });
            write(t, hwpt, A + P + MIB, [0]);
            read(t, hwpt, A + P, { length: HUGE_PAGE, granule: P }).ok({ data: bitmap(72, [256]) });
          },
        },
        of_6_12: (t, { ioas }) => {
          const flags = { id: ioas, dev_flags: HUGE_IOVA };
          const mock = t
            .ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', flags)
            .fails({ '7.3': 'EINVAL', '6.12': 'OK' });
          const table = { flags: DIRTY_TRACKING };
          const made = t.hwptAlloc(mock.out('out_idev_id'), ioas, table).fails(UNLESS_7_3);
          const hwpt = made.out('out_hwpt_id');
          setTracking(t, hwpt, 1).fails(UNLESS_7_3);
          t.map(ioas, { va: HUGE.start, iova: A, length: 2n * HUGE_PAGE });
          write(t, hwpt, A + MIB + P, [0]).fails(UNLESS_7_3);
          read(t, hwpt, A, { length: 2n * HUGE_PAGE, granule: K64 }).fails(UNLESS_7_3, {
            data: { byProfile: { '7.3': bitmap(16, []), '6.12': bitmap(16, from(16, 32)) } },
          });
        },
      },
      control: (t, { ioas }) => t.map(ioas, { va: HUGE.start, iova: A, length: 2n * HUGE_PAGE }),
    }),
  ],
);
