import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new directory for files of a test. */
export function makeDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'iommufd-cts-test-'));
}

export function removeDirectory(directory: string): Promise<void> {
  return rm(directory, { recursive: true });
}
