import { hasCall } from '../models/behaviour.js';
import { CALLS } from '../models/ioctls/index.js';
import { errnoOf } from '../models/mutants.js';
import type { Profile } from '../models/profiles/index.js';
import { REFUSING_SOURCES, rulesFor } from '../models/rule_sources.js';
import type { ResultLine, RunReport } from '../reports/run_report.js';
import { describeProblem } from '../suites/harness/judge.js';
import { NEVER_SUCCEED } from '../suites/harness/never_succeed.js';
import type { ScenarioResult } from '../suites/harness/run.js';
import { brokenRules } from './broken_rules.js';

/** Problems of one scenario that are told; the rest are like them. */
const DETAILS_MAX = 12;

/** A result as reports have it. */
export function toResultLine({
  scenario,
  status,
  reason,
  flaky,
  ms,
  programs,
  failures,
  skippedCases,
  findings,
  orders,
}: ScenarioResult): ResultLine {
  const problems = failures.flatMap((report) =>
    report.problems.map((problem) => describeProblem(report, problem)),
  );
  const rest = problems.length - DETAILS_MAX;
  const details =
    rest > 0 ? [...problems.slice(0, DETAILS_MAX), `… ${String(rest)} more like these`] : problems;
  const { id, doc, covers } = scenario;
  const facts = { details, skippedCases, findings, ms, programs, covers, orders: Object.fromEntries(orders) };
  const source = `suites/${id.slice(0, id.indexOf(':'))}.ts`;
  const broken = brokenRules(failures);
  const why = { ...(reason === undefined ? {} : { reason }), ...(flaky === undefined ? {} : { flaky }) };
  return { id, doc, status, ...why, ...facts, source, broken };
}

/** Every rule that a profile's kernel can answer by, and every success. */
function answersOf(profile: Profile): Set<string> {
  const answers = REFUSING_SOURCES.flatMap((source) => {
    const rules = rulesFor(source, profile).filter(({ id }) => errnoOf(id) !== undefined);
    return rules.map(({ id }) => `${source.name}/${id}`);
  });
  for (const call of CALLS.filter((known) => hasCall(profile, known))) {
    if (!NEVER_SUCCEED.has(call.name)) answers.push(`${call.name}/OK`);
  }
  return new Set(answers);
}

/** How much of the rules the answers of a run have followed. */
export function ruleCoverage(results: readonly ScenarioResult[], profile: Profile): RunReport['rules'] {
  const all = answersOf(profile);
  const seen = new Set(results.flatMap(({ rules }) => rules.filter((rule) => all.has(rule))));
  return { seen: seen.size, all: all.size, answered: [...seen].sort() };
}
