import type { Coverage } from '../../models/outcome.js';
import { type CoveredFile, type Means, type ReachableLine, plainest } from '../../reports/kernel_coverage.js';
import type { Place } from '../../targets/kcov/places.js';

/** A line, while tests reach it. */
interface Line extends Omit<ReachableLine, 'tests'> {
  readonly tests: Set<number>;
  first?: string;
  means?: Means;
  theirs?: boolean;
}

type LinesOfFiles = Map<string, Map<number, Line>>;

/** What tests have reached of some places. */
export class Gathering {
  readonly tests: string[] = [];
  readonly #numbers = new Map<string, number>();
  programs = 0;
  cut = 0;
  readonly #files: LinesOfFiles = new Map();
  readonly #linesWithin: LinesOfFiles = new Map();
  readonly #lineOfOffset = new Map<number, Line>();
  readonly #linesOfBlock = new Map<number, Line[]>();

  /** @param within lines of code that runs whenever a place is reached */
  constructor(places: readonly Place[], within: readonly Place[] = []) {
    for (const place of places) this.#lineOfOffset.set(place.offset, lineOf(place, this.#files));
    for (const place of within) {
      const line = lineOf(place, this.#linesWithin);
      const known = this.#linesOfBlock.get(place.offset);
      if (known === undefined) this.#linesOfBlock.set(place.offset, [line]);
      else known.push(line);
    }
  }

  /** @param program names what ran, for lines that nothing has reached before */
  add(test: string, program: string, means: Means, { numbers, isCut }: Coverage): void {
    const number = this.#numberOf(test);
    this.programs += 1;
    if (isCut) this.cut += 1;
    for (const offset of numbers) {
      const own = this.#lineOfOffset.get(offset);
      if (own !== undefined) reach(own, number, program, means);
      for (const line of this.#linesOfBlock.get(offset) ?? []) reach(line, number, program, means);
    }
  }

  /** What the kernel's own tests have reached. */
  addTheirs(offsets: Iterable<number>): void {
    for (const line of this.#lineOfOffset.values()) line.theirs ??= false;
    for (const offset of offsets) {
      const line = this.#lineOfOffset.get(offset);
      if (line !== undefined) line.theirs = true;
    }
  }

  files(): CoveredFile[] {
    return [...this.#files]
      .sort(([one], [two]) => (one < two ? -1 : 1))
      .map(([file, lines]) => ({
        file,
        lines: inOrder(lines),
        within: inOrder(this.#linesWithin.get(file) ?? new Map<number, Line>()),
      }));
  }

  #numberOf(test: string): number {
    const known = this.#numbers.get(test) ?? this.tests.push(test) - 1;
    this.#numbers.set(test, known);
    return known;
  }
}

function lineOf({ file, line, function: name }: Place, files: LinesOfFiles): Line {
  const lines = files.get(file) ?? new Map<number, Line>();
  const known = lines.get(line) ?? { line, function: name, tests: new Set() };
  files.set(file, lines.set(line, known));
  return known;
}

function reach(line: Line, test: number, program: string, means: Means): void {
  line.tests.add(test);
  line.first ??= program;
  line.means = plainest(line.means, means);
}

function inOrder(lines: ReadonlyMap<number, Line>): ReachableLine[] {
  return [...lines.values()]
    .sort((one, two) => one.line - two.line)
    .map((line) => ({ ...line, tests: [...line.tests] }));
}
