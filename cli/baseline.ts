import type { RunReport } from '../reports/run_report.js';
import type { EarlierRun } from './expectations_file.js';

/** Says of an earlier run that none of its scenarios ran now, if so. */
export function warnOfOtherRun(earlier: EarlierRun | undefined, { results }: RunReport): void {
  if (earlier === undefined) return;
  const ids = results.map(({ id }) => id);
  warnIfStrange(earlier.path, earlier.ids, ids, 'scenarios of this run');
}

/**
 * Says of something to compare with that it has nothing in common with what there is, where that would look like no difference.
 * @param path what is compared with
 * @param its names of what it has
 * @param those names of what there is
 * @param what they are names of, as in "scenarios of this run"
 */
export function warnIfStrange(
  path: string,
  its: readonly string[],
  those: readonly string[],
  what: string,
): void {
  const known = new Set(its);
  if (!those.some((name) => known.has(name))) warnOfNothing(`${path} has none of the ${what}`);
}

/** @param why half a sentence */
export function warnOfNothing(why: string): void {
  process.stderr.write(`iommufd-cts: ${why}: nothing was compared\n`);
}
