import { markdownTable } from 'markdown-table';
import pc from 'picocolors';
import { type Means, meansInWords } from './kernel_coverage.js';
import { COMMENT_CHARACTERS_MAX, escapeMarkdown } from './markdown.js';
import { plainTable } from './plain_table.js';

/**
 * Whether a line was executed: `in part` if only code of it that is no place of its own ran, and `no trace point` if nothing tells.
 */
export type Execution = 'executed' | 'in part' | 'not executed' | 'no trace point';

/** A line that a diff adds, or lines that it takes out without others in their place. */
export interface ChangedLine {
  readonly change: 'added' | 'removed';
  /** Of the file as the diff leaves it; of the file before, for what it takes out. */
  readonly line: number;
  /** The last of several that are taken out together. */
  readonly last?: number;
  readonly text: string;
  readonly execution: Execution;
  /** The line that the rest is about, if it is not this one: what stands at its place now, or the last before it that tells. */
  readonly at?: number;
  /** Names of the tests that reached it. */
  readonly tests: readonly string[];
  /** The program that was the first. */
  readonly first?: string;
  readonly means?: Means;
}

/** What a diff changes of a function, or between functions. */
export interface ChangedFunction {
  readonly file: string;
  readonly function: string;
  /** How many tests came into it; undefined if no code of it is watched. */
  readonly enteredBy?: number;
  readonly lines: readonly ChangedLine[];
  /** Lines that the diff adds and that are no code: blank ones, comments, brackets. */
  readonly others: number;
}

/** What was executed of the lines that a diff changes. */
export interface PatchView {
  readonly schema: 1;
  readonly tool: string;
  readonly patch: string;
  readonly kernel: string;
  readonly source: string;
  readonly programs: number;
  readonly tests: number;
  readonly functions: readonly ChangedFunction[];
  /** Files that the diff changes and that were not measured. */
  readonly unmeasured: readonly string[];
}

/** From the best to what nothing tells of. */
export const EXECUTIONS: readonly Execution[] = ['executed', 'in part', 'not executed', 'no trace point'];

const HEAD = ['line', 'was', 'text', 'by'];

/** Tests that are named; of the others there is the number. */
export const NAMED_MAX = 3;

/** How many changed lines there are of each kind. */
export function countExecutions(functions: PatchView['functions']): ReadonlyMap<Execution, number> {
  const lines = functions.flatMap((each) => each.lines);
  return new Map(
    EXECUTIONS.map((kind) => [kind, lines.filter(({ execution }) => execution === kind).length]),
  );
}

/** Text for people: a table for each function. */
export function renderPatchView(view: PatchView): string {
  const blocks = view.functions.map((changed) => {
    const rows = changed.lines.map((line) => [
      ...[numberOf(line), colour(line.execution)(executionOf(line, changed))],
      ...[line.text.trim(), isToldAbove(line, changed) ? '' : testsOf(line, (name) => name, '; ')],
    ]);
    return [pc.bold(headingOf(changed)), ...(rows.length === 0 ? [] : [plainTable(HEAD, rows)])].join('\n');
  });
  return `${[...blocks, ...unmeasuredOf(view, (name) => name), patchInWords(view)].join('\n\n')}\n`;
}

/**
 * Markdown for a comment on a change: the sums first, then what was not executed, then everything.
 * @param room how many characters there may be
 */
export function renderPatchMarkdown(view: PatchView, room = COMMENT_CHARACTERS_MAX): string {
  const code = (text: string): string => `\`${text}\``;
  const missed = view.functions.flatMap(({ file, function: name, enteredBy, lines }) => {
    const own = lines.filter(({ execution }) => execution === 'not executed');
    if (own.length === 0) return [];
    const which =
      name !== '' && enteredBy === 0
        ? 'never entered'
        : `${own.length === 1 ? 'line' : 'lines'} ${own.map(numberOf).join(', ')}`;
    return [`- ${code(file)}${name === '' ? '' : ` ${code(`${name}()`)}`}: ${which}`];
  });
  const blocks = view.functions.map((changed) => {
    const rows = changed.lines.map((line) => [
      ...[numberOf(line), executionOf(line, changed), codeOf(line.text)],
      isToldAbove(line, changed) ? '' : testsOf(line, code, ', '),
    ]);
    const table = rows.length === 0 ? '' : `\n\n${markdownTable([HEAD, ...rows])}`;
    return `**${escapeMarkdown(headingOf(changed))}**${table}`;
  });
  const text = [
    `### Changed lines`,
    escapeMarkdown(patchInWords(view)),
    ...(missed.length === 0 ? [] : [`Not executed:\n\n${missed.join('\n')}`]),
    ...unmeasuredOf(view, code),
    ...(blocks.length === 0
      ? []
      : [`<details><summary>Line by line</summary>\n\n${blocks.join('\n\n')}\n\n</details>`]),
  ].join('\n\n');
  return text.length <= room ? `${text}\n` : `${text.slice(0, Math.max(0, room))}\n\n… cut here\n`;
}

