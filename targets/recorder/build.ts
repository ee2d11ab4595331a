import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../cached.js';
import { runTool } from '../tools.js';
import { recorderHeader } from './header.js';

/** The name under which POSIX systems have their C compiler. */
export const COMPILER = 'cc';

/** Flags of libraries that are preloaded. */
export const LIBRARY_FLAGS = [
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
  const hash = createHash('sha256').update(header).update(LIBRARY_FLAGS.join(' '));
  for (const name of names) hash.update(name).update(await readFile(join(sources, name)));
  const path = join(cache, `recorder-${hash.digest('hex').slice(0, 16)}.so`);
  return cached(path, (work) => build(sources, names, header, work));
}

async function build(
  sources: string,
  names: readonly string[],
  header: string,
  work: string,
): Promise<string> {
  await writeFile(join(work, 'generated.h'), header);
  const units = names.filter((name) => name.endsWith('.c')).map((name) => join(sources, name));
  const library = join(work, 'recorder.so');
  await runTool(COMPILER, [...LIBRARY_FLAGS, '-I', work, '-o', library, ...units, '-ldl']);
  return library;
}
