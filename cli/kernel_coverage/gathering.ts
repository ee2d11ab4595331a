import type { Coverage } from '../../models/outcome.js';
import type { CoveredFile, Means, ReachableLine } from '../../reports/kernel_coverage.js';
import type { Place } from '../../targets/kcov/places.js';

/** A line, while tests reach it. */
interface Line extends ReachableLine {
  readonly tests: number[];
  first?: string;
  means?: Means;
  theirs?: boolean;
}

const WEIGHT: Readonly<Record<Means, number>> = { alone: 0, injection: 1, lanes: 2 };

/** What tests have reached of some places. */
export class Gathering {
  readonly tests: string[] = [];
  programs = 0;
  cut = 0;
  readonly #files = new Map<string, Map<number, Line>>();
  readonly #lineOfOffset = new Map<number, Line>();

  constructor(places: readonly Place[]) {
    for (const { offset, file, line, function: name } of places) {
      const lines = this.#files.get(file) ?? new Map<number, Line>();
      const known = lines.get(line) ?? { line, function: name, tests: [] };
      this.#files.set(file, lines.set(line, known));
      this.#lineOfOffset.set(offset, known);
    }
  }

  /** @param program names what ran, for lines that nothing has reached before */
  add(test: string, program: string, means: Means, { numbers, isCut }: Coverage): void {
    const number = this.#numberOf(test);
    this.programs += 1;
    if (isCut) this.cut += 1;
    for (const offset of numbers) {
      const line = this.#lineOfOffset.get(offset);
      if (line === undefined) continue;
      if (!line.tests.includes(number)) line.tests.push(number);
      line.first ??= program;
      if (line.means === undefined || WEIGHT[means] < WEIGHT[line.means]) line.means = means;
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
        lines: [...lines.values()].sort((one, two) => one.line - two.line),
      }));
  }

  #numberOf(test: string): number {
    const known = this.tests.lastIndexOf(test);
    return known >= 0 ? known : this.tests.push(test) - 1;
  }
}
