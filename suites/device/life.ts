import { BUFFER } from '../../models/program/arena.js';
import { WITH_FAULT, faultQueue, veventq } from '../event/set_up.js';
import { hwptData } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { PASID } from '../pasid/set_up.js';

const NEST_PARENT = 1;
/** IOMMU_TEST_IOTLB_DEFAULT. */
const FULL = 0x0bad_beef;

export const deviceLife = suite(
  'device/life',
  'A device with PASIDs and everything that can be made for it, one after the other: what the kernel’s tests of failing allocations do, with no allocation failing.',
  [
    scenario('everything_of_a_device', {
      doc: 'A device moves between two IOASes and page tables; a vIOMMU, a queue of it, event queues and page tables are made on its behalf, and a PASID moves. The page of each IOAS is pinned once as long as it has a page table.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/OK',
        'IOMMU_HW_QUEUE_ALLOC/OK',
        'IOMMU_VDEVICE_ALLOC/OK',
        'IOMMU_TEST_OP_PASID_REPLACE/OK',
        'IOMMU_IOAS_UNMAP/EBUSY.locked',
      ],
      source: 'kselftest.md 10',
      kselftest: ['basic_fail_nth.device'],
      needs: ['pasid', 'viommu'],
      setup: (t) => {
        const [ioas, other] = [t.ioas(), t.ioas()];
        for (const id of [ioas, other]) t.map(id, { iova: A });
        const mock = t.mockDevice(ioas, 4);
        t.counters(1);
        return { ioas, other, handle: mock.out('out_stdev_id'), device: mock.out('out_idev_id') };
      },
      cases: {
        all: (t, { ioas, other, handle, device }) => {
          const info = { dev_id: device, data_len: 8, data_uptr: { room: 8 } };
          t.ioctl('IOMMU_GET_HW_INFO', info).ok({
            data_len: 8,
            out_max_pasid_log2: 20,
            data_uptr: Uint8Array.of(0, 0, 0, 0, 0xef, 0xbe, 0xad, 0xde),
          });
          const first = t.hwptAlloc(device, ioas, { flags: PASID }).out('out_hwpt_id');
          t.checkMap(first, A, BUFFER.start);
          t.replace(handle, other);
          t.counters(2);
          t.replace(handle, first);
          t.counters(1);
          t.destroy(other);
          const parent = t.hwptAlloc(device, ioas, { flags: NEST_PARENT | PASID }).out('out_hwpt_id');
          t.checkMap(parent, A, BUFFER.start);
          const viommu = t.viommu(device, parent).out('out_viommu_id');
          const vdevice = t.vdevice(viommu, device, 0n).out('out_vdevice_id');
          const queue = t
            .ioctl('IOMMU_HW_QUEUE_ALLOC', {
              viommu_id: viommu,
              type: 0xdead_beef,
              nesting_parent_iova: A,
              length: P,
            })
            .out('out_hw_queue_id');
          t.counters(1);
          t.unmap(ioas, A, P).fails('EBUSY');
          const faults = faultQueue(t).out('out_fault_id');
          t.close('q');
          const withFaults = { flags: WITH_FAULT, fault_id: faults, ...hwptData([FULL]) };
          const nested = t.hwptAlloc(device, parent, withFaults).out('out_hwpt_id');
          const events = veventq(t, viommu, 2, {}, { fd: 'v' }).out('out_veventq_id');
          t.close('v');
          const third = t.hwptAlloc(device, ioas, { flags: PASID }).out('out_hwpt_id');
          t.pasidAttach(handle, 200, parent);
          t.pasidCheck(handle, 200, parent);
          t.pasidReplace(handle, 200, third);
          t.pasidCheck(handle, 200, third);
          t.destroy(third).fails('EBUSY');
          t.pasidDetach(handle, 200);
          t.pasidCheck(handle, 200, 0);
          for (const held of [parent, viommu, faults]) t.destroy(held).fails('EBUSY');
          for (const free of [third, events, nested, faults, queue, vdevice, viommu, parent]) t.destroy(free);
          t.destroy(handle);
          t.counters(1);
          t.unmap(ioas, A, P);
          t.destroy(first);
          t.counters(0);
          t.destroy(ioas);
        },
      },
      control: (t, { handle, other }) => t.replace(handle, other),
    }),
  ],
);
