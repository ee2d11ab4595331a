import { join } from 'node:path';
import { runCanary } from '../../fuzz/campaign/canary.js';
import type { Report, WorkerStats } from '../../fuzz/campaign/events.js';
import { type PastEntry, Worker, type WorkerOptions, type WorkerPast } from '../../fuzz/campaign/worker.js';
import { Workplace } from '../../fuzz/campaign/workplace.js';
import type { Mutate } from '../../fuzz/campaign/stream.js';
import { readProgramFile } from '../../fuzz/corpus/program_file.js';
import { Visitors } from '../../fuzz/corpus/visitors.js';
import { mutateProgram } from '../../fuzz/mutate/mutate.js';
import type { Program } from '../../models/program/program.js';
import { TestBedError } from '../../targets/target.js';
import { mutantByName } from '../mutant_option.js';
import { type PlaceSpec, openPlace } from './place.js';

/** A program of the corpus by its file. */
type StoredEntry = Omit<PastEntry, 'program'> & { readonly file: string };

/** What a worker is to do, in plain data: threads get it. */
export interface Orders {
  readonly options: WorkerOptions;
  readonly place: PlaceSpec;
  /** Where it goes on. */
  readonly stats: WorkerStats;
  /** Its programs in the corpus, in the order of their numbers. */
  readonly entries: readonly StoredEntry[];
  /** Files of programs to run before all others. */
  readonly first: readonly string[];
  readonly titles: readonly string[];
  /** Where other campaigns have their directories. */
  readonly shared?: string;
  /** Name of the difference to look for before anything else. */
  readonly canary?: string;
}

/** Carries orders out, until they are done, it is told to stop, or the test bed fails for good. */
export async function carryOut(orders: Orders, report: Report, stopped: AbortSignal): Promise<void> {
  try {
    await work(orders, report, stopped);
  } catch (error) {
    if (!(error instanceof TestBedError)) throw error;
    await report({ kind: 'lost', what: error.message });
  }
}

async function work(orders: Orders, report: Report, stopped: AbortSignal): Promise<void> {
  const { place, session, canFail } = await openPlace(orders.place);
  const workplace = new Workplace(place, session, (what) => report({ kind: 'trouble', what }));
  const mutate: Mutate = (program, donors, behaviour, picks, { walk }) =>
    mutateProgram(program, donors, behaviour, picks, { canFail, walk });
  try {
    const { options, canary, shared } = orders;
    if (canary !== undefined) {
      const mutant = mutantByName(canary, place.behaviour.profile);
      const result = await runCanary(workplace, mutant, options.seed, mutate);
      await report({ kind: 'canary', result });
    }
    const past = {
      stats: orders.stats,
      entries: readEntries(orders.entries),
      first: await readFirst(orders.first),
      titles: orders.titles,
      ...(shared === undefined ? {} : { visitors: visitorsFrom(shared, options.directory, report) }),
    };
    await new Worker(workplace, options, past, report, mutate).run(stopped);
  } finally {
    await workplace.stop();
  }
}

function visitorsFrom(shared: string, own = '', report: Report): NonNullable<WorkerPast['visitors']> {
  const visitors = new Visitors(shared, own, ({ file, what }) => {
    void report({ kind: 'trouble', what: `${file}: ${what}` });
  });
  return (count) => visitors.next(count);
}

async function* readEntries(entries: Orders['entries']): AsyncGenerator<PastEntry> {
  for (const { file, ...entry } of entries) yield { ...entry, program: await readProgramFile(file) };
}

async function readFirst(files: readonly string[]): Promise<Program[]> {
  const programs: Program[] = [];
  for (const file of files) programs.push(await readProgramFile(file));
  return programs;
}

/** The file of a program in a store. */
export function fileOf(directory: string, hash: string): string {
  return join(directory, `${hash}.json`);
}
