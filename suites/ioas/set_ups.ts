import type { Reference } from '../../models/program/program.js';
import type { TargetCapability } from '../../targets/target.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { APERTURE_START } from '../harness/constants.js';
import { type ScenarioSpec, scenario } from '../harness/scenario.js';

/** One of the set-ups in which the kernel's own tests use an IOAS; its name is that of their variant. */
interface IoasSetUp {
  readonly name: string;
  readonly devices: number;
  /** With a device that has PASIDs besides, which 6.12 does not know. */
  readonly hasPasidDevice?: boolean;
}

const SET_UPS: readonly IoasSetUp[] = [
  { name: 'no_domain', devices: 0 },
  { name: 'mock_domain', devices: 1, hasPasidDevice: true },
  { name: 'two_mock_domain', devices: 2 },
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

interface EachSetUpSpec {
  readonly doc: string;
  readonly covers: readonly string[];
  readonly source?: string;
  readonly gaps?: readonly number[];
  /** Cases of the kernel's fixture, which are tested in each of its variants. */
  readonly kselftest: readonly string[];
  readonly needs?: readonly TargetCapability[];
  readonly cases: ScenarioSpec<UsedIoas>['cases'];
  readonly control: ScenarioSpec<UsedIoas>['control'];
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
    }),
  );
}

function use(t: ScenarioBuilder, { devices, hasPasidDevice = false }: IoasSetUp): UsedIoas {
  const ioas = t.ioas();
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
