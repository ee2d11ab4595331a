import { BUFFER, HUGE, SCRATCH } from '../../models/program/arena.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { RW, SLOW, WRITE, makeAccess, pin, read, unpin, write } from '../access/set_up.js';
import { APERTURE_START as A, HUGE_PAGE, P } from '../harness/constants.js';
import { mmapHuge } from '../harness/huge_pages.js';
import { suite } from '../harness/scenario.js';
import { ONLY_ONCE } from '../mock/every_alignment.js';
import { type UsedIoas, destroyDevices, inEachSetUp } from './set_ups.js';

/** The memory of the kernel's own tests: sixteen pages. */
const PAGES = 16n;
const LENGTH = PAGES * P;

/** Pins so many pages of all that are mapped, alone and twice, and lets a device come and go meanwhile. */
function pinSome(t: ScenarioBuilder, { ioas, devices }: UsedIoas, access: string, pages: bigint): void {
  const [all, some] = [Number(PAGES), Number(pages)];
  const hasTable = devices.length > 0;
  const pinSomePages = () => pin(t, access, A, pages * P, { uptr: BUFFER.start }).out('out_access_pages_id');
  t.map(ioas, { iova: A, length: LENGTH });
  unpin(t, access, pinSomePages());
  t.counters(hasTable ? all : 0);
  const [one, other] = [pinSomePages(), pinSomePages()];
  unpin(t, access, other);
  t.counters(hasTable ? all : some);
  unpin(t, access, one);
  const last = pinSomePages();
  const device = t.mockDomain(ioas);
  t.counters(all);
  t.checkMap(device.out('out_hwpt_id'), A, BUFFER.start, LENGTH);
  t.checkRefs(BUFFER.start, 1, LENGTH);
  t.destroy(device.out('out_stdev_id'));
  t.counters(hasTable ? all : some);
  unpin(t, access, last);
  t.unmap(ioas, A, LENGTH).ok({ length: LENGTH });
  t.counters(0);
}

/** Places around the first border of pages, and lengths up to 63 bytes: each of both, not each with each. */
const PLACES = Array.from({ length: 100 }, (_, at) => ({
  offset: Number(P) - 50 + at,
  lengths: [1 + (at % 63), 63 - (at % 63), 32, 63],
}));

/** Words that no two writes have in common. */
function wordsOf(number: number, bytes: number): number[] {
  return Array.from({ length: Math.ceil(bytes / 4) }, (_, at) => (0x0101_0001 * (number + 16 * at)) >>> 0);
}

/** Bytes that a program has room for: seven pages. */
const ROOM = Number(7n * P);

/**
 * Reads and writes around the border between two pages of new memory, and compares with what it must hold; then reads across
 * many pages.
 */
function readAndWrite(t: ScenarioBuilder, access: string, iova: bigint, flags: number): void {
  const memory = new Uint8Array(Number(LENGTH));
  let writes = 0;
  for (const { offset, lengths } of PLACES) {
    for (const length of lengths) {
      const at = iova + BigInt(offset);
      const expectBytes = () =>
        read(t, access, at, length, { flags }).ok({ uptr: memory.slice(offset, offset + length) });
      expectBytes();
      const words = wordsOf((writes += 1), length);
      write(t, access, at, words, { flags: WRITE | flags, length: BigInt(length) });
      memory.set(new Uint8Array(Uint32Array.from(words).buffer).subarray(0, length), offset);
      expectBytes();
    }
  }
  for (let first = 0; first < memory.length; first += ROOM) {
    const bytes = memory.slice(first, first + ROOM);
    read(t, access, iova + BigInt(first), bytes.length, { flags }).ok({ uptr: bytes });
  }
}

/** An access that reads and writes without pinning. */
function accessTo(t: ScenarioBuilder, { ioas }: UsedIoas): string {
  return makeAccess(t, 'a', ioas, { flags: 0 });
}

