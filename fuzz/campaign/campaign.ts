import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { FindingId } from '../../models/findings.js';
import type { Program } from '../../models/program/program.js';
import { BadInputError } from '../../targets/target.js';
import { CorpusStore } from '../corpus/store.js';
import type { Finding } from '../findings/finding.js';
import { FILES, readConsole } from '../findings/finding_file.js';
import { FindingStore } from '../findings/store.js';
import { type CampaignConfig, readConfig } from './config.js';
import { DiskQueue } from './disk_queue.js';
import { type CampaignEvent, type CanaryResult, type WorkerStats, emptyStats } from './events.js';
import { Journal, type JournalLine } from './journal.js';
import { claimDirectory, releaseDirectory } from './running.js';
import { reasonOf } from '../../models/base/reason.js';

/** What the directory of a campaign has. */
const PLACES = {
  config: 'campaign.json',
  journal: 'journal.jsonl',
  corpus: 'corpus',
  /** What the corpus began with. */
  seeds: 'seeds',
  regressions: 'regressions',
  /** Programs that the test bed has lost. */
  lost: 'lost',
  findings: 'findings',
} as const;

/** Where the corpus of a campaign is. */
export function corpusDirectory(directory: string): string {
  return join(directory, PLACES.corpus);
}

/** At most one line in so many milliseconds says how far a worker is; entries and findings say it too. */
const PROGRESS_LINE_MS = 1000;

/** A program of a worker in the corpus. */
interface KeptEntry {
  readonly index: number;
  readonly hash: string;
  readonly isInFocus: boolean;
}

/** Where a worker is to go on. */
export interface WorkerProgress {
  readonly stats: WorkerStats;
  /** In the order of their numbers. */
  readonly entries: readonly KeptEntry[];
}

/** One campaign: everything that workers report, on the disk as it comes. */
export class Campaign {
  readonly #queue = new DiskQueue();
  readonly #coverage = new Set<string>();
  readonly #entries: KeptEntry[][];
  readonly #stats: WorkerStats[];
  readonly #lastLines: number[];
  readonly #troubles: string[] = [];
  readonly #lost: string[] = [];
  /** Of earlier runs. */
  #secondsBefore = 0;
  #began = performance.now();
  #canary: CanaryResult | undefined;
  /** Tells others of a finding by its smallest program, as files by name; without it, there are none. */
  reproduce:
    ((finding: Finding, program: Program, console: string) => Readonly<Record<string, string>>) | undefined;

  private constructor(
    readonly directory: string,
    readonly config: CampaignConfig,
    readonly journal: Journal,
    readonly corpus: CorpusStore,
    readonly seeds: CorpusStore,
    readonly regressions: CorpusStore,
    private readonly lostPrograms: CorpusStore,
    private readonly store: FindingStore,
  ) {
    const workers = Array.from({ length: config.workers });
    this.#entries = workers.map(() => []);
    this.#stats = workers.map(emptyStats);
    this.#lastLines = workers.map(() => 0);
  }

  /**
   * Begins a campaign in a directory that has none.
   * @throws BadInputError if it has
   */
  static async create(
    directory: string,
    config: CampaignConfig,
    seeds: AsyncIterable<Program>,
  ): Promise<Campaign> {
    await mkdir(directory, { recursive: true }).catch((error: unknown) => {
      const reason = reasonOf(error);
      throw new BadInputError(`${directory} cannot be the directory of a campaign: ${reason}`);
    });
    if ((await readdir(directory)).includes(PLACES.config)) {
      throw new BadInputError(
        `there is a campaign in ${directory} already: go on with --resume, or name another directory`,
      );
    }
    await claimDirectory(directory);
    const campaign = await Campaign.#open(directory, config);
    for await (const program of seeds) await campaign.seeds.add(program);
    await writeFileAtomic(join(directory, PLACES.config), `${JSON.stringify(config, null, 2)}\n`);
    return campaign;
  }

  /**
   * Takes a campaign up again.
   * @throws BadInputError if there is none
   */
  static async resume(directory: string): Promise<Campaign> {
    const config = await readConfig(join(directory, PLACES.config));
    await claimDirectory(directory);
    const campaign = await Campaign.#open(directory, config);
    const lines = await campaign.journal.read((what) => campaign.#troubles.push(what));
    for (const line of lines) await campaign.#remember(line);
    campaign.#noteCorpusTroubles();
    return campaign;
  }

  static async #open(directory: string, config: CampaignConfig): Promise<Campaign> {
    const place = (name: keyof typeof PLACES): string => join(directory, PLACES[name]);
    return new Campaign(
      directory,
      config,
      new Journal(place('journal')),
      await CorpusStore.open(place('corpus')),
      await CorpusStore.open(place('seeds')),
      await CorpusStore.open(place('regressions')),
      await CorpusStore.open(place('lost')),
      await FindingStore.open(place('findings')),
    );
  }

