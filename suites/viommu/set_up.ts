import { BUFFER } from '../../models/program/arena.js';
import type { Operand, Reference, Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { type DeviceAndParent, deviceAndParent } from '../hwpt/set_up.js';

/** A mock device with a parent page table and a vIOMMU on it. */
export function deviceAndViommu(t: ScenarioBuilder): DeviceAndParent & { readonly viommu: Reference } {
  const all = deviceAndParent(t);
  return { ...all, viommu: t.viommu(all.device, all.parent).out('out_viommu_id') };
}

type QueueArguments = Readonly<Record<string, Operand>>;

/** A queue of the mock with one page of memory. */
export function queue(
  t: ScenarioBuilder,
  viommu: Scalar,
  index: number,
  iova: bigint,
  args: QueueArguments = {},
): ExpectedStep {
  return t.ioctl('IOMMU_HW_QUEUE_ALLOC', {
    viommu_id: viommu,
    type: 0xdead_beef,
    index,
    nesting_parent_iova: iova,
    length: P,
    ...args,
  });
}

/** Four pages of memory in areas of one page. */
export function viommuAndPages(t: ScenarioBuilder): ReturnType<typeof deviceAndViommu> {
  const all = deviceAndViommu(t);
  for (const page of [0n, 1n, 2n, 3n]) {
    t.map(all.ioas, { iova: A + page * P, va: BUFFER.start + page * P });
  }
  return all;
}
