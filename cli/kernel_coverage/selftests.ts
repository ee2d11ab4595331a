import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kernel } from '../../targets/kernels/store.js';
import type { CodePlaces, Place } from '../../targets/kcov/places.js';
import { buildPreload, reachedIn } from '../../targets/kcov/preload.js';
import type { AcceleratorChoice } from '../../targets/qemu/accelerator.js';
import { SELFTESTS } from '../../targets/selftests/programs.js';
import { recordSelftest } from '../../targets/selftests/record.js';
import { countCases } from '../../targets/selftests/tap.js';
import type { Context } from '../context.js';
import { tell } from '../progress.js';

/** What the kernel's own tests reach. */
export interface SelftestsReach {
  readonly places: readonly Place[];
  /** What became of each program, in words. */
  readonly told: readonly string[];
}

/**
 * Runs the kernel's own tests, and notes what they reach. What a task does after its last call, and what exit() does by itself, is
 * not seen.
 */
export async function reachOfSelftests(
  kernel: Kernel,
  places: CodePlaces,
  accelerator: AcceleratorChoice,
  secondsMax: number,
  context: Context,
): Promise<SelftestsReach> {
  const kcov = await buildPreload(context.kcovSources, places.base, context.cache);
  const directory = await mkdtemp(join(tmpdir(), 'iommufd-cts-kcov-'));
  const reached = new Set<Place>();
  const told: string[] = [];
  try {
    for (const program of SELFTESTS) {
      const trace = join(directory, program);
      const { report, ms, isTimeUp } = await recordSelftest(
        {
          kernel,
          program,
          arguments: [],
          accelerator,
          trace,
          kcov,
          secondsMax,
          interrupted: context.interrupted,
          onPhase: tell,
          onOutput: () => undefined,
        },
        context,
      );
      for (const place of reachedIn(await readFile(trace), places)) reached.add(place);
      const counts = (['passed', 'failed', 'skipped'] as const).map(
        (status) => `${String(countCases(report, status))} ${status}`,
      );
      const end = isTimeUp ? ', ended because its time was up' : '';
      told.push(`${program}: ${counts.join(', ')} in ${(ms / 1000).toFixed(0)} s${end}`);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return { places: [...reached], told };
}
