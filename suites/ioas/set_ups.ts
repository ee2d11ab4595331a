import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { APERTURE_START } from '../harness/constants.js';
import { type ScenarioSpec, scenario } from '../harness/scenario.js';
import { limitMemory, unlimitMemoryAtLast } from '../mock/temporary_memory.js';

/** One of the set-ups in which the kernel's own tests use an IOAS; its name is that of their variant. */
interface IoasSetUp {
  readonly name: string;
  readonly devices: number;
  /** With a device that has PASIDs besides, which 6.12 does not know. */
  readonly hasPasidDevice?: boolean;
  /** Bytes of the kernel's temporary arrays: with few, pages are pinned and mapped in many steps. */
  readonly memoryLimit?: number;
}

const SET_UPS: readonly IoasSetUp[] = [
  { name: 'no_domain', devices: 0 },
  { name: 'mock_domain', devices: 1, hasPasidDevice: true },
  { name: 'two_mock_domain', devices: 2 },
  { name: 'mock_domain_limit', devices: 1, memoryLimit: 16 },
];

/** What a set-up hands to the cases. */
export interface UsedIoas {
  readonly ioas: Reference;
  /** Mock devices, all of them attached to the automatic page table of the IOAS. */
  readonly devices: readonly ExpectedStep[];
  readonly pasidDevice?: ExpectedStep;
  /** The first IOVA that can be used. */
  readonly base: bigint;
}

interface EachSetUpSpec extends Omit<ScenarioSpec<UsedIoas>, 'setup' | 'putBack'> {
  /** Cases of the kernel's fixture, which are tested in each of its variants. */
  readonly kselftest: readonly string[];
}

/** A scenario in each of the set-ups. */
export function inEachSetUp(
  name: string,
  { kselftest, ...spec }: EachSetUpSpec,
): ReturnType<typeof scenario>[] {
  return SET_UPS.map((setUp) =>
    scenario(`${name},${setUp.name}`, {
      ...spec,
      kselftest: kselftest.map((one) => `iommufd_ioas.${setUp.name}.${one}`),
      setup: (t) => use(t, setUp),
      ...(setUp.memoryLimit === undefined ? {} : { putBack: unlimitMemoryAtLast }),
    }),
  );
}

function use(t: ScenarioBuilder, { devices, hasPasidDevice = false, memoryLimit }: IoasSetUp): UsedIoas {
  const ioas = t.ioas();
  if (memoryLimit !== undefined) limitMemory(t, memoryLimit);
  return {
    ioas,
    devices: Array.from({ length: devices }, () => t.mockDomain(ioas)),
    ...(hasPasidDevice ? { pasidDevice: deviceWithPasids(t, ioas) } : {}),
    base: devices === 0 ? 0n : APERTURE_START,
  };
}

const FLAGS_DEVICE_PASID = 4;

function deviceWithPasids(t: ScenarioBuilder, ioas: Reference): ExpectedStep {
  return t.mockDevice(ioas, FLAGS_DEVICE_PASID).fails({ '7.3': 'OK', '6.12': 'EINVAL' });
}

/** Devices go; that of the other kernel was never there. */
export function destroyDevices(t: ScenarioBuilder, { devices, pasidDevice }: UsedIoas): void {
  for (const device of devices) t.destroy(device.out('out_stdev_id'));
  if (pasidDevice === undefined) return;
  t.destroy(pasidDevice.out('out_stdev_id')).fails({ '7.3': 'OK', '6.12': 'ENOENT' });
}
