import type { Behaviour } from '../../models/behaviour.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import { type Program, placedSteps } from '../../models/program/program.js';
import { callByName } from '../../models/ioctls/index.js';
import { TEST_COMMAND } from '../../models/ioctls/test/test_command.js';
import { CAPABILITIES_OF_TARGETS, type TargetCapability } from '../../targets/target.js';
import { ScenarioBuilder } from './builder.js';
import type { Choice } from './choice.js';
import type { Expectation } from './expected_step.js';
import type { Environment } from './environment.js';
import type { Scenario, Variant } from './scenario.js';
import { type VariedProgram, vary } from './variants.js';

const VARIANTS: readonly Variant[] = ['zero_tail', 'garbage_tail', 'shifted_ids', 'probed'];

/** A program that a scenario runs. */
export interface PlannedProgram {
  readonly scenario: Scenario;
  readonly caseName: string;
  readonly program: Program;
  readonly assembled: AssembledProgram;
  /** Of the original alone, one for each step. */
  readonly expectations: readonly Expectation[];
  readonly choices: readonly Choice[];
  readonly variant?: { readonly name: Variant; readonly varied: VariedProgram };
}

/** What a scenario runs on a target: each case, and each of its variants. */
export function planScenario(
  scenario: Scenario,
  caseNames: readonly string[],
  behaviour: Behaviour,
  withVariants: boolean,
): PlannedProgram[] {
  return caseNames.flatMap((caseName) => {
    const original = planCase(scenario, caseName);
    return withVariants ? [original, ...planVariants(original, behaviour)] : [original];
  });
}

/** The program of one case as it was written. */
export function planCase(scenario: Scenario, caseName: string): PlannedProgram {
  const builder = new ScenarioBuilder();
  scenario.build(caseName, builder);
  const { program, expectations, choices } = builder;
  return { scenario, caseName, program, assembled: assemble(program), expectations, choices };
}

function planVariants(original: PlannedProgram, behaviour: Behaviour): PlannedProgram[] {
  const { scenario, program } = original;
  return VARIANTS.filter((name) => scenario.without[name] === undefined).flatMap((name) => {
    const varied = vary(program, name, behaviour);
    if (typeof varied === 'string') return [];
    const variant = { name, varied };
    return [
      {
        ...original,
        program: varied.program,
        assembled: assemble(varied.program),
        expectations: [],
        choices: [],
        variant,
      },
    ];
  });
}

/** What a case needs and a target lacks, in words. Without its control, a scenario shows nothing. */
export function lackOf(
  scenario: Scenario,
  caseName: string,
  { capabilities }: Environment,
): string | undefined {
  const missing = needsOf(scenario, caseName).find((need) => !capabilities.has(need));
  return missing === undefined ? undefined : `the target lacks ${CAPABILITIES_OF_TARGETS[missing]}`;
}

/** What a case states, and what its calls need. */
export function needsOf(scenario: Scenario, caseName: string): TargetCapability[] {
  const needs = new Set<TargetCapability>(['iommufd', ...scenario.needsOf(caseName)]);
  const usesTestCommand = placedSteps(planCase(scenario, caseName).program).some(
    ({ step }) => step.do === 'ioctl' && callByName(step.call)?.command === TEST_COMMAND,
  );
  if (usesTestCommand) needs.add('iommufd_test');
  return [...needs];
}
