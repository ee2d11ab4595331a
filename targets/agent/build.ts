import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HUGE_PAGES_MAX } from '../../models/program/arena.js';
import {
  FD_HANDLE_BASE,
  LANES_MAX,
  LANE_STEPS_MAX,
  PROCESSES_MAX,
  SLOTS_MAX,
  STEPS_MAX,
} from '../../models/program/raw.js';
import { buildC } from '../c_build.js';
import { runTool } from '../tools.js';
import { cHeader } from './wire.js';

/** Static, so that the guest needs nothing but the agent; warnings are errors of ours. */
export const STATIC_FLAGS = ['-std=gnu11', '-O2', '-static', '-Wall', '-Wextra', '-Werror'];

/**
 * Compiles the agent and packs it as the only file of an initial RAM disk.
 * @param sources the directory of the C sources
 * @param cache where the result is kept, under the hash of what it was made of
 * @returns the path of the RAM disk
 * @throws TestBedError when the compiler or cpio is missing or fails
 */
export function buildInitramfs(sources: string, cache: string): Promise<string> {
  return buildC({
    sources,
    header: { name: 'wire.h', text: agentHeader() },
    flags: STATIC_FLAGS,
    cache,
    name: 'agent',
    suffix: '.cpio',
    make: pack,
  });
}

/** The header that the C sources include. */
export function agentHeader(): string {
  return cHeader({
    slots: SLOTS_MAX,
    steps: STEPS_MAX,
    handles: FD_HANDLE_BASE,
    processes: PROCESSES_MAX,
    lanes: LANES_MAX,
    laneSteps: LANE_STEPS_MAX,
    hugePages: HUGE_PAGES_MAX,
  });
}

async function pack(units: readonly string[], work: string): Promise<string> {
  await runTool('gcc', [...STATIC_FLAGS, '-I', work, '-o', join(work, 'init'), ...units]);
  const archive = await runTool('cpio', ['-o', '-H', 'newc', '--quiet'], { cwd: work, input: 'init\n' });
  const file = join(work, 'initramfs.cpio');
  await writeFile(file, archive);
  return file;
}
