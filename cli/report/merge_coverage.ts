import {
  type StoredCoverage,
  type StoredFile,
  type StoredLine,
  plainest,
} from '../../reports/kernel_coverage.js';

/** One coverage for each kernel: what several runs have reached of it, together. */
export function mergeByKernel(all: readonly StoredCoverage[]): StoredCoverage[] {
  const byKernel = new Map<string, StoredCoverage>();
  for (const one of all) {
    const key = `${one.kernel} ${one.source}`;
    const known = byKernel.get(key);
    byKernel.set(key, known === undefined ? one : merge(known, one));
  }
  return [...byKernel.values()];
}

function merge(one: StoredCoverage, two: StoredCoverage): StoredCoverage {
  const { tool, kernel, source } = one;
  const names = one.names && two.names && [...new Set([...one.names, ...two.names])];
  return {
    ...{ tool, kernel, source },
    description: [...new Set([one.description, two.description])].join(', '),
    tests: names === undefined ? one.tests + two.tests : names.length,
    ...(names === undefined ? {} : { names }),
    programs: one.programs + two.programs,
    cut: one.cut + two.cut,
    theirs: [...one.theirs, ...two.theirs],
    files: mergeFiles(numbered(one, names), numbered(two, names)),
  };
}

/** Files with the tests of their lines by their numbers among these; without them where not all are known by name. */
function numbered({ names, files }: StoredCoverage, among: readonly string[] | undefined): StoredFile[] {
  const numbers = new Map(among?.map((name, number) => [name, number]));
  const renumber = (line: StoredLine): StoredLine => {
    const { by, ...rest } = line;
    if (among === undefined || by === undefined) return rest;
    return { ...rest, by: by.flatMap((number) => numbers.get(names?.[number] ?? '') ?? []) };
  };
  return files.map((file) => ({
    ...file,
    reachable: file.reachable.map(renumber),
    ...(file.within === undefined ? {} : { within: file.within.map(renumber) }),
  }));
}

function mergeFiles(ones: readonly StoredFile[], twos: readonly StoredFile[]): StoredFile[] {
  const files = new Map(ones.map((file) => [file.file, file]));
  for (const two of twos) {
    const one = files.get(two.file);
    files.set(two.file, one === undefined ? two : mergeFile(one, two));
  }
  return [...files.values()].sort((one, two) => (one.file < two.file ? -1 : 1));
}

function mergeFile(one: StoredFile, two: StoredFile): StoredFile {
  const blob = one.blob ?? two.blob;
  return {
    file: one.file,
    ...(blob === undefined ? {} : { blob }),
    reachable: mergeLines(one.reachable, two.reachable),
    within: mergeLines(one.within ?? [], two.within ?? []),
  };
}

function mergeLines(ones: readonly StoredLine[], twos: readonly StoredLine[]): StoredLine[] {
  const lines = new Map(ones.map((line) => [line.line, line]));
  for (const line of twos) {
    const known = lines.get(line.line);
    lines.set(line.line, known === undefined ? line : mergeLine(known, line));
  }
  return [...lines.values()].sort((one, two) => one.line - two.line);
}

function mergeLine(one: StoredLine, two: StoredLine): StoredLine {
  const first = one.first ?? two.first;
  const means = two.means === undefined ? one.means : plainest(one.means, two.means);
  const theirs = one.theirs === undefined ? two.theirs : one.theirs || two.theirs === true;
  const by = one.by && two.by && [...new Set([...one.by, ...two.by])];
  return {
    line: one.line,
    function: one.function,
    tests: by === undefined ? one.tests + two.tests : by.length,
    ...(by === undefined ? {} : { by }),
    ...(first === undefined ? {} : { first }),
    ...(means === undefined ? {} : { means }),
    ...(theirs === undefined ? {} : { theirs }),
  };
}
