import { markdownTable } from 'markdown-table';

/** Whether a line was reached by calls one after another, or only when an allocation failed, or only by calls at the same time. */
export type Means = 'alone' | 'injection' | 'lanes';

/** What a line is reached by counts as the plainest of them. */
const WEIGHT: Readonly<Record<Means, number>> = { alone: 0, injection: 1, lanes: 2 };

export function plainest(one: Means | undefined, two: Means): Means {
  return one === undefined || WEIGHT[two] < WEIGHT[one] ? two : one;
}

/** How a line was reached that calls one after another do not reach; empty for others. */
export function meansInWords(means: Means | undefined): string {
  return means === undefined ? '' : MEANS_WORDS[means];
}

const MEANS_WORDS: Readonly<Record<Means, string>> = {
  alone: '',
  injection: 'where an allocation failed',
  lanes: 'by calls at the same time',
};

/** A line of a kernel's source that can be reached: code that kcov tells of begins there. */
export interface LineReach {
  readonly line: number;
  readonly function: string;
  /** The program that was the first to reach it; undefined if none has. */
  readonly first?: string;
  readonly means?: Means;
  /** Whether the kernel's own tests reached it; undefined if they were not asked. */
  readonly theirs?: boolean;
}

export interface ReachableLine extends LineReach {
  /** Numbers of the tests that reached it. */
  readonly tests: readonly number[];
}

/** A file of a kernel's source. */
export interface CoveredFile {
  /** From the top of the tree. */
  readonly file: string;
  /** In order. */
  readonly lines: readonly ReachableLine[];
  /** In order: lines of code that runs whenever some place is reached, whether or not it is one of theirs. */
  readonly within: readonly ReachableLine[];
  /** What git calls the contents of the file that was measured; undefined if its source is not there. */
  readonly blob?: string;
}

/** What code of a kernel was reached. */
export interface KernelCoverage {
  readonly tool: string;
  readonly kernel: string;
  /** Where the kernel came from. */
  readonly source: string;
  /** Where programs ran. */
  readonly description: string;
  /** Scenarios, and others, by number. */
  readonly tests: readonly string[];
  readonly programs: number;
  /** Programs of which not everything was traced. */
  readonly cut: number;
  readonly files: readonly CoveredFile[];
  /** What the kernel's own tests did, in words; empty if they were not asked. */
  readonly theirs: readonly string[];
}

/** A line in a file of `coverage --json`. */
export interface StoredLine extends LineReach {
  /** How many tests reached it. */
  readonly tests: number;
  /** Their numbers, the first first. */
  readonly by?: readonly number[];
}

export interface StoredFile {
  readonly file: string;
  readonly blob?: string;
  readonly reachable: readonly StoredLine[];
  readonly within?: readonly StoredLine[];
}

/** What a file of `coverage --json` says. */
export interface StoredCoverage extends Omit<KernelCoverage, 'tests' | 'files'> {
  readonly tests: number;
  /** The tests, by number. */
  readonly names?: readonly string[];
  readonly files: readonly StoredFile[];
}

/** How many of something were reached. */
export interface Share {
  readonly reached: number;
  readonly all: number;
}

type IsReached = (this: void, line: LineReach) => boolean;

export const byUs: IsReached = ({ first }) => first !== undefined;
export const byThem: IsReached = ({ theirs }) => theirs === true;

export function share(lines: readonly LineReach[], isReached: IsReached): Share {
  return { reached: lines.filter(isReached).length, all: lines.length };
}

/** Lines by the function that they are of. */
export function functionsOf<Line extends LineReach>(lines: readonly Line[]): Map<string, Line[]> {
  const functions = new Map<string, Line[]>();
  for (const line of lines) {
    const known = functions.get(line.function);
    if (known === undefined) functions.set(line.function, [line]);
    else known.push(line);
  }
  return functions;
}

export function shareOfFunctions(lines: readonly LineReach[], isReached: IsReached): Share {
  const functions = [...functionsOf(lines).values()];
  return { reached: functions.filter((own) => own.some(isReached)).length, all: functions.length };
}

export function percent({ reached, all }: Share): number {
  return all === 0 ? 100 : Math.floor((1000 * reached) / all) / 10;
}

export function renderShare(one: Share): string {
  return `${String(one.reached)} of ${String(one.all)}`;
}

