import { BUFFER, SCRATCH } from '../../models/program/arena.js';
import type { Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { makeAccess, moveAccess, pin, unpin } from './set_up.js';

const PAGES = 16n;
const LENGTH = PAGES * P;

/** What is mapped: where the process sees it, and how it gets into an IOAS. */
interface Memory {
  readonly va: bigint;
  map(ioas: Scalar): Scalar;
}

/**
 * Pins memory in an IOAS without devices and copies it into one with devices, moves the access to another such IOAS, and does
 * the same from there: the pages are pinned once all the time.
 */
function copyAndMove(t: ScenarioBuilder, devices: number, memory: Memory): void {
  const used = t.ioas();
  const tables = Array.from({ length: devices }, () => t.mockDomain(used).out('out_hwpt_id'));
  const expectCopied = (from: Scalar, access: string, iova: Scalar) => {
    const item = pin(t, access, iova, LENGTH, { uptr: memory.va }).out('out_access_pages_id');
    t.counters(Number(PAGES));
    t.copy({ src: from, dst: used, from: iova, length: LENGTH, iova: A, access: 'w' });
    for (const hwpt of tables) t.checkMap(hwpt, A, memory.va, LENGTH);
    t.checkRefs(memory.va, 1, LENGTH);
    t.counters(Number(PAGES));
    return item;
  };
  const ioas = t.ioas();
  const iova = memory.map(ioas);
  const access = makeAccess(t, 'a', ioas);
  expectCopied(ioas, access, iova);
  const other = t.ioas();
  const there = memory.map(other);
  moveAccess(t, access, other);
  t.unmap(used, A, LENGTH).ok({ length: LENGTH });
  t.counters(0);
  t.destroy(ioas);
  const item = expectCopied(other, access, there);
  unpin(t, access, item);
  t.close(access);
  t.counters(Number(PAGES));
  t.destroy(other);
  for (const hwpt of tables) t.checkMap(hwpt, A, memory.va, LENGTH);
  t.unmap(used, A, LENGTH);
  t.counters(0);
}

/** Memory of the process. */
const userMemory = (t: ScenarioBuilder): Memory => ({
  va: BUFFER.start,
  map: (ioas) => t.map(ioas, { length: LENGTH }).out('iova'),
});

/** A file that the process sees. */
function fileMemory(t: ScenarioBuilder): Memory {
  const file = t.memfd('m', PAGES);
  t.mmapFile(file, 0n, PAGES);
  return { va: SCRATCH.start, map: (ioas) => t.mapFile(ioas, file, { length: LENGTH }).out('iova') };
}

export const accessSharedPins = suite(
  'access/shared_pins',
  'Memory that an access has pinned in one IOAS and devices reach through another.',
  [
    scenario('copied_and_moved', {
      doc: 'A copy of what is pinned shares the pins; they stay when the access moves and go with the last that holds them.',
      covers: [
        'IOMMU_IOAS_COPY/OK',
        'IOMMU_TEST_OP_ACCESS_PAGES/OK',
        'IOMMU_TEST_OP_ACCESS_REPLACE_IOAS/OK',
        'IOMMU_DESTROY/OK',
      ],
      source: 'kselftest.md 4',
      gaps: [52],
      kselftest: ['iommufd_mock_domain.user_copy'],
      seeds: ['S2-33'],
      setup: () => undefined,
      cases: {
        one_device: (t) => {
          copyAndMove(t, 1, userMemory(t));
        },
        two_devices: (t) => {
          copyAndMove(t, 2, userMemory(t));
        },
        of_a_file: {
          needs: ['map_file'],
          body: (t) => {
            copyAndMove(t, 1, fileMemory(t));
          },
        },
      },
      control: (t) => {
        const ioas = t.ioas();
        const iova = userMemory(t).map(ioas);
        pin(t, makeAccess(t, 'a', ioas), iova, LENGTH);
      },
    }),
  ],
);
