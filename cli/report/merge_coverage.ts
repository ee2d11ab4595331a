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
  return {
    ...{ tool, kernel, source },
    description: [...new Set([one.description, two.description])].join(', '),
    tests: one.tests + two.tests,
    programs: one.programs + two.programs,
    cut: one.cut + two.cut,
    theirs: [...one.theirs, ...two.theirs],
    files: mergeFiles(one.files, two.files),
  };
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
  return {
    line: one.line,
    function: one.function,
    tests: one.tests + two.tests,
    ...(first === undefined ? {} : { first }),
    ...(means === undefined ? {} : { means }),
    ...(theirs === undefined ? {} : { theirs }),
  };
}
