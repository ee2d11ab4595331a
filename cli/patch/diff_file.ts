import { readFile } from 'node:fs/promises';
import { type StructuredPatch, parsePatch } from 'diff';
import { reasonOf } from '../../models/base/reason.js';
import { BadInputError } from '../../targets/target.js';

/** A line of a hunk that is in the file as the diff leaves it. */
export interface NewLine {
  readonly line: number;
  readonly text: string;
  readonly isAdded: boolean;
  /** As far as the diff shows it: what it says of the hunk, and what begins in the hunk. */
  readonly function?: string;
}

/** Lines that were taken out, with none in their place. */
export interface Removal {
  /** Where they stood. */
  readonly lines: readonly { readonly line: number; readonly text: string }[];
  /** The line that stands there now; it may be one behind the last. */
  readonly at: number;
  readonly function?: string;
}

/** What a diff does to a file. */
export interface DiffOfFile {
  /** As it is called afterwards, from the top of the tree. */
  readonly file: string;
  readonly isDeleted: boolean;
  /** The blob that git makes of the file as the diff leaves it, or the beginning of its name. */
  readonly blob?: string;
  /** In order. */
  readonly lines: readonly NewLine[];
  readonly removals: readonly Removal[];
  /** Hunks that change something in a function which the diff does not name, because a label of it stands before them. */
  readonly unnamed: readonly Unnamed[];
}

interface Unnamed {
  /** The first line of the hunk. */
  readonly line: number;
  readonly label: string;
}

const NOTHING = '/dev/null';

/** What git puts at the end of a patch that is a letter; no line of a hunk is followed by a line that begins so. */
const SIGNATURE = /^-- \n\d[\w.-]*\n+/gm;

const GIT_HEADER = /^(?=diff --git )/m;

/** A diff, and where it was read. */
export interface PatchFile {
  readonly path: string;
  readonly diff: readonly DiffOfFile[];
}

/** @throws BadInputError saying in one sentence what is wrong with the file */
export async function readPatch(path: string): Promise<PatchFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new BadInputError(`${path} cannot be read: ${reasonOf(error)}`);
  });
  return { path, diff: parseDiff(path, text) };
}

/**
 * Reads a unified diff: the output of `git diff`, a patch as a letter, or of `diff -u`.
 * @throws BadInputError saying in one sentence what is wrong with it
 */
export function parseDiff(path: string, text: string): DiffOfFile[] {
  const sections = text.replaceAll('\r\n', '\n').replace(SIGNATURE, '').split(GIT_HEADER);
  const files = sections.flatMap((section) => {
    const headings = [...section.matchAll(/^@@ [^@]*@@ ?(.*)$/gm)].map(([, heading = '']) => heading);
    const blob = /^index [0-9a-f]+\.\.([0-9a-f]+)/m.exec(section)?.[1];
    return parseSection(path, section)
      .filter(({ hunks, isDelete }) => hunks.length > 0 || isDelete === true)
      .map((patch) => toFile(path, patch, headings.splice(0, patch.hunks.length), blob));
  });
  const [first] = files;
  if (first === undefined) throw new BadInputError(`${path} is no unified diff, as "git diff" prints it`);
  const twice = files.find(({ file }, at) => files.slice(at + 1).some((other) => other.file === file));
  if (twice === undefined) return files;
  throw new BadInputError(
    `${path} changes ${twice.file} more than once, so that its lines have no one number: give one diff of the whole series, "git diff BASE..HEAD"`,
  );
}

function parseSection(path: string, section: string): StructuredPatch[] {
  try {
    const patches = parsePatch(section);
    // The library takes what it cannot read in a heading for line NaN.
    if (patches.every(({ hunks }) => hunks.every(({ newStart }) => Number.isInteger(newStart))))
      return patches;
  } catch (error) {
    throw new BadInputError(`${path} is no whole diff: ${reasonOf(error)}`);
  }
  throw new BadInputError(`${path} is no whole diff: it has a hunk without its numbers`);
}