/** Data; the shape is a contract (docs/cli.md). */
export function renderPatchJson(view: PatchView): string {
  const lines = Object.fromEntries(countExecutions(view.functions));
  return `${JSON.stringify({ ...view, lines }, null, 1)}\n`;
}

/** How many lines were executed, in one sentence. */
export function patchInWords({ patch, kernel, programs, tests, functions }: PatchView): string {
  const counts = countExecutions(functions);
  const parts = EXECUTIONS.flatMap((kind) => {
    const count = counts.get(kind) ?? 0;
    return count === 0 && kind !== 'not executed' ? [] : [`${String(count)} ${WORDS[kind]}`];
  });
  const all = functions.reduce((sum, { lines }) => sum + lines.length, 0);
  return `${patch} on ${kernel}: of ${String(all)} changed lines ${parts.join(', ')}; ${String(programs)} programs of ${String(tests)} tests ran`;
}

const WORDS: Readonly<Record<Execution, string>> = {
  executed: 'executed',
  'in part': 'executed in part',
  'not executed': 'not executed',
  'no trace point': 'without a trace point',
};

function headingOf(changed: ChangedFunction): string {
  const { file, function: name } = changed;
  const where = name === '' ? file : `${file}: ${name}()`;
  const entry = entryInWords(changed);
  return entry === '' ? where : `${where}${name === '' ? '; ' : ': '}${entry}`;
}

/** What is to be said of a function before its lines: how many tests came into it, and how much of the change is no code. */
export function entryInWords({ function: name, enteredBy, others }: ChangedFunction): string {
  const entered =
    enteredBy === undefined
      ? 'no code of it can be watched'
      : enteredBy === 0
        ? 'no test came into it'
        : `${counted(enteredBy, 'test')} came into it`;
  const rest = `${counted(others, 'changed line')} that ${others === 1 ? 'is' : 'are'} no code`;
  return [...(name === '' ? [] : [entered]), ...(others === 0 ? [] : [rest])].join('; ');
}

function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** As diffs mark them. */
export function numberOf({ change, line, last }: ChangedLine): string {
  const lines = last === undefined ? String(line) : `${String(line)}-${String(last)}`;
  return change === 'added' ? lines : `−${lines}`;
}

/** Whether the line that tells of this one is a changed line too, and has a row of its own. */
export function isToldAbove({ change, at }: ChangedLine, { lines }: ChangedFunction): boolean {
  return change === 'added' && lines.some((other) => other.change === 'added' && other.line === at);
}

function executionOf(line: ChangedLine, changed: ChangedFunction): string {
  const { was, at, how } = executionInWords(line, changed);
  return at === undefined ? was : `${was} line ${String(at)}${how}`;
}

/** What is said of a line: how it was executed, and the other line that this is known of, if there is one. */
interface ExecutionInWords {
  readonly was: string;
  readonly at?: number;
  /** What is said of that other line. */
  readonly how: string;
}

export function executionInWords(line: ChangedLine, changed: ChangedFunction): ExecutionInWords {
  const { execution, change, at, tests, means } = line;
  const words = meansInWords(means);
  const how = words === '' ? '' : ` ${words}`;
  if (isToldAbove(line, changed)) return { was: execution, how: '' };
  if (at === undefined) return { was: `${execution}${how}`, how: '' };
  if (change === 'removed') return { was: `${execution}${how}:`, at, how: ', which stands there now' };
  const before = tests.length > 0 ? `was executed${how}` : 'was not executed';
  return { was: `${execution};`, at, how: ` before it ${before}` };
}

/** The program that was the first, the tests that came then, and how many there are. */
function testsOf({ tests, first }: ChangedLine, name: (test: string) => string, separator: string): string {
  const [firstTest, ...others] = tests;
  if (firstTest === undefined) return '';
  const named = [first ?? firstTest, ...others.slice(0, NAMED_MAX - 1)].map(name);
  const more = tests.length > NAMED_MAX ? [`… ${String(tests.length)} in all`] : [];
  return [...named, ...more].join(separator);
}

function unmeasuredOf({ unmeasured }: PatchView, name: (file: string) => string): string[] {
  return unmeasured.length === 0 ? [] : [`Not measured: ${unmeasured.map(name).join(', ')}`];
}

function colour(execution: Execution): (text: string) => string {
  if (execution === 'not executed') return pc.red;
  return execution === 'no trace point' ? pc.yellow : pc.green;
}

/** Text of a program in a cell of a table. */
function codeOf(text: string): string {
  return `\`${text.trim().replaceAll('`', '').replaceAll('|', '\\|')}\``;
}
