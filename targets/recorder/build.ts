import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '../tools.js';
import { recorderHeader } from './header.js';

/** The name under which POSIX systems have their C compiler. */
const COMPILER = 'cc';

const COMPILER_FLAGS = [
  '-std=gnu11',
  '-O2',
  '-fPIC',
  '-shared',
  '-fvisibility=hidden',
  '-D_GNU_SOURCE',
  '-U_FORTIFY_SOURCE',
  '-Wall',
  '-Wextra',
  '-Werror',
];

/**
 * Compiles the recorder.
 * @param sources the directory of the C sources
 * @param cache where the result is kept, under the hash of what it was made of
 * @returns the path of the library
 * @throws TestBedError when there is no compiler or it fails
 */
export async function buildRecorder(sources: string, cache: string): Promise<string> {
  const header = recorderHeader();
  const names = (await readdir(sources)).filter((name) => /\.[ch]$/.test(name)).sort();
  const hash = createHash('sha256').update(header).update(COMPILER_FLAGS.join(' '));
  for (const name of names) hash.update(name).update(await readFile(join(sources, name)));
  const path = join(cache, `recorder-${hash.digest('hex').slice(0, 16)}.so`);
  const isBuilt = await stat(path).then(
    () => true,
    () => false,
  );
  if (!isBuilt) await build(sources, names, header, path);
  return path;
}

async function build(sources: string, names: readonly string[], header: string, path: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'iommufd-cts-recorder-'));
  try {
    await writeFile(join(work, 'generated.h'), header);
    const units = names.filter((name) => name.endsWith('.c')).map((name) => join(sources, name));
    await mkdir(join(path, '..'), { recursive: true });
    const unfinished = `${path}.${String(process.pid)}`;
    await runTool(COMPILER, [...COMPILER_FLAGS, '-I', work, '-o', unfinished, ...units, '-ldl']);
    await rename(unfinished, path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
