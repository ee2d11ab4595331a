import { globSource } from './glob.js';
import type { ResultLine, RunReport } from './run_report.js';

/** That a scenario is known to fail: `fail` always, `may_fail` sometimes. */
export interface Expectation {
  /** The id of a scenario, or a part of the tree: `*` stands for any run of characters. */
  readonly scenario: string;
  readonly expect: 'fail' | 'may_fail';
  /** For whoever reads it: the cause, or where it is discussed. */
  readonly reason: string;
  /** The runs that it is about; each member has to match, by the same patterns. Without it, all runs. */
  readonly when?: Readonly<Partial<Record<Condition, string>>>;
}

/** What of a run an expectation may depend on; a kernel's id has its version and flavour. */
export const CONDITIONS = ['target', 'kernel', 'profile', 'reading'] as const;
export type Condition = (typeof CONDITIONS)[number];

type RunFacts = Pick<RunReport, Condition>;

/** Marks the results that somebody has foreseen; the first expectation that matches counts. */
export function withExpectations(report: RunReport, expectations: readonly Expectation[]): RunReport {
  const here = expectations.filter((expectation) => isAbout(expectation, report));
  const results = report.results.map((result): ResultLine => {
    const found = here.find(({ scenario }) => matches(scenario, result.id));
    return found === undefined ? result : { ...result, expected: { is: found.expect, reason: found.reason } };
  });
  return { ...report, results };
}

/**
 * What an expectations file should say after a run: failures that nobody has foreseen come in, with what was seen for a reason;
 * what was foreseen and did not come goes, if the run could have shown it.
 */
export function updatedExpectations(
  expectations: readonly Expectation[],
  report: RunReport,
): readonly Expectation[] {
  const kept = expectations.filter((expectation) => !isRefuted(expectation, report));
  const { target, kernel, profile, reading } = report;
  const when = { target, ...(kernel === '' ? {} : { kernel }), profile, reading };
  const added = report.results
    .filter((result) => result.status === 'failed' && result.expected === undefined)
    .map(({ id, reason = 'it fails' }): Expectation => {
      return { scenario: id, expect: 'fail', reason, when };
    });
  return [...kept, ...added];
}

/** An expectation of failures all of whose scenarios ran, and none of which failed. */
function isRefuted(expectation: Expectation, report: RunReport): boolean {
  if (expectation.expect === 'may_fail' || report.isInterrupted || !isAbout(expectation, report))
    return false;
  const meant = report.results.filter(({ id }) => matches(expectation.scenario, id));
  return meant.length > 0 && meant.every(({ status }) => status === 'passed');
}

function isAbout({ when = {} }: Expectation, run: RunFacts): boolean {
  return CONDITIONS.every((name) => {
    const pattern = when[name];
    return pattern === undefined || matches(pattern, run[name]);
  });
}

function matches(pattern: string, text: string): boolean {
  return new RegExp(`^${globSource(pattern)}$`).test(text);
}
