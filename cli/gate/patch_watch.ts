import { appendFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMENT_CHARACTERS_MAX } from '../../reports/markdown.js';
import { renderCoverageJson } from '../../reports/kernel_coverage.js';
import { renderPatchMarkdown, renderPatchView } from '../../reports/patch_view.js';
import { type Kernel, KernelStore } from '../../targets/kernels/store.js';
import { type QemuOptions, QemuTarget } from '../../targets/qemu/index.js';
import type { Session } from '../../targets/target.js';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { IOMMUFD_FILES, type WatchedFiles, coverageOf } from '../kernel_coverage/measure.js';
import { WatchingSession } from '../kernel_coverage/watching_session.js';
import type { PatchFile } from '../patch/diff_file.js';
import { viewPatch } from '../patch/view.js';
import { watchPatched } from '../patch/watch.js';
import { writeTextFile } from '../text_file.js';

/** Notes what the programs of a gate reach of the lines that a diff changes. */
export class PatchWatch {
  private constructor(
    private readonly patch: PatchFile,
    private readonly code: WatchedFiles,
    private readonly context: Context,
  ) {}

  /** @throws UsageError or TestBedError when the kernel is not one that was built with the diff, or has no kcov */
  static async on(kernelId: string, patch: PatchFile, context: Context): Promise<PatchWatch> {
    const kernel = await sanitized(kernelId, context);
    const code = await watchPatched(kernel, [IOMMUFD_FILES], patch, context);
    return new PatchWatch(patch, code, context);
  }

  target(options: QemuOptions): QemuTarget {
    return new QemuTarget({ ...options, watched: this.code.watched });
  }

  /** A session that notes what the programs of one test reach. */
  watch(session: Session, test: string): Session {
    return new WatchingSession(session, test, this.code.gathering);
  }

  /** Writes what was reached beside the other reports; returns it for people. */
  async conclude(description: string, out: string): Promise<string> {
    const coverage = await coverageOf(this.code, description, [], this.context);
    const view = viewPatch(this.patch.path, this.patch.diff, coverage);
    await writeTextFile(out, 'coverage.json', renderCoverageJson(coverage));
    const comment = join(out, 'comment.md');
    const { size } = await stat(comment);
    await appendFile(comment, `\n${renderPatchMarkdown(view, COMMENT_CHARACTERS_MAX - size)}`);
    return renderPatchView(view);
  }
}

async function sanitized(id: string, { cache }: Context): Promise<Kernel> {
  const kernel = await new KernelStore(cache).find(id);
  if (kernel?.flavour === 'sanitize') return kernel;
  throw new UsageError(
    '--patch takes a kernel with kcov: one of the cache that is of the flavour sanitize, or --source with --flavour sanitize',
  );
}
