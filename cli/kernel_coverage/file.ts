import { readFile } from 'node:fs/promises';
import { parseJson } from '../../fuzz/json_file.js';
import { reasonOf } from '../../models/base/reason.js';
import type { KernelCoverage, ReachableLine, StoredLine } from '../../reports/kernel_coverage.js';
import { UsageError } from '../errors.js';
import { parseCoverage } from './coverage_file.js';

/**
 * Reads what `coverage --json` wrote, with the tests that reached each line.
 * @throws UsageError saying in one sentence what is wrong with it
 */
export async function readCoverage(path: string): Promise<KernelCoverage> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError(`${path} cannot be read: ${reasonOf(error)}`);
  });
  const { names, files, tool, kernel, source, description, programs, cut, theirs } = parseCoverage(
    path,
    parseJson(path, text),
  );
  if (names === undefined) {
    throw new UsageError(
      `${path} does not say which tests reached a line: an older iommufd-cts wrote it, so measure again`,
    );
  }
  return {
    ...{ tool, kernel, source, description, programs, cut, theirs, tests: names },
    files: files.map(({ file, blob, reachable, within = [] }) => ({
      file,
      ...(blob === undefined ? {} : { blob }),
      lines: reachable.map(withTests),
      within: within.map(withTests),
    })),
  };
}

function withTests({ by = [], ...line }: StoredLine): ReachableLine {
  return { ...line, tests: by };
}
