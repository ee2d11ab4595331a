import { BUFFER, HUGE, SCRATCH } from '../../models/program/arena.js';
import type { Reference, Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { HUGE_PAGE, P } from '../harness/constants.js';
import { mmapHuge } from '../harness/huge_pages.js';
import { scenario, suite } from '../harness/scenario.js';
import { limitMemory, unlimitMemoryAtLast } from '../mock/temporary_memory.js';

/** Bytes of temporary arrays: four pages are pinned at once. */
const LIMIT = 32;
const PAGES = 64n;
const LENGTH = PAGES * P;

/** The automatic page table of a new device shows the pages, each pinned once. */
function expectPages(t: ScenarioBuilder, ioas: Scalar, iova: Reference, va: bigint): Reference {
  const device = t.mockDomain(ioas);
  t.checkMap(device.out('out_hwpt_id'), iova, va, LENGTH);
  t.checkRefs(va, 1, LENGTH);
  t.counters(Number(PAGES));
  return device.out('out_stdev_id');
}

/** Nothing is pinned once the devices are gone. */
function expectNothing(t: ScenarioBuilder, va: bigint): void {
  t.checkRefs(va, 0, LENGTH);
  t.counters(0);
}

export const ioasLittleMemory = suite(
  'ioas/little_memory',
  'What the kernel’s tests of failing allocations do, with no allocation failing: areas are mapped, copied and unmapped, and devices come and go, with little temporary memory.',
  [
    scenario('area,placed_and_copied', {
      doc: 'An area is placed within the allowed range, a few bytes of it are copied, and what is unmapped is gone.',
      covers: ['IOMMU_IOAS_ALLOW_IOVAS/OK', 'IOMMU_IOAS_COPY/OK', 'IOMMU_IOAS_UNMAP/ENOENT.empty'],
      source: 'kselftest.md 10',
      kselftest: ['basic_fail_nth.basic'],
      needs: ['thp', 'hugetlb'],
      setup: (t) => {
        const ioas = t.ioas();
        t.ranges(ioas, 10).ok({ num_iovas: 1, allowed_iovas: [[0n, 0xffff_ffff_ffff_ffffn]] });
        t.allow(ioas, [[0x4000n, HUGE_PAGE + 0x96_0000n - 1n]]);
        return ioas;
      },
      cases: {
        two_megabytes: (t, ioas) => {
          mmapHuge(t, 1n);
          const map = t.map(ioas, { va: HUGE.start, length: HUGE_PAGE }).ok({ iova: HUGE_PAGE });
          const iova = map.out('iova');
          t.copy({ src: ioas, dst: ioas, from: iova, length: 160n });
          t.unmap(ioas, iova, HUGE_PAGE).ok({ length: HUGE_PAGE });
          t.unmap(ioas, iova, HUGE_PAGE).fails('ENOENT');
          t.counters(0);
        },
        small_pages: (t, ioas) => {
          const iova = t.map(ioas, { length: 0x10_0000n }).ok({ iova: 0x10_0000n }).out('iova');
          t.copy({ src: ioas, dst: ioas, from: iova, length: 160n });
          t.unmap(ioas, iova, 0x10_0000n).ok({ length: 0x10_0000n });
          t.unmap(ioas, iova, 0x10_0000n).fails('ENOENT');
        },
      },
      control: (t, ioas) => t.map(ioas).ok({ iova: 0x4000n }),
    }),
    scenario('devices,come_and_go', {
      doc: 'Pages are pinned, mapped and unpinned piece by piece: when they are mapped below a device, and when one comes and goes.',
      covers: ['IOMMU_IOAS_MAP/OK', 'IOMMU_TEST_OP_MOCK_DOMAIN/OK', 'IOMMU_DESTROY/OK'],
      source: 'kselftest.md 10',
      kselftest: [
        'basic_fail_nth.map_domain',
        'basic_fail_nth.map_two_domains',
        'basic_fail_nth.map_file_domain',
      ],
      setup: (t) => {
        const ioas = t.ioas();
        limitMemory(t, LIMIT);
        return ioas;
      },
      putBack: unlimitMemoryAtLast,
      cases: {
        one: (t, ioas) => {
          const first = t.mockDomain(ioas);
          const iova = t.map(ioas, { length: LENGTH }).out('iova');
          t.checkMap(first.out('out_hwpt_id'), iova, BUFFER.start, LENGTH);
          t.checkRefs(BUFFER.start, 1, LENGTH);
          t.destroy(first.out('out_stdev_id'));
          expectNothing(t, BUFFER.start);
          expectPages(t, ioas, iova, BUFFER.start);
        },
        of_a_file: {
          needs: ['map_file'],
          body: (t, ioas) => {
            const file = t.memfd('m', PAGES);
            t.mmapFile(file, 0n, PAGES);
            const first = t.mockDomain(ioas);
            const iova = t.mapFile(ioas, file, { length: LENGTH }).out('iova');
            t.checkMap(first.out('out_hwpt_id'), iova, SCRATCH.start, LENGTH);
            t.destroy(first.out('out_stdev_id'));
            expectNothing(t, SCRATCH.start);
            expectPages(t, ioas, iova, SCRATCH.start);
          },
        },
        two_of_one_table: (t, ioas) => {
          const first = t.mockDomain(ioas);
          const second = t.mockDomain(ioas);
          const iova = t.map(ioas, { length: LENGTH }).out('iova');
          t.checkMap(second.out('out_hwpt_id'), iova, BUFFER.start, LENGTH);
          t.destroy(first.out('out_stdev_id'));
          t.counters(Number(PAGES));
          t.destroy(second.out('out_stdev_id'));
          expectNothing(t, BUFFER.start);
          expectPages(t, ioas, iova, BUFFER.start);
          expectPages(t, ioas, iova, BUFFER.start);
        },
        two_tables: (t, ioas) => {
          const device = t.mockDomain(ioas);
          const table = t.hwptAlloc(device.out('out_idev_id'), ioas).out('out_hwpt_id');
          const iova = t.map(ioas, { length: LENGTH }).out('iova');
          for (const hwpt of [device.out('out_hwpt_id'), table]) t.checkMap(hwpt, iova, BUFFER.start, LENGTH);
          t.destroy(device.out('out_stdev_id'));
          t.checkMap(table, iova, BUFFER.start, LENGTH);
          t.counters(Number(PAGES));
          t.destroy(table);
          expectNothing(t, BUFFER.start);
          expectPages(t, ioas, iova, BUFFER.start);
        },
      },
      control: (t, ioas) => {
        t.mockDomain(ioas);
        const iova = t.map(ioas, { length: LENGTH }).out('iova');
        expectPages(t, ioas, iova, BUFFER.start);
      },
    }),
  ],
);
