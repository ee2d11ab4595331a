import { reduceDesignProgram } from '../../fuzz/designs/reduce.js';
import type { Design } from '../../models/designs/framework/design.js';
import { describeOrder, runDesign } from '../../models/designs/framework/execute.js';
import { type DesignProgram, describeProgram } from '../../models/designs/framework/program.js';
import { DESIGNS } from '../../models/designs/index.js';
import { INVARIANTS_OF_DESIGNS } from '../../models/designs/invariants/index.js';
import type { DesignInvariant } from '../../models/designs/invariants/invariant.js';
import { PLAYS } from '../../suites/designs/index.js';
import { type PlayReport, judgePlay } from '../../suites/designs/judge.js';

/** How a design stands to an invariant, and by which defect; one line for each defect that breaks it. */
export interface Standing {
  readonly design: string;
  readonly invariant: string;
  readonly verdict: 'holds' | 'breaks' | 'n/a';
  readonly defect?: string;
  /** Id of the row whose program is the shortest that shows it. */
  readonly scenario?: string;
  /** That program in one line. */
  readonly program?: string;
}

/** The shortest known program for a defect. */
export interface Reproduction {
  readonly defect: string;
  readonly design: Design;
  /** Row that it comes from. */
  readonly row: string;
  readonly program: DesignProgram;
  /** Of a race, the order of sections that shows it first: `A B A`. */
  readonly order: string | undefined;
}

/** All plays, judged; some designs' only if they are named. */
export function judgeAll(designs: readonly Design[] = DESIGNS): PlayReport[] {
  const names = new Set(designs.map(({ name }) => name));
  return PLAYS.filter(({ design }) => names.has(design)).map((placed) => judgePlay(placed));
}

/** Whether a design shows what an invariant looks at. */
export function applies({ facet }: DesignInvariant, design: Design): boolean {
  return facet === undefined || design.view(design.initial())[facet] !== undefined;
}

/** Every design against every invariant. */
export function standingsOf(designs: readonly Design[], reports: readonly PlayReport[]): Standing[] {
  return designs.flatMap((design) => {
    const own = reports.filter((report) => report.design === design);
    return INVARIANTS_OF_DESIGNS.flatMap((invariant) => standingsIn(design, invariant, own));
  });
}

function standingsIn(design: Design, invariant: DesignInvariant, reports: readonly PlayReport[]): Standing[] {
  const face = { design: design.name, invariant: invariant.id };
  if (!applies(invariant, design)) return [{ ...face, verdict: 'n/a' }];
  const defects = reports.flatMap(({ result }) =>
    result.breaches.filter((breach) => breach.invariant === invariant.id).flatMap((breach) => breach.defects),
  );
  if (defects.length === 0) return [{ ...face, verdict: 'holds' }];
  return [...new Set(defects)].map((defect): Standing => {
    const shortest = reproduce(defect, design, reports);
    return {
      ...face,
      verdict: 'breaks',
      defect,
      ...(shortest === undefined ? {} : { scenario: shortest.row, program: describeReproduction(shortest) }),
    };
  });
}

const reproductions = new Map<string, Reproduction | undefined>();

/** The shortest program for a defect that the rows lead to. */
export function reproduce(
  defect: string,
  design: Design,
  reports: readonly PlayReport[],
): Reproduction | undefined {
  const key = `${design.name} ${defect}`;
  if (!reproductions.has(key)) reproductions.set(key, shortestOf(defect, design, reports));
  return reproductions.get(key);
}

function shortestOf(
  defect: string,
  design: Design,
  reports: readonly PlayReport[],
): Reproduction | undefined {
  let best: Reproduction | undefined;
  for (const report of reports) {
    const isShown = report.result.breaches.some(({ defects }) => defects.includes(defect));
    if (report.design !== design || !isShown) continue;
    const program = reduceDesignProgram(design, report.program, defect);
    if (best === undefined || program.steps.length < best.program.steps.length) {
      const order = orderShowing(design, program, defect);
      best = { defect, design, row: report.placed.row.id, program, order };
    }
  }
  return best;
}

function orderShowing(design: Design, program: DesignProgram, defect: string): string | undefined {
  const { breaches } = runDesign(design, program);
  const order = breaches.find(({ defects }) => defects.includes(defect))?.order;
  return order === undefined ? undefined : describeOrder(order);
}

/** The program of a reproduction in one line, of a race with its order. */
export function describeReproduction({ design, program, order }: Reproduction): string {
  const line = describeProgram(design, program);
  return order === undefined ? line : `${line} (order ${order})`;
}
