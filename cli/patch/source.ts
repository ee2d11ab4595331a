import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CoveredFile, KernelCoverage } from '../../reports/kernel_coverage.js';
import { sourceTreeOf } from '../../targets/kernels/source.js';
import type { Kernel } from '../../targets/kernels/store.js';
import { TestBedError } from '../../targets/target.js';
import { UsageError } from '../errors.js';
import { findSourceFile } from '../source_tree.js';
import type { DiffOfFile } from './diff_file.js';

/** What a kernel was made of, and where it may still be. */
interface SourceOfKernel extends Pick<KernelCoverage, 'kernel' | 'source'> {
  readonly cache: string;
  /** A tree that the user has named. */
  readonly tree?: string;
}

/** The tree that a kernel was built from, or undefined if it is not there. */
export async function treeOf({ kernel, source, cache, tree }: SourceOfKernel): Promise<string | undefined> {
  if (tree !== undefined) return tree;
  return sourceTreeOf({ id: kernel, source }, cache).catch((error: unknown) => {
    if (error instanceof TestBedError) return undefined;
    throw error;
  });
}

/**
 * The same files with what git calls their contents, where the tree has them.
 * @param built files that were written to later are not what the kernel was built from
 */
export async function withBlobs(
  files: readonly CoveredFile[],
  tree: string | undefined,
  built: string,
): Promise<CoveredFile[]> {
  if (tree === undefined) return [...files];
  return Promise.all(
    files.map(async (file) => {
      const found = await findSourceFile(tree, file.file);
      if (found === undefined) return file;
      const { mtimeMs } = await stat(found.path);
      return mtimeMs > Date.parse(built) ? file : { ...file, blob: found.blob };
    }),
  );
}

/**
 * Sees to it that lines of a diff are lines of the kernel that was measured: that git calls the files by the same name, or that each line
 * which the diff shows stands in the source.
 * @param tree of the source, and whether the user has named it
 * @throws UsageError saying in one sentence what does not agree
 */
export async function agree(
  patch: string,
  diff: readonly DiffOfFile[],
  { kernel, source, files }: Pick<KernelCoverage, 'kernel' | 'source' | 'files'>,
  { tree, isNamed }: { readonly tree: string | undefined; readonly isNamed: boolean },
): Promise<void> {
  for (const changed of diff) {
    const measured = files.find(({ file }) => file === changed.file);
    if (measured === undefined || changed.isDeleted) continue;
    const { blob } = measured;
    if (blob !== undefined && changed.blob !== undefined && blob.startsWith(changed.blob)) continue;
    const found = tree === undefined ? undefined : await findSourceFile(tree, changed.file);
    if (tree === undefined || found === undefined) {
      throw new UsageError(
        `whether ${patch} is about ${kernel} cannot be told: ${changed.file} of its source (${source}) is not here; name the tree with --source`,
      );
    }
    const isOther = blob === undefined ? !isNamed : found.blob !== blob;
    if (isOther)
      throw new UsageError(
        `${join(tree, changed.file)} is not what ${kernel} was built from any more; build it again`,
      );
    compare(patch, changed, found.text.split('\n'), kernel);
  }
}

function compare(
  patch: string,
  { file, lines }: DiffOfFile,
  source: readonly string[],
  kernel: string,
): void {
  const other = lines.find(({ line, text }) => source[line - 1] !== text);
  if (other === undefined) return;
  const there = source[other.line - 1]?.trim() ?? '';
  throw new UsageError(
    `${patch} does not leave ${file} as ${kernel} was built from it: line ${String(other.line)} is "${other.text.trim()}" in the diff, and "${there}" in the source; build the kernel with the diff applied`,
  );
}

/**
 * The same before anything is measured.
 * @throws UsageError
 */
export async function agreeWithKernel(
  patch: string,
  diff: readonly DiffOfFile[],
  { id, source, built }: Kernel,
  cache: string,
): Promise<void> {
  const tree = await treeOf({ kernel: id, source, cache });
  const files = await withBlobs(
    diff.map(({ file }) => ({ file, lines: [], within: [] })),
    tree,
    built,
  );
  await agree(patch, diff, { kernel: id, source, files }, { tree, isNamed: false });
}
