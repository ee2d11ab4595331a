import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import type { ExpectedStep } from '../harness/expected_step.js';

/** ALLOC_PASID. */
export const PASID = 8;

export interface DeviceWithPasids {
  readonly ioas: Reference;
  readonly mock: ExpectedStep;
  readonly handle: Reference;
  readonly device: Reference;
  /** Made with ALLOC_PASID; the device is attached to the first. */
  readonly first: Reference;
  readonly second: Reference;
  /** Made without. */
  readonly plain: Reference;
}

/** A mock device that has PASIDs, attached to a page table that allows to use them, and other page tables. */
export function deviceWithPasids(t: ScenarioBuilder): DeviceWithPasids {
  const ioas = t.ioas();
  const mock = t.mockDevice(ioas, 4);
  const [handle, device] = [mock.out('out_stdev_id'), mock.out('out_idev_id')];
  const first = t.hwptAlloc(device, ioas, { flags: PASID }).out('out_hwpt_id');
  const second = t.hwptAlloc(device, ioas, { flags: PASID }).out('out_hwpt_id');
  const plain = t.hwptAlloc(device, ioas).out('out_hwpt_id');
  t.replace(handle, first);
  return { ioas, mock, handle, device, first, second, plain };
}

/** The same with a PASID attached to one of the two page tables that allow it. */
export function attachedPasid(
  t: ScenarioBuilder,
  pasid: number,
  place: 'first' | 'second',
): DeviceWithPasids {
  const all = deviceWithPasids(t);
  t.pasidAttach(all.handle, pasid, all[place]);
  return all;
}
