import type { KernelCoverage } from '../../reports/kernel_coverage.js';
import type { PatchView } from '../../reports/patch_view.js';
import type { PatchFile } from './diff_file.js';
import { agree, treeOf } from './source.js';
import { requireMeasured, viewPatch } from './view.js';

/** Where the source of a kernel is looked for. */
interface Place {
  /** The tree that the user has named. */
  readonly source: string | undefined;
  readonly cache: string;
}

/**
 * What was executed of the lines of a diff, by what was measured on a kernel before.
 * @throws UsageError or TestBedError saying in one sentence why it is not about that kernel
 */
export async function viewMeasured(
  { path, diff }: PatchFile,
  coverage: KernelCoverage,
  { source, cache }: Place,
): Promise<PatchView> {
  const measured = new Set(coverage.files.map((each) => each.file));
  requireMeasured(path, diff, coverage.kernel, (name) => measured.has(name));
  const named = source === undefined ? {} : { tree: source };
  const tree = await treeOf({ ...coverage, cache, ...named });
  await agree(path, diff, coverage, { tree, isNamed: source !== undefined });
  return viewPatch(path, diff, coverage);
}
