import type { Behaviour } from '../../models/behaviour.js';
import type { FindingId } from '../../models/findings.js';
import type { StepVerdict } from '../../models/model_run.js';
import type { ProgramOutcome } from '../../models/outcome.js';
import type { Reading } from '../../models/prediction.js';
import { describeStep } from '../../models/program/describe.js';
import { type Problem, judgeByModel } from '../../models/program_verdict.js';
import { StepLog } from '../../models/step_log.js';
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
}

/**
 * Judges a program of a scenario: by its hand-written expectations, by the model, and by its relation to the program that it is
 * a variant of.
 */
export function judgeProgram(
  planned: PlannedProgram,
  outcome: ProgramOutcome,
  behaviour: Behaviour,
  reading: Reading,
  original?: ProgramOutcome,
): ProgramReport {
  const splats = planned.expectations.flatMap(({ splat }) =>
    splat === undefined || splat.profiles?.includes(behaviour.profile.id) === false ? [] : [splat.title],
  );
  const {
    verdicts,
    problems: objections,
    findings,
    unspecified,
    infra,
  } = judgeByModel(planned.assembled, outcome, behaviour, reading, splats);
  const problems = [
    ...(reading === 'exact' ? unmetExpectations(planned, outcome, behaviour) : []),
    ...objections,
    ...(original === undefined ? [] : brokenRelations(planned, original, outcome)),
  ];
  const skipped = outcome.steps.flatMap((step) => (step.status === 'skipped' ? [step.why] : []));
  const isUnknown = problems.length === 0 && unspecified.length === 0;
  return {
    planned,
    outcome,
    problems,
    findings,
    unspecified: isUnknown ? skipped : unspecified,
    infra,
    verdicts,
  };
}

/** A problem with the step it is about, in one line. */
export function describeProblem({ planned }: ProgramReport, { step, what, kind }: Problem): string {
  const variant = planned.variant === undefined ? '' : ` (${planned.variant.name})`;
  const place = step === undefined ? undefined : planned.program.steps[step];
  const where = place === undefined ? '' : ` step ${String((step ?? 0) + 1)}, ${describeStep(place)}:`;
  return `${planned.caseName}${variant}:${where} ${kind === 'model' ? 'the model objects: ' : ''}${what}`;
}

/** Where a program did not answer as its scenario expects. */
export function unmetExpectations(
  planned: PlannedProgram,
  { steps }: ProgramOutcome,
  { profile }: Behaviour,
): Problem[] {
  const log = new StepLog();
  const problems: Problem[] = [];
  for (const [index, expectation] of planned.expectations.entries()) {
    const raw = planned.assembled.steps[index];
    const outcome = steps[index];
    if (raw === undefined || outcome?.status !== 'returned') break;
    const step = log.resolve(raw);
    const what = checkExpectation(expectation, profile, step, planned.assembled.calls[index], outcome);
    if (what !== undefined) problems.push({ kind: 'expectation', step: index, what });
    log.record(step, outcome);
  }
  return problems;
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
