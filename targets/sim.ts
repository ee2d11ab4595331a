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
      capabilities: new Set<TargetCapability>(['iommufd', 'thp', 'hugetlb', 'injection', 'console']),
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

/** Runs a program on the model. A planted difference may break the model itself: that is a crash of this target. */
export function runOnModel(program: RawProgram, behaviour: Behaviour): ProgramOutcome {
  const run = new ModelRun(behaviour, 'exact', []);
  const splats: ConsoleSplat[] = [];
  const steps: Outcome[] = [];
  let ended: string | undefined;
  for (const step of program.steps) {
    const outcome: Outcome =
      ended === undefined ? runStep(run, step, splats) : { status: 'skipped', why: ended };
    if (outcome.status === 'crashed') ended = 'the model crashed before it';
    else if (outcome.status === 'skipped') ended ??= outcome.why;
    steps.push(outcome);
  }
  return { steps, strayWrites: [], splats, leftovers: [] };
}

function runStep(run: ModelRun, step: RawStep, splats: ConsoleSplat[]): Outcome {
  try {
    const executed = run.execute(step);
    if (executed === undefined)
      return { status: 'skipped', why: 'the model does not know what the kernel does here' };
    const { returned, splat } = executed;
    if (splat !== undefined) splats.push({ title: splat.title, text: splat.title });
    return returned;
  } catch (error) {
    const title = reasonOf(error);
    return { status: 'crashed', title, console: title };
  }
}
