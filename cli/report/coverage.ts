import { reasonOf } from '../../models/base/reason.js';
import type { AnnotatedCoverage } from '../../reports/html/data.js';
import type { StoredCoverage, StoredFile } from '../../reports/kernel_coverage.js';
import { sourceTreeOf } from '../../targets/kernels/source.js';
import { UsageError } from '../errors.js';
import { readSourceFile } from '../source_tree.js';
import { mergeByKernel } from './merge_coverage.js';

/** A source tree is not the one that a kernel was built from. */
class OtherSource extends Error {}

/**
 * Coverage with the source that the reader has: the tree that is named, or the one in the cache that the kernel was built from.
 * @throws UsageError when a tree was named that is not the kernel's
 */
export function annotate(
  all: readonly StoredCoverage[],
  tree: string | undefined,
  cache: string,
): Promise<AnnotatedCoverage[]> {
  return Promise.all(
    mergeByKernel(all).map(async (coverage): Promise<AnnotatedCoverage> => {
      try {
        const place = tree ?? (await sourceTreeOf({ id: coverage.kernel, source: coverage.source }, cache));
        return { coverage, texts: await readTexts(coverage, place), lack: undefined };
      } catch (error) {
        if (tree !== undefined) throw new UsageError(reasonOf(error));
        const lack = `The source is not shown: ${reasonOf(error)}. With "report --source DIR" it is read from another tree of that kernel.`;
        return { coverage, texts: new Map(), lack };
      }
    }),
  );
}

async function readTexts(
  { kernel, files }: StoredCoverage,
  tree: string,
): Promise<Map<string, readonly string[]>> {
  const texts = await Promise.all(
    files.map(async (file) => {
      const found = await readSourceFile(tree, file.file);
      const lines = found.text.replace(/\n$/, '').split('\n');
      const wrong = whyOther(file, found.blob, lines);
      if (wrong !== undefined) throw new OtherSource(`${tree} is not the source of ${kernel}: ${wrong}`);
      return [file.file, lines] as const;
    }),
  );
  return new Map(texts);
}

/** Why a file is not the one that was measured: by what git calls its contents, or else by lines that cannot have code. */
function whyOther(
  { file, blob, reachable }: StoredFile,
  seen: string,
  lines: readonly string[],
): string | undefined {
  if (blob !== undefined) return seen === blob ? undefined : `its ${file} is another`;
  const wrong = reachable.find(({ line }) => (lines[line - 1] ?? '').trim() === '');
  return wrong === undefined ? undefined : `line ${String(wrong.line)} of its ${file} has no code`;
}
