import pc from 'picocolors';
import type { DesignSearch } from '../../fuzz/designs/search.js';
import type { Defect, Design } from '../../models/designs/framework/design.js';
import { describeProgram } from '../../models/designs/framework/program.js';
import type { PlayReport } from '../../suites/designs/judge.js';
import { type Reproduction, reproduce } from './comparison.js';

/** Of the defects that one lane can show, a search of a proposal must find this part. */
const FOUND_MIN = 0.8;

/** A random search held against what the rows of the discussions know. */
export interface SearchReport {
  readonly design: Design;
  readonly search: DesignSearch;
  /** Defects that one lane can show. */
  readonly single: readonly Defect[];
  readonly missed: readonly Defect[];
  /** The shortest programs that rows lead to, by defect. */
  readonly known: ReadonlyMap<string, Reproduction>;
  /** Defects whose shortest program is longer than the one that rows know. */
  readonly longer: readonly string[];
  /** What is wrong, one line each: breaches without a defect, too few defects, programs that are too long. */
  readonly problems: readonly string[];
}

export function reportSearch(
  design: Design,
  search: DesignSearch,
  reports: readonly PlayReport[],
): SearchReport {
  const known = new Map<string, Reproduction>(
    design.defects.flatMap(({ id }) => {
      const shortest = reproduce(id, design, reports);
      return shortest === undefined ? [] : [[id, shortest] as const];
    }),
  );
  const single = design.defects.filter(({ isRace, unseen }) => isRace !== true && unseen === undefined);
  const missed = single.filter(({ id }) => !search.found.some(({ defect }) => defect === id));
  const longer = search.found
    .filter(
      ({ defect, reduced }) => reduced.steps.length > (known.get(defect)?.program.steps.length ?? Infinity),
    )
    .map(({ defect }) => defect);
  const isBelow = design.kind === 'proposal' && missed.length > single.length * (1 - FOUND_MIN);
  const problems = [
    ...search.unexplained.map(
      ({ what, program }) => `no defect explains ${what}: ${describeProgram(design, program)}`,
    ),
    ...(isBelow ? [`fewer than ${String(FOUND_MIN * 100)} % of what one lane can show are found`] : []),
    ...longer.map((id) => `${id} takes more steps than a row knows`),
  ];
  return { design, search, single, missed, known, longer, problems };
}

/** What a random search has found and missed. */
export function renderSearch(report: SearchReport): string {
  const { design, search, single, missed, problems } = report;
  const { seed, programs } = search;
  const missing = missed.length === 0 ? '' : `; missed: ${missed.map(({ id }) => id).join(', ')}`;
  return [
    `${pc.bold(design.name)}: ${String(programs)} random programs, seed ${String(seed)}`,
    ...design.defects.map((defect) => renderDefect(report, defect)),
    ...problems.map((problem) => `  ${pc.red('✗')} ${problem}`),
    `  found ${String(single.length - missed.length)} of ${String(single.length)} that one lane can show${missing}`,
    '',
  ].join('\n');
}

function renderDefect({ design, search, known }: SearchReport, { id, isRace, unseen }: Defect): string {
  const hit = search.found.find(({ defect }) => defect === id);
  const shortest = known.get(id);
  const row =
    shortest === undefined
      ? 'no row shows it'
      : `shortest known: ${shortest.row} with ${steps(shortest.program.steps.length)}`;
  if (hit === undefined) {
    const why = unseen ?? (isRace === true ? 'takes two lanes' : `missed; ${row}`);
    return `  ${id.padEnd(6)} ${pc.yellow(why)}`;
  }
  const { program, reduced } = hit;
  return `  ${id.padEnd(6)} program ${String(program)}; ${row}; this one: ${steps(reduced.steps.length)}: ${describeProgram(design, reduced)}`;
}

function steps(count: number): string {
  return `${String(count)} ${count === 1 ? 'step' : 'steps'}`;
}
