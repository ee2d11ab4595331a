import type { Design } from '../../models/designs/framework/design.js';
import { runDesign } from '../../models/designs/framework/execute.js';
import type { DesignProgram } from '../../models/designs/framework/program.js';
import { sampleDesignPrograms } from './generate.js';
import { reduceDesignProgram, reduceWhile } from './reduce.js';

/** A defect that random programs have shown. */
export interface FoundDefect {
  readonly defect: string;
  /** Number of the program, from 1. */
  readonly program: number;
  readonly reduced: DesignProgram;
}

/** What a search of a design has come to. */
export interface DesignSearch {
  readonly seed: number;
  readonly programs: number;
  readonly found: readonly FoundDefect[];
  /** Breaches that no defect of the design explains, each once, with the shortest program. */
  readonly unexplained: readonly { readonly what: string; readonly program: DesignProgram }[];
}

/** Steps of a random program; reduction brings them down. */
const STEPS_MAX = 24;

/** Programs that show a defect already known are reduced again so often, in case they lead to a shorter one. */
const REDUCTIONS_MAX = 5;

/** Runs random programs on a design, one lane each, and reduces those that break something. */
export function searchDesign(design: Design, seed: number, programs: number): DesignSearch {
  const found = new Map<string, FoundDefect>();
  const reductions = new Map<string, number>();
  const unexplained = new Map<string, DesignProgram>();
  const samples = sampleDesignPrograms(design, { seed, count: programs, stepsMax: STEPS_MAX });
  for (const [at, program] of samples.entries()) {
    const { breaches } = runDesign(design, program);
    for (const { invariant, what, defects } of breaches) {
      const title = `${invariant}: ${what}`;
      if (defects.length === 0 && !unexplained.has(title)) {
        unexplained.set(
          title,
          reduceWhile(design, program, (one) => titlesOf(design, one).includes(title)),
        );
      }
    }
    for (const defect of new Set(breaches.flatMap(({ defects }) => defects))) {
      const count = reductions.get(defect) ?? 0;
      if (count >= REDUCTIONS_MAX) continue;
      reductions.set(defect, count + 1);
      const reduced = reduceDesignProgram(design, program, defect);
      const known = found.get(defect);
      if (known === undefined) found.set(defect, { defect, program: at + 1, reduced });
      else if (reduced.steps.length < known.reduced.steps.length) found.set(defect, { ...known, reduced });
    }
  }
  return {
    seed,
    programs,
    found: [...found.values()],
    unexplained: [...unexplained].map(([what, program]) => ({ what, program })),
  };
}

/** Breaches that no defect explains. */
function titlesOf(design: Design, program: DesignProgram): string[] {
  return runDesign(design, program).breaches.flatMap(({ invariant, what, defects }) =>
    defects.length === 0 ? [`${invariant}: ${what}`] : [],
  );
}
