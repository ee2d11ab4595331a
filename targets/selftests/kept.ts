import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { cached } from '../cached.js';
import { exists } from '../files.js';
import type { Kernel } from '../kernels/store.js';
import { buildRecorder } from '../recorder/build.js';
import { type Trace, readTrace } from '../trace/reader.js';
import { fingerprintOfInit } from './initramfs.js';
import { buildSelftests } from './programs.js';
import { type RecordingMeans, type RecordingRequest, type SelftestRun, recordSelftest } from './record.js';
import { isWhole } from './tap.js';

const TRACE = 'selftests.trace';
const RUN = 'run.json';
/** In the name of a recording, before the hash of what made it; what is before that is of the kernel and of what ran. */
const OF_MEANS = '-by-';

/** A recording, and whether an earlier one was taken. */
export interface KeptRecording {
  readonly run: SelftestRun;
  readonly trace: Trace;
  readonly isEarlier: boolean;
}

/**
 * A recording of a kernel's own selftests: the one that the cache has of the same kernel, programs, recorder and init, unless one is to
 * be made anew. One that came to its end is kept; its trace says all that the programs asked and were told.
 * @throws TestBedError when something is missing, or the machine ends before the program does
 */
export async function keptRecording(
  request: Omit<RecordingRequest, 'trace' | 'kcov'>,
  means: RecordingMeans,
  isAnew: boolean,
): Promise<KeptRecording> {
  const place = await placeOf(request, means);
  if (isAnew) await rm(place, { recursive: true, force: true });
  else if (await exists(place)) return { ...(await readRecording(place)), isEarlier: true };
  const work = await mkdtemp(join(tmpdir(), 'iommufd-cts-recording-'));
  try {
    const run = await recordSelftest({ ...request, trace: join(work, TRACE) }, means);
    await writeFile(join(work, RUN), JSON.stringify(run));
    const made = await readRecording(work);
    if (isWhole(run.report) && !run.isTimeUp && made.trace.troubles.length === 0) await keep(work, place);
    return { ...made, isEarlier: false };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Those of the same run that an earlier recorder or init made go. */
async function keep(made: string, place: string): Promise<void> {
  const recordings = dirname(place);
  const [ofRun] = basename(place).split(OF_MEANS);
  const earlier = (await readdir(recordings).catch(() => [])).filter((name) =>
    name.startsWith(`${String(ofRun)}${OF_MEANS}`),
  );
  for (const name of earlier) await rm(join(recordings, name), { recursive: true, force: true });
  await cached(place, async (work) => {
    const copy = join(work, 'recording');
    await cp(made, copy, { recursive: true });
    return copy;
  });
}

async function readRecording(directory: string): Promise<Omit<KeptRecording, 'isEarlier'>> {
  const file = join(directory, TRACE);
  const run = JSON.parse(await readFile(join(directory, RUN), 'utf8')) as SelftestRun;
  return { run, trace: readTrace(await readFile(file), file) };
}

/** Where the cache has it: under the hash of all that a recording depends on. */
async function placeOf(
  { kernel, program, arguments: args }: { kernel: Kernel; program: string; arguments: readonly string[] },
  means: RecordingMeans,
): Promise<string> {
  const run = hashOf(kernel.content, program, ...args);
  const made = hashOf(
    basename(await buildSelftests(kernel, means.cache)),
    basename(await buildRecorder(means.recorderSources, means.cache)),
    await fingerprintOfInit(means),
  );
  return join(means.cache, 'recordings', `${kernel.id}-${run}${OF_MEANS}${made}`);
}

function hashOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