export const ioasUsedAccesses = suite(
  'ioas/used_accesses',
  'Accesses to an IOAS with no, one and two devices, and with little temporary memory: what they pin, read and write.',
  [
    ...inEachSetUp('pins', {
      doc: 'What accesses pin is pinned once, whatever else holds it, until the last of accesses and page tables lets go.',
      covers: [
        'IOMMU_TEST_OP_ACCESS_PAGES/OK',
        'IOMMU_TEST_OP_DESTROY_ACCESS_PAGES/OK',
        'IOMMU_TEST_OP_DESTROY_ACCESS_PAGES/ENOENT.item',
      ],
      source: 'core.md 5.1, 5.2, kselftest.md 3',
      kselftest: ['access_pin', 'access_pin_unmap'],
      cases: {
        up_to_seven_pages: (t, used) => {
          const access = makeAccess(t, 'a', used.ioas);
          for (let pages = 1n; pages < 8n; pages++) pinSome(t, used, access, pages);
          t.close(access);
        },
        up_to_fifteen_pages: (t, used) => {
          const access = makeAccess(t, 'a', used.ioas);
          for (let pages = 8n; pages < PAGES; pages++) pinSome(t, used, access, pages);
          t.close(access);
        },
        unmapped: (t, { ioas }) => {
          const access = makeAccess(t, 'a', ioas);
          t.map(ioas, { iova: A, length: LENGTH });
          const item = pin(t, access, A, LENGTH, { uptr: BUFFER.start }).out('out_access_pages_id');
          t.counters(Number(PAGES));
          t.unmap(ioas, A, LENGTH).ok({ length: LENGTH });
          t.counters(0);
          unpin(t, access, item).fails('ENOENT');
        },
      },
      control: (t, { ioas, base }) => {
        t.map(ioas, { iova: base });
        pin(t, makeAccess(t, 'a', ioas), base);
      },
    }),
    ...inEachSetUp('pin_in_huge_pages', {
      doc: 'With the last device all pages of two huge ones are unpinned but for the single one that an access holds.',
      covers: ['IOMMU_TEST_OP_ACCESS_PAGES/OK', 'IOMMU_DESTROY/OK'],
      source: 'kselftest.md 3, 9',
      kselftest: ['access_domain_destory'],
      needs: ['hugetlb'],
      cases: {
        last_device_goes: (t, { ioas, base, devices }) => {
          mmapHuge(t, 2n);
          t.map(ioas, { va: HUGE.start, iova: base, length: 2n * HUGE_PAGE });
          const access = makeAccess(t, 'a', ioas);
          const item = pin(t, access, base + P, P, { uptr: HUGE.start + P }).out('out_access_pages_id');
          t.counters(devices.length > 0 ? 1024 : 1);
          for (const device of devices.slice(-1)) t.destroy(device.out('out_stdev_id'));
          unpin(t, access, item);
          t.close(access);
          t.munmap(HUGE.start, 1024n);
          t.unmap(ioas, base, 2n * HUGE_PAGE).ok({ length: 2n * HUGE_PAGE });
          t.counters(0);
        },
        all_devices_go: (t, used) => {
          const { ioas, base } = used;
          mmapHuge(t, 2n);
          t.map(ioas, { va: HUGE.start, iova: base, length: 2n * HUGE_PAGE });
          const access = makeAccess(t, 'a', ioas);
          const item = pin(t, access, base + P, P, { uptr: HUGE.start + P }).out('out_access_pages_id');
          destroyDevices(t, used);
          t.counters(1);
          unpin(t, access, item);
          t.counters(0);
        },
      },
      control: (t, { ioas, base }) => {
        mmapHuge(t, 2n);
        t.map(ioas, { va: HUGE.start, iova: base, length: 2n * HUGE_PAGE });
      },
    }),
    ...inEachSetUp('bytes', {
      doc: 'Up to 63 bytes at each of a hundred places around the border of pages arrive where they belong on both paths, and many pages at once.',
      covers: [`${RW}/OK`],
      source: 'core.md 5.7, kselftest.md 3',
      kselftest: ['access_rw', 'access_rw_unaligned'],
      without: ONLY_ONCE,
      cases: {
        mapped: (t, used) => {
          t.mmap(SCRATCH.start, PAGES, 'rw');
          t.map(used.ioas, { va: SCRATCH.start, iova: used.base, length: LENGTH });
          readAndWrite(t, accessTo(t, used), used.base, 0);
        },
        slow: (t, used) => {
          t.mmap(SCRATCH.start, PAGES, 'rw');
          t.map(used.ioas, { va: SCRATCH.start, iova: used.base, length: LENGTH });
          readAndWrite(t, accessTo(t, used), used.base, SLOW);
        },
        iova_inside_a_page: (t, used) => {
          t.mmap(SCRATCH.start, PAGES, 'rw');
          t.map(used.ioas, { va: SCRATCH.start, iova: used.base + P / 2n, length: LENGTH });
          readAndWrite(t, accessTo(t, used), used.base + P / 2n, 0);
          t.unmap(used.ioas, used.base + P / 2n, LENGTH).ok({ length: LENGTH });
        },
      },
      control: (t, used) => {
        t.map(used.ioas, { iova: used.base });
        const access = accessTo(t, used);
        write(t, access, used.base, [1, 2]);
        read(t, access, used.base, 8).ok({ uptr: Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0) });
      },
    }),
  ],
);
