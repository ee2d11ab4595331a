import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';

/** Writes a file into a directory, which is made if need be, so that a reader never sees half of it. */
export async function writeTextFile(directory: string, name: string, text: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFileAtomic(join(directory, name), text);
}
