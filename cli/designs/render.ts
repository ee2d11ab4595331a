import Table from 'cli-table3';
import pc from 'picocolors';
import { describeValue } from '../../models/designs/framework/argument.js';
import { type DesignCall, rulesOf } from '../../models/designs/framework/call.js';
import type { Design } from '../../models/designs/framework/design.js';
import { INVARIANTS_OF_DESIGNS } from '../../models/designs/invariants/index.js';
import type { PlayReport } from '../../suites/designs/judge.js';
import { type Standing, describeReproduction, reproduce } from './comparison.js';

/** The table of designs against invariants, and the shortest program for every defect. */
export function renderComparison(
  designs: readonly Design[],
  reports: readonly PlayReport[],
  standings: readonly Standing[],
): string {
  const shown = designs.filter(({ kind }) => kind !== 'planted');
  return [
    renderTable(shown, standings),
    ...designs
      .filter(({ defects }) => defects.length > 0)
      .flatMap((design) => renderDefects(design, reports)),
    '',
    ...renderProblems(reports),
    renderSummary(designs, reports),
    '',
  ].join('\n');
}

function renderTable(designs: readonly Design[], standings: readonly Standing[]): string {
  const table = new Table({
    head: ['invariant', ...designs.map(({ name }) => name)],
    style: { head: [], border: [], compact: true },
  });
  for (const { id } of INVARIANTS_OF_DESIGNS) {
    table.push([
      id,
      ...designs.map(({ name }) =>
        cell(standings.filter((one) => one.design === name && one.invariant === id)),
      ),
    ]);
  }
  return table.toString();
}

function cell(standings: readonly Standing[]): string {
  const [first] = standings;
  if (first === undefined || first.verdict === 'n/a') return pc.dim('n/a');
  if (first.verdict === 'holds') return pc.green('holds');
  return pc.red(`breaks ×${String(standings.length)}`);
}

function renderDefects(design: Design, reports: readonly PlayReport[]): string[] {
  const lines = design.defects.map((defect) => {
    const { id, says, unseen } = defect;
    const shortest = reproduce(id, design, reports);
    const how =
      shortest === undefined
        ? pc.yellow(unseen ?? 'no row shows it')
        : `${describeReproduction(shortest)}  ${pc.dim(shortest.row)}`;
    return `  ${id.padEnd(6)} ${pc.dim(says)}\n         ${how}`;
  });
  return ['', `${pc.bold(design.name)}: ${design.title} (${design.source})`, ...lines];
}

function renderProblems(reports: readonly PlayReport[]): string[] {
  return reports.flatMap(({ placed, problems }) =>
    problems.map((problem) => `${pc.red('✗')} ${placed.row.id} on ${placed.design}: ${problem}`),
  );
}

function renderSummary(designs: readonly Design[], reports: readonly PlayReport[]): string {
  const failed = reports.filter(({ problems }) => problems.length > 0).length;
  const rows = new Set(reports.map(({ placed }) => placed.row.id)).size;
  const orders = reports.reduce((sum, { result }) => sum + result.orders, 0);
  return `${String(designs.length)} designs, ${String(rows)} rows, ${String(reports.length)} programs in ${String(orders)} orders: ${String(reports.length - failed)} as expected, ${failed === 0 ? '0' : pc.red(String(failed))} not`;
}

/** Everything about one design. */
export function renderDesign(
  design: Design,
  reports: readonly PlayReport[],
  standings: readonly Standing[],
): string {
  const { name, title, source, kind, calls } = design;
  return [
    `${pc.bold(name)} (${kind}): ${title}`,
    `Source: ${source}`,
    '',
    ...calls.flatMap(renderCall),
    ...renderStandings(standings),
    ...(design.defects.length === 0 ? [] : renderDefects(design, reports)),
    '',
    ...renderProblems(reports),
    renderSummary([design], reports),
    '',
  ].join('\n');
}

function renderCall(call: DesignCall): string[] {
  const args = Object.entries(call.args).map(([name, argument]) => {
    const usual = argument.usual === undefined ? '' : `, usually ${describeValue(argument, argument.usual)}`;
    return `    ${name}: ${argument.doc}${usual}`;
  });
  const rules = rulesOf(call).map(({ id, says, cite }) => `    ${pc.yellow(id)}: ${says} ${pc.dim(cite)}`);
  return [`  ${pc.bold(call.name)}: ${call.doc} ${pc.dim(call.source)}`, ...args, ...rules, ''];
}

function renderStandings(standings: readonly Standing[]): string[] {
  const named = (verdict: Standing['verdict']) =>
    [...new Set(standings.filter((one) => one.verdict === verdict).map(({ invariant }) => invariant))].join(
      ', ',
    ) || 'none';
  return [`  breaks: ${named('breaks')}`, `  holds: ${named('holds')}`, `  does not apply: ${named('n/a')}`];
}
