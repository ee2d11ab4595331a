import { InvariantLooks } from '../models/invariants/looks.js';
import type { Reading } from '../models/prediction.js';
import type { RunReport } from '../reports/run_report.js';
import type { Environment } from '../suites/harness/environment.js';
import { CallMatrix } from '../suites/harness/call_matrix.js';
import { type ScenarioResult, ScenarioRunner } from '../suites/harness/run.js';
import type { Scenario } from '../suites/harness/scenario.js';
import { SCENARIOS } from '../suites/index.js';
import type { Session } from '../targets/target.js';
import type { Context } from './context.js';
import { showProgress } from './progress.js';
import { ruleCoverage, toResultLine } from './scenario_report.js';
import { type TimeLimits, TimeKeeper } from './time_limits.js';

/** Scenarios under way at a time: enough to fill the target's batches. */
const SCENARIOS_IN_FLIGHT = 8;

/** How scenarios are to be run. */
export interface RunSettings {
  readonly scenarios?: readonly Scenario[];
  readonly reading?: Reading;
  /** How often each scenario runs; one that does not always end the same fails. */
  readonly repeat?: number;
  readonly withVariants?: boolean;
  readonly limits?: TimeLimits;
  /** The session for the programs of one scenario, if it is not the one that is given. */
  readonly sessionOf?: (scenario: Scenario) => Session;
  /** Before the numbers of the progress display. */
  readonly name?: string;
}

/** What scenarios found on a started target. */
export interface RunResults {
  readonly results: readonly ScenarioResult[];
  readonly isInterrupted: boolean;
  toReport(this: void, facts: Pick<RunReport, 'target' | 'kernel' | 'ms'>): RunReport;
}

/** Runs scenarios side by side; after Ctrl-C there is what has ended by then. */
export async function runScenarios(
  session: Session,
  environment: Environment,
  context: Context,
  {
    scenarios = SCENARIOS,
    reading = 'exact',
    repeat = 1,
    withVariants = true,
    limits = {},
    sessionOf = () => session,
    name = 'scenarios',
  }: RunSettings = {},
): Promise<RunResults> {
  const byScenario = new Map<Scenario, ScenarioResult>();
  const progress = showProgress(name, context);
  const looks = new InvariantLooks();
  const matrix = new CallMatrix();
  const time = new TimeKeeper(limits);
  const stopped = AbortSignal.any([context.interrupted, time.over]);
  const waiting = [...scenarios];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const runner = new ScenarioRunner(sessionOf(next), environment, {
        reading,
        withVariants,
        looks,
        matrix,
      });
      const result = await time.limit(next, runRepeatedly(runner, next, repeat, stopped));
      if (stopped.aborted) return;
      byScenario.set(next, result);
      progress.update(byScenario.size, scenarios.length, `(${next.id})`);
    }
  };
  await Promise.race([Promise.all(Array.from({ length: SCENARIOS_IN_FLIGHT }, work)), whenAborted(stopped)]);
  progress.stop();
  const isOver = time.over.aborted && !context.interrupted.aborted;
  const results = scenarios.flatMap(
    (scenario) => byScenario.get(scenario) ?? (isOver ? time.notRun(scenario) : []),
  );
  const isInterrupted = results.length < scenarios.length;
  return {
    results,
    isInterrupted,
    toReport: (facts) => ({
      schema: 1,
      tool: `iommufd-cts ${context.version}`,
      description: environment.description,
      profile: environment.profile.id,
      reading,
      notes: [...environment.notes, ...session.troubles()],
      results: results.map(toResultLine),
      isInterrupted,
      rules: ruleCoverage(results, environment.profile),
      invariants: Object.fromEntries(looks.looked),
      flags: matrix.flags,
      states: matrix.states,
      ...facts,
    }),
  };
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}

async function runRepeatedly(
  runner: ScenarioRunner,
  scenario: Scenario,
  times: number,
  interrupted: AbortSignal,
): Promise<ScenarioResult> {
  const results: ScenarioResult[] = [];
  for (let count = 0; count < times && !(count > 0 && interrupted.aborted); count++)
    results.push(await runner.run(scenario));
  const [first] = results as [ScenarioResult, ...ScenarioResult[]];
  const failures = results.filter(({ status }) => status === 'failed');
  const passes = results.filter(({ status }) => status === 'passed');
  const orders = sumOrders(results);
  const worst = { ...(failures[0] ?? results.find(({ status }) => status !== 'passed') ?? first), orders };
  if (failures.length === 0 || passes.length === 0) return worst;
  const share = `it passed ${String(passes.length)} of ${String(results.length)} times`;
  return { ...worst, reason: `flaky: ${share}; otherwise ${worst.reason ?? worst.status}` };
}

function sumOrders(results: readonly ScenarioResult[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { orders } of results) {
    for (const [name, count] of orders) sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return sums;
}
