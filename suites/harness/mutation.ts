import { Behaviour, hasCall, rulesInOrder } from '../../models/behaviour.js';
import { ENVELOPE_RULES } from '../../models/ioctls/envelope.js';
import { CALLS } from '../../models/ioctls/index.js';
import { type Mutant, mutantsOf } from '../../models/mutants.js';
import type { Profile } from '../../models/profiles/index.js';
import { runOnModel } from '../../targets/sim.js';
import { unmetExpectations } from './judge.js';
import { type PlannedProgram, planCase } from './plan.js';
import type { Scenario } from './scenario.js';

/** Every mutant of every call of a profile, and of the envelope. */
export function allMutants(profile: Profile): Mutant[] {
  return [
    ...mutantsOf('envelope', ENVELOPE_RULES),
    ...CALLS.filter((call) => hasCall(profile, call)).flatMap((call) =>
      mutantsOf(call.name, rulesInOrder(call, profile)),
    ),
  ];
}

/** Kills mutants by the hand-written expectations of scenarios alone. */
export class MutantKiller {
  readonly #programs: readonly PlannedProgram[];
  readonly #soundPrograms = new Map<Profile, readonly PlannedProgram[]>();

  constructor(scenarios: readonly Scenario[]) {
    this.#programs = scenarios.flatMap((scenario) => scenario.cases.map((name) => planCase(scenario, name)));
  }

  /** The first program of a scenario that notices a mutant, or undefined for a survivor. */
  killerOf(mutant: Mutant, profile: Profile): PlannedProgram | undefined {
    const behaviour = new Behaviour(profile, mutant);
    const programs = this.#soundProgramsOf(profile).filter(
      (program) => mutant.call === 'envelope' || calls(program, mutant.call),
    );
    return programs.find((program) => {
      const outcome = runOnModel(program.assembled, behaviour);
      const crashed = outcome.steps.some(({ status }) => status === 'crashed');
      return crashed || unmetExpectations(program, outcome, behaviour).length > 0;
    });
  }

  /** The programs that do as expected without a mutant: others, of scenarios that need what a kernel lacks, kill nothing. */
  #soundProgramsOf(profile: Profile): readonly PlannedProgram[] {
    const known = this.#soundPrograms.get(profile);
    if (known !== undefined) return known;
    const behaviour = new Behaviour(profile);
    const sound = this.#programs.filter(
      (program) =>
        unmetExpectations(program, runOnModel(program.assembled, behaviour), behaviour).length === 0,
    );
    this.#soundPrograms.set(profile, sound);
    return sound;
  }
}

function calls({ assembled }: PlannedProgram, name: string): boolean {
  return assembled.calls.some((call) => call?.name === name);
}
