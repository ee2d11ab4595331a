import { createHash } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { BadInputError, TestBedError } from '../target.js';
import { runTool } from '../tools.js';
import { downloadPackage, findPackage } from './packages.js';
import { cached } from '../cached.js';
import { exists } from '../files.js';
import type { Kernel } from './store.js';

/** Where a kernel's source is to come from. */
export type SourceRequest =
  { readonly package: string; readonly suite?: string } | { readonly directory: string };

/** What acquiring a source is doing. */
export type SourceNotice = (what: string) => void;

/** What a source is called and identified by, before anything has been fetched. */
export interface SourcePlan {
  /** For people. */
  readonly description: string;
  /** Changes whenever the source does. */
  readonly identity: string;
  /** Names the build directory of a tree that changes, so that the next build goes on from this one. */
  readonly lastingBuild?: string;
  /** Brings the tree in place, unless it is there already; returns its directory. */
  fetch(): Promise<string>;
}

/** Finds out which source a request means. Cheap: nothing is downloaded but package lists. */
export function planSource(request: SourceRequest, cache: string, notice: SourceNotice): Promise<SourcePlan> {
  return 'package' in request
    ? planPackage(request.package, request.suite, cache, notice)
    : planDirectory(request.directory);
}

async function planPackage(
  name: string,
  suite: string | undefined,
  cache: string,
  notice: SourceNotice,
): Promise<SourcePlan> {
  notice(`looking ${name} up in Debian's archive`);
  const found = await findPackage(name, suite, cache);
  const title = `${name} ${found.version}`;
  const place = placeOf(name, found.version, cache);
  return {
    description: `Debian ${title}`,
    identity: title,
    fetch: () =>
      cached(place, async (work) => {
        notice(`downloading ${title}`);
        const file = await downloadPackage(found, work);
        notice(`unpacking ${basename(file)}`);
        return unpackSource(file, work);
      }),
  };
}

/** Where the source of a package is kept. */
function placeOf(name: string, version: string, cache: string): string {
  return join(cache, 'sources', `${name}_${version.replace(/[^\w.+~-]/g, '_')}`);
}

/**
 * The source tree that a kernel was built from.
 * @throws TestBedError when there is none, or none any more
 */
export async function sourceTreeOf(
  { id, source }: Pick<Kernel, 'id' | 'source'>,
  cache: string,
): Promise<string> {
  const [, name, version] = /^Debian (\S+) (\S+)$/.exec(source) ?? [];
  const tree = name === undefined || version === undefined ? source : placeOf(name, version, cache);
  if (await exists(join(tree, 'Kconfig'))) return tree;
  const advice =
    tree === source
      ? 'kernels built by "kernel build" from source have one'
      : `remove the kernel with "kernel remove ${id}" and build it again`;
  throw new TestBedError(`there is no source of ${id} (${source}); ${advice}`);
}

/** Debian's source packages hold one tar file, which holds one directory. */
async function unpackSource(file: string, work: string): Promise<string> {
  const contents = join(work, 'contents');
  await runTool('dpkg', ['-x', file, contents]);
  const archives = join(contents, 'usr', 'src');
  const archive = (await readdir(archives)).find((entry) => /\.tar\.(?:xz|gz|bz2|zst)$/.test(entry));
  if (archive === undefined) throw new TestBedError(`${basename(file)} holds no source archive`);
  const tree = join(work, 'tree');
  await mkdir(tree, { recursive: true });
  await runTool('tar', ['-xf', join(archives, archive), '-C', tree, '--strip-components=1']);
  return tree;
}

/**
 * Looks whether a request can be met at all, before anything is asked of the machine.
 * @throws BadInputError for a directory that is no kernel's
 */
export async function checkSource(request: SourceRequest): Promise<void> {
  if ('package' in request) return;
  const directory = resolve(request.directory);
  if (!(await exists(join(directory, 'Kconfig'))))
    throw new BadInputError(`${directory} is no kernel source tree`);
}

async function planDirectory(path: string): Promise<SourcePlan> {
  await checkSource({ directory: path });
  const directory = resolve(path);
  const identity = await identityOfTree(directory);
  return {
    description: directory,
    identity,
    lastingBuild: createHash('sha256').update(directory).digest('hex').slice(0, 12),
    fetch: () => Promise.resolve(directory),
  };
}

/** The commit and what differs from it; a tree without git is taken to be new each time. */
async function identityOfTree(directory: string): Promise<string> {
  try {
    const git = ['-C', directory];
    const head = await runTool('git', [...git, 'rev-parse', 'HEAD']);
    const changes = await runTool('git', [...git, 'diff', 'HEAD']);
    return `${head.toString('utf8').trim()}+${createHash('sha256').update(changes).digest('hex').slice(0, 12)}`;
  } catch {
    return `${directory} at ${new Date().toISOString()}`;
  }
}
