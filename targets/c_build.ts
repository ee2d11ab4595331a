import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cached.js';
import { runTool } from './tools.js';

/** What is made of C sources. */
interface CBuild {
  /** The directory of the sources. */
  readonly sources: string;
  /** A header that they include and that is made from our tables. */
  readonly header: { readonly name: string; readonly text: string };
  readonly flags: readonly string[];
  /** Where the result is kept, under the hash of what it was made of. */
  readonly cache: string;
  /** What the result is called: `agent`, and its suffix: `.cpio`. */
  readonly name: string;
  readonly suffix: string;
  /**
   * Makes it.
   * @param units the C files
   * @param work a directory of its own, which has the header
   * @returns the path of the result
   */
  readonly make: (units: readonly string[], work: string) => Promise<string>;
}

/**
 * Makes something of C sources unless the cache has it.
 * @returns its path
 * @throws TestBedError when a tool is missing or fails
 */
export async function buildC({ sources, header, flags, cache, name, suffix, make }: CBuild): Promise<string> {
  const files = (await readdir(sources)).filter((file) => /\.[ch]$/.test(file)).sort();
  const hash = createHash('sha256').update(header.text).update(flags.join(' '));
  for (const file of files) hash.update(file).update(await readFile(join(sources, file)));
  const units = files.filter((file) => file.endsWith('.c')).map((file) => join(sources, file));
  return cached(join(cache, `${name}-${hash.digest('hex').slice(0, 16)}${suffix}`), async (work) => {
    await writeFile(join(work, header.name), header.text);
    return make(units, work);
  });
}

/** The name under which POSIX systems have their C compiler. */
const COMPILER = 'cc';

const LIBRARY_FLAGS = [
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

/** A library that is preloaded; its sources include generated.h, which is `header`. */
export function buildLibrary(name: string, sources: string, header: string, cache: string): Promise<string> {
  return buildC({
    sources,
    header: { name: 'generated.h', text: header },
    flags: LIBRARY_FLAGS,
    cache,
    name,
    suffix: '.so',
    make: async (units, work) => {
      const library = join(work, `${name}.so`);
      await runTool(COMPILER, [...LIBRARY_FLAGS, '-I', work, '-o', library, ...units, '-ldl']);
      return library;
    },
  });
}
