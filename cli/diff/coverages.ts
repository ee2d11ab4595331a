import { type Comparison, type Entry, section } from '../../reports/comparison.js';
import {
  type LineReach,
  type Share,
  type StoredCoverage,
  type StoredFile,
  type StoredLine,
  byUs,
  functionsOf,
  meansInWords,
  percent,
  ranges,
  renderRange,
  renderShare,
  share,
} from '../../reports/kernel_coverage.js';

/** A file that both have measured. */
interface Measured {
  readonly file: string;
  readonly before: StoredFile;
  readonly now: StoredFile;
  /** Whether a number of a line is that of the same line in both. */
  readonly isSameSource: boolean;
}

/** A function by the lines that it has in either; empty where it is not there. */
interface MeasuredFunction {
  readonly about: string;
  readonly before: readonly StoredLine[];
  readonly now: readonly StoredLine[];
}

/**
 * Two coverages of kernels: what is reached now and was not, and the other way round; line by line where the source is the same, and
 * function by function where it is not.
 */
export function compareCoverages(from: StoredCoverage, to: StoredCoverage): Comparison {
  const both = measuredByBoth(from, to);
  const same = both.filter(({ isSameSource }) => isSameSource);
  const other = both.filter(({ isSameSource }) => !isSameSource);
  const sameFunctions = same.flatMap(functionsOfFile);
  const otherFunctions = other.flatMap(functionsOfFile);
  const swapped = [...sameFunctions, ...otherFunctions].map(swap);
  return {
    schema: 1,
    kind: 'coverages',
    from: describe(from),
    to: describe(to),
    sections: [
      ...section('Files whose source differs, compared by function', other.map(sourceDiffers)),
      ...section('Lines that are reached', [...both.flatMap(shares), ...sumOf(from, to)]),
      ...section('Lines gained', sameFunctions.flatMap(linesGainedBy)),
      ...section('Lines lost', sameFunctions.flatMap(linesLostBy)),
      ...section('Functions of which more is reached', otherFunctions.flatMap(moreReached)),
      ...section('Functions of which less is reached', otherFunctions.flatMap(lessReached)),
      ...section('Lines that can be reached only now', [
        ...sameFunctions.flatMap(linesOnlyNow),
        ...otherFunctions.flatMap(functionOnlyNow),
      ]),
      ...section('Lines that could be reached only before', [
        ...swapped.slice(0, sameFunctions.length).flatMap(linesOnlyNow),
        ...swapped.slice(sameFunctions.length).flatMap(functionOnlyNow),
      ]),
      ...section('Files measured only now', filesOnlyOf(to, from)),
      ...section('Files measured only before', filesOnlyOf(from, to)),
    ],
  };
}

function describe({ description, kernel, programs, tests, files }: StoredCoverage): string {
  const lines = files.flatMap(({ reachable }) => reachable);
  return `${description}, ${kernel}: ${inWords(share(lines, byUs))} reached by ${String(programs)} programs of ${String(tests)} tests`;
}

function inWords(one: Share): string {
  return `${renderShare(one)} lines (${percent(one).toFixed(1)} %)`;
}

function measuredByBoth(from: StoredCoverage, to: StoredCoverage): Measured[] {
  const isSameKernel = from.kernel === to.kernel && from.source === to.source;
  const old = new Map(from.files.map((file) => [file.file, file]));
  return to.files.flatMap((now) => {
    const before = old.get(now.file);
    if (before === undefined) return [];
    const isKnown = before.blob !== undefined && now.blob !== undefined;
    const isSameSource = isKnown ? before.blob === now.blob : isSameKernel;
    return [{ file: now.file, before, now, isSameSource }];
  });
}

function functionsOfFile({ file, before, now }: Measured): MeasuredFunction[] {
  const [old, own] = [functionsOf(before.reachable), functionsOf(now.reachable)];
  return [...new Set([...own.keys(), ...old.keys()])].map((name) => ({
    about: `${file}: ${name}()`,
    before: old.get(name) ?? [],
    now: own.get(name) ?? [],
  }));
}

/** The same seen from the other side: what is gained there is lost here. */
function swap({ about, before, now }: MeasuredFunction): MeasuredFunction {
  return { about, before: now, now: before };
}

function sourceDiffers({ file, before, now }: Measured): Entry {
  const how =
    before.blob === undefined || now.blob === undefined
      ? 'kernels differ, and whether the file does is not said'
      : 'lines have other numbers, or say something else';
  return { about: file, says: how };
}

