import type { Argv } from 'yargs';
import type { ProblemKind } from '../models/program_verdict.js';
import type { ScenarioResult } from '../suites/harness/run.js';

/** How often scenarios run. */
export interface Repetition {
  /** Each; one that does not always end the same fails. */
  readonly repeat: number;
  /** At most so often again, one that failed or that the test bed spoiled. */
  readonly retries: number;
}

export const ONCE: Repetition = { repeat: 1, retries: 0 };

/** The option of commands that try again. */
export function addRetries(yargs: Argv): Argv {
  return yargs.option('retries', {
    type: 'number',
    default: 0,
    describe:
      'run a scenario that fails, or that the test bed spoils, up to N times more; one that passes then is told to be flaky',
  });
}

/** What a kernel printed, broke or left behind once is no chance: some messages come only once. */
const STANDING: ReadonlySet<ProblemKind> = new Set(['console', 'stray_write', 'leftover', 'crash']);

/** The result of a scenario that runs as often as it is to, and again if there is hope. */
export async function runUntilTold(
  run: () => Promise<ScenarioResult>,
  { repeat, retries }: Repetition,
  interrupted: AbortSignal,
): Promise<ScenarioResult> {
  const first = await runRepeatedly(run, repeat, interrupted);
  if (!mayBeChance(first)) return first;
  let { ms } = first;
  for (let count = 1; count <= retries && !interrupted.aborted; count++) {
    const again = await runRepeatedly(run, repeat, interrupted);
    ms += again.ms;
    if (again.status === 'passed') {
      const flaky = `it passed when it was tried again (${String(count)} of at most ${String(retries)}); before: ${first.reason ?? first.status}`;
      return { ...again, ms, flaky };
    }
    if (!mayBeChance(again)) return { ...again, ms };
  }
  return { ...first, ms };
}

function mayBeChance({ status, failures }: ScenarioResult): boolean {
  if (status === 'infra') return true;
  const problems = failures.flatMap((failure) => failure.problems);
  return status === 'failed' && !problems.some(({ kind }) => STANDING.has(kind));
}

async function runRepeatedly(
  run: () => Promise<ScenarioResult>,
  times: number,
  interrupted: AbortSignal,
): Promise<ScenarioResult> {
  const results: ScenarioResult[] = [];
  for (let count = 0; count < times && !(count > 0 && interrupted.aborted); count++)
    results.push(await run());
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
