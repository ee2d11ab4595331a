import type { Kernel } from '../../targets/kernels/store.js';
import type { Context } from '../context.js';
import { type WatchedFiles, watchFiles } from '../kernel_coverage/measure.js';
import type { PatchFile } from './diff_file.js';
import { agreeWithKernel } from './source.js';
import { requireMeasured } from './view.js';

/**
 * Files of a kernel and those that a diff changes, to be watched.
 * @param patterns of which * stands for anything
 * @throws UsageError or TestBedError when the kernel is not one that was built with the diff, or cannot be watched
 */
export async function watchPatched(
  kernel: Kernel,
  patterns: readonly string[],
  { path, diff }: PatchFile,
  context: Context,
): Promise<WatchedFiles> {
  const code = await watchFiles(kernel, [...patterns, ...diff.map(({ file }) => file)], context);
  const known = new Set(code.places.places.map(({ file }) => file));
  requireMeasured(path, diff, kernel.id, (file) => known.has(file));
  await agreeWithKernel(path, diff, kernel, context.cache);
  return code;
}
