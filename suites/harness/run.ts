import { Behaviour } from '../../models/behaviour.js';
import type { FindingId } from '../../models/findings.js';
import { INVARIANTS } from '../../models/invariants/index.js';
import type { InvariantLooks } from '../../models/invariants/looks.js';
import type { Mutant } from '../../models/mutants.js';
import { notRun } from '../../models/outcome.js';
import type { Reading } from '../../models/prediction.js';
import type { Session } from '../../targets/target.js';
import type { Environment } from './environment.js';
import type { CallMatrix } from './call_matrix.js';
import { type ProgramReport, describeProblem, judgeProgram } from './judge.js';
import { type PlannedProgram, lackOf, planScenario } from './plan.js';
import { CONTROL, type Scenario } from './scenario.js';

/** How a scenario ended. `unspecified` and `infra` are neither a pass nor a finding. */
export type ScenarioStatus = 'passed' | 'failed' | 'skipped' | 'unspecified' | 'infra';

/** A case that a target cannot run. */
export interface SkippedCase {
  readonly name: string;
  readonly reason: string;
}

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly status: ScenarioStatus;
  /** Why it did not pass: the first problem in one line. */
  readonly reason?: string;
  /** What it did before, if it passed only when it was tried again. */
  readonly flaky?: string;
  /** Milliseconds from its start to its verdict. */
  readonly ms: number;
  /** Programs that ran, variants included. */
  readonly programs: number;
  /** Those with something wrong. */
  readonly failures: readonly ProgramReport[];
  /** Cases that did not run, each with the reason. */
  readonly skippedCases: readonly SkippedCase[];
  /** Kernel findings that programs have shown. */
  readonly findings: readonly FindingId[];
  /** `call/rule` of each answer that the model followed. */
  readonly rules: readonly string[];
  /** The orders that lanes came in, and other ways to answer, as the scenario names them, with how often. */
  readonly orders: ReadonlyMap<string, number>;
}

export interface RunOptions {
  readonly reading: Reading;
  /** Whether each case also runs in its variants. */
  readonly withVariants: boolean;
  /** A difference planted in the model that judges, to see that it is noticed. */
  readonly mutant?: Mutant;
  /** Counts what invariants have to look at. */
  readonly looks?: InvariantLooks;
  /** Counts how calls are made, and what answers. */
  readonly matrix?: CallMatrix;
}

/** Runs and judges scenarios on a started target. */
export class ScenarioRunner {
  readonly #behaviour: Behaviour;

  constructor(
    private readonly session: Session,
    private readonly environment: Environment,
    private readonly options: RunOptions,
  ) {
    this.#behaviour = new Behaviour(environment.profile, options.mutant);
  }

  async run(scenario: Scenario): Promise<ScenarioResult> {
    const start = performance.now();
    const lack = lackOf(scenario, CONTROL, this.environment);
    if (lack !== undefined) return skip(scenario, lack);
    const skippedCases = scenario.cases.flatMap((name): SkippedCase[] => {
      const reason = lackOf(scenario, name, this.environment);
      return reason === undefined ? [] : [{ name, reason }];
    });
    const skipped = new Set(skippedCases.map(({ name }) => name));
    const caseNames = scenario.cases.filter((name) => !skipped.has(name));
    const planned = planScenario(scenario, caseNames, this.#behaviour, this.options.withVariants);
    const outcomes = await this.session.run(planned.map(({ assembled }) => assembled));
    const reports = planned.map((plan, index) => {
      const outcome = outcomes[index] ?? notRun(0, { status: 'infra', error: 'the target gave no result' });
      const original = plan.variant === undefined ? undefined : outcomes[originalOf(planned, index)];
      const { reading, looks, matrix } = this.options;
      const invariants = looks?.invariants ?? INVARIANTS;
      const watch = matrix?.watch();
      const judging = { reading, invariants, original, watcher: watch?.watcher };
      const report = judgeProgram(plan, outcome, this.#behaviour, judging);
      watch?.over();
      return report;
    });
    return { scenario, skippedCases, ms: performance.now() - start, ...summarise(reports) };
  }
}

/** A scenario of which nothing is known, for trouble that is not its own. */
export function unheard(scenario: Scenario, reason: string): ScenarioResult {
  return { ...skip(scenario, reason), status: 'infra' };
}

function skip(scenario: Scenario, reason: string): ScenarioResult {
  const nothing = {
    ms: 0,
    programs: 0,
    failures: [],
    skippedCases: [],
    findings: [],
    rules: [],
    orders: new Map(),
  };
  return { scenario, status: 'skipped', reason, ...nothing };
}

/** The program that a variant was made from is the last one before it that is no variant. */
function originalOf(planned: readonly PlannedProgram[], index: number): number {
  let at = index;
  while (at > 0 && planned[at]?.variant !== undefined) at -= 1;
  return at;
}

function summarise(
  reports: readonly ProgramReport[],
): Omit<ScenarioResult, 'scenario' | 'ms' | 'skippedCases'> {
  const rules = reports.flatMap(({ verdicts }) =>
    verdicts.flatMap((verdict) => ('because' in verdict ? [verdict.because] : [])),
  );
  const failures = reports.filter(({ problems }) => problems.length > 0);
  const findings = [...new Set(reports.flatMap((report) => report.findings))];
  const orders = countEach(reports.flatMap((report) => report.orders));
  const base = { programs: reports.length, failures, findings, rules: [...new Set(rules)], orders };
  const [worst] = failures;
  const problem = worst?.problems[0];
  if (worst !== undefined && problem !== undefined) {
    return { ...base, status: 'failed', reason: describeProblem(worst, problem) };
  }
  const infra = reports.find((report) => report.infra !== undefined)?.infra;
  if (infra !== undefined) return { ...base, status: 'infra', reason: infra };
  const why = reports.flatMap(({ unspecified }) => unspecified)[0];
  if (why !== undefined) return { ...base, status: 'unspecified', reason: why };
  return { ...base, status: 'passed' };
}

function countEach(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
