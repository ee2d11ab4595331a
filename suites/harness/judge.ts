import type { Behaviour } from '../../models/behaviour.js';
import { INVARIANTS } from '../../models/invariants/index.js';
import { ModelRun, type StepVerdict } from '../../models/model_run.js';
import type { Outcome, ProgramOutcome } from '../../models/outcome.js';
import type { Reading } from '../../models/predict.js';
import { describeStep } from '../../models/program/describe.js';
import { hex } from '../../models/base/u64.js';
import { StepLog } from '../../models/step_log.js';
import { checkExpectation } from './expectation.js';
import type { PlannedProgram } from './plan.js';

/** Something wrong with one program of a scenario. */
export interface Problem {
  /** Which kind of check objects. */
  readonly kind:
    'expectation' | 'model' | 'invariant' | 'metamorphic' | 'console' | 'stray_write' | 'leftover' | 'crash';
  /** Index of the step, if it is one step's. */
  readonly step?: number;
  /** In words; says what was expected and what was seen. */
  readonly what: string;
}

/** What is known of one program after its run. */
export interface ProgramReport {
  readonly planned: PlannedProgram;
  readonly outcome: ProgramOutcome;
  readonly problems: readonly Problem[];
  /** Steps of which the model cannot tell what they do, with the reason. */
  readonly unspecified: readonly string[];
  /** Trouble of the test bed. */
  readonly infra: string | undefined;
  readonly verdicts: readonly StepVerdict[];
}

/** Judges a program: by hand-written expectations, by the model and its invariants, and by what it left behind. */
export function judgeProgram(
  planned: PlannedProgram,
  outcome: ProgramOutcome,
  behaviour: Behaviour,
  reading: Reading,
  original?: ProgramOutcome,
): ProgramReport {
  const verdicts = judgeByModel(planned, outcome, behaviour, reading);
  const problems = [
    ...crashes(outcome),
    ...(reading === 'exact' ? unmetExpectations(planned, outcome, behaviour) : []),
    ...objections(verdicts),
    ...(original === undefined ? [] : brokenRelations(planned, original, outcome)),
    ...consoleProblems(planned, outcome, verdicts),
    ...traces(outcome),
  ];
  const unspecified = verdicts.flatMap((verdict) => (verdict.kind === 'unspecified' ? [verdict.why] : []));
  const skipped = outcome.steps.flatMap((step) => (step.status === 'skipped' ? [step.why] : []));
  const infra = outcome.steps.find((step) => step.status === 'infra')?.error;
  const isUnknown = problems.length === 0 && unspecified.length === 0;
  return { planned, outcome, problems, unspecified: isUnknown ? skipped : unspecified, infra, verdicts };
}

/** A problem with the step it is about, in one line. */
export function describeProblem({ planned }: ProgramReport, { step, what, kind }: Problem): string {
  const variant = planned.variant === undefined ? '' : ` (${planned.variant.name})`;
  const place = step === undefined ? undefined : planned.program.steps[step];
  const where = place === undefined ? '' : ` step ${String((step ?? 0) + 1)}, ${describeStep(place)}:`;
  return `${planned.caseName}${variant}:${where} ${kind === 'model' ? 'the model objects: ' : ''}${what}`;
}

function judgeByModel(
  { assembled }: PlannedProgram,
  { steps }: ProgramOutcome,
  behaviour: Behaviour,
  reading: Reading,
): StepVerdict[] {
  const run = new ModelRun(behaviour, reading, INVARIANTS);
  return assembled.steps.map((step, index) => run.judge(step, assembled.calls[index], steps[index] ?? LOST));
}

const LOST: Outcome = { status: 'skipped', why: 'the target gave no result' };

function crashes({ steps }: ProgramOutcome): Problem[] {
  return steps.flatMap((outcome, step): Problem[] => {
    if (outcome.status === 'hung') return [{ kind: 'crash', step, what: 'the call did not return' }];
    if (outcome.status === 'crashed')
      return [{ kind: 'crash', step, what: `the kernel crashed: ${firstLine(outcome.console)}` }];
    return [];
  });
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

function objections(verdicts: readonly StepVerdict[]): Problem[] {
  return verdicts.flatMap((verdict, step): Problem[] => {
    if (verdict.kind === 'violation') {
      const { invariant, what } = verdict.violation;
      return [{ kind: 'invariant', step, what: `${invariant} does not hold: ${what}` }];
    }
    if (verdict.kind !== 'mismatch') return [];
    const { allowed, seen, differences } = verdict.mismatch;
    const places = differences.map(
      ({ where, expected, seen: got }) => `${where}: allowed ${expected}, seen ${got}`,
    );
    const what = `allowed is ${allowed.join(' or ')}, seen ${seen}${places.length === 0 ? '' : `; ${places.join('; ')}`}`;
    return [{ kind: 'model', step, what }];
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

/** Kernel warnings must be exactly those that are known to come with the answers. */
function consoleProblems(
  planned: PlannedProgram,
  { splats }: ProgramOutcome,
  verdicts: readonly StepVerdict[],
): Problem[] {
  const known = verdicts.flatMap((verdict) => ('splat' in verdict ? [verdict.splat.title] : []));
  const byHand = planned.expectations.flatMap(({ splat }) => (splat === undefined ? [] : [splat]));
  const expected = new Set([...known, ...byHand]);
  const seen = new Set(splats.map(({ title }) => title));
  return [
    ...[...seen].filter((title) => !expected.has(title)).map((title) => `the kernel printed "${title}"`),
    ...[...expected]
      .filter((title) => !seen.has(title))
      .map((title) => `the kernel did not print "${title}"`),
  ].map((what) => ({ kind: 'console', what }));
}

function traces({ strayWrites, leftovers }: ProgramOutcome): Problem[] {
  return [
    ...strayWrites.map(({ step, address }): Problem => ({
      kind: 'stray_write',
      step,
      what: `the kernel wrote to ${hex(address)}, outside of every buffer`,
    })),
    ...leftovers.map((what): Problem => ({ kind: 'leftover', what: `after the program ${what}` })),
  ];
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
