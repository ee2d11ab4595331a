import type { KernelCoverage } from '../../reports/kernel_coverage.js';
import { UsageError } from '../errors.js';
import { readCoverage } from '../kernel_coverage/coverage_file.js';
import { type DiffOfFile, readPatch } from './diff_file.js';
import { changedFunctions } from './focus.js';

/** How the user names a change of the kernel that something is to be about. */
export interface FocusFiles {
  readonly focusDiff: string | undefined;
  readonly coverage: string | undefined;
}

/** The same, read. */
interface FocusDiff {
  /** Name of the file. */
  readonly path: string;
  readonly diff: readonly DiffOfFile[];
  readonly measured: KernelCoverage | undefined;
  /** Where it changes a function without saying which, a sentence each. */
  readonly unnamed: readonly string[];
}

/**
 * Undefined without a diff.
 * @throws UsageError for files that cannot be read as what they should be, and a diff that changes no function
 */
export async function readFocusDiff({ focusDiff, coverage }: FocusFiles): Promise<FocusDiff | undefined> {
  if (focusDiff === undefined) {
    if (coverage !== undefined) throw new UsageError('--coverage is for --focus-diff');
    return undefined;
  }
  const measured = coverage === undefined ? undefined : await readCoverage(coverage);
  const { diff } = await readPatch(focusDiff);
  const unnamed = diff.flatMap(sayUnnamed);
  if (changedFunctions(diff).length > 0) return { path: focusDiff, diff, measured, unnamed };
  throw new UsageError(
    unnamed.length === 0
      ? `${focusDiff} changes nothing inside a function`
      : `${focusDiff}: ${unnamed.join('; ')}`,
  );
}

function sayUnnamed({ file, unnamed }: DiffOfFile): string[] {
  return unnamed.map(
    ({ line, label }) =>
      `${file}: the function at line ${String(line)} is not known, because the hunk is headed "${label}"; "git diff" in a tree of the kernel names it`,
  );
}
