import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import lockfile from 'proper-lockfile';
import { TestBedError } from '../target.js';
import { runTool } from '../tools.js';
import { versionOfBzImage } from './bz_image.js';
import { lostOptions, optionsOf, withOptions } from './options.js';
import { type SourcePlan, type SourceRequest, planSource } from './source.js';
import { type Flavour, type Kernel, KERNEL_FILES, KernelStore } from './store.js';
import { exists } from '../files.js';

/** What a build tells of itself while it runs. */
export interface BuildListener {
  /** A phase begins. */
  phase(what: string): void;
  /** So many files are compiled, of so many in earlier builds of the kind. */
  compiled(files: number, expected: number): void;
}

export interface BuildRequest {
  readonly source: SourceRequest;
  readonly flavour: Flavour;
  /** Directory of the configuration fragments. */
  readonly fragments: string;
  readonly cache: string;
}

/**
 * Files that a first build compiles: 7.3.4 has 1914 and 6.12.117 1796 of fast; sanitize has had 7 more. Later builds go by the one
 * before.
 */
const OBJECTS_EXPECTED: Readonly<Record<Flavour, number>> = { fast: 1910, sanitize: 1917 };

/** A build takes minutes, so that is how long another one is waited for. */
const LOCK_RETRY_MS = 2000;
const LOCK_RETRIES = 1800;

/** The headers that describe the calls, and where C includes them from. */
const HEADERS = {
  'include/uapi/linux/iommufd.h': 'linux/iommufd.h',
  'include/uapi/linux/vfio.h': 'linux/vfio.h',
  'drivers/iommu/iommufd/iommufd_test.h': 'iommufd_test.h',
} as const;

/**
 * Builds a kernel, or finds it in the cache.
 * @throws TestBedError when a tool, the source or an option is missing, or the compiler fails
 */
export async function buildKernel(
  { source: request, flavour, fragments, cache }: BuildRequest,
  listener: BuildListener,
): Promise<Kernel> {
  const store = new KernelStore(cache);
  const planned = await planOrReuse(request, flavour, cache, store, listener);
  if ('kernel' in planned) return planned.kernel;
  const { source } = planned;
  const options = await optionsOf(flavour, fragments);
  const content = createHash('sha256').update(source.identity).update(options).digest('hex');
  const built = await store.findContent(content);
  if (built !== undefined) return built;
  const output = join(cache, 'build', `${source.lastingBuild ?? content.slice(0, 12)}-${flavour}`);
  await mkdir(output, { recursive: true });
  const release = await lockBuild(output, listener);
  try {
    return (
      (await store.findContent(content)) ??
      (await buildIn(output, { source, flavour, options, content, store }, listener))
    );
  } finally {
    await release();
    if (source.lastingBuild === undefined) await rm(output, { recursive: true, force: true });
  }
}

/** Without a connection to Debian's archive, the kernel that was built last of the package does. */
async function planOrReuse(
  request: SourceRequest,
  flavour: Flavour,
  cache: string,
  store: KernelStore,
  listener: BuildListener,
): Promise<{ readonly source: SourcePlan } | { readonly kernel: Kernel }> {
  try {
    const source = await planSource(request, cache, (what) => {
      listener.phase(what);
    });
    return { source };
  } catch (error) {
    if (!(error instanceof TestBedError) || !('package' in request)) throw error;
    const kernel = await store.findSource(`Debian ${request.package} `, flavour);
    if (kernel === undefined) throw error;
    listener.phase(`${error.message}; ${kernel.id} from the cache is used`);
    return { kernel };
  }
}

interface Build {
  readonly source: SourcePlan;
  readonly flavour: Flavour;
  readonly options: string;
  readonly content: string;
  readonly store: KernelStore;
}

async function buildIn(
  output: string,
  { source, flavour, options, content, store }: Build,
  listener: BuildListener,
): Promise<Kernel> {
  const tree = await source.fetch();
  listener.phase(`configuring ${source.description}, flavour ${flavour}`);
  await configure(tree, output, options, listener);
  listener.phase(`compiling ${source.description}, flavour ${flavour}`);
  const start = performance.now();
  const objects = await compile(tree, output, await expectedObjects(store, flavour), listener);
  const description = {
    version: await versionOfBzImage(join(output, 'arch/x86/boot/bzImage')),
    flavour,
    source: source.description,
    content,
    built: new Date().toISOString(),
    buildSeconds: Math.round((performance.now() - start) / 1000),
    objects,
  };
  return store.add(description, await collect(tree, output, store));
}

