import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from '../../targets/processes.js';
import { BadInputError } from '../../targets/target.js';

/** Says that a process works in a directory, until it says otherwise or is gone. */
const FILE = 'running';

/** @throws BadInputError if another process is at work there */
export async function claimDirectory(directory: string): Promise<void> {
  const path = join(directory, FILE);
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  if (holder > 0 && holder !== process.pid && isAlive(holder)) {
    throw new BadInputError(
      `process ${String(holder)} is running the campaign in ${directory}; if that is something else, remove ${path}`,
    );
  }
  await writeFile(path, `${String(process.pid)}\n`);
}

export async function releaseDirectory(directory: string): Promise<void> {
  await rm(join(directory, FILE), { force: true });
}
