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
import { ONCE, type Repetition, runUntilTold } from './repetition.js';
import { ruleCoverage, toResultLine } from './scenario_report.js';
import { type TimeLimits, TimeKeeper } from './time_limits.js';

/** Scenarios under way at a time: enough to fill the target's batches. */
const SCENARIOS_IN_FLIGHT = 8;

/** How scenarios are to be run. */
export interface RunSettings {
  readonly scenarios?: readonly Scenario[];
  readonly reading?: Reading;
  readonly repetition?: Repetition;
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
    repetition = ONCE,
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
      const result = await time.limit(
        next,
        runUntilTold(() => runner.run(next), repetition, stopped),
      );
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
