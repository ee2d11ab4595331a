import { hasRule } from '../models/behaviour.js';
import type { Rule } from '../models/ioctls/description.js';
import { LANES, RACES } from '../models/lanes/races.js';
import { errnoOf } from '../models/mutants.js';
import { DESIGNS } from '../models/designs/index.js';
import { INVARIANTS_OF_DESIGNS } from '../models/designs/invariants/index.js';
import { INVARIANTS } from '../models/invariants/index.js';
import { PROFILES } from '../models/profiles/index.js';
import { RULE_SOURCES, ruleSourceByName } from '../models/rule_sources.js';
import { describePlacedStep } from '../models/program/describe.js';
import { placedSteps } from '../models/program/program.js';
import { planCase } from '../suites/harness/plan.js';
import { CONTROL, type Scenario } from '../suites/harness/scenario.js';
import { SCENARIOS } from '../suites/index.js';
import { GAPS } from '../suites/kselftest/gaps.js';
import { coveringOf, sourcePage } from './manual.js';

/** Everything that has an id, the general before the particular. */
export const EXPLAINABLE_IDS: readonly string[] = [
  ...RULE_SOURCES.map(({ name }) => name),
  ...[...INVARIANTS, ...INVARIANTS_OF_DESIGNS].map(({ id }) => id),
  ...RULE_SOURCES.flatMap(({ name, rules }) => rules.map(({ id }) => `${name}/${id}`)),
  ...SCENARIOS.map(({ id }) => id),
];

/** What is known of something by its id; undefined if nothing has it. */
export function explain(id: string): string | undefined {
  const source = ruleSourceByName(id);
  if (source !== undefined) return sourcePage(source);
  return explainRule(id) ?? explainInvariant(id) ?? explainScenario(id);
}

function explainRule(id: string): string | undefined {
  const slash = id.indexOf('/');
  const [name, ruleId] = [id.slice(0, slash), id.slice(slash + 1)];
  const { call, rules } = ruleSourceByName(name) ?? {};
  const rule = rules?.find((candidate) => candidate.id === ruleId);
  if (rule === undefined) return undefined;
  if (name === LANES) return explainRace(id, rule);
  const answer = errnoOf(rule.id);
  const kernels = PROFILES.filter((profile) => hasRule(profile, rule, call)).map((profile) => profile.id);
  return lines(
    id,
    answer === undefined
      ? `The model cannot tell what happens when ${rule.says}.`
      : `The call answers ${answer} when ${rule.says}.`,
    `Decided in ${rule.cite}; kernels ${kernels.join(', ')}.`,
    rule.leaves === undefined
      ? 'Nothing is changed and nothing is written.'
      : `All the same, ${rule.leaves.what} (${rule.leaves.cite}).`,
    ...(rule.splat === undefined
      ? []
      : [`The kernel prints "${rule.splat.title}": finding ${rule.splat.finding}.`]),
    ...(rule.finding === undefined ? [] : [`This answer is finding ${rule.finding.id}.`]),
    '',
    ...scenarioLines(coveringOf(id)),
  );
}

/** A rule that allows something more to calls of lanes. */
function explainRace(id: string, { id: ruleId, says, cite }: Rule<never>): string {
  const answer = errnoOf(ruleId);
  const { calls } = RACES.find((race) => race.id === ruleId) ?? {};
  return lines(
    id,
    `${calls?.join(', ') ?? 'Any call'}: ${answer ?? 'success that is not as usual'} is allowed while ${says}.`,
    `Decided in ${cite}; for calls that go on at the same time, on top of what any order of them allows.`,
    '',
    ...scenarioLines(coveringOf(id)),
  );
}

function explainInvariant(id: string): string | undefined {
  const invariant = INVARIANTS.find((candidate) => candidate.id === id);
  if (invariant === undefined) return explainInvariantOfDesigns(id);
  const { statement, notCovered, cite } = invariant;
  return lines(
    `${id} (invariant, checked after every step)`,
    statement,
    `Not covered: ${notCovered}`,
    `Source: ${cite}`,
  );
}

function explainInvariantOfDesigns(id: string): string | undefined {
  const invariant = INVARIANTS_OF_DESIGNS.find((candidate) => candidate.id === id);
  if (invariant === undefined) return undefined;
  const { statement, notCovered, holdsAtPauses } = invariant;
  const breaking = DESIGNS.flatMap(({ name, defects }) =>
    defects
      .filter(({ breaks }) => breaks.some((broken) => broken === id))
      .map((defect) => `  ${name} ${defect.id}: ${defect.says}`),
  );
  return lines(
    `${id} (invariant of designs, checked when a call has returned${holdsAtPauses ? ', and in between' : ''})`,
    statement,
    `Not covered: ${notCovered}`,
    ...(breaking.length === 0 ? [] : ['Broken by:', ...breaking]),
  );
}

function explainScenario(id: string): string | undefined {
  const scenario = SCENARIOS.find((candidate) => candidate.id === id);
  if (scenario === undefined) return undefined;
  const { doc, covers, source, gaps, kselftest, seeds, cases, without } = scenario;
  return lines(
    id,
    doc,
    `Covers: ${covers.join(', ')}`,
    ...(source === undefined ? [] : [`Source: ${source}`]),
    ...(kselftest.length === 0 ? [] : [`Of the kernel’s own selftests: ${kselftest.join(', ')}`]),
    ...(seeds.length === 0 ? [] : [`Rows of the patch discussions: ${seeds.join(', ')}`]),
    ...(gaps.length === 0
      ? []
      : [`What those do not test: ${gaps.map((gap) => GAPS[gap] ?? '').join('; ')}`]),
    ...Object.entries(without).map(([variant, why]) => `Not run as ${variant}: ${why}`),
    '',
    ...cases.flatMap((name) => explainCase(scenario, name)),
  );
}

function explainCase(scenario: Scenario, name: string): string[] {
  const { program, expectations } = planCase(scenario, name);
  const steps = placedSteps(program).map((placed, at) => {
    const { errno = 'OK' } = expectations[at] ?? {};
    const expected =
      typeof errno === 'string'
        ? errno
        : Object.entries(errno)
            .map((pair) => pair.join(': '))
            .join(', ');
    return `    ${expected.padEnd(8)} ${describePlacedStep(placed)}`;
  });
  const needs = scenario.needsOf(name).filter((need) => !scenario.needsOf(CONTROL).includes(need));
  return [`  ${name}${needs.length === 0 ? '' : ` (needs ${needs.join(', ')})`}`, ...steps];
}

function scenarioLines(ids: readonly string[]): string[] {
  return ids.length === 0
    ? ['No scenario is about it.']
    : ['Scenarios about it:', ...ids.map((id) => `  ${id}`)];
}

function lines(...parts: string[]): string {
  return `${parts.join('\n')}\n`;
}
