import type { Reference, Scalar } from '../../models/program/program.js';
import { WITH_FAULT, faultQueue, faultReadAndAnswered, nestedWithFault } from '../event/set_up.js';
import { type ScenarioBuilder, hwptData } from '../harness/builder.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { suite } from '../harness/scenario.js';
import { type UsedIoas, inEachSetUp } from './set_ups.js';

const NEST_PARENT = 1;
/** IOMMU_TEST_IOTLB_DEFAULT. */
const FULL = 0x0bad_beef;
/** IOMMU_TEST_INVALIDATE_FLAG_ALL. */
const ALL = 1;
const ALL_ONES = 0xffff_ffff;

interface Last {
  readonly handle: Reference;
  readonly device: Reference;
  /** The id that the device has where nothing was there before. */
  readonly id: number;
}

/** The last device that the set-up has made, if there is one. */
function lastDevice({ devices }: UsedIoas): Last | undefined {
  const last = devices.at(-1);
  if (last === undefined) return undefined;
  return { handle: last.out('out_stdev_id'), device: last.out('out_idev_id'), id: 3 * devices.length };
}

/** A case for set-ups that have a device. */
function withDevice(body: (t: ScenarioBuilder, used: UsedIoas, last: Last) => void) {
  return (t: ScenarioBuilder, used: UsedIoas): void => {
    const last = lastDevice(used);
    if (last !== undefined) body(t, used, last);
  };
}

function parentOf(t: ScenarioBuilder, ioas: Scalar, device: Scalar): Reference {
  return t.hwptAlloc(device, ioas, { flags: NEST_PARENT }).out('out_hwpt_id');
}

/** The four entries of a nested page table. */
function expectEntries(t: ScenarioBuilder, hwpt: Scalar, ...values: readonly number[]): void {
  for (const [entry, value] of values.entries()) t.checkIotlb(hwpt, entry, value);
}

/** A nested page table, in all but some members as it should be. */
function nested(
  t: ScenarioBuilder,
  device: Scalar,
  parent: Scalar,
  args: Readonly<Record<string, number>> = {},
): ExpectedStep {
  return t.hwptAlloc(device, parent, { ...hwptData([FULL]), ...args });
}

