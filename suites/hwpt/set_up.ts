import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import type { ExpectedStep } from '../harness/expected_step.js';

export const NEST_PARENT = 1;

export interface DeviceAndParent {
  readonly ioas: Reference;
  readonly mock: ExpectedStep;
  readonly handle: Reference;
  readonly device: Reference;
  readonly parent: Reference;
}

/** A mock device, and a page table that nested ones and vIOMMUs may be made on. */
export function deviceAndParent(t: ScenarioBuilder): DeviceAndParent {
  const ioas = t.ioas();
  const mock = t.mockDomain(ioas);
  const device = mock.out('out_idev_id');
  const parent = t.hwptAlloc(device, ioas, { flags: NEST_PARENT }).out('out_hwpt_id');
  return { ioas, mock, handle: mock.out('out_stdev_id'), device, parent };
}
