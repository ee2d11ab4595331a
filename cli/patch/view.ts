import type { CoveredFile, KernelCoverage, ReachableLine } from '../../reports/kernel_coverage.js';
import type { ChangedFunction, ChangedLine, Execution, PatchView } from '../../reports/patch_view.js';
import { TestBedError } from '../../targets/target.js';
import type { DiffOfFile, NewLine, Removal } from './diff_file.js';

/** A line that is no code, whatever its function does: nothing, a comment, brackets, or a mark to go to. */
const NO_CODE = /^\s*(?:$|\/\/|\/\*|\*(?:[ /]|$)|[{}]+;?\s*$|\w+:\s*$|#)/;

/** What was executed of the lines that a diff changes. */
export function viewPatch(patch: string, diff: readonly DiffOfFile[], coverage: KernelCoverage): PatchView {
  const { tool, kernel, source, programs, tests, files } = coverage;
  const measured = new Map(files.map((file) => [file.file, file]));
  const functions = diff.flatMap((changed) => {
    const file = measured.get(changed.file);
    return file === undefined ? [] : new FileView(changed, file, tests).functions();
  });
  return {
    schema: 1,
    ...{ tool, patch, kernel, source, programs, tests: tests.length, functions },
    unmeasured: diff.flatMap(({ file }) => (measured.has(file) ? [] : file)),
  };
}

/**
 * Sees to it that a diff changes something that was measured, or can be.
 * @throws TestBedError
 */
export function requireMeasured(
  patch: string,
  diff: readonly DiffOfFile[],
  kernel: string,
  isMeasured: (file: string) => boolean,
): void {
  if (diff.some(({ file }) => isMeasured(file))) return;
  const files = diff.slice(0, NAMED_MAX).map(({ file }) => file);
  const more = diff.length > NAMED_MAX ? [`${String(diff.length - NAMED_MAX)} more`] : [];
  throw new TestBedError(
    `${patch} changes nothing of ${kernel} that was measured: it is about ${[...files, ...more].join(', ')}`,
  );
}

/** Files that are named. */
const NAMED_MAX = 3;

type Told = Pick<ChangedLine, 'execution' | 'at' | 'tests' | 'first' | 'means'>;

/** What a diff changes of one file. */
class FileView {
  readonly #own: ReadonlyMap<number, ReachableLine>;
  readonly #within: ReadonlyMap<number, ReachableLine>;
  /** In order. */
  readonly #known: readonly number[];

  constructor(
    private readonly diff: DiffOfFile,
    file: CoveredFile,
    private readonly tests: readonly string[],
  ) {
    this.#own = new Map(file.lines.map((line) => [line.line, line]));
    this.#within = new Map(file.within.map((line) => [line.line, line]));
    this.#known = [...new Set([...this.#own.keys(), ...this.#within.keys()])].sort((one, two) => one - two);
  }

  functions(): ChangedFunction[] {
    const found = new Map<string, { readonly lines: ChangedLine[]; others: number }>();
    const of = (name: string): { readonly lines: ChangedLine[]; others: number } => {
      const known = found.get(name) ?? { lines: [], others: 0 };
      found.set(name, known);
      return known;
    };
    for (const line of this.diff.lines) {
      if (!line.isAdded) continue;
      const changed = of(this.#functionOf(line.line, line.function));
      if (NO_CODE.test(line.text) && !this.#known.includes(line.line)) changed.others += 1;
      else changed.lines.push(this.#added(line));
    }
    for (const removal of this.diff.removals) {
      const changed = of(this.#functionOf(removal.at, removal.function));
      if (removal.lines.every(({ text }) => NO_CODE.test(text))) continue;
      changed.lines.push(this.#removed(removal));
    }
    return [...found].map(([name, { lines, others }]) => ({
      ...{ file: this.diff.file, function: name, ...this.#enteredBy(name) },
      ...{ lines: lines.sort((one, two) => (one.at ?? one.line) - (two.at ?? two.line)), others },
    }));
  }

  #added({ line, text, function: name }: NewLine): ChangedLine {
    const own = this.#tell(line);
    if (own !== undefined) return { change: 'added', line, text, ...own };
    const of = this.#functionOf(line, name);
    const before = this.#known.findLast((known) => known < line && this.#functionOf(known, undefined) === of);
    const near = before === undefined ? undefined : this.#tell(before);
    return {
      ...{ change: 'added', line, text },
      ...(near === undefined || before === undefined ? { tests: [] } : { ...near, at: before }),
      execution: 'no trace point',
    };
  }

  /** What stands where something was taken out: the first line that tells, in what the diff shows of the function. */
  #removed({ lines, at }: Removal): ChangedLine {
    const [first, last] = [lines[0], lines.at(-1)];
    const shown = this.diff.lines.filter(({ line }) => line >= at);
    const end = shown.find(
      ({ line, text }, index) => text.startsWith('}') || shown[index + 1]?.line !== line + 1,
    );
    const place = this.#known.find((known) => known >= at && known <= (end?.line ?? at));
    const told = place === undefined ? undefined : this.#tell(place);
    return {
      ...{ change: 'removed', line: first?.line ?? 0, text: first?.text ?? '' },
      ...(last === undefined || last === first ? {} : { last: last.line }),
      ...(told === undefined || place === undefined
        ? { execution: 'no trace point', tests: [] }
        : { ...told, at: place }),
    };
  }

  #tell(line: number): Told | undefined {
    const [own, within] = [this.#own.get(line), this.#within.get(line)];
    if (own !== undefined && own.tests.length > 0) return this.#told('executed', own);
    if (within !== undefined && within.tests.length > 0)
      return this.#told(own === undefined ? 'executed' : 'in part', within);
    return own === undefined && within === undefined ? undefined : { execution: 'not executed', tests: [] };
  }

  #told(execution: Execution, { tests, first, means }: ReachableLine): Told {
    return {
      execution,
      tests: tests.map((number) => this.tests[number] ?? ''),
      ...(first === undefined ? {} : { first }),
      ...(means === undefined ? {} : { means }),
    };
  }

  /** By the lines that are known, by what the diff shows, or by those around it; empty between functions. */
  #functionOf(line: number, shown: string | undefined): string {
    const own = this.#knownFunction(line) ?? shown;
    if (own !== undefined) return own;
    const before = this.#knownFunction(this.#known.findLast((known) => known < line));
    const after = this.#knownFunction(this.#known.find((known) => known > line));
    return before === after ? (before ?? '') : '';
  }

  #knownFunction(line = 0): string | undefined {
    return (this.#own.get(line) ?? this.#within.get(line))?.function;
  }

  #enteredBy(name: string): Pick<ChangedFunction, 'enteredBy'> {
    const lines = [...this.#own.values(), ...this.#within.values()].filter((line) => line.function === name);
    return lines.length === 0 ? {} : { enteredBy: new Set(lines.flatMap(({ tests }) => tests)).size };
  }
}
