import { SCRATCH } from '../../models/program/arena.js';
import type { Reference, Scalar } from '../../models/program/program.js';
import { RW, SLOW, WRITE, bytesOf, makeAccess, read, write } from '../access/set_up.js';
import { WITH_FAULT, faultQueue, faultReadAndAnswered } from '../event/set_up.js';
import { type ScenarioBuilder, hwptData } from '../harness/builder.js';
import { P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndViommu } from './set_up.js';

/** IOMMU_TEST_IOTLB_DEFAULT. */
const FULL = 0x0bad_beef;
const ALL_ONES = 0xffff_ffff;

/** The device, where nothing was there before. */
const DEVICE_ID = 3;

/** A device with a vIOMMU, and a nested page table over it. */
function viommuAndNested(t: ScenarioBuilder) {
  const all = deviceAndViommu(t);
  return { ...all, nested: t.nestedHwpt(all.device, all.viommu, FULL).out('out_hwpt_id') };
}

/** A vIOMMU that offers a region. */
function withRegion(t: ScenarioBuilder, device: Scalar, parent: Scalar): Reference {
  const data = { data_len: 24, data_uptr: { words: [0xbeef, 0, 0, 0, 0, 0] } };
  return t.viommu(device, parent, data).out('out_viommu_id');
}

/** An access to the two pages of the region where the process has mapped it: it copies as the process itself would. */
function accessToRegion(t: ScenarioBuilder, label = 'a') {
  const ioas = t.ioas();
  t.map(ioas, { va: SCRATCH.start, iova: 0n, length: 2n * P });
  return { access: makeAccess(t, label, ioas, { flags: 0 }), iova: 0n };
}

/** What the process sees at an offset of the region. */
function expectWords(t: ScenarioBuilder, offset: bigint, words: readonly number[], label: string): void {
  const { access, iova } = accessToRegion(t, label);
  read(t, access, iova + offset, 4 * words.length).ok({ uptr: bytesOf(...words) });
  t.close(access);
}

