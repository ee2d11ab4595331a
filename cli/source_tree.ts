import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { reasonOf } from '../models/base/reason.js';

/** A file of a source tree that cannot be had, in one sentence. */
class NoSourceError extends Error {}

/** A file of a source tree. */
export interface SourceFile {
  readonly path: string;
  /** What git calls its contents. */
  readonly blob: string;
  readonly text: string;
}

/**
 * Reads a file of a source tree.
 * @param file its path in the tree
 * @throws NoSourceError when it is not in the tree, or cannot be read
 */
export async function readSourceFile(tree: string, file: string): Promise<SourceFile> {
  const path = resolve(tree, file);
  if (!path.startsWith(`${resolve(tree)}${sep}`)) throw new NoSourceError(`${file} is not in ${tree}`);
  const contents = await readFile(path).catch((error: unknown) => {
    throw new NoSourceError(`${path} cannot be read: ${reasonOf(error)}`);
  });
  return { path, blob: blobOf(contents), text: contents.toString('utf8') };
}

/** The same, or undefined for one that cannot be had. */
export async function findSourceFile(tree: string, file: string): Promise<SourceFile | undefined> {
  return readSourceFile(tree, file).catch((error: unknown) => {
    if (error instanceof NoSourceError) return undefined;
    throw error;
  });
}

/** What git calls the contents of a file. */
export function blobOf(contents: Uint8Array): string {
  return createHash('sha1')
    .update(`blob ${String(contents.length)}\0`)
    .update(contents)
    .digest('hex');
}
