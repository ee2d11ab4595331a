import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { hwptData } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { PASID } from '../pasid/set_up.js';
import { READABLE, WITH_FAULT, WRITABLE, fault, faultQueue, record } from './set_up.js';

const FAULT = 40;
const ANSWER = 8;

/** A PASID of no special meaning, and the one whose moves fail every other time. */
const P = 7;
const FAILING = 1024;

interface Device {
  readonly handle: Reference;
  readonly device: Reference;
  /** Page tables for PASIDs: a parent and a nested one without a queue, a nested one with the queue of `q`. */
  readonly parent: Reference;
  readonly plain: Reference;
  readonly faulting: Reference;
}

/** A device with PASIDs, without any attachment. */
function deviceWithPasids(t: ScenarioBuilder): Device {
  const ioas = t.ioas();
  const mock = t.mockDevice(ioas, 4);
  const [handle, device] = [mock.out('out_stdev_id'), mock.out('out_idev_id')];
  const parent = t.hwptAlloc(device, ioas, { flags: PASID | 1 }).out('out_hwpt_id');
  const queue = faultQueue(t).out('out_fault_id');
  const nested = (flags: number, fault_id: Reference | number) =>
    t.hwptAlloc(device, parent, { flags: PASID | flags, fault_id, ...hwptData([0]) }).out('out_hwpt_id');
  const [plain, faulting] = [nested(0, 0), nested(WITH_FAULT, queue)];
  t.pasidDetach(handle, 0);
  return { handle, device, parent, plain, faulting };
}

export const eventFaultPasid = suite(
  'event/fault_pasid',
  'Where faults with a PASID go: to the page table of the PASID, else to a nested one that the device itself is attached to.',
  [
    scenario('goes,by_pasid', {
      doc: 'An attachment of the PASID decides alone; without one, only a nested page table takes the fault.',
      covers: ['IOMMU_TEST_OP_TRIGGER_IOPF/OK'],
      gaps: [39, 42],
      source: 'device.md 3.2, mock.md 9',
      needs: ['pasid'],
      setup: deviceWithPasids,
      cases: {
        own: (t, { handle, device, faulting }) => {
          t.pasidAttach(handle, P, faulting);
          fault(t, device, { pasid: P, grpid: 3 });
          t.read('q', FAULT).reads(...record(1, { pasid: P, grpid: 3 }));
        },
        other_pasid: (t, { handle, device, faulting }) => {
          t.pasidAttach(handle, P, faulting);
          fault(t, device, { pasid: P + 1 });
          fault(t, device);
          t.poll('q').returns(WRITABLE);
        },
        own_without_queue: (t, { handle, device, plain, faulting }) => {
          t.pasidAttach(handle, 0, faulting);
          t.pasidAttach(handle, P, plain);
          fault(t, device, { pasid: P });
          t.poll('q').returns(WRITABLE);
        },
        device_on_nested: (t, { handle, device, faulting }) => {
          t.pasidAttach(handle, 0, faulting);
          fault(t, device, { pasid: P });
          t.read('q', FAULT).reads(...record(1, { pasid: P }));
        },
        device_on_nested_without_queue: (t, { handle, device, plain, faulting }) => {
          t.pasidAttach(handle, 0, plain);
          t.pasidAttach(handle, P, faulting);
          fault(t, device, { pasid: P + 1 });
          fault(t, device);
          t.poll('q').returns(WRITABLE);
        },
        nothing_attached: (t, { device }) => {
          fault(t, device);
          fault(t, device, { pasid: P });
          t.poll('q').returns(WRITABLE);
        },
        without_pasid: (t, { handle, device, faulting }) => {
          t.pasidAttach(handle, 0, faulting);
          fault(t, device);
          t.read('q', FAULT).reads(...record(1));
        },
      },
      control: (t, { handle, device, faulting }) => {
        t.pasidAttach(handle, P, faulting);
        fault(t, device, { pasid: P });
        t.poll('q').returns(READABLE | WRITABLE);
      },
    }),
    scenario('answered,by_attachment', {
      doc: 'The kernel answers the faults of the attachment that ends, whatever their PASID, and no others.',
      covers: ['IOMMU_TEST_OP_PASID_DETACH/OK', 'IOMMU_TEST_OP_PASID_REPLACE/OK'],
      gaps: [41],
      source: 'device.md 3.2',
      needs: ['pasid'],
      setup: (t) => {
        const all = deviceWithPasids(t);
        t.pasidAttach(all.handle, 0, all.faulting);
        t.pasidAttach(all.handle, P, all.faulting);
        for (const pasid of [P, 0, P + 1]) fault(t, all.device, { pasid });
        t.read('q', FAULT).reads(...record(1, { pasid: P }));
        return all;
      },
      cases: {
        detached: (t, { handle }) => {
          t.pasidDetach(handle, P);
          t.write('q', [1, 0]).fails('EINVAL');
          t.read('q', 2 * FAULT).reads(...record(1), ...record(2, { pasid: P + 1 }));
        },
        moved: (t, { handle, plain }) => {
          t.pasidReplace(handle, P, plain);
          t.write('q', [1, 0]).fails('EINVAL');
          t.poll('q').returns(READABLE | WRITABLE);
        },
        not_moved: (t, { handle, faulting }) => {
          t.pasidReplace(handle, P, faulting);
          t.write('q', [1, 0]).returns(ANSWER);
        },
        device_detached: (t, { handle }) => {
          t.pasidDetach(handle, 0);
          t.poll('q').returns(WRITABLE);
          t.write('q', [1, 0]).returns(ANSWER);
        },
        device_moved: (t, { handle, parent }) => {
          t.replace(handle, parent);
          t.poll('q').returns(WRITABLE);
          t.write('q', [1, 0]).returns(ANSWER);
        },
        attached_later: (t, { handle, faulting }) => {
          t.pasidAttach(handle, P + 1, faulting);
          t.pasidDetach(handle, P + 1);
          t.read('q', 2 * FAULT).reads(...record(2), ...record(3, { pasid: P + 1 }));
        },
        move_fails: (t, { handle, device, faulting, plain }) => {
          t.pasidAttach(handle, FAILING, faulting);
          fault(t, device, { pasid: FAILING });
          t.read('q', 3 * FAULT).reads(
            ...record(2),
            ...record(3, { pasid: P + 1 }),
            ...record(4, { pasid: FAILING }),
          );
          t.pasidReplace(handle, FAILING, plain).fails('ENOMEM');
          fault(t, device, { pasid: FAILING });
          t.write('q', [4, 0]).returns(ANSWER);
          t.read('q', FAULT).reads(...record(4, { pasid: FAILING }));
          t.pasidReplace(handle, FAILING, plain);
          t.write('q', [4, 0]).fails('EINVAL');
        },
      },
      control: (t) => t.write('q', [1, 0]).returns(ANSWER),
    }),
  ],
);
