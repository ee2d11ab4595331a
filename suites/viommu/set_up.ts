import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { type DeviceAndParent, deviceAndParent } from '../hwpt/set_up.js';

/** A mock device with a parent page table and a vIOMMU on it. */
export function deviceAndViommu(t: ScenarioBuilder): DeviceAndParent & { readonly viommu: Reference } {
  const all = deviceAndParent(t);
  return { ...all, viommu: t.viommu(all.device, all.parent).out('out_viommu_id') };
}
