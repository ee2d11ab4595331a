import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { exists } from './files.js';
import { isAlive } from './processes.js';

/** What is being made in this process, by its place. */
const underWay = new Map<string, Promise<string>>();

/**
 * What the cache has at a place. It is made once, however many ask for it at the same time, in this process and in others.
 * @param place a file or directory in the cache
 * @param make makes it in an empty directory of its own on the same file system, and returns the path of what is to be moved
 * @returns `place`
 */
export function cached(place: string, make: (work: string) => Promise<string>): Promise<string> {
  const known = underWay.get(place);
  if (known !== undefined) return known;
  const made = provide(place, make).finally(() => underWay.delete(place));
  underWay.set(place, made);
  return made;
}

async function provide(place: string, make: (work: string) => Promise<string>): Promise<string> {
  if (await exists(place)) return place;
  const work = await unfinishedIn(dirname(place));
  try {
    await moveInto(place, await make(work));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return place;
}

/** Begins the name of what a process of this machine is making; its number follows. Others may share the cache. */
const UNFINISHED = `.unfinished-${hostname()}-`;

/** A new directory beside finished things; names with a dot are passed over by those who list them. */
export async function unfinishedIn(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  await removeAbandoned(directory);
  return mkdtemp(join(directory, `${UNFINISHED}${String(process.pid)}-`));
}

/** What processes were making when they were killed. */
async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(UNFINISHED)) continue;
    const maker = Number.parseInt(name.slice(UNFINISHED.length), 10);
    if (!isAlive(maker)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

/** A file replaces one that another process has made; a directory can't, and what is there is as good. */
async function moveInto(place: string, made: string): Promise<void> {
  try {
    await rename(made, place);
  } catch (error) {
    if (!(await exists(place))) throw error;
  }
}
