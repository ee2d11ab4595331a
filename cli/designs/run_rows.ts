import { rulesOf } from '../../models/designs/framework/call.js';
import type { Design } from '../../models/designs/framework/design.js';
import { DESIGNS, designByName } from '../../models/designs/index.js';
import type { ResultLine, RunReport } from '../../reports/run_report.js';
import { PLAYS, ROW_FILES } from '../../suites/designs/index.js';
import { type PlayReport, judgePlay } from '../../suites/designs/judge.js';
import type { Row } from '../../suites/designs/row.js';
import { UsageError } from '../errors.js';

/** What stands before the name of a design where a target is asked for. */
const PREFIX = 'design:';

/**
 * The design that a target names; undefined for other targets.
 * @throws UsageError when there is no such design
 */
export function designOfTarget(target: string): Design | undefined {
  return target.startsWith(PREFIX) ? findDesign(target.slice(PREFIX.length)) : undefined;
}

/** @throws UsageError when there is no such design */
export function findDesign(name: string): Design {
  const design = designByName(name);
  if (design !== undefined) return design;
  const names = DESIGNS.map((known) => known.name).join(', ');
  throw new UsageError(`there is no design ${name}; there are ${names}`);
}

/** Runs the rows that have a program on a design. */
export function runRows(design: Design, queries: readonly string[], version: string): RunReport {
  const start = performance.now();
  const runs = selectRows(queries, design).map((row) => runRow(row, design));
  return {
    schema: 1,
    tool: `iommufd-cts ${version}`,
    target: `${PREFIX}${design.name}`,
    description: `${design.title} (${design.source})`,
    kernel: '',
    profile: '',
    reading: 'exact',
    notes: [],
    results: runs.map((run) => lineOf(run, design)),
    ms: performance.now() - start,
    isInterrupted: false,
    rules: rulesSeen(
      design,
      runs.flatMap(({ reports }) => reports),
    ),
  };
}

/**
 * Rows by their ids (`S1-01`, `S1-*`), or all of the discussion that a design belongs to.
 * @throws UsageError for a query that selects nothing
 */
function selectRows(queries: readonly string[], design: Design): Row[] {
  if (queries.length === 0) {
    return ROW_FILES.filter(({ seed }) => seed === design.seed).flatMap((file) => file.rows);
  }
  const rows = ROW_FILES.flatMap((file) => file.rows);
  const patterns = queries.map((query) => {
    const pattern = new RegExp(
      `^${query.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}(?:$|(?<=-)|-)`,
      'i',
    );
    if (rows.some(({ id }) => pattern.test(id))) return pattern;
    throw new UsageError(`no row matches ${query}; rows of designs are named as in S1-02 or S1-*`);
  });
  return rows.filter(({ id }) => patterns.some((pattern) => pattern.test(id)));
}

/** A row, run on a design. */
interface RowRun {
  readonly row: Row;
  readonly reports: readonly PlayReport[];
  readonly ms: number;
}

function runRow(row: Row, design: Design): RowRun {
  const start = performance.now();
  const plays = PLAYS.filter((placed) => placed.row === row && placed.design === design.name);
  return { row, reports: plays.map((placed) => judgePlay(placed)), ms: performance.now() - start };
}

function lineOf({ row, reports, ms }: RowRun, design: Design): ResultLine {
  const details = reports.flatMap(({ problems }) => problems);
  return {
    id: `S${String(design.seed)}/${row.id}`,
    doc: `${row.title} (${row.source})`,
    status: reports.length === 0 ? 'skipped' : details.length > 0 ? 'failed' : 'passed',
    ...(reports.length === 0 ? { reason: whyAbsent(row, design) } : {}),
    details,
    findings: [],
    skippedCases: [],
    ms,
    programs: reports.reduce((sum, { result }) => sum + result.orders, 0),
    covers: row.defects,
  };
}

/** Why a row has no program on a design. */
function whyAbsent(row: Row, design: Design): string {
  const file = ROW_FILES.find(({ rows }) => rows.includes(row));
  if (file?.proposal === design.name && 'absent' in row.proposal) return row.proposal.absent;
  if (file?.merged === design.name && 'absent' in row.merged) return row.merged.absent;
  return 'the row is about other designs';
}

/** Rules of a design that some step was refused by. */
function rulesSeen(design: Design, reports: readonly PlayReport[]): RunReport['rules'] {
  const seen = new Set<string>();
  for (const { program, result } of reports) {
    for (const [at, outcomes] of result.outcomes.entries()) {
      for (const outcome of outcomes) {
        if (outcome.is === 'errno') seen.add(`${program.steps[at]?.call ?? ''}/${outcome.rule}`);
      }
    }
  }
  return { seen: seen.size, all: design.calls.flatMap(rulesOf).length };
}
