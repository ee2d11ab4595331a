import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { agentHeader, STATIC_FLAGS } from '../agent/build.js';
import { ENVIRONMENT } from '../recorder/header.js';
import { REACHED_BYTES } from '../kcov/preload.js';
import { TRACE_HEADER_BYTES, traceHeader } from '../trace/format.js';
import { runTool } from '../tools.js';
import { SELFTESTS, type Selftest } from './programs.js';

/** Sources of the agent that the init shares. */
const SHARED_SOURCES = ['bytes.c', 'frame.c', 'start.c', 'sysfs.c', 'vfio.c'] as const;

/** Where files are in the guest. */
const PRELOADED_PATH = '/preloaded.so';
const EMPTY_TRACE_PATH = '/empty.trace';

/** Pages of 2 MiB that are set aside: the largest fixture takes 64, and some are still to be given back when it starts. */
const HUGE_PAGES = 96;

/** Where a program is in the guest. */
export function guestPathOf(program: Selftest): string {
  return `/bin/${program}`;
}

/** Directories of C sources of the init. */
export interface InitSources {
  readonly initSources: string;
  readonly agentSources: string;
}

/** What goes into the initial RAM disk. */
export interface InitramfsParts extends InitSources {
  /** Directory of the programs. */
  readonly programs: string;
  /** The library that is preloaded into them. */
  readonly preloaded: string;
}

/**
 * Packs the selftests, what is preloaded into them, the libraries that they need, and an init that runs them.
 * @param directory where the result is put
 * @returns its path
 * @throws TestBedError when a tool is missing or fails
 */
export function packInitramfs(parts: InitramfsParts, directory: string): Promise<string> {
  const programs = SELFTESTS.map((name) => ({ from: join(parts.programs, name), to: guestPathOf(name) }));
  return packPrograms(parts, [...programs, { from: parts.preloaded, to: PRELOADED_PATH }], directory);
}

/** A file and where it is in the guest. */
export interface GuestFile {
  readonly from: string;
  readonly to: string;
}

/**
 * Packs programs, the libraries that they need, and an init that runs them.
 * @param directory where the result is put
 * @returns its path
 * @throws TestBedError when a tool is missing or fails
 */
export async function packPrograms(
  sources: InitSources,
  own: readonly GuestFile[],
  directory: string,
): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'iommufd-cts-selftests-'));
  try {
    await mkdir(join(root, 'bin'));
    const libraries = await Promise.all(own.map(({ from }) => librariesOf(from)));
    const others = [...new Set(libraries.flat())].map((path) => ({ from: path, to: path }));
    for (const { from, to } of [...own, ...others]) {
      await mkdir(join(root, dirname(to)), { recursive: true });
      await copyFile(from, join(root, to));
    }
    await writeFile(join(root, EMPTY_TRACE_PATH), traceHeader());
    await compileInit(sources, root, directory);
    const path = join(directory, 'selftests.cpio');
    const names = (await readdir(root, { recursive: true })).sort();
    const archive = await runTool('cpio', ['-o', '-H', 'newc', '--quiet'], {
      cwd: root,
      input: `${names.join('\n')}\n`,
    });
    await writeFile(path, archive);
    return path;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** The shared libraries of a program, and what loads them. */
async function librariesOf(program: string): Promise<string[]> {
  // It fails for programs that need none.
  const listed = await runTool('ldd', [program]).then(
    (output) => output.toString('utf8'),
    () => '',
  );
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
}

/** Tells inits apart that behave differently: a hash of what they are made of. */
export async function fingerprintOfInit({ initSources, agentSources }: InitSources): Promise<string> {
  const files = [...(await ownSources(initSources)), ...sharedSources(agentSources)];
  const hash = createHash('sha256').update(agentHeader()).update(initHeader()).update(STATIC_FLAGS.join(' '));
  for (const file of files) hash.update(await readFile(file));
  return hash.digest('hex');
}

async function ownSources(initSources: string): Promise<string[]> {
  const own = (await readdir(initSources)).filter((name) => name.endsWith('.c')).sort();
  return own.map((name) => join(initSources, name));
}

function sharedSources(agentSources: string): string[] {
  return SHARED_SOURCES.map((name) => join(agentSources, name));
}

async function compileInit(
  { initSources, agentSources }: InitSources,
  root: string,
  headers: string,
): Promise<void> {
  await writeFile(join(headers, 'wire.h'), agentHeader());
  await writeFile(join(headers, 'selftests.h'), initHeader());
  await runTool('gcc', [
    ...[...STATIC_FLAGS, '-I', headers, '-I', agentSources, '-o', join(root, 'init')],
    ...(await ownSources(initSources)),
    ...sharedSources(agentSources),
  ]);
}

/** What the init has to know of the recorder and of where things are. */
function initHeader(): string {
  const strings = {
    PRELOADED_PATH,
    EMPTY_TRACE: EMPTY_TRACE_PATH,
    HUGE_PAGES_WANTED: String(HUGE_PAGES),
    TRACE_VARIABLE: ENVIRONMENT.TRACE,
    LIBRARY_VARIABLE: ENVIRONMENT.LIBRARY,
  };
  return [
    '/* Generated from targets/selftests/initramfs.ts. */',
    `#define TRACE_HEADER_BYTES ${String(TRACE_HEADER_BYTES)}`,
    `#define REACHED_BYTES ${String(REACHED_BYTES)}`,
    ...Object.entries(strings).map(([name, value]) => `#define ${name} ${JSON.stringify(value)}`),
    '',
  ].join('\n');
}