  /** Where a worker goes on. */
  progressOf(worker: number): WorkerProgress {
    return {
      // Journals of older versions do not have all.
      stats: { ...emptyStats(), ...this.#stats[worker] },
      entries: [...(this.#entries[worker] ?? [])],
    };
  }

  get findings(): readonly Finding[] {
    return this.store.findings;
  }

  directoryOf(title: string): string | undefined {
    return this.store.directoryOf(title);
  }

  /** Features that programs of the corpus have shown. */
  get coverage(): number {
    return this.#coverage.size;
  }

  get canary(): CanaryResult | undefined {
    return this.#canary;
  }

  /** Workers that gave up, and why. */
  get lost(): readonly string[] {
    return this.#lost;
  }

  /** What went wrong and was overcome. */
  get troubles(): readonly string[] {
    return this.#troubles;
  }

  /** Of all runs. */
  get seconds(): number {
    return this.#secondsBefore + (performance.now() - this.#began) / 1000;
  }

  /** Writes that have failed and could not be made up for. */
  get unwritten(): { readonly writes: number; readonly failures: number; readonly reason: unknown } {
    const { waiting, failures, lastFailure } = this.#queue;
    return { writes: waiting, failures, reason: lastFailure };
  }

  /** All workers together. */
  get totals(): WorkerStats {
    const totals = emptyStats();
    for (const stats of this.#stats) {
      for (const key of Object.keys(stats) as (keyof WorkerStats)[]) {
        if (key !== 'known') totals[key] += stats[key];
      }
      for (const [id, count] of Object.entries(stats.known) as [FindingId, number][])
        totals.known[id] = (totals.known[id] ?? 0) + count;
    }
    return totals;
  }

  /** Takes what a worker reports; fulfilled when it is on the disk, or waits for room there. */
  async take(worker: number, event: CampaignEvent): Promise<void> {
    switch (event.kind) {
      case 'entry':
        return this.#keep(worker, event);
      case 'sighting':
        return this.#sight(worker, event);
      case 'reduced':
        return this.#keepReduced(event);
      case 'again':
        return this.#queue.add(() => this.store.countMore(event.title, event.times));
      case 'progress':
        return this.#note(worker, event.stats);
      case 'canary':
        this.#canary = event.result;
        return;
      case 'trouble':
        this.#troubles.push(event.what);
        if (event.program !== undefined) await this.#keepLost(event.program);
        return this.#write({ kind: 'trouble', worker, what: event.what });
      case 'lost':
        this.#lost.push(`worker ${String(worker)} gave up: ${event.what}`);
        return this.#write({ kind: 'trouble', worker, what: event.what });
    }
  }

  /** Writes what is left to write. */
  async close(): Promise<void> {
    for (const [worker, stats] of this.#stats.entries()) await this.#writeProgress(worker, stats);
    await this.#queue.flush();
    await releaseDirectory(this.directory).catch(() => undefined);
  }

  async #keep(worker: number, event: Extract<CampaignEvent, { kind: 'entry' }>): Promise<void> {
    const { index, program, news, isInFocus, stats } = event;
    this.#stats[worker] = stats;
    for (const name of news) this.#coverage.add(name);
    await this.#queue.add(async () => {
      const hash = await this.corpus.add(program);
      const focus = isInFocus ? { isInFocus } : {};
      await this.journal.append({ kind: 'entry', worker, index, program: hash, news, ...focus, stats });
      this.#entries[worker]?.push({ index, hash, isInFocus });
    });
  }

  async #sight(worker: number, event: Extract<CampaignEvent, { kind: 'sighting' }>): Promise<void> {
    const { index, sighting, console, stats } = event;
    this.#stats[worker] = stats;
    // First, so that a campaign which is killed in between finds it again.
    await this.#queue.add(async () => {
      await this.regressions.add(sighting.program);
    });
    await this.#queue.add(async () => {
      await this.store.add(sighting);
    });
    if (console !== '')
      await this.#queue.add(() => this.store.addFiles(sighting.title, { [FILES.console]: console }));
    await this.#queue.add(() =>
      this.journal.append({ kind: 'finding', worker, index, title: sighting.title, stats }),
    );
  }

  async #keepLost(program: Program): Promise<void> {
    await this.#queue.add(async () => {
      await this.lostPrograms.add(program);
    });
  }

  /** The program that was found stays too: what is reduced may need luck. */
  async #keepReduced({
    title,
    program,
    reliability,
  }: Extract<CampaignEvent, { kind: 'reduced' }>): Promise<void> {
    await this.#queue.add(() => this.store.setReduced(title, program, reliability));
    const [finding, directory] = [this.store.find(title), this.store.directoryOf(title)];
    if (this.reproduce !== undefined && finding !== undefined && directory !== undefined) {
      const files = this.reproduce(finding, program, await readConsole(directory));
      await this.#queue.add(() => this.store.addFiles(title, files));
    }
    await this.#queue.add(async () => {
      await this.regressions.add(program);
    });
  }

  async #note(worker: number, stats: WorkerStats): Promise<void> {
    this.#stats[worker] = stats;
    const now = performance.now();
    if (now - (this.#lastLines[worker] ?? 0) < PROGRESS_LINE_MS) return;
    this.#lastLines[worker] = now;
    await this.#writeProgress(worker, stats);
  }

  #writeProgress(worker: number, stats: WorkerStats): Promise<void> {
    return this.#write({ kind: 'progress', worker, stats, seconds: this.seconds });
  }

  #write(line: JournalLine): Promise<void> {
    return this.#queue.add(() => this.journal.append(line));
  }

  async #remember(line: JournalLine): Promise<void> {
    if (line.kind === 'trouble') return;
    if (this.#stats[line.worker] === undefined) return;
    this.#stats[line.worker] = line.stats;
    if (line.kind === 'progress') this.#secondsBefore = Math.max(this.#secondsBefore, line.seconds);
    if (line.kind !== 'entry') return;
    for (const name of line.news) this.#coverage.add(name);
    const stored = await this.corpus.read(line.program);
    if (stored === undefined) return;
    const { index, isInFocus = false } = line;
    this.#entries[line.worker]?.push({ index, hash: stored.hash, isInFocus });
  }

  #noteCorpusTroubles(): void {
    for (const { file, what } of this.corpus.troubles) this.#troubles.push(`${file}: ${what}`);
  }
}