/** The share of a file where it is another, or where as many lines were lost as gained. */
function shares(measured: Measured): Entry[] {
  const { file, before, now, isSameSource } = measured;
  const [was, is] = [share(before.reachable, byUs), share(now.reachable, byUs)];
  const functions = isSameSource ? functionsOfFile(measured) : [];
  const more = functions.flatMap(linesGained).length;
  const less = functions.map(swap).flatMap(linesGained).length;
  if (isSame(was, is) && more + less === 0) return [];
  const counts = isSameSource ? `; ${String(more)} gained, ${String(less)} lost` : '';
  return [{ about: file, says: `${inWords(is)}, before ${inWords(was)}${counts}` }];
}

/** All files together, if that is another share. */
function sumOf(from: StoredCoverage, to: StoredCoverage): Entry[] {
  const [was, is] = [from, to].map(({ files }) =>
    share(
      files.flatMap(({ reachable }) => reachable),
      byUs,
    ),
  );
  if (was === undefined || is === undefined || isSame(was, is)) return [];
  return [{ about: 'all', says: `${inWords(is)}, before ${inWords(was)}` }];
}

function isSame(one: Share, two: Share): boolean {
  return one.reached === two.reached && one.all === two.all;
}

/** Lines that are reached now; before, they could have been. */
function linesGained({ before, now }: MeasuredFunction): StoredLine[] {
  const missed = new Set(before.filter((line) => !byUs(line)).map(({ line }) => line));
  return now.filter((line) => byUs(line) && missed.has(line.line));
}

function linesGainedBy(measured: MeasuredFunction): Entry[] {
  const { about, before, now } = measured;
  const lines = linesGained(measured);
  if (lines.length === 0) return [];
  const entered = before.some(byUs) ? '' : 'entered now: ';
  return [{ about, says: `${entered}${byFirst(lines, now)}` }];
}

function linesLostBy(measured: MeasuredFunction): Entry[] {
  const { about, before, now } = measured;
  const lines = linesGained(swap(measured));
  if (lines.length === 0) return [];
  const entered = now.some(byUs) ? '' : 'not entered any more: ';
  return [{ about, says: `${entered}before, ${byFirst(lines, before)}` }];
}

/** Lines by the program that was the first to reach them, and how. */
function byFirst(lines: readonly StoredLine[], all: readonly StoredLine[]): string {
  const groups = new Map<string, StoredLine[]>();
  for (const line of lines) {
    const how = [`first by ${line.first ?? ''}`, meansInWords(line.means)]
      .filter((part) => part !== '')
      .join(', ');
    groups.set(how, [...(groups.get(how) ?? []), line]);
  }
  return [...groups].map(([how, own]) => `${inRanges(own, all)}, ${how}`).join('; ');
}

function inRanges(lines: readonly LineReach[], all: readonly LineReach[]): string {
  return `${lines.length === 1 ? 'line' : 'lines'} ${ranges(lines, all).map(renderRange).join(', ')}`;
}

function moreReached({ about, before, now }: MeasuredFunction): Entry[] {
  if (before.length === 0 || now.length === 0 || shareGrown(before, now) <= 0) return [];
  const first = before.some(byUs) ? undefined : now.find(byUs)?.first;
  const entered = first === undefined ? '' : `; never entered before, now first by ${first}`;
  return [{ about, says: `${sharesOf(before, now)}${entered}` }];
}

function lessReached({ about, before, now }: MeasuredFunction): Entry[] {
  if (before.length === 0 || now.length === 0 || shareGrown(before, now) >= 0) return [];
  const missed = now.filter((line) => !byUs(line));
  const which = missed.length === now.length ? 'it is not entered now' : `not ${inRanges(missed, now)}`;
  return [{ about, says: `${sharesOf(before, now)}; ${which}` }];
}

function sharesOf(before: readonly LineReach[], now: readonly LineReach[]): string {
  return `${renderShare(share(now, byUs))} lines, before ${renderShare(share(before, byUs))}`;
}

/** Above 0 if a greater share is reached now. */
function shareGrown(before: readonly LineReach[], now: readonly LineReach[]): number {
  const [was, is] = [share(before, byUs), share(now, byUs)];
  return is.reached * was.all - was.reached * is.all;
}

function linesOnlyNow({ about, before, now }: MeasuredFunction): Entry[] {
  const known = new Set(before.map(({ line }) => line));
  const lines = now.filter(({ line }) => !known.has(line));
  if (lines.length === 0) return [];
  return [{ about, says: `${inRanges(lines, now)}; ${renderShare(share(lines, byUs))} reached` }];
}

/** Of a source that is another, a function can be told to be new, and a line cannot. */
function functionOnlyNow(measured: MeasuredFunction): Entry[] {
  return measured.before.length === 0 ? linesOnlyNow(measured) : [];
}

function filesOnlyOf(one: StoredCoverage, other: StoredCoverage): Entry[] {
  const known = new Set(other.files.map(({ file }) => file));
  return one.files
    .filter(({ file }) => !known.has(file))
    .map(({ file, reachable }) => ({ about: file, says: `${inWords(share(reachable, byUs))} reached` }));
}