/** A table of files, beside what the kernel's own tests reach if they were asked. */
export function renderCoverageTable({ files, theirs }: KernelCoverage): string {
  const hasTheirs = theirs.length > 0;
  const rows = [...files, { file: 'all', lines: files.flatMap(({ lines }) => lines) }].map(
    ({ file, lines }) => {
      const ours = share(lines, byUs);
      const their = share(lines, byThem);
      return [
        ...[
          file,
          renderShare(ours),
          `${percent(ours).toFixed(1)} %`,
          renderShare(shareOfFunctions(lines, byUs)),
        ],
        ...(hasTheirs
          ? [
              renderShare(their),
              `${percent(their).toFixed(1)} %`,
              String(countOnly(lines, byUs, byThem)),
              String(countOnly(lines, byThem, byUs)),
            ]
          : []),
      ];
    },
  );
  const head = [
    'file',
    'lines',
    '%',
    'functions',
    ...(hasTheirs ? ['their lines', 'their %', 'only ours', 'only theirs'] : []),
  ];
  return `${markdownTable([head, ...rows], { align: ['l', ...head.slice(1).map(() => 'r')] })}\n`;
}

/** How many lines are reached here, and not there. */
export function countOnly(lines: readonly LineReach[], here: IsReached, there: IsReached): number {
  return lines.filter((line) => here(line) && !there(line)).length;
}

/** Lines that were not reached, by file and function; marked if the kernel's own tests reach them. */
export function renderUnreached({ files }: KernelCoverage): string {
  return files
    .flatMap(({ file, lines }) =>
      [...functionsOf(lines)].flatMap(([name, own]) => {
        const missed = own.filter((line) => !byUs(line));
        if (missed.length === 0) return [];
        const how =
          missed.length === own.length
            ? 'never entered'
            : `lines ${ranges(missed, own).map(renderRange).join(', ')}`;
        const known = missed.filter(byThem).map(({ line }) => String(line));
        return [
          `${file}: ${name}: ${how}${known.length === 0 ? '' : `; their tests reach ${known.join(', ')}`}\n`,
        ];
      }),
    )
    .join('');
}

/** Lines from one to another. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

/** Lines as ranges, which go on over lines that have no code of their own. */
export function ranges(missed: readonly LineReach[], all: readonly LineReach[]): LineRange[] {
  const parts: { from: number; to: number; last: number }[] = [];
  for (const one of missed) {
    const at = all.indexOf(one);
    const part = parts.at(-1);
    if (part?.last === at - 1) Object.assign(part, { to: one.line, last: at });
    else parts.push({ from: one.line, to: one.line, last: at });
  }
  return parts;
}

export function renderRange({ from, to }: LineRange): string {
  return from === to ? String(from) : `${String(from)}-${String(to)}`;
}

/**
 * A tracefile of lcov. Each test has a record of its own with the lines that it reached; before them, one without a name has all
 * lines that can be reached. Source: geninfo(1).
 */
export function renderLcov({ files, tests }: KernelCoverage): string {
  const coverable = files.flatMap(({ file, lines }) => {
    const functions = [...functionsOf(lines)];
    return [
      'TN:',
      `SF:${file}`,
      ...functions.map(([name, [first]]) => `FN:${String(first?.line ?? 0)},${name}`),
      ...functions.map(
        ([name, own]) => `FNDA:${String(new Set(own.flatMap((line) => line.tests)).size)},${name}`,
      ),
      `FNF:${String(functions.length)}`,
      `FNH:${String(shareOfFunctions(lines, byUs).reached)}`,
      ...lines.map(({ line }) => `DA:${String(line)},0`),
      `LF:${String(lines.length)}`,
      'LH:0',
      'end_of_record',
    ];
  });
  const reached = tests.flatMap((test, number) =>
    files.flatMap(({ file, lines }) => {
      const own = lines.filter((line) => line.tests.includes(number));
      if (own.length === 0) return [];
      const counts = own.map(({ line }) => `DA:${String(line)},1`);
      const sums = [`LF:${String(own.length)}`, `LH:${String(own.length)}`];
      return [`TN:${test.replace(/\W/g, '_')}`, `SF:${file}`, ...counts, ...sums, 'end_of_record'];
    }),
  );
  return `${[...coverable, ...reached].join('\n')}\n`;
}

/** Data; the shape is a contract (docs/cli.md). One line of text for each file: there are many numbers. */
export function renderCoverageJson({ files, tests, ...facts }: KernelCoverage): string {
  const described = files.map(({ file, lines, within, blob }) => {
    const ours = share(lines, byUs);
    return JSON.stringify({
      file,
      ...(blob === undefined ? {} : { blob }),
      lines: { ...ours, percent: percent(ours) },
      functions: shareOfFunctions(lines, byUs),
      ...(facts.theirs.length === 0 ? {} : { theirs: share(lines, byThem) }),
      reachable: lines.map(withCount),
      within: within.map(withCount),
    });
  });
  const rest = JSON.stringify({ schema: 1, ...facts, tests: tests.length, names: tests });
  return `${rest.slice(0, -1)},"files":[\n${described.join(',\n')}\n]}\n`;
}

function withCount({ tests, ...line }: ReachableLine): StoredLine {
  return { ...line, tests: tests.length, by: tests };
}
