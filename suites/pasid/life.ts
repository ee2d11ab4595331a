import type { Reference } from '../../models/program/program.js';
import { WITH_FAULT, faultQueue, faultReadAndAnswered } from '../event/set_up.js';
import { type ScenarioBuilder, hwptData } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { PASID } from './set_up.js';

const NEST_PARENT = 1;
/** MOCK_FLAGS_DEVICE_PASID. */
const HAS_PASIDS = 4;
/** IOMMU_TEST_IOTLB_DEFAULT. */
const FULL = 0x0bad_beef;
/** The PASID whose moves fail every other time. */
const FAILING = 1024;

/** The device with PASIDs, where nothing was there before. */
const DEVICE_ID = 3;

interface Made {
  readonly ioas: Reference;
  /** The device with PASIDs. */
  readonly handle: Reference;
  readonly device: Reference;
  /** One without, if it was asked for. */
  readonly plainHandle: Reference | undefined;
  /** Made with NEST_PARENT alone. */
  readonly parent: Reference;
  /** Made for PASIDs over the parent; the last one's faults go to the queue of `q`. */
  readonly nested: Reference;
  readonly otherNested: Reference;
  readonly faulting: Reference;
  readonly queue: Reference;
  /** Made for PASIDs over the IOAS. */
  readonly paging: Reference;
}

/** Devices and page tables of the kernel's own test. */
function make(t: ScenarioBuilder, hasPlainDevice: boolean): Made {
  const ioas = t.ioas();
  const mock = t.mockDevice(ioas, HAS_PASIDS);
  const plain = hasPlainDevice ? t.mockDevice(ioas, 0) : undefined;
  const [handle, device] = [mock.out('out_stdev_id'), mock.out('out_idev_id')];
  t.pasidDetach(handle, 100);
  const parent = t.hwptAlloc(device, ioas, { flags: NEST_PARENT }).out('out_hwpt_id');
  const over = (target: Reference, args: Readonly<Record<string, Reference | number>> = {}) =>
    t.hwptAlloc(device, target, { flags: PASID, ...hwptData([FULL]), ...args }).out('out_hwpt_id');
  const [nested, otherNested] = [over(parent), over(parent)];
  const queue = faultQueue(t).out('out_fault_id');
  const faulting = over(parent, { flags: PASID | WITH_FAULT, fault_id: queue });
  over(t.viommu(device, parent).out('out_viommu_id'));
  const paging = t.hwptAlloc(device, ioas, { flags: PASID }).out('out_hwpt_id');
  const plainHandle = plain?.out('out_stdev_id');
  return { ioas, handle, device, plainHandle, parent, nested, otherNested, faulting, queue, paging };
}

/** The device itself moves between page tables for PASIDs and others, as far as its PASIDs allow it. */
function moveTheDevice(t: ScenarioBuilder, { handle, parent, nested, paging }: Made): void {
  t.replace(handle, parent);
  t.pasidAttach(handle, 100, paging).fails('EINVAL');
  t.replace(handle, paging);
  t.pasidAttach(handle, 100, nested);
  t.replace(handle, parent).fails('EINVAL');
  t.pasidDetach(handle, 100);
  t.pasidCheck(handle, 100, 0);
}

/** A device without PASIDs may use page tables for PASIDs, but no PASID. */
function useTheOtherDevice(t: ScenarioBuilder, { plainHandle, ioas, nested, parent, paging }: Made): void {
  if (plainHandle === undefined) return;
  t.replace(plainHandle, nested);
  t.replace(plainHandle, ioas);
  t.pasidAttach(plainHandle, 100, parent).fails('EINVAL');
  t.pasidAttach(plainHandle, 100, paging).fails('EINVAL');
}

/** PASID 100 is attached to what is made for PASIDs, once. */
function attach(t: ScenarioBuilder, { ioas, handle, parent, nested, paging }: Made): void {
  for (const target of [parent, ioas]) {
    t.pasidAttach(handle, 100, target).fails('EINVAL');
    t.pasidCheck(handle, 100, 0);
  }
  t.pasidAttach(handle, 100, paging);
  t.pasidCheck(handle, 100, paging);
  t.pasidAttach(handle, 100, nested).fails('EBUSY');
  t.pasidDetach(handle, 100);
  t.pasidCheck(handle, 100, 0);
  t.pasidAttach(handle, 100, nested);
  t.pasidCheck(handle, 100, nested);
  t.pasidAttach(handle, 100, nested).fails('EBUSY');
  t.pasidDetach(handle, 100);
}

/** PASID 200 moves. */
function replace(t: ScenarioBuilder, { ioas, handle, nested, otherNested, paging }: Made): void {
  t.pasidReplace(handle, 200, paging).fails('EINVAL');
  t.pasidAttach(handle, 200, paging);
  t.pasidCheck(handle, 200, paging);
  t.pasidReplace(handle, 200, ioas).fails('EINVAL');
  t.pasidCheck(handle, 200, paging);
  for (const target of [nested, otherNested]) {
    t.pasidReplace(handle, 200, target);
    t.pasidCheck(handle, 200, target);
  }
  t.pasidDetach(handle, 200);
}

/** The move of PASID 1024 fails on purpose. */
function failToReplace(t: ScenarioBuilder, { handle, nested, paging }: Made): void {
  t.pasidAttach(handle, FAILING, paging);
  t.pasidCheck(handle, FAILING, paging);
  t.pasidReplace(handle, FAILING, nested).fails('ENOMEM');
  t.pasidCheck(handle, FAILING, paging);
  t.pasidDetach(handle, FAILING);
}

/** PASID 2048 meets no translation, somebody answers, and it moves away. */
function fault(t: ScenarioBuilder, { handle, device, queue, faulting, paging }: Made): void {
  t.pasidAttach(handle, 2048, faulting);
  t.pasidCheck(handle, 2048, faulting);
  faultReadAndAnswered(t, device, DEVICE_ID, 2048);
  t.pasidReplace(handle, 2048, paging);
  t.pasidCheck(handle, 2048, paging);
  t.pasidDetach(handle, 2048);
  t.destroy(faulting);
  t.close('q');
  t.destroy(queue);
}

const ALL = [moveTheDevice, useTheOtherDevice, attach, replace, failToReplace, fault] as const;

export const pasidLife = suite(
  'pasid/life',
  'PASIDs of one device from the first attachment to the last, as the kernel’s own test goes through them.',
  [
    scenario('one_after_the_other', {
      doc: 'PASIDs are attached to and moved between what is made for them, each by itself; a refused move leaves them where they are, and a device without PASIDs is refused each.',
      covers: [
        'IOMMU_TEST_OP_PASID_ATTACH/OK',
        'IOMMU_TEST_OP_PASID_ATTACH/EBUSY.attached',
        'IOMMU_TEST_OP_PASID_REPLACE/OK',
        'IOMMU_TEST_OP_PASID_DETACH/OK',
        'IOMMU_TEST_OP_TRIGGER_IOPF/OK',
      ],
      source: 'kselftest.md 8',
      kselftest: ['iommufd_device_pasid.pasid_attach'],
      needs: ['pasid', 'viommu'],
      setup: () => undefined,
      cases: {
        one_device: (t) => {
          const made = make(t, false);
          for (const part of ALL) part(t, made);
          t.replace(made.handle, made.ioas);
        },
        beside_a_device_without: (t) => {
          const made = make(t, true);
          for (const part of ALL) part(t, made);
          t.replace(made.handle, made.ioas);
        },
      },
      control: (t) => {
        moveTheDevice(t, make(t, false));
      },
    }),
  ],
);
