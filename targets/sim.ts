import { setImmediate } from 'node:timers/promises';
import type { Behaviour } from '../models/behaviour.js';
import { ModelRun } from '../models/model_run.js';
import type { ConsoleSplat, Outcome, ProgramOutcome } from '../models/outcome.js';
import type { RawProgram, RawStep } from '../models/program/raw.js';
import { type Session, type Target, type TargetCapability, type TargetInfo } from './target.js';
import { reasonOf } from '../models/base/reason.js';

/** The reference model in a target's clothing: deterministic, needs nothing, and may have a planted difference. */
export class SimTarget implements Target {
  readonly name = 'sim';

  constructor(private readonly behaviour: Behaviour) {}

  start(): Promise<Session> {
    const { profile, mutant } = this.behaviour;
    const what = mutant === undefined ? 'the embedded model' : 'the embedded model with a planted difference';
    const info: TargetInfo = {
      description: `${what}, profile ${profile.id}`,
      release: profile.id,
      capabilities: new Set<TargetCapability>([
        'iommufd',
        'thp',
        'hugetlb',
        'vfio_device',
        'injection',
        'console',
      ]),
    };
    return Promise.resolve({
      info,
      run: async (programs) => {
        // Other targets answer later too; without a pause, nobody would hear a Ctrl-C.
        await setImmediate();
        return programs.map((program) => runOnModel(program, this.behaviour));
      },
      troubles: () => [],
      restarts: 0,
      stop: () => Promise.resolve(),
    });
  }
}

/**
 * Runs a program on the model. A planted difference may break the model itself: that is a crash of this target.
 * @param note hears of each rule that decides, as `call/rule`
 */
export function runOnModel(
  program: RawProgram,
  behaviour: Behaviour,
  note?: (because: string) => void,
): ProgramOutcome {
  const splats: ConsoleSplat[] = [];
  const steps = [...stepsOnModel(program, behaviour, splats, note)];
  return { steps, strayWrites: [], splats, leftovers: [] };
}

/** What comes of each step, one after another; what the kernel prints meanwhile goes to `splats`. */
export function* stepsOnModel(
  program: RawProgram,
  behaviour: Behaviour,
  splats: ConsoleSplat[],
  note?: (because: string) => void,
): Generator<Outcome> {
  const run = new ModelRun(behaviour, 'exact', []);
  let ended: string | undefined;
  for (const step of program.steps) {
    const outcome: Outcome =
      ended === undefined ? runStep(run, step, splats, note) : { status: 'skipped', why: ended };
    if (outcome.status === 'crashed') ended = 'the model crashed before it';
    else if (outcome.status === 'skipped') ended ??= outcome.why;
    yield outcome;
  }
}

function runStep(
  run: ModelRun,
  step: RawStep,
  splats: ConsoleSplat[],
  note?: (because: string) => void,
): Outcome {
  try {
    const executed = run.execute(step);
    if (executed === undefined)
      return { status: 'skipped', why: 'the model does not know what the kernel does here' };
    const { returned, splat, because } = executed;
    note?.(because);
    if (splat !== undefined) splats.push({ title: splat.title, text: splat.title });
    return returned;
  } catch (error) {
    const title = reasonOf(error);
    return { status: 'crashed', title, console: title };
  }
}
