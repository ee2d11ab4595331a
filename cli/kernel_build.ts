import { buildKernel } from '../targets/kernels/build.js';
import { type SourceRequest, checkSource } from '../targets/kernels/source.js';
import type { Flavour, Kernel } from '../targets/kernels/store.js';
import {
  type Requirement,
  describeMissing,
  installPackages,
  missingRequirements,
} from '../targets/requirements.js';
import { TestBedError } from '../targets/target.js';
import type { Context } from './context.js';
import { remaining, showProgress, tell } from './progress.js';

/**
 * Builds a kernel, or finds it in the cache, and shows how far it is.
 * @throws BadInputError for a directory that is no kernel's
 * @throws TestBedError saying what is missing, or why it could not be built
 */
export async function buildWithProgress(
  source: SourceRequest,
  flavour: Flavour,
  context: Context,
  mayInstall: boolean,
): Promise<Kernel> {
  await checkSource(source);
  await provide(
    (requirement) => requirement.for === 'build' || requirement.package === 'gcc',
    context,
    mayInstall,
  );
  const progress = showProgress(`kernel ${flavour}`, context);
  let start = performance.now();
  try {
    return await buildKernel(
      { source, flavour, fragments: context.kernelFragments, cache: context.cache },
      {
        phase: (what) => {
          start = performance.now();
          tell(what);
        },
        compiled: (files, expected) => {
          const total = Math.max(files, expected);
          progress.update(files, total, `files compiled, ${remaining(files, total, start)}`);
        },
      },
    );
  } finally {
    progress.stop();
  }
}

/**
 * Sees to it that the machine has what a job needs: installs it as root if that was asked for.
 * @throws TestBedError saying what to install
 */
export async function provide(
  isNeeded: (requirement: Requirement) => boolean,
  { path, isRoot }: Context,
  mayInstall: boolean,
): Promise<void> {
  const missing = (await missingRequirements(path)).filter(isNeeded);
  if (missing.length === 0) return;
  if (!mayInstall || !isRoot) throw new TestBedError(describeMissing(missing));
  tell(`installing ${[...new Set(missing.map((requirement) => requirement.package))].join(' ')}`);
  await installPackages(missing);
}
