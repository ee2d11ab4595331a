import { BUFFER } from '../../models/program/arena.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { suite } from '../harness/scenario.js';
import { SLOW, WRITE, bytesOf, makeAccess, read, write } from '../access/set_up.js';
import { type UsedIoas, inEachSetUp } from './set_ups.js';

const CHILD = 'child';
const LENGTH = 16n * P;

/** A child maps memory in the aperture of the mock. */
function mapInChild(t: ScenarioBuilder, { ioas }: UsedIoas): void {
  t.fork(CHILD);
  t.by(CHILD, () => t.map(ioas, { iova: A, length: LENGTH }));
}

/** Bytes across two pages are what was written there. */
function writeAndRead(t: ScenarioBuilder, { ioas }: UsedIoas): void {
  const access = makeAccess(t, 'a', ioas, { flags: 0 });
  for (const flags of [0, SLOW]) {
    write(t, access, A + P - 4n, [0x1122_3344, flags], { flags: WRITE | flags });
    read(t, access, A + P - 4n, 8, { flags }).ok({ uptr: bytesOf(0x1122_3344, flags) });
  }
}

export const ioasUsedByFork = suite(
  'ioas/used_fork',
  'Memory of another process in an IOAS with no, one and two devices, and with little temporary memory; descriptors are inherited. Who pays: process/fork.',
  [
    ...inEachSetUp('mapper', {
      doc: 'What was pinned when the process mapped it stays when it has gone, and new page tables are filled from it; what was not cannot be pinned any more.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN/OK',
        'IOMMU_TEST_OP_MOCK_DOMAIN/EFAULT.user_memory',
        'IOMMU_HWPT_ALLOC/OK',
      ],
      source: 'core.md 5.4, kselftest.md 9.5',
      kselftest: ['fork_gone', 'fork_present'],
      seeds: ['S2-49'],
      cases: {
        gone: (t, used) => {
          mapInChild(t, used);
          t.exit(CHILD);
          const device = t.mockDomain(used.ioas);
          if (used.devices.length === 0) {
            device.fails('EFAULT');
            t.unmap(used.ioas, A, LENGTH);
            t.mockDomain(used.ioas);
          } else {
            t.checkMap(device.out('out_hwpt_id'), A, BUFFER.start, LENGTH);
            writeAndRead(t, used);
          }
          t.counters(0);
        },
        gone_before_the_second_page_table: (t, used) => {
          mapInChild(t, used);
          t.exit(CHILD);
          for (const device of used.devices) {
            const hwpt = t.hwptAlloc(device.out('out_idev_id'), used.ioas).out('out_hwpt_id');
            t.checkMap(hwpt, A, BUFFER.start, LENGTH);
          }
          t.checkRefs(BUFFER.start, used.devices.length > 0 ? 1 : 0, LENGTH);
        },
        gone_with_its_device: (t, used) => {
          mapInChild(t, used);
          t.exit(CHILD);
          for (const device of used.devices) t.destroy(device.out('out_stdev_id'));
          if (used.pasidDevice !== undefined) {
            t.destroy(used.pasidDevice.out('out_stdev_id')).fails({ '7.3': 'OK', '6.12': 'ENOENT' });
          }
          t.checkRefs(BUFFER.start, 0, LENGTH);
          t.mockDomain(used.ioas).fails('EFAULT');
        },
        present: (t, used) => {
          mapInChild(t, used);
          const hwpt = t.mockDomain(used.ioas).out('out_hwpt_id');
          t.checkMap(hwpt, A, BUFFER.start, LENGTH);
          writeAndRead(t, used);
          t.counters(0);
          t.by(CHILD, () => {
            t.counters(16);
          });
        },
      },
      control: (t, used) => {
        mapInChild(t, used);
        t.unmap(used.ioas, A, LENGTH).ok({ length: LENGTH });
      },
    }),
  ],
);