export const ioasUsedNested = suite(
  'ioas/used_nested',
  'Nested page tables over one of an IOAS with no, one and two devices, and with little temporary memory.',
  [
    ...inEachSetUp('nested', {
      doc: 'What is no parent is refused, requests are carried out up to the first bad one, devices move between nested page tables, and faults go to the queue of the one that they are attached to.',
      covers: [
        'IOMMU_HWPT_ALLOC/OK',
        'IOMMU_HWPT_ALLOC/EINVAL.parent',
        'IOMMU_HWPT_INVALIDATE/OK',
        'IOMMU_HWPT_INVALIDATE/EINVAL.entry',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/OK',
      ],
      source: 'kselftest.md 3.1',
      kselftest: ['alloc_hwpt_nested'],
      cases: {
        without_a_device: (t, { ioas }) => {
          t.hwptAlloc(0, ioas).fails('ENOENT');
          nested(t, 0, 0).fails('ENOENT');
          t.replace(0, 0).fails('ENOENT');
        },
        paging_refused: withDevice((t, { ioas }, { device }) => {
          t.hwptAlloc(ioas, device).fails('ENOENT');
          t.hwptAlloc(device, device).fails('EINVAL');
          t.hwptAlloc(device, ioas, { flags: NEST_PARENT | WITH_FAULT }).fails('EOPNOTSUPP');
        }),
        nested_refused: withDevice((t, { ioas }, { device }) => {
          const parent = parentOf(t, ioas, device);
          const plain = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          nested(t, device, parent, { data_type: 0 }).fails('EINVAL');
          nested(t, device, parent, { data_type: 0xdeae }).fails('EOPNOTSUPP');
          nested(t, device, parent, { data_len: 3 }).fails('EINVAL');
          nested(t, device, parent, { data_uptr: 0 }).fails('EFAULT');
          nested(t, device, parent, { flags: NEST_PARENT }).fails('EOPNOTSUPP');
          nested(t, device, plain).fails('EINVAL');
          nested(t, device, parent, { flags: WITH_FAULT, fault_id: ALL_ONES }).fails('ENOENT');
          const first = nested(t, device, parent).out('out_hwpt_id');
          nested(t, device, first).fails('EINVAL');
          t.destroy(parent).fails('EBUSY');
          t.destroy(first);
          t.destroy(parent);
          t.destroy(plain);
        }),
        requests_refused: withDevice((t, { ioas }, { device }) => {
          const parent = parentOf(t, ioas, device);
          const hwpt = nested(t, device, parent).out('out_hwpt_id');
          const none = { entry_num: 0 };
          t.invalidate(parent, [0, 0]).fails({ '7.3': 'EINVAL', '6.12': 'ENOENT' }, none);
          t.invalidate(hwpt, []).ok(none);
          t.invalidate(hwpt, [0, 0], { data_type: 0xbadd_beef }).fails('EINVAL', none);
          t.invalidate(hwpt, [0, 0, 0], { entry_len: 9, entry_num: 1 }).fails('EINVAL', none);
          t.invalidate(hwpt, [0, 0], { entry_len: 1 }).fails('EINVAL', none);
          t.invalidate(hwpt, [0, 0], { entry_len: 4097 }).fails('EINVAL', none);
          t.invalidate(hwpt, [0, 0], { entry_num: (1 << 19) + 1 }).fails('EINVAL', none);
          t.invalidate(hwpt, [ALL_ONES, 0]).fails('EOPNOTSUPP', none);
          t.invalidate(hwpt, [], { data_uptr: 0, entry_num: 1 }).fails('EINVAL', none);
          t.invalidate(hwpt, [0, 0], { entry_len: 0 }).fails('EINVAL', none);
          t.invalidate(hwpt, [0, 4]).fails('EINVAL', none);
          expectEntries(t, hwpt, FULL, FULL, FULL, FULL);
        }),
        requests_carried_out: withDevice((t, { ioas }, { device }) => {
          const parent = parentOf(t, ioas, device);
          const one = nested(t, device, parent).out('out_hwpt_id');
          const other = nested(t, device, parent).out('out_hwpt_id');
          for (const hwpt of [one, other]) expectEntries(t, hwpt, FULL, FULL, FULL, FULL);
          t.invalidate(one, [0, 0, ALL_ONES, 1]).fails('EOPNOTSUPP', { entry_num: 1 });
          expectEntries(t, one, 0, FULL, FULL, FULL);
          t.invalidate(one, [0, 0, 0, 4]).fails('EINVAL', { entry_num: 1 });
          expectEntries(t, one, 0, FULL, FULL, FULL);
          t.invalidate(one, [0, 1]).ok({ entry_num: 1 });
          expectEntries(t, one, 0, 0, FULL, FULL);
          t.invalidate(one, [0, 2, 0, 3]).ok({ entry_num: 2 });
          expectEntries(t, one, 0, 0, 0, 0);
          expectEntries(t, other, FULL, FULL, FULL, FULL);
          t.invalidate(other, [ALL, 0]).ok({ entry_num: 1 });
          expectEntries(t, other, 0, 0, 0, 0);
        }),
        device_moves: withDevice((t, { ioas }, { handle, device, id }) => {
          const parent = parentOf(t, ioas, device);
          const plain = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          const queue = faultQueue(t).out('out_fault_id');
          const first = nested(t, device, parent).out('out_hwpt_id');
          const second = nested(t, device, parent).out('out_hwpt_id');
          const faulting = nestedWithFault(t, device, parent, queue).out('out_hwpt_id');
          t.replace(handle, first);
          t.destroy(first).fails('EBUSY');
          t.replace(handle, second);
          t.destroy(second).fails('EBUSY');
          t.destroy(first);
          t.replace(handle, faulting);
          t.destroy(faulting).fails('EBUSY');
          faultReadAndAnswered(t, device, id);
          t.replace(handle, parent);
          t.destroy(second);
          t.destroy(faulting);
          t.replace(handle, ioas);
          t.destroy(parent);
          t.destroy(plain);
          t.close('q');
          t.destroy(queue);
        }),
      },
      control: (t, { ioas }) => {
        const device = t.mockDomain(ioas).out('out_idev_id');
        nested(t, device, parentOf(t, ioas, device));
      },
    }),
  ],
);
