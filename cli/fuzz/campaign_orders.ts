import { type Campaign, corpusDirectory } from '../../fuzz/campaign/campaign.js';
import type { CampaignConfig } from '../../fuzz/campaign/config.js';
import { IOMMUFD_DIRECTORY, type Place } from '../../targets/kcov/places.js';
import { codePlacesOf } from '../../targets/kcov/symbols.js';
import { type WatchedCode, watch } from '../../targets/kcov/watched_code.js';
import type { Context } from '../context.js';
import { tell } from '../progress.js';
import { type FoundKernel, findKernel, qemuOptions } from '../target_options.js';
import type { Goal } from './display.js';
import { type Orders, fileOf } from './orders.js';
import type { PlaceSpec } from './place.js';

/** The difference that each campaign looks for before anything else. */
const CANARY = 'IOMMU_DESTROY/EBUSY.users:errno:EINVAL';

/** Findings that each worker of a run reduces. */
const REDUCTIONS = 20;

/**
 * What a worker has to do from where it is whenever it is asked for.
 * @param shared where other campaigns have their directories, if it is to run what is new of theirs
 */
export async function ordersOfWorkers(
  campaign: Campaign,
  { programs }: Goal,
  shared: string | undefined,
  context: Context,
): Promise<(worker: number) => Orders> {
  const { config, directory } = campaign;
  const { place, functions } = await whereaboutsOf(config, context);
  const { regressions, seeds } = await firstPrograms(campaign);
  return (worker) => {
    const { stats, entries } = campaign.progressOf(worker);
    return {
      options: {
        seed: config.seed,
        worker,
        stepsMax: config.steps,
        focus: config.focus,
        functions,
        programs: programs === undefined ? Infinity : shareOf(programs, config.workers, worker),
        reductions: REDUCTIONS,
        target: config.mutant ?? config.kernel ?? config.target,
        directory,
      },
      place,
      stats,
      entries: entries.map(({ hash, ...entry }) => ({
        ...entry,
        file: fileOf(corpusDirectory(directory), hash),
      })),
      first: worker === 0 ? [...regressions, ...seeds] : seeds,
      // One whose reduction was cut short is reported again, and reduced.
      titles: campaign.findings.flatMap(({ title, reduced }) => (reduced === undefined ? [] : title)),
      ...(shared === undefined ? {} : { shared }),
      ...(worker === 0 && config.mutant === undefined ? { canary: CANARY } : {}),
    };
  };
}

/** Where a campaign runs, and which code it is about there. */
interface Whereabouts {
  readonly place: PlaceSpec;
  /** As `file:function`. */
  readonly functions: readonly string[];
}

async function whereaboutsOf(config: CampaignConfig, context: Context): Promise<Whereabouts> {
  const { profile, mutant, kernel, flavour = 'fast', accel = 'auto', append, target } = config;
  const { functions = [] } = config;
  const named = { ...(profile && { profile }), ...(mutant && { mutant }) };
  if (target !== 'qemu') return { place: named, functions };
  const found = await findKernel({ kernel, flavour }, context);
  const options = { accel, append, console: undefined };
  const qemu = qemuOptions(found.bzImage, found.flavour, options, context);
  const watched = await watchedEdges(found, functions, context);
  if (watched === undefined) return { place: { ...named, qemu }, functions };
  return {
    place: { ...named, qemu: { ...qemu, watched: watched.code } },
    functions: watched.functions,
  };
}

/** Code whose edges are news. */
interface WatchedEdges {
  readonly code: WatchedCode;
  /** Of which functions it is, as `file:function`; none if it is all of iommufd. */
  readonly functions: readonly string[];
}

/**
 * On a kernel that tells of edges, those of iommufd, or of some of its functions, are news.
 * @param functions as `file:function`; none for all
 */
async function watchedEdges(
  { name: kernel, flavour, vmlinux }: FoundKernel,
  functions: readonly string[],
  { cache }: Context,
): Promise<WatchedEdges | undefined> {
  if (flavour !== 'sanitize' || vmlinux === undefined) return undefined;
  const places = await codePlacesOf(vmlinux, cache, tell);
  const names = new Set(functions);
  const isNamed = ({ file, function: name }: Place): boolean => names.has(`${file}:${name}`);
  if (places.places.some(isNamed)) return { code: watch(places, 'edges', isNamed), functions };
  if (names.size > 0) {
    process.stderr.write(
      `fuzz: ${kernel} has none of the changed functions: edges of all of iommufd are news\n`,
    );
  }
  const code = watch(places, 'edges', ({ file }) => file.startsWith(IOMMUFD_DIRECTORY));
  return { code, functions: [] };
}

/** Files of programs that come before all others. */
interface FirstPrograms {
  readonly regressions: readonly string[];
  readonly seeds: readonly string[];
}

async function firstPrograms({ regressions, seeds }: Campaign): Promise<FirstPrograms> {
  const filesOf = async (store: typeof seeds): Promise<string[]> => {
    const files: string[] = [];
    for await (const { hash } of store.programs()) files.push(fileOf(store.directory, hash));
    return files;
  };
  return { regressions: await filesOf(regressions), seeds: await filesOf(seeds) };
}

/** What one of several workers has to do; the first ones do what is left over. */
function shareOf(programs: number, workers: number, worker: number): number {
  return Math.floor(programs / workers) + (worker < programs % workers ? 1 : 0);
}
