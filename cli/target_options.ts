import type { Argv } from 'yargs';
import { Behaviour } from '../models/behaviour.js';
import { DEFAULT_PROFILE, PROFILES, type Profile, profileById } from '../models/profiles/index.js';
import { SPOILING_SPLATS } from '../models/spoiling_splats.js';
import { versionOfBzImage } from '../targets/kernels/bz_image.js';
import { exists } from '../targets/files.js';
import { FLAVOURS, type Flavour, type Kernel, KernelStore } from '../targets/kernels/store.js';
import { type QemuOptions, QemuTarget } from '../targets/qemu/index.js';
import { SimTarget } from '../targets/sim.js';
import type { Target } from '../targets/target.js';
import type { Context } from './context.js';
import { UsageError } from './errors.js';

/** The options by which commands choose where programs run. */
export interface TargetArgs {
  readonly target: string;
  readonly kernel: string | undefined;
  readonly flavour: string;
  readonly profile: string | undefined;
  readonly accel: string;
  readonly console: string | undefined;
  readonly append: string | undefined;
}

export function addTargetOptions<T>(yargs: Argv<T>): Argv<T & TargetArgs> {
  return yargs
    .option('target', {
      type: 'string',
      default: 'sim',
      describe: 'sim, the embedded model; qemu, Linux in a virtual machine; for run also design:NAME',
    })
    .option('kernel', {
      type: 'string',
      describe: 'id of a cached kernel (see "kernel list") or path of a bzImage; implies --target qemu',
    })
    .option('flavour', {
      choices: FLAVOURS,
      default: 'fast',
      describe: 'how a bzImage given by path is configured: sanitized kernels get more memory and time',
    })
    .option('profile', {
      // Without the type, 6.12 would be taken for a number.
      type: 'string',
      choices: PROFILES.map(({ id }) => id),
      describe: 'the kernel version whose behaviour is expected; default: that of the target',
    })
    .option('accel', {
      choices: ['auto', 'kvm', 'tcg'],
      default: 'auto',
      describe: 'how the virtual machine runs; auto is KVM where it works',
    })
    .option('console', {
      type: 'string',
      describe:
        'append the console of the virtual machine to this file, and that of the one for lanes to FILE.lanes',
    })
    .option('append', { type: 'string', describe: 'more of the kernel command line' });
}

/** A target as the options describe it. */
export interface ChosenTarget {
  readonly target: Target;
  /** Id or path of the kernel; empty without one. */
  readonly kernel: string;
  /** Set if the user named one. */
  readonly profile: Profile | undefined;
}

/** @throws UsageError when there is no such target or kernel */
export async function chooseTarget(args: TargetArgs, context: Context): Promise<ChosenTarget> {
  if (args.target !== 'sim' && args.target !== 'qemu') {
    throw new UsageError(
      `there is no target ${args.target} here; there are sim and qemu, and design:NAME for run`,
    );
  }
  const profile = args.profile === undefined ? undefined : profileById(args.profile);
  if (args.target === 'sim' && args.kernel === undefined) {
    return { target: new SimTarget(new Behaviour(profile ?? DEFAULT_PROFILE)), kernel: '', profile };
  }
  const { name, bzImage, flavour } = await findKernel(args, context);
  const target = qemuTarget(bzImage, flavour, args, context);
  return { target, kernel: name, profile };
}

/** A virtual machine for a kernel image. */
export function qemuTarget(
  bzImage: string,
  flavour: Flavour,
  args: Pick<TargetArgs, 'accel' | 'console' | 'append'>,
  context: Context,
): QemuTarget {
  return new QemuTarget(qemuOptions(bzImage, flavour, args, context));
}

export function qemuOptions(
  bzImage: string,
  flavour: Flavour,
  args: Pick<TargetArgs, 'accel' | 'console' | 'append'>,
  { agentSources, cache, path }: Context,
): QemuOptions {
  return {
    bzImage,
    flavour,
    accelerator: args.accel as 'auto' | 'kvm' | 'tcg',
    agentSources,
    cache,
    path,
    spoiling: SPOILING_SPLATS,
    ...(args.append === undefined ? {} : { kernelArguments: args.append }),
    ...(args.console === undefined ? {} : { consoleFile: args.console }),
  };
}

/** A kernel image, and the name that reports have for it. */
export interface FoundKernel {
  readonly name: string;
  readonly bzImage: string;
  readonly flavour: Flavour;
  /** With symbols, for a kernel of the cache that has it. */
  readonly vmlinux?: string;
}

/** @throws UsageError when there is no such kernel */
export async function findKernel(
  { kernel: asked, flavour }: Pick<TargetArgs, 'kernel' | 'flavour'>,
  { cache }: Context,
): Promise<FoundKernel> {
  const store = new KernelStore(cache);
  if (asked === undefined) return describe(await newestKernel(store));
  const known = await store.find(asked);
  if (known !== undefined) return describe(known);
  if (asked.includes('/') || (await exists(asked))) {
    await versionOfBzImage(asked);
    return { name: asked, bzImage: asked, flavour: flavour as Flavour };
  }
  throw await unknownKernel(asked, store);
}

function describe({ id, bzImage, flavour, vmlinux }: Kernel): FoundKernel {
  return { name: id, bzImage, flavour, ...(vmlinux === undefined ? {} : { vmlinux }) };
}

/**
 * A kernel of the cache, by its id, or the one that most runs want.
 * @throws UsageError when there is no such kernel
 */
export async function findCachedKernel(asked: string | undefined, { cache }: Context): Promise<Kernel> {
  const store = new KernelStore(cache);
  if (asked === undefined) return newestKernel(store);
  const known = await store.find(asked);
  if (known !== undefined) return known;
  throw await unknownKernel(asked, store);
}

async function unknownKernel(asked: string, store: KernelStore): Promise<UsageError> {
  const ids = (await store.list()).map(({ id }) => id).join(', ');
  return new UsageError(`there is no kernel ${asked} in the cache; there is ${ids === '' ? 'none' : ids}`);
}

/** The fast kernel of the highest version, since that is what most runs want. */
async function newestKernel(store: KernelStore): Promise<Kernel> {
  const kernels = (await store.list()).sort(
    (one, two) =>
      Number(one.flavour === 'fast') - Number(two.flavour === 'fast') ||
      one.version.localeCompare(two.version, 'en', { numeric: true }),
  );
  const newest = kernels.at(-1);
  if (newest === undefined) {
    throw new UsageError(
      'there is no kernel in the cache; build one with "iommufd-cts kernel build --package linux-source-6.12", or name a bzImage with --kernel',
    );
  }
  return newest;
}
