import type { AnnotatedCoverage, MeasuredPatch } from '../../reports/html/data.js';
import { TestBedError } from '../../targets/target.js';
import { UsageError } from '../errors.js';
import { wholeCoverage } from '../kernel_coverage/coverage_file.js';
import { readPatch } from '../patch/diff_file.js';
import { viewMeasured } from '../patch/measured.js';

/**
 * What was executed of a diff, on each kernel that was measured and built with it.
 * @param coverages by kernel
 * @param source tree that the user has named
 * @throws UsageError, BadInputError or TestBedError when it is about none of them
 */
export async function viewOnKernels(
  path: string,
  coverages: readonly AnnotatedCoverage[],
  source: string | undefined,
  cache: string,
): Promise<MeasuredPatch[]> {
  const patch = await readPatch(path);
  const views: MeasuredPatch[] = [];
  const refusals: Error[] = [];
  for (const measured of coverages) {
    try {
      const coverage = wholeCoverage(`the coverage of ${measured.coverage.kernel}`, measured.coverage);
      views.push({ view: await viewMeasured(patch, coverage, { source, cache }), measured });
    } catch (error) {
      if (!(error instanceof UsageError || error instanceof TestBedError)) throw error;
      refusals.push(error);
    }
  }
  if (views.length > 0) return views;
  throw (
    refusals[0] ??
    new UsageError(
      `--patch takes coverage of the kernel that was built with ${path}, as "coverage --json" or "gate --patch" writes it, and there is none in what is reported`,
    )
  );
}
