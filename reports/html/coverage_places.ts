import { type LineReach, byUs } from '../kernel_coverage.js';
import type { AnnotatedCoverage } from './data.js';

/** How a line was reached, in the words that stand beside it. */
export type Reach = 'reached' | 'fault injection' | 'same time' | 'not reached';

export function reachOf(line: LineReach): Reach {
  if (!byUs(line)) return 'not reached';
  switch (line.means) {
    case 'injection':
      return 'fault injection';
    case 'lanes':
      return 'same time';
    default:
      return 'reached';
  }
}

/** Classes of rows, by how their line was reached. */
export const REACH_LOOKS: Readonly<Record<Reach, string>> = {
  reached: 'reached',
  'fault injection': 'rarely',
  'same time': 'rarely',
  'not reached': 'missed',
};

/** Places of one kernel's files, functions and lines in the report. */
export class CoveragePlaces {
  readonly #common: number;

  /** @param prefix tells kernels apart; empty if there is one */
  constructor(
    private readonly prefix: string,
    files: readonly string[],
  ) {
    this.#common = commonDirectory(files).length;
  }

  /** The path without the directories that all files have in common. */
  nameOf(file: string): string {
    return file.slice(this.#common);
  }

  file(file: string): string {
    return `file-${this.prefix}${this.nameOf(file)}`;
  }

  function(file: string, name: string): string {
    return `function-${this.prefix}${this.nameOf(file)}-${name}`;
  }

  line(file: string, line: number): string {
    return `line-${this.prefix}${this.nameOf(file)}-${String(line)}`;
  }
}

/** Places of one of the kernels that a report shows. */
export function placesIn(
  { coverage: { kernel, files } }: AnnotatedCoverage,
  all: readonly AnnotatedCoverage[],
): CoveragePlaces {
  return new CoveragePlaces(
    all.length === 1 ? '' : `${kernel}-`,
    files.map(({ file }) => file),
  );
}

function commonDirectory([first = '', ...rest]: readonly string[]): string {
  const parts = first.split('/').slice(0, -1);
  const isCommon = (count: number) => {
    const start = `${parts.slice(0, count).join('/')}/`;
    return rest.every((file) => file.startsWith(start));
  };
  let count = parts.length;
  while (count > 0 && !isCommon(count)) count -= 1;
  return count === 0 ? '' : `${parts.slice(0, count).join('/')}/`;
}

/** The scenario of a program that reached a line first: what is before its number. */
export function testOf(program: string): string {
  return program.replace(/, program \d+$/, '');
}