/** Two builds of the same kernel take turns; the second one finds it in the cache. */
async function lockBuild(output: string, listener: BuildListener): Promise<() => Promise<void>> {
  if (await lockfile.check(output)) listener.phase('waiting for another process that builds this kernel');
  let isLost = false;
  const release = await lockfile.lock(output, {
    retries: { retries: LOCK_RETRIES, minTimeout: LOCK_RETRY_MS, factor: 1 },
    onCompromised: () => {
      isLost = true;
      listener.phase('the lock of this build is gone, as after a sleep of the machine; it goes on without');
    },
  });
  return async () => {
    if (!isLost) await release();
  };
}

/** Takes a kernel into the cache that somebody else has built. */
export async function adoptBzImage(path: string, flavour: Flavour, cache: string): Promise<Kernel> {
  const store = new KernelStore(cache);
  const version = await versionOfBzImage(path);
  const content = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  const known = await store.findContent(content);
  if (known !== undefined) return known;
  const files = await store.newDirectory();
  await copyFile(path, join(files, KERNEL_FILES.bzImage));
  return store.add({ version, flavour, source: path, content, built: new Date().toISOString() }, files);
}

async function configure(
  tree: string,
  output: string,
  options: string,
  listener: BuildListener,
): Promise<void> {
  const make = ['-C', tree, `O=${output}`];
  await runTool('make', [...make, 'tinyconfig']);
  const config = join(output, '.config');
  await writeFile(config, withOptions(await readFile(config, 'utf8'), options));
  await runTool('make', [...make, 'olddefconfig']);
  const { lost, required } = lostOptions(options, await readFile(config, 'utf8'));
  if (required.length > 0)
    throw new TestBedError(`this source cannot be configured with ${required.join(', ')}`);
  if (lost.length > 0) listener.phase(`options that this source does not take: ${lost.join(', ')}`);
}

/** Runs the compiler; resolves to the number of files compiled. */
function compile(tree: string, output: string, expected: number, listener: BuildListener): Promise<number> {
  return new Promise((resolve, reject) => {
    const args = ['-C', tree, `O=${output}`, `-j${String(availableParallelism())}`, 'bzImage'];
    const running = spawn('make', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const errors: string[] = [];
    let files = 0;
    createInterface({ input: running.stdout }).on('line', (line) => {
      if (/^ {2}[A-Z]+ /.test(line)) listener.compiled(++files, expected);
    });
    createInterface({ input: running.stderr }).on('line', (line) => {
      if (/error|Error|\*\*\*/.test(line)) errors.push(line);
    });
    running.once('error', () => {
      reject(new TestBedError('make is not installed; install it with "apt-get install make"'));
    });
    running.once('close', (code, signal) => {
      if (code === 0) resolve(files);
      else
        reject(
          new TestBedError(
            `the kernel did not compile: ${errors[0] ?? `make ended with ${signal ?? String(code)}`}`,
          ),
        );
    });
  });
}

async function expectedObjects(store: KernelStore, flavour: Flavour): Promise<number> {
  const earlier = (await store.list()).filter((kernel) => kernel.flavour === flavour);
  // A build that went on after an interruption has compiled only the rest.
  return Math.max(OBJECTS_EXPECTED[flavour], ...earlier.map(({ objects = 0 }) => objects));
}

/** Moves what is worth keeping of a build to a directory of its own. */
async function collect(tree: string, output: string, store: KernelStore): Promise<string> {
  const files = await store.newDirectory();
  const headers = join(files, KERNEL_FILES.headers);
  await mkdir(join(headers, 'linux'), { recursive: true });
  for (const [from, to] of Object.entries(HEADERS)) await copyFile(join(tree, from), join(headers, to));
  await copyFile(join(output, 'arch/x86/boot/bzImage'), join(files, KERNEL_FILES.bzImage));
  await copyFile(join(output, '.config'), join(files, KERNEL_FILES.config));
  if (await exists(join(output, 'vmlinux')))
    await copyFile(join(output, 'vmlinux'), join(files, KERNEL_FILES.vmlinux));
  return files;
}
