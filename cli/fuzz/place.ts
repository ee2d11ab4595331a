import type { Place } from '../../fuzz/campaign/workplace.js';
import { Behaviour } from '../../models/behaviour.js';
import { DEFAULT_PROFILE, profileById } from '../../models/profiles/index.js';
import { environmentOf } from '../../suites/harness/environment.js';
import { QemuTarget, type QemuOptions } from '../../targets/qemu/index.js';
import { SimTarget } from '../../targets/sim.js';
import type { Session } from '../../targets/target.js';
import { mutantByName } from '../mutant_option.js';

/** What a worker runs programs on, in plain data: threads get it. */
export interface PlaceSpec {
  /** Id of the profile, if the user named one. */
  readonly profile?: string;
  /** Name of the difference planted in the model. */
  readonly mutant?: string;
  /** Without it, the model. */
  readonly qemu?: QemuOptions;
}

/** A place that has been started once. */
export interface OpenPlace {
  readonly place: Place;
  readonly session: Session;
  /** Whether it can make allocations fail. */
  readonly canFail: boolean;
}

/** @throws UsageError or TestBedError */
export async function openPlace(spec: PlaceSpec): Promise<OpenPlace> {
  const asked = spec.profile === undefined ? undefined : profileById(spec.profile);
  const model = new Behaviour(asked ?? DEFAULT_PROFILE);
  const target = spec.qemu === undefined ? new SimTarget(model) : new QemuTarget(spec.qemu);
  const session = await target.start();
  const { profile, capabilities } = await environmentOf(session, asked);
  const canFail = capabilities.has('injection');
  if (spec.mutant === undefined) {
    const start = (): Promise<Session> => target.start();
    const place =
      spec.qemu === undefined
        ? { start, behaviour: model, isDeterministic: true, answersBy: model }
        : { start, behaviour: new Behaviour(profile), isDeterministic: false };
    return { place, session, canFail };
  }
  const behaviour = new Behaviour(profile);
  const wrong = new SimTarget(new Behaviour(profile, mutantByName(spec.mutant, profile)));
  const place = { start: () => wrong.start(), behaviour, isDeterministic: true };
  return { place, session: await wrong.start(), canFail };
}
