import pc from 'picocolors';
import {
  type ResultLine,
  type ResultStatus,
  type RunReport,
  byArea,
  findingsOf,
  isUnexpected,
  summarise,
} from './run_report.js';
import { plainTable } from './plain_table.js';

const MARKS: Readonly<Record<ResultStatus, string>> = {
  passed: pc.green('✓'),
  failed: pc.red('✗'),
  skipped: pc.yellow('-'),
  unspecified: pc.yellow('?'),
  infra: pc.magenta('!'),
};

/** Scenarios named of those that did not run for the same reason. */
const EXAMPLES_MAX = 3;

/** Text for people: what ran, a table of areas, and whatever did not pass. */
export function renderSpec(report: RunReport, isVerbose = false): string {
  const { results } = report;
  return [
    renderHeading(report),
    '',
    ...(isVerbose ? [results.map(renderLine).join('\n'), ''] : []),
    renderTable(results),
    ...renderTroubles(results),
    ...renderExpected(results),
    ...renderFlaky(results),
    ...renderGroups('infra', 'not run', reasonsOf(results, 'infra')),
    ...renderGroups('skipped', 'skipped', reasonsOf(results, 'skipped')),
    ...renderGroups('skipped', 'cases skipped', skippedCases(results)),
    ...renderOrders(results),
    ...renderFindings(results),
    ...report.notes.map((note) => `${pc.yellow('note')}: ${note}`),
    renderSummary(report),
    '',
  ].join('\n');
}

function renderHeading({ tool, description, profile, reading, results }: RunReport): string {
  const expected = profile === '' ? '' : ` · expectations of Linux ${profile}, ${reading} reading`;
  return `${pc.bold(tool)} · ${description}${expected} · ${String(results.length)} scenarios`;
}

/** One scenario in one line. */
function renderLine({ id, status, reason, ms }: ResultLine): string {
  const tail = reason === undefined ? '' : pc.dim(`  ${reason}`);
  return `  ${MARKS[status]} ${id} ${pc.dim(`${String(Math.round(ms))} ms`)}${tail}`;
}

function renderTable(results: readonly ResultLine[]): string {
  const row = (name: string, lines: readonly ResultLine[]) => {
    const { total, passed, failed, skipped, unspecified, infra } = summarise(lines);
    const programs = lines.reduce((sum, line) => sum + line.programs, 0);
    return [name, total, passed, failed, skipped, unspecified + infra, programs];
  };
  const head = ['area', 'scenarios', 'passed', 'failed', 'skipped', 'unknown', 'programs'];
  return plainTable(head, [
    ...[...byArea(results)].map(([area, lines]) => row(area, lines)),
    row('all', results),
  ]);
}

function renderTroubles(results: readonly ResultLine[]): string[] {
  const troubles = results.filter(
    (result) => (result.status === 'failed' && isUnexpected(result)) || result.status === 'unspecified',
  );
  return troubles.flatMap((result) => [
    '',
    `${MARKS[result.status]} ${pc.bold(result.id)}  ${result.status}`,
    `  ${pc.dim(result.doc)}`,
    ...(result.details.length === 0 ? [result.reason ?? ''] : result.details).map((detail) => `  ${detail}`),
  ]);
}

/** Failures that were foreseen, and passes of what was foreseen to fail. */
function renderExpected(results: readonly ResultLine[]): string[] {
  return results.flatMap((result) => {
    const { id, status, expected } = result;
    if (expected === undefined) return [];
    if (status === 'failed') return [`${pc.yellow('✗')} failed as expected: ${id} (${expected.reason})`];
    if (!isUnexpected(result)) return [];
    return [
      `${MARKS.failed} passed, and was expected to fail: ${id} (${expected.reason}); --update-expectations takes that out`,
    ];
  });
}

/** Passes that a report must not pass over. */
function renderFlaky(results: readonly ResultLine[]): string[] {
  return results.flatMap(({ id, flaky }) =>
    flaky === undefined ? [] : [`${pc.yellow('~')} flaky: ${id}: ${flaky}`],
  );
}

/** How often steps with several ways to answer, as those that go on at the same time have, answered in which. */
function renderOrders(results: readonly ResultLine[]): string[] {
  const lines = results.flatMap(({ id, orders = {} }) => {
    const counts = Object.entries(orders).map(([name, count]) => `${name} ${String(count)}`);
    return counts.length === 0 ? [] : [`  ${id}: ${counts.join(', ')}`];
  });
  return lines.length === 0 ? [] : ['', 'how often calls answered in which of several ways:', ...lines];
}

/** Something that did not run, and why. */
type Reason = readonly [id: string, reason: string];

function reasonsOf(results: readonly ResultLine[], of: ResultStatus): Reason[] {
  return results.flatMap(({ status, reason = 'no reason', id }) => (status === of ? [[id, reason]] : []));
}

function skippedCases(results: readonly ResultLine[]): Reason[] {
  return results.flatMap((result) =>
    result.skippedCases.map(({ name, reason }): Reason => [`${result.id} ${name}`, reason]),
  );
}

/** What did not run, told together where it has the same reason. */
function renderGroups(of: ResultStatus, word: string, reasons: readonly Reason[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const [id, reason] of reasons) byReason.set(reason, [...(byReason.get(reason) ?? []), id]);
  return [...byReason].map(([reason, ids]) => {
    const more = ids.length > EXAMPLES_MAX ? `, … ${String(ids.length - EXAMPLES_MAX)} more` : '';
    return `${MARKS[of]} ${word} ${String(ids.length)}: ${reason} (${ids.slice(0, EXAMPLES_MAX).join('; ')}${more})`;
  });
}

/** Known findings are no failures, and are told all the same. */
function renderFindings(results: readonly ResultLine[]): string[] {
  const findings = [...findingsOf(results)];
  if (findings.length === 0) return [];
  const names = findings.map(([id, scenarios]) => `${id} (${String(scenarios)})`);
  return [
    `${String(findings.length)} known ${findings.length === 1 ? 'finding' : 'findings'} seen, in so many scenarios: ${names.join(', ')}`,
  ];
}

function renderSummary(report: RunReport): string {
  const { passed, failed, unexpected, flaky, skipped, unspecified, infra } = summarise(report.results);
  const isForeseen = report.results.some(({ expected }) => expected !== undefined);
  const programs = report.results.reduce((sum, result) => sum + result.programs, 0);
  const parts = [
    pc.green(`${String(passed)} passed`),
    failed > 0 ? pc.red(`${String(failed)} failed`) : '0 failed',
    ...(isForeseen ? [`${String(unexpected)} unexpected`] : []),
    ...(flaky > 0 ? [pc.yellow(`${String(flaky)} flaky`)] : []),
    `${String(skipped)} skipped`,
    ...(unspecified > 0 ? [pc.yellow(`${String(unspecified)} unspecified`)] : []),
    ...(infra > 0 ? [pc.magenta(`${String(infra)} not run for trouble of the test bed`)] : []),
  ];
  const { seen, all } = report.rules;
  const seconds = (report.ms / 1000).toFixed(1);
  const end = report.isInterrupted ? pc.yellow(' · interrupted: the rest did not run') : '';
  return `\n${parts.join(', ')} · ${String(programs)} programs · ${String(seen)} of ${String(all)} rules answered · ${seconds} s${end}`;
}
