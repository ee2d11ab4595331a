import { SCRATCH } from '../../models/program/arena.js';
import { WITH_FAULT, faultQueue, faultReadAndAnswered } from '../event/set_up.js';
import { type ScenarioBuilder, hwptData } from '../harness/builder.js';
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
      doc: 'Data is answered and a region offered, which is mapped whole or not at all; while it is mapped its vIOMMU is busy.',
      covers: ['IOMMU_VIOMMU_ALLOC/OK', 'mmap/OK', 'mmap/ENXIO.region', 'IOMMU_DESTROY/EBUSY.users'],
      source: 'kselftest.md 7',
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
          t.destroy(viommu).fails('EBUSY');
          t.munmap(SCRATCH.start, 2n);
          t.destroy(viommu);
        },
      },
      control: (t, { device, parent }) => t.viommu(device, parent, { data_len: 8, data_uptr: { room: 8 } }),
    }),
  ],
);
