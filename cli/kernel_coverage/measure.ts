import { globSource } from '../../reports/glob.js';
import type { KernelCoverage } from '../../reports/kernel_coverage.js';
import { environmentOf } from '../../suites/harness/environment.js';
import type { Scenario } from '../../suites/harness/scenario.js';
import type { Kernel } from '../../targets/kernels/store.js';
import { linesInBlocks } from '../../targets/kcov/blocks.js';
import { type CodePlaces, IOMMUFD_DIRECTORY, type Place } from '../../targets/kcov/places.js';
import { codePlacesOf } from '../../targets/kcov/symbols.js';
import { type WatchedCode, watch } from '../../targets/kcov/watched_code.js';
import type { AcceleratorChoice } from '../../targets/qemu/accelerator.js';
import { QemuTarget } from '../../targets/qemu/index.js';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { treeOf, withBlobs } from '../patch/source.js';
import { tell } from '../progress.js';
import { qemuOptions } from '../target_options.js';
import { Gathering } from './gathering.js';
import { type Watching, watchRandom, watchScenarios, watchStored } from './run.js';
import { reachOfSelftests } from './selftests.js';

/** The code of iommufd. */
export const IOMMUFD_FILES = `${IOMMUFD_DIRECTORY}*`;

/** Code of a kernel that is to be watched, and what becomes of it. */
export interface WatchedFiles {
  readonly kernel: Kernel;
  readonly gathering: Gathering;
  readonly watched: WatchedCode;
  readonly places: CodePlaces;
}

/**
 * Files of a kernel, to be watched.
 * @param patterns of which * stands for anything
 * @throws UsageError when the kernel has no such code, or none that can be watched
 */
export async function watchFiles(
  kernel: Kernel,
  patterns: readonly string[],
  { cache }: Context,
): Promise<WatchedFiles> {
  const { id, vmlinux } = kernel;
  if (vmlinux === undefined) {
    throw new UsageError(
      `${id} came without its vmlinux, so that code has no lines; "kernel build --flavour sanitize" builds one that has them`,
    );
  }
  const all = await codePlacesOf(vmlinux, cache, tell);
  const pattern = new RegExp(`^(?:${patterns.map(globSource).join('|')})$`);
  const isWanted = (file: string): boolean => pattern.test(file);
  const places = { ...all, places: all.places.filter(({ file }) => isWanted(file)) };
  if (places.places.length === 0) throw new UsageError(`${id} has no code of ${patterns.join(', ')}`);
  const within = await linesInBlocks(vmlinux, all, isWanted, cache);
  const blocks = new Set(within.map(({ offset }) => offset));
  const isWatched = ({ file, offset }: Place): boolean => isWanted(file) || blocks.has(offset);
  return {
    kernel,
    gathering: new Gathering(places.places, within),
    watched: watch(all, 'places', isWatched),
    places,
  };
}

/** What is to be measured. */
export interface Measurement {
  readonly scenarios: readonly Scenario[];
  readonly variants: boolean;
  readonly stored: readonly string[];
  readonly programs: number;
  readonly steps: number;
  readonly seed: number;
  readonly selftests: boolean;
  readonly time: number;
  readonly accel: string;
  readonly console: string | undefined;
}

/** What was measured, and what was not as it should be while it was. */
export interface Measured {
  readonly coverage: KernelCoverage;
  readonly bad: readonly string[];
}

/** Runs programs on a kernel and notes what they reach. */
export async function measure(code: WatchedFiles, what: Measurement, context: Context): Promise<Measured> {
  const { kernel, gathering, watched } = code;
  const options = qemuOptions(kernel.bzImage, kernel.flavour, { ...what, append: undefined }, context);
  const session = await new QemuTarget({ ...options, watched }).start();
  const bad: string[] = [];
  try {
    const environment = await environmentOf(session);
    const watching: Watching = { session, environment, gathering, context };
    const results = await watchScenarios(watching, what.scenarios, what.variants);
    for (const { scenario, status, reason } of results) {
      if (status === 'failed' || status === 'infra') bad.push(`${scenario.id} ${status}: ${reason ?? ''}`);
    }
    for (const directory of what.stored) await watchStored(watching, directory);
    const mismatches = what.programs === 0 ? 0 : await watchRandom(watching, what);
    if (mismatches > 0) bad.push(`${String(mismatches)} random programs did not do as the model says`);
    bad.push(...session.troubles());
  } finally {
    await session.stop();
  }
  const theirs = what.selftests ? await theirsOf(code, what, context) : [];
  return { coverage: await coverageOf(code, session.info.description, theirs, context), bad };
}

/** What has been gathered on a kernel. */
export async function coverageOf(
  { kernel: { id, source, built }, gathering }: WatchedFiles,
  description: string,
  theirs: readonly string[],
  { version, cache }: Context,
): Promise<KernelCoverage> {
  const { tests, programs, cut } = gathering;
  const facts = { tool: `iommufd-cts ${version}`, kernel: id, source, description };
  const tree = await treeOf({ kernel: id, source, cache });
  const files = await withBlobs(gathering.files(), tree, built);
  return { ...facts, tests, programs, cut, theirs, files };
}

async function theirsOf(
  { kernel, places, gathering }: WatchedFiles,
  { accel, time }: Measurement,
  context: Context,
): Promise<readonly string[]> {
  const reach = await reachOfSelftests(kernel, places, accel as AcceleratorChoice, time, context);
  gathering.addTheirs(reach.places.map(({ offset }) => offset));
  return reach.told;
}
