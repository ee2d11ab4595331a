import type { Behaviour } from '../../models/behaviour.js';
import type { FindingId } from '../../models/findings.js';
import type { Invariant } from '../../models/invariants/index.js';
import type { ModelWatcher, StepVerdict } from '../../models/model_run.js';
import type { ProgramOutcome } from '../../models/outcome.js';
import type { Reading } from '../../models/prediction.js';
import { describePlacedStep } from '../../models/program/describe.js';
import { placedSteps } from '../../models/program/program.js';
import { type Problem, judgeByModel } from '../../models/program_verdict.js';
import { StepLog } from '../../models/step_log.js';
import type { Choice } from './choice.js';
import type { Expectation } from './expected_step.js';
import { checkExpectation } from './expectation.js';
import type { PlannedProgram } from './plan.js';

/** What is known of one program of a scenario after its run. */
export interface ProgramReport {
  readonly planned: PlannedProgram;
  readonly outcome: ProgramOutcome;
  readonly problems: readonly Problem[];
  /** Kernel findings that it has shown. */
  readonly findings: readonly FindingId[];
  /** Why steps could not be judged. */
  readonly unspecified: readonly string[];
  readonly infra: string | undefined;
  readonly verdicts: readonly StepVerdict[];
  /** The orders that its lanes came in, as the scenario names them. */
  readonly orders: readonly string[];
}

interface Judging {
  readonly reading: Reading;
  readonly invariants: readonly Invariant[];
  /** What the program did that this is a variant of. */
  readonly original: ProgramOutcome | undefined;
  /** Looks on while the model judges. */
  readonly watcher: ModelWatcher | undefined;
}

/**
 * Judges a program of a scenario: by its hand-written expectations, by the model, and by its relation to the program that it is
 * a variant of.
 */
export function judgeProgram(
  planned: PlannedProgram,
  outcome: ProgramOutcome,
  behaviour: Behaviour,
  { reading, invariants, original, watcher }: Judging,
): ProgramReport {
  const splats = planned.expectations.flatMap(({ splat }) =>
    splat === undefined || splat.profiles?.includes(behaviour.profile.id) === false ? [] : [splat.title],
  );
  const {
    verdicts,
    problems: objections,
    findings,
    unspecified: all,
    infra,
  } = judgeByModel(planned.assembled, outcome, behaviour, reading, {
    expectedSplats: splats,
    invariants,
    watcher,
  });
  // Without expectations nobody would have decided.
  const unspecified = reading === 'exact' ? all.filter((why) => why !== planned.scenario.untold) : all;
  const problems = [
    ...(reading === 'exact' ? unmetExpectations(planned, outcome, behaviour) : []),
    ...objections,
    ...(original === undefined ? [] : brokenRelations(planned, original, outcome)),
  ];
  const skipped = outcome.steps.flatMap((step) => (step.status === 'skipped' ? [step.why] : []));
  const isUnknown = problems.length === 0 && all.length === 0;
  return {
    planned,
    outcome,
    problems,
    findings,
    unspecified: isUnknown ? skipped : unspecified,
    infra,
    verdicts,
    orders: ordersSeen(planned, outcome, behaviour),
  };
}

/** A problem with the step it is about, in one line. */
export function describeProblem({ planned }: ProgramReport, { step, what, kind }: Problem): string {
  const variant = planned.variant === undefined ? '' : ` (${planned.variant.name})`;
  const place = step === undefined ? undefined : placedSteps(planned.program)[step];
  const where = place === undefined ? '' : ` step ${String((step ?? 0) + 1)}, ${describePlacedStep(place)}:`;
  return `${planned.caseName}${variant}:${where} ${kind === 'model' ? 'the model objects: ' : ''}${what}`;
}

/** Where a program did not answer as its scenario expects. */
export function unmetExpectations(
  planned: PlannedProgram,
  outcome: ProgramOutcome,
  behaviour: Behaviour,
): Problem[] {
  const complaintOf = complaints(planned, outcome, behaviour);
  const inChoices = new Set(planned.choices.flatMap(([first]) => [...(first?.expectations.keys() ?? [])]));
  const plain = planned.expectations.flatMap((expectation, step): Problem[] => {
    const what = inChoices.has(step) ? undefined : complaintOf(step, expectation);
    return what === undefined ? [] : [{ kind: 'expectation', step, what }];
  });
  return [...plain, ...planned.choices.flatMap((choice) => unmetChoice(choice, complaintOf))].sort(
    (one, two) => (one.step ?? 0) - (two.step ?? 0),
  );
}

/** What is wrong with the answer of a step; nothing if there is none. */
type ComplaintOf = (step: number, expectation: Expectation) => string | undefined;

function complaints(
  { assembled }: PlannedProgram,
  { steps }: ProgramOutcome,
  { profile }: Behaviour,
): ComplaintOf {
  const log = new StepLog();
  const checks: ((expectation: Expectation) => string | undefined)[] = [];
  for (const [index, raw] of assembled.steps.entries()) {
    const outcome = steps[index];
    if (outcome?.status !== 'returned') break;
    const step = log.resolve(raw);
    checks.push((expectation) =>
      checkExpectation(expectation, profile, step, assembled.calls[index], outcome),
    );
    log.record(step, outcome);
  }
  return (step, expectation) => checks[step]?.(expectation);
}

/** Where each way to answer is not what was seen. */
function unmetChoice(choice: Choice, complaintOf: ComplaintOf): Problem[] {
  const unmet = choice.map(({ name, expectations }) => {
    const first = [...expectations].find(([at, expectation]) => complaintOf(at, expectation) !== undefined);
    if (first === undefined) return undefined;
    const [step, expectation] = first;
    return { step, what: `not ${name}: ${complaintOf(step, expectation) ?? ''}` };
  });
  const wrong = unmet.flatMap((one) => one ?? []);
  if (wrong.length < choice.length) return [];
  const step = wrong[0]?.step;
  const what = wrong.map((one) => one.what).join('; ');
  return [{ kind: 'expectation', what, ...(step === undefined ? {} : { step }) }];
}

/** Which of several ways to answer were seen, by name. */
function ordersSeen(planned: PlannedProgram, outcome: ProgramOutcome, behaviour: Behaviour): string[] {
  if (planned.choices.length === 0) return [];
  const complaintOf = complaints(planned, outcome, behaviour);
  return planned.choices.flatMap((choice) => {
    const seen = choice.find(({ expectations }) =>
      [...expectations].every(([at, expectation]) => complaintOf(at, expectation) === undefined),
    );
    return seen?.name ?? [];
  });
}

function brokenRelations(
  planned: PlannedProgram,
  original: ProgramOutcome,
  outcome: ProgramOutcome,
): Problem[] {
  const { variant } = planned;
  if (variant === undefined) return [];
  const { varied } = variant;
  return varied.steps.flatMap((at, index): Problem[] => {
    const step = varied.program.steps[at];
    const [one, two] = [original.steps[index], outcome.steps[at]];
    if (step === undefined || one === undefined || two === undefined) return [];
    const what = varied.relate(step, one, two);
    return what === undefined ? [] : [{ kind: 'metamorphic', step: at, what }];
  });
}