export const viommuLife = suite(
  'viommu/life',
  'What is made over a vIOMMU from the first to the last, as the kernel’s own tests go through it.',
  [
    scenario('nested_with_faults', {
      doc: 'A nested page table over a vIOMMU takes a fault queue that exists and no unknown flag; a device can be attached as soon as it has a name there, and its faults go to the queue.',
      covers: [
        'IOMMU_HWPT_ALLOC/OK',
        'IOMMU_HWPT_ALLOC/ENOENT.fault',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/OK',
        'IOMMU_TEST_OP_TRIGGER_IOPF/OK',
      ],
      source: 'kselftest.md 7',
      kselftest: ['iommufd_viommu.mock_viommu.viommu_alloc_nested_iopf'],
      needs: ['viommu'],
      setup: viommuAndNested,
      cases: {
        whole_life: (t, { ioas, handle, device, viommu }) => {
          const queue = faultQueue(t).out('out_fault_id');
          const data = hwptData([FULL]);
          const missing = { flags: WITH_FAULT, fault_id: ALL_ONES, ...data };
          t.hwptAlloc(device, viommu, missing).fails('ENOENT');
          const unknown = { flags: WITH_FAULT + 0x8000_0000, fault_id: queue, ...data };
          t.hwptAlloc(device, viommu, unknown).fails('EOPNOTSUPP');
          const faulting = { flags: WITH_FAULT, fault_id: queue, ...data };
          const hwpt = t.hwptAlloc(device, viommu, faulting).out('out_hwpt_id');
          t.replace(handle, hwpt).fails('ENOENT');
          t.vdevice(viommu, device, 0x99n);
          t.replace(handle, hwpt);
          t.destroy(hwpt).fails('EBUSY');
          faultReadAndAnswered(t, device, DEVICE_ID);
          t.replace(handle, ioas);
          t.destroy(hwpt);
          t.close('q');
          t.destroy(queue);
        },
      },
      control: (t, { handle, device, viommu, nested }) => {
        t.vdevice(viommu, device, 0x99n);
        t.replace(handle, nested);
      },
    }),
    scenario('region', {
      doc: 'Data is answered and a region offered that begins with it, which is mapped whole or not at all; while it is mapped its vIOMMU is busy. All processes see the same pages, which nobody can pin.',
      covers: [
        'IOMMU_VIOMMU_ALLOC/OK',
        'mmap/OK',
        'mmap/ENXIO.region',
        'IOMMU_DESTROY/EBUSY.users',
        `${RW}/OK`,
        `${RW}/EFAULT.user_memory`,
      ],
      source: 'kselftest.md 7',
      gaps: [44, 51],
      kselftest: ['iommufd_viommu.mock_viommu.viommu_alloc_with_data'],
      needs: ['viommu'],
      setup: viommuAndNested,
      cases: {
        whole_life: (t, { device, parent }) => {
          const data = { data_len: 24, data_uptr: { words: [0xbeef, 0, 0, 0, 0, 0] } };
          const answer = Uint8Array.of(0xef, 0xbe, 0, 0, 0xef, 0xbe, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0);
          const viommu = t
            .viommu(device, parent, data)
            .ok({ data_uptr: Uint8Array.of(...answer, 0, 0x20, 0, 0, 0, 0, 0, 0) })
            .out('out_viommu_id');
          t.mmapFile('f', 0x2000n, 2n).fails('ENXIO');
          t.mmapFile('f', 0x3000n, 2n).fails('ENXIO');
          t.mmapFile('f', 0x1000n, 1n).fails('ENXIO');
          t.mmapFile('f', 0x1000n, 4n).fails('ENXIO');
          t.mmapFile('f', 0x1000n, 2n);
          expectWords(t, 0n, [0xbeef, 0, 0], 'a');
          expectWords(t, P - 4n, [0, 0], 'b');
          t.destroy(viommu).fails('EBUSY');
          t.munmap(SCRATCH.start, 2n);
          t.destroy(viommu);
        },
        second_page_alone: (t, { device, parent }) => {
          withRegion(t, device, parent);
          t.mmapFile('f', 0x1000n, 2n);
          const { access, iova } = accessToRegion(t);
          write(t, access, iova + P - 4n, [1, 2]);
          t.munmap(SCRATCH.start, 1n);
          read(t, access, iova + P, 8).ok({ uptr: bytesOf(2, 0) });
          read(t, access, iova, 4).fails('EFAULT');
          t.mremap(SCRATCH.start + P, 1n, 1n, SCRATCH.start);
          read(t, access, iova, 4).ok({ uptr: bytesOf(2) });
        },
        read_only: (t, { device, parent }) => {
          withRegion(t, device, parent);
          t.mmapFile('f', 0x1000n, 2n, { access: 'ro' });
          const { access, iova } = accessToRegion(t);
          write(t, access, iova, [1]).fails('EFAULT');
          read(t, access, iova, 4).ok({ uptr: bytesOf(0xbeef) });
        },
        cannot_be_pinned: (t, { device, parent }) => {
          withRegion(t, device, parent);
          t.mmapFile('f', 0x1000n, 2n);
          const { access, iova } = accessToRegion(t);
          read(t, access, iova, 4, { flags: SLOW }).fails('EFAULT');
          read(t, access, iova + P - 4n, 8, { flags: SLOW }).fails('EFAULT');
          write(t, access, iova, [1], { flags: WRITE | SLOW }).fails('EFAULT');
          read(t, access, iova, 4).ok({ uptr: bytesOf(0xbeef) });
        },
        shared: (t, { device, parent }) => {
          withRegion(t, device, parent);
          t.mmapFile('f', 0x1000n, 2n);
          const { access, iova } = accessToRegion(t);
          t.fork('child');
          t.munmap(SCRATCH.start, 2n);
          read(t, access, iova, 4).fails('EFAULT');
          t.by('child', () => {
            const other = accessToRegion(t, 'b');
            write(t, other.access, other.iova + 8n, [7]);
          });
          t.mmapFile('f', 0x1000n, 2n);
          read(t, access, iova, 12).ok({ uptr: bytesOf(0xbeef, 0, 7) });
        },
        new_for_the_next: (t, { device, parent }) => {
          const first = withRegion(t, device, parent);
          t.mmapFile('f', 0x1000n, 2n);
          const { access, iova } = accessToRegion(t);
          write(t, access, iova, [1, 2, 3]);
          t.munmap(SCRATCH.start, 2n);
          t.destroy(first);
          withRegion(t, device, parent);
          t.mmapFile('f', 0x1000n, 2n);
          read(t, access, iova, 12).ok({ uptr: bytesOf(0xbeef, 0, 0) });
        },
      },
      control: (t, { device, parent }) => t.viommu(device, parent, { data_len: 8, data_uptr: { room: 8 } }),
    }),
  ],
);