function toFile(
  path: string,
  { oldFileName = '', newFileName = '', isDelete, hunks }: StructuredPatch,
  headings: readonly string[],
  blob: string | undefined,
): DiffOfFile {
  if (oldFileName === '' && newFileName === '')
    throw new BadInputError(`${path} does not say which file it changes`);
  const isDeleted = isDelete === true || newFileName === NOTHING;
  const file = isDeleted ? withoutPrefix(oldFileName, newFileName) : withoutPrefix(newFileName, oldFileName);
  const walked = hunks.map((hunk, at) => walk(hunk, headings[at] ?? ''));
  return {
    file,
    isDeleted,
    ...(blob === undefined || isDeleted ? {} : { blob }),
    lines: walked.flatMap(({ lines }) => lines),
    removals: walked.flatMap(({ removals }) => removals),
    unnamed: walked.flatMap((hunk, at) => unnamedIn(hunk, headings[at] ?? '', hunks[at]?.newStart ?? 0)),
  };
}

type WalkedHunk = Pick<DiffOfFile, 'lines' | 'removals'>;

/** `diff -p` takes a label for the beginning of a function; so does git without the attributes of the kernel's tree. */
function unnamedIn({ lines, removals }: WalkedHunk, heading: string, line: number): Unnamed[] {
  const label = /^\w+:/.exec(heading)?.[0];
  const changed = [...lines.filter(({ isAdded }) => isAdded), ...removals];
  const isNamed = changed.every((each) => each.function !== undefined);
  return label === undefined || isNamed ? [] : [{ line, label }];
}

/** `a/` and `b/`, or the directories of two trees side by side, are no part of a name; `--no-prefix` has none. */
function withoutPrefix(name: string, other: string): string {
  const [first = '', ...rest] = name.split('/');
  const hasNone = other !== NOTHING && other.split('/')[0] === first;
  const isLong = other === NOTHING && first.length > 1;
  return rest.length === 0 || hasNone || isLong ? name : rest.join('/');
}

function walk(
  { oldStart, newStart, lines: marked }: StructuredPatch['hunks'][number],
  heading: string,
): WalkedHunk {
  const lines: NewLine[] = [];
  const removals: Removal[] = [];
  let [old, now] = [oldStart, newStart];
  let name = functionBegunIn(heading);
  let run: { readonly removed: { line: number; text: string }[]; added: number } = { removed: [], added: 0 };
  const endRun = (): void => {
    if (run.removed.length > 0 && run.added === 0)
      removals.push({ lines: run.removed, at: now, ...(name === undefined ? {} : { function: name }) });
    run = { removed: [], added: 0 };
  };
  for (const [index, line] of marked.entries()) {
    const [mark, text] = [line[0], line.slice(1)];
    if (mark === '\\') continue;
    if (mark === '-') {
      run.removed.push({ line: old++, text });
      continue;
    }
    if (mark === '+') run.added += 1;
    else {
      endRun();
      old += 1;
    }
    if (/^[A-Za-z_]/.test(text) && !/^\w+:/.test(text))
      name = isDeclaration(marked.slice(index)) ? undefined : functionBegunIn(text);
    lines.push({
      line: now++,
      text,
      isAdded: mark === '+',
      ...(name === undefined ? {} : { function: name }),
    });
    if (text.startsWith('}')) name = undefined;
  }
  endRun();
  return { lines, removals };
}

/** The name before the first bracket of a line at which a function begins. */
function functionBegunIn(text: string): string | undefined {
  return /^[A-Za-z_][^;=]*?\b(\w+)\s*\([^;]*$/.exec(text)?.[1];
}

/** Whether what begins at the first of some lines of a hunk ends before a body begins. */
function isDeclaration(marked: readonly string[]): boolean {
  const end = marked.find((line) => !line.startsWith('-') && /[;{]/.test(line)) ?? '';
  return /^[^{]*;/.test(end);
}
