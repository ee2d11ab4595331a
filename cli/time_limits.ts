import { setTimeout as sleep } from 'node:timers/promises';
import { type ScenarioResult, unheard } from '../suites/harness/run.js';
import type { Scenario } from '../suites/harness/scenario.js';
import { parseDuration } from './fuzz/duration.js';

/** How long things may take, in seconds; without a limit, as long as they take. */
export interface TimeLimits {
  /** One scenario, from its turn to its verdict, in all of its repetitions. */
  readonly scenarioSeconds?: number;
  readonly runSeconds?: number;
}

/** Timers take no more milliseconds than fit 31 bits. */
const MS_MAX = 2 ** 31 - 1;

/** @throws UsageError for what is no duration */
export function parseLimits({
  timeout,
  time,
}: {
  readonly timeout: string | undefined;
  readonly time: string | undefined;
}): TimeLimits {
  return {
    ...(timeout === undefined ? {} : { scenarioSeconds: parseDuration(timeout, '--timeout') }),
    ...(time === undefined ? {} : { runSeconds: parseDuration(time, '--time') }),
  };
}

/** Sees to it that scenarios and a run of them keep their limits. */
export class TimeKeeper {
  /** Raised when the time of the run is over. */
  readonly over: AbortSignal;

  constructor(private readonly limits: TimeLimits) {
    const { runSeconds } = limits;
    this.over =
      runSeconds === undefined ? new AbortController().signal : AbortSignal.timeout(toMs(runSeconds));
  }

  /** The result of a scenario, or that there was none in time. A failure stands, however late it came. */
  async limit(scenario: Scenario, running: Promise<ScenarioResult>): Promise<ScenarioResult> {
    const { scenarioSeconds } = this.limits;
    if (scenarioSeconds === undefined) return running;
    const late = unheard(scenario, `it did not end within ${String(scenarioSeconds)} s (--timeout)`);
    const stop = new AbortController();
    const alarm = sleep(toMs(scenarioSeconds), late, { signal: stop.signal }).catch(() => late);
    const result = await Promise.race([running, alarm]);
    stop.abort();
    return result.status === 'passed' && result.ms > scenarioSeconds * 1000 ? late : result;
  }

  /** What becomes of a scenario that has no result when the time of the run is over. */
  notRun(scenario: Scenario): ScenarioResult {
    return unheard(
      scenario,
      `the time of the whole run, ${String(this.limits.runSeconds)} s (--time), was over before its end`,
    );
  }
}

function toMs(seconds: number): number {
  return Math.min(Math.ceil(seconds * 1000), MS_MAX);
}
