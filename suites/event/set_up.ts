import type { Reference, Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import type { IoctlOptions } from '../harness/step_writer.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { NO_SUCH_ID, hwptData } from '../harness/builder.js';
import { type DeviceAndParent, deviceAndParent } from '../hwpt/set_up.js';
import { deviceAndViommu } from '../viommu/set_up.js';

/** FAULT_ID_VALID. */
export const WITH_FAULT = 4;

/** Members of a page table whose fault queue there is not, which is found once the page table is filled. */
export const WITHOUT_QUEUE = { flags: WITH_FAULT, fault_id: NO_SUCH_ID };

/** The mock's own type of events. */
const EVENTS_OF_MOCK = 0xbeef_beef;

/** Events of poll(): IN and RDNORM, and OUT. */
export const READABLE = 0x41;
export const WRITABLE = 0x4;

/** A new fault queue; `fd` is the label of its file. */
export function faultQueue(t: ScenarioBuilder, fd = 'q', options: Partial<IoctlOptions> = {}): ExpectedStep {
  return t.ioctl('IOMMU_FAULT_QUEUE_ALLOC', {}, { fd, ...options });
}

/** A nested page table whose faults go to a queue. */
export function nestedWithFault(
  t: ScenarioBuilder,
  device: Scalar,
  parent: Scalar,
  fault: Scalar,
): ExpectedStep {
  return t.hwptAlloc(device, parent, { flags: WITH_FAULT, fault_id: fault, ...hwptData([0]) });
}

interface Request {
  readonly pasid?: number;
  readonly grpid?: number;
  readonly perm?: number;
  readonly addr?: bigint;
}

/** A device meets no translation. */
export function fault(t: ScenarioBuilder, device: Scalar, request: Request = {}): ExpectedStep {
  return t.ioctl('IOMMU_TEST_OP_TRIGGER_IOPF', { dev_id: device, ...request });
}

/** Bytes of a fault record. */
const FAULT_BYTES = 40;

/**
 * A device meets no translation, somebody reads that from the queue of `q` and answers that the page is there now: what the
 * kernel's own tests do.
 * @param id the id that the device has
 */
export function faultReadAndAnswered(t: ScenarioBuilder, device: Scalar, id: number, pasid = 1): void {
  const request = { pasid, grpid: 2, perm: 3, addr: 0xdead_beafn };
  fault(t, device, request);
  t.read('q', FAULT_BYTES).reads(...record(1, request, id));
  t.write('q', [1, 0]).returns(8);
  t.poll('q').returns(WRITABLE);
}

export interface DeviceWithQueue extends DeviceAndParent {
  readonly queue: Reference;
  readonly hwpt: Reference;
}

/** Ids of the set-up where nothing was there before. */
const ID = { ioas: 1, handle: 2, device: 3, parent: 5, queue: 6, hwpt: 7 } as const;

/** A mock device on a nested page table whose faults go to the queue of a file. */
export function deviceWithQueue(t: ScenarioBuilder, fd = 'q'): DeviceWithQueue {
  const all = deviceAndParent(t);
  const queue = faultQueue(t, fd).out('out_fault_id');
  const hwpt = nestedWithFault(t, all.device, all.parent, queue).out('out_hwpt_id');
  t.replace(all.handle, hwpt);
  return { ...all, queue, hwpt };
}

/** The words of a fault record, whose address is below 2^32. */
export function record(
  cookie: number,
  { pasid = 0, grpid = 0, perm = 0, addr = 0n }: Request = {},
  device: number = ID.device,
): readonly number[] {
  return [pasid === 0 ? 2 : 3, device, pasid, grpid, perm, 0, Number(addr), 0, 0, cookie];
}

/** A queue of the mock's events; `fd` is the label of its file. */
export function veventq(
  t: ScenarioBuilder,
  viommu: Scalar,
  depth: number,
  args: Readonly<Record<string, number>> = {},
  options: Partial<IoctlOptions> = {},
): ExpectedStep {
  const type = EVENTS_OF_MOCK;
  const all = { viommu_id: viommu, type, veventq_depth: depth, ...args };
  return t.ioctl('IOMMU_VEVENTQ_ALLOC', all, { fd: 'q', ...options });
}

/** A device reports an event. */
export function event(t: ScenarioBuilder, device: Scalar): ExpectedStep {
  return t.ioctl('IOMMU_TEST_OP_TRIGGER_VEVENT', { dev_id: device });
}

/** The name of the device for the guest in what follows. */
export const NAME = 0x99;

export interface DeviceOfGuest extends DeviceAndParent {
  readonly viommu: Reference;
  readonly vdevice: Reference;
  readonly nested: Reference;
}

/** A mock device that is attached through a vIOMMU under a name. */
export function deviceOfGuest(t: ScenarioBuilder, name = BigInt(NAME)): DeviceOfGuest {
  const all = deviceAndViommu(t);
  const vdevice = t.vdevice(all.viommu, all.device, name).out('out_vdevice_id');
  const nested = t.nestedHwpt(all.device, all.viommu, 0).out('out_hwpt_id');
  t.replace(all.handle, nested);
  return { ...all, vdevice, nested };
}

/** The words of an event, and of the mark that events were lost. */
export function eventRecord(sequence: number, name = NAME): readonly number[] {
  return [0, sequence, name];
}

export function lostRecord(sequence: number): readonly number[] {
  return [1, sequence];
}
