import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { scenario, suite } from '../harness/scenario.js';
import {
  deviceOfGuest,
  deviceWithQueue,
  event,
  fault,
  faultQueue,
  nestedWithFault,
  veventq,
} from '../event/set_up.js';
import { deviceAndParent } from '../hwpt/set_up.js';
import { deviceAndViommu } from '../viommu/set_up.js';
import { SWEPT, destroyIt, sweep } from './sweep.js';

const FAULT_BYTES = 40;
const EVENT_BYTES = 12;

/** Undoes the making of an object that has a file, which is not open if the call failed. */
function destroyWithFile(
  member: string,
): (this: void, t: ScenarioBuilder, setup: unknown, step: ExpectedStep, round: number) => void {
  return (t, _, step, round) => {
    t.close(`q${String(round)}`).orFails('EBADF');
    t.destroy(step.out(member)).orFails('ENOENT');
  };
}

export const exhaustionViommu = suite(
  'exhaustion/viommu',
  'Calls on what a guest sees and on event queues that run out of memory.',
  [
    scenario('calls', {
      doc: 'Each call fails with ENOMEM and changes nothing, or succeeds.',
      covers: ['IOMMU_VIOMMU_ALLOC/OK', 'IOMMU_VDEVICE_ALLOC/OK', 'IOMMU_HW_QUEUE_ALLOC/OK'],
      ...SWEPT,
      needs: [...SWEPT.needs, 'viommu'],
      setup: () => undefined,
      cases: {
        viommu: sweep({
          setup: (t) => deviceAndParent(t),
          call: (t, { device, parent }) => t.viommu(device, parent),
          undo: destroyIt('out_viommu_id'),
          rounds: 7,
        }),
        viommu_with_region: sweep({
          setup: (t) => deviceAndParent(t),
          call: (t, { device, parent }) =>
            t.viommu(device, parent, { data_len: 24, data_uptr: { words: [1, 0, 0, 0, 0, 0] } }),
          undo: destroyIt('out_viommu_id'),
          rounds: 11,
        }),
        vdevice: sweep({
          setup: (t) => deviceAndViommu(t),
          call: (t, { viommu, device }) => t.vdevice(viommu, device, 0x99n),
          undo: destroyIt('out_vdevice_id'),
          rounds: 10,
        }),
        nested: sweep({
          setup: (t) => deviceAndViommu(t),
          call: (t, { viommu, device }) => t.nestedHwpt(device, viommu, 7),
          undo: destroyIt('out_hwpt_id'),
          rounds: 10,
        }),
        replace: sweep({
          setup: (t) => {
            const all = deviceAndViommu(t);
            t.vdevice(all.viommu, all.device, 0x99n);
            return { ...all, nested: t.nestedHwpt(all.device, all.viommu, 7).out('out_hwpt_id') };
          },
          call: (t, { handle, nested }) => t.replace(handle, nested),
          undo: (t, { handle, ioas }) => {
            t.replace(handle, ioas);
          },
          rounds: 9,
        }),
        hw_queue: sweep({
          setup: (t) => {
            const all = deviceAndViommu(t);
            t.map(all.ioas, { iova: A });
            return all;
          },
          call: (t, { viommu }) =>
            t.ioctl('IOMMU_HW_QUEUE_ALLOC', {
              viommu_id: viommu,
              type: 0xdead_beef,
              index: 0,
              nesting_parent_iova: A,
              length: P,
            }),
          undo: destroyIt('out_hw_queue_id'),
          // More of them on a sanitized kernel.
          rounds: 13,
        }),
        invalidate: sweep({
          setup: (t) => {
            const all = deviceAndViommu(t);
            t.vdevice(all.viommu, all.device, 5n);
            return all;
          },
          call: (t, { viommu }) => t.invalidate(viommu, [0, 5, 2, 0, 5, 1], { entry_len: 12, entry_num: 2 }),
          answers: { writesBack: true },
          rounds: 6,
        }),
        veventq: sweep({
          setup: (t) => deviceAndViommu(t),
          call: (t, { viommu }, round) => veventq(t, viommu, 2, {}, { fd: `q${String(round)}` }),
          undo: destroyWithFile('out_veventq_id'),
          rounds: 9,
        }),
        event: sweep({
          setup: (t) => {
            const all = deviceOfGuest(t);
            veventq(t, all.viommu, 4);
            return all;
          },
          call: (t, { device }) => event(t, device),
          undo: (t) => {
            t.read('q', EVENT_BYTES).readsAnything();
          },
          rounds: 6,
        }),
        event_read: sweep({
          setup: (t) => {
            const all = deviceOfGuest(t);
            veventq(t, all.viommu, 4);
            return all;
          },
          before: (t, { device }) => {
            event(t, device);
          },
          call: (t) => t.read('q', EVENT_BYTES).readsAnything(),
          undo: (t) => {
            t.read('q', EVENT_BYTES).readsAnything();
          },
          rounds: 4,
          isQuiet: true,
        }),
      },
      control: (t) => {
        const { viommu, device } = deviceAndViommu(t);
        t.vdevice(viommu, device, 0x99n);
      },
    }),
    scenario('faults', {
      doc: 'Calls on fault queues fail with ENOMEM and change nothing, or succeed.',
      covers: ['IOMMU_FAULT_QUEUE_ALLOC/OK'],
      seeds: ['S2-64'],
      ...SWEPT,
      setup: () => undefined,
      cases: {
        queue: sweep({
          setup: () => undefined,
          call: (t, _, round) => faultQueue(t, `q${String(round)}`),
          undo: destroyWithFile('out_fault_id'),
          rounds: 9,
        }),
        nested: sweep({
          setup: (t) => ({ ...deviceAndParent(t), queue: faultQueue(t).out('out_fault_id') }),
          call: (t, { device, parent, queue }) => nestedWithFault(t, device, parent, queue),
          undo: destroyIt('out_hwpt_id'),
          rounds: 25,
        }),
        replace: sweep({
          setup: (t) => deviceWithQueue(t),
          before: (t, { handle, ioas }) => {
            t.replace(handle, ioas);
          },
          call: (t, { handle, hwpt }) => t.replace(handle, hwpt),
          undo: (t, { handle, ioas }) => {
            t.replace(handle, ioas);
          },
          rounds: 40,
        }),
        trigger: sweep({
          setup: (t) => deviceWithQueue(t),
          call: (t, { device }) => fault(t, device),
          undo: (t) => {
            t.read('q', FAULT_BYTES).readsAnything();
          },
          rounds: 6,
          isQuiet: true,
        }),
        read: sweep({
          setup: (t) => deviceWithQueue(t),
          before: (t, { device }) => {
            fault(t, device);
          },
          call: (t) => t.read('q', FAULT_BYTES).readsAnything(),
          undo: (t) => {
            t.read('q', FAULT_BYTES).readsAnything();
          },
          rounds: 5,
          isQuiet: true,
        }),
      },
      control: (t) => faultQueue(t),
    }),
  ],
);
