import pc from 'picocolors';
import {
  type ResultLine,
  type RunReport,
  isGood,
  summarise,
  unexpectedPass,
} from '../../reports/run_report.js';
import { EXIT, type ExitCode } from '../errors.js';

/** Findings that are printed; all are in the reports. */
const TOLD_MAX = 10;

/** What was found, and the verdict in one line. */
export function renderVerdict(report: RunReport, code: ExitCode, out: string): string {
  const bad = report.results.filter((result) => !isGood(result));
  const findings = [...brokenRules(bad), ...bad.flatMap(describeOther)];
  const rest = findings.length - TOLD_MAX;
  return [
    ...findings.slice(0, TOLD_MAX),
    ...(rest > 0 ? [`… and ${String(rest)} more, in the reports`] : []),
    verdict(report, code, out),
    '',
  ].join('\n');
}

/** A line for each rule that does not hold, so that it is seen which call is to blame: the one that most results show comes first. */
function brokenRules(bad: readonly ResultLine[]): string[] {
  const shown = new Map<string, { readonly first: string; readonly ids: Set<string> }>();
  for (const { id, broken = [] } of bad) {
    for (const { rule, what } of broken) {
      const known = shown.get(rule) ?? { first: what, ids: new Set() };
      shown.set(rule, known);
      known.ids.add(id);
    }
  }
  return [...shown]
    .sort(([, one], [, two]) => two.ids.size - one.ids.size)
    .map(([rule, { first, ids }]) => {
      const [id = ''] = ids;
      const others = ids.size > 1 ? ` and ${String(ids.size - 1)} more` : '';
      return `${pc.red('✗')} ${pc.bold(rule)} in ${id}${others}: ${first}`;
    });
}

/** What is wrong, and no rule's fault. */
function describeOther(result: ResultLine): string[] {
  const { id, status, reason = '', broken = [] } = result;
  if (status === 'passed') return [`${pc.red('✗')} ${id}: ${unexpectedPass(result)}`];
  if (status !== 'failed') return [`${pc.yellow('?')} ${id}: ${reason}`];
  return broken.length === 0 ? [`${pc.red('✗')} ${id}: ${reason}`] : [];
}

function verdict({ description, results, ms }: RunReport, code: ExitCode, out: string): string {
  const { unexpected, flaky, unspecified, infra } = summarise(results);
  const scenarios = results.filter(({ id }) => !/^(?:stored|random)\//.test(id)).length;
  const programs = results.reduce((sum, result) => sum + result.programs, 0);
  const parts = [
    description,
    `${String(scenarios)} scenarios`,
    `${String(programs)} programs`,
    `${String(unexpected)} unexpected`,
    ...(flaky > 0 ? [`${String(flaky)} flaky`] : []),
    ...(unspecified + infra > 0 ? [`${String(unspecified + infra)} unknown`] : []),
    `${(ms / 1000).toFixed(1)} s`,
    `reports in ${out}`,
  ];
  return `gate: ${word(code)} · ${parts.join(' · ')}`;
}

function word(code: ExitCode): string {
  if (code === EXIT.pass) return pc.green('PASS');
  return code === EXIT.finding ? pc.red('FAIL') : pc.yellow('COULD NOT TELL');
}
