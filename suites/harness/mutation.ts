import { Behaviour, hasCall } from '../../models/behaviour.js';
import { effectMutantsOfCall, effectMutantsOfOperation } from '../../models/effects/derived.js';
import { EFFECT_MUTANTS } from '../../models/effects/index.js';
import { meetingOf } from '../../models/mutant_meeting.js';
import { type Mutant, mutantsOf } from '../../models/mutants.js';
import type { Profile } from '../../models/profiles/index.js';
import { REFUSING_SOURCES, type RuleSource, rulesFor } from '../../models/rule_sources.js';
import { runOnModel } from '../../targets/sim.js';
import { unmetExpectations } from './judge.js';
import { type PlannedProgram, planCase } from './plan.js';
import { NEVER_SUCCEED } from './never_succeed.js';
import type { Scenario } from './scenario.js';

/** Every mutant that follows from the descriptions of a profile. Lanes have answers written by hand instead. */
export function derivedMutants(profile: Profile): Mutant[] {
  return REFUSING_SOURCES.flatMap((source) => [
    ...mutantsOf(source.name, rulesFor(source, profile)),
    ...(NEVER_SUCCEED.has(source.name) ? [] : effectMutantsOf(source, profile)),
  ]);
}

function effectMutantsOf({ call, operation }: RuleSource, profile: Profile): Mutant[] {
  if (call !== undefined) return hasCall(profile, call) ? effectMutantsOfCall(call) : [];
  const isThere = operation?.isFor?.(profile) ?? true;
  return operation !== undefined && isThere ? effectMutantsOfOperation(operation) : [];
}

/** Every mutant that is planted by its name. */
export function allMutants(profile: Profile): Mutant[] {
  return [...derivedMutants(profile), ...EFFECT_MUTANTS];
}

/** Kills mutants by the hand-written expectations of scenarios alone. */
export class MutantKiller {
  readonly #programs: readonly PlannedProgram[];
  readonly #soundPrograms = new Map<Profile, readonly SoundProgram[]>();

  constructor(scenarios: readonly Scenario[]) {
    const programs = scenarios.flatMap((scenario) => scenario.cases.map((name) => planCase(scenario, name)));
    // Most mutants are killed by a few steps.
    this.#programs = programs.sort((one, two) => one.assembled.steps.length - two.assembled.steps.length);
  }

  /** The first program of a scenario that notices a mutant, or undefined for a survivor. */
  killerOf(mutant: Mutant, profile: Profile): PlannedProgram | undefined {
    const behaviour = new Behaviour(profile, mutant);
    const isMetBy = meetingOf(mutant, profile);
    return this.#soundProgramsOf(profile).find(
      ({ program, decided }) => isMetBy(decided) && notices(program, behaviour),
    )?.program;
  }

  /** The programs that do as expected without a mutant: others, of scenarios that need what a kernel lacks, kill nothing. */
  #soundProgramsOf(profile: Profile): readonly SoundProgram[] {
    const known = this.#soundPrograms.get(profile);
    if (known !== undefined) return known;
    const behaviour = new Behaviour(profile);
    const sound = this.#programs.flatMap((program): SoundProgram[] => {
      const decided = new Set<string>();
      const outcome = runOnModel(program.assembled, behaviour, (because) => decided.add(because));
      return unmetExpectations(program, outcome, behaviour).length === 0 ? [{ program, decided }] : [];
    });
    this.#soundPrograms.set(profile, sound);
    return sound;
  }
}

/** Whether a program ends otherwise than its scenario expects. */
function notices(program: PlannedProgram, behaviour: Behaviour): boolean {
  const outcome = runOnModel(program.assembled, behaviour);
  const crashed = outcome.steps.some(({ status }) => status === 'crashed');
  return crashed || unmetExpectations(program, outcome, behaviour).length > 0;
}

/** A program, and the rules that decide in it. */
interface SoundProgram {
  readonly program: PlannedProgram;
  readonly decided: ReadonlySet<string>;
}
