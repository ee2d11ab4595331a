import { BUFFER, HUGE, SCRATCH } from '../../models/program/arena.js';
import type { Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { HUGE_PAGE, P } from '../harness/constants.js';
import { mmapHuge } from '../harness/huge_pages.js';
import { scenario, suite } from '../harness/scenario.js';
import { limitMemory, unlimitMemoryAtLast } from '../mock/temporary_memory.js';
import { RW, SLOW, WRITE, bytesOf, makeAccess, pin, read, unpin, write } from './set_up.js';

/** Bytes of temporary arrays: four pages are pinned at once. */
const LIMIT = 32;
const PAGES = 64n;
/** All of the memory for mappings: 256 pages. */
const LARGE = 0x10_0000n;

/** Sixteen words, which are 64 bytes. */
const wordsFrom = (first: number) => Array.from({ length: 16 }, (_, at) => first + at);

/** Pins a whole area and lets it go; the access ends. */
function pinAll(t: ScenarioBuilder, ioas: Scalar, va: bigint, length: bigint): void {
  const iova = t.map(ioas, { va, length }).out('iova');
  const access = makeAccess(t, 'a', ioas);
  const item = pin(t, access, iova, length, { uptr: va }).out('out_access_pages_id');
  t.counters(Number(length / P));
  unpin(t, access, item);
  t.close(access);
}

export const accessLittleMemory = suite(
  'access/little_memory',
  'What the kernel’s tests of failing allocations do with accesses, with no allocation failing and little temporary memory. Reads are at most as long as programs have room for, 28 KiB.',
  [
    scenario('bytes', {
      doc: '64 bytes are read and written on both paths, then seven pages read on the slow one, four at once.',
      covers: [`${RW}/OK`, 'close/OK'],
      source: 'kselftest.md 10',
      kselftest: ['basic_fail_nth.access_rw'],
      setup: (t) => {
        const ioas = t.ioas();
        limitMemory(t, LIMIT);
        t.mmap(SCRATCH.start, PAGES, 'rw');
        return { ioas, iova: t.map(ioas, { va: SCRATCH.start, length: PAGES * P }).out('iova') };
      },
      putBack: unlimitMemoryAtLast,
      cases: {
        both_paths: (t, { ioas, iova }) => {
          const access = makeAccess(t, 'a', ioas, { flags: 0 });
          read(t, access, iova, 64).ok({ uptr: new Uint8Array(64) });
          write(t, access, iova, wordsFrom(1));
          read(t, access, iova, 64, { flags: SLOW }).ok({ uptr: bytesOf(...wordsFrom(1)) });
          write(t, access, iova, wordsFrom(101), { flags: WRITE | SLOW });
          const bytes = new Uint8Array(0x7000);
          bytes.set(bytesOf(...wordsFrom(101)));
          read(t, access, iova, bytes.length, { flags: SLOW }).ok({ uptr: bytes });
          t.counters(0);
          t.close(access);
          t.destroy(ioas);
        },
      },
      control: (t, { ioas, iova }) => {
        const access = makeAccess(t, 'a', ioas, { flags: 0 });
        read(t, access, iova, 8, { flags: SLOW }).ok({ uptr: bytesOf(0, 0) });
      },
    }),
    scenario('pins', {
      doc: 'An access pins a whole area and lets it go, with and without a device; the area is unpinned with the last of them.',
      covers: ['IOMMU_TEST_OP_ACCESS_PAGES/OK', 'IOMMU_TEST_OP_DESTROY_ACCESS_PAGES/OK', 'close/OK'],
      source: 'kselftest.md 10',
      kselftest: ['basic_fail_nth.access_pin', 'basic_fail_nth.access_pin_domain'],
      setup: (t) => {
        const ioas = t.ioas();
        limitMemory(t, LIMIT);
        return ioas;
      },
      putBack: unlimitMemoryAtLast,
      cases: {
        small_pages: (t, ioas) => {
          pinAll(t, ioas, BUFFER.start, LARGE);
          t.counters(0);
          t.checkRefs(BUFFER.start, 0, LARGE);
        },
        two_megabytes: {
          needs: ['hugetlb'],
          body: (t, ioas) => {
            mmapHuge(t, 1n);
            pinAll(t, ioas, HUGE.start, HUGE_PAGE);
            t.counters(0);
          },
        },
        small_pages_with_a_device: (t, ioas) => {
          const device = t.mockDomain(ioas);
          pinAll(t, ioas, BUFFER.start, LARGE);
          t.counters(256);
          t.checkRefs(BUFFER.start, 1, LARGE);
          t.destroy(device.out('out_stdev_id'));
          t.counters(0);
          t.checkRefs(BUFFER.start, 0, LARGE);
        },
        two_megabytes_with_a_device: {
          needs: ['hugetlb'],
          body: (t, ioas) => {
            mmapHuge(t, 1n);
            const device = t.mockDomain(ioas);
            pinAll(t, ioas, HUGE.start, HUGE_PAGE);
            t.counters(512);
            t.destroy(device.out('out_stdev_id'));
            t.counters(0);
          },
        },
      },
      control: (t, ioas) => {
        const iova = t.map(ioas).out('iova');
        pin(t, makeAccess(t, 'a', ioas), iova);
      },
    }),
  ],
);
