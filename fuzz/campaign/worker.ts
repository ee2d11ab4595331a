import { setImmediate } from 'node:timers/promises';
import type { ProgramOutcome } from '../../models/outcome.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import type { Program } from '../../models/program/program.js';
import { type ProgramVerdict, countJudged } from '../../models/program_verdict.js';
import {
  type Feature,
  type Judged,
  JudgedWalk,
  featureName,
  judgeOnModel,
  judgeWithFeatures,
} from '../feedback/features.js';
import { FocusFeatures } from '../feedback/focus.js';
import { Novelty } from '../feedback/novelty.js';
import { factsOf } from '../findings/facts.js';
import { reduceOn } from '../reduce/on_target.js';
import type { Goal } from '../reduce/shows.js';
import { TestBedError } from '../../targets/target.js';
import { featuresOnModel } from '../corpus/minimize.js';
import type { CampaignEvent, Report, WorkerStats } from './events.js';
import { Pool } from './pool.js';
import {
  BATCHES_IN_FLIGHT,
  BATCH_PROGRAMS,
  type Drawn,
  type Mutate,
  ProgramStream,
  type StreamOptions,
} from './stream.js';
import type { Workplace } from './workplace.js';

export interface WorkerOptions extends StreamOptions {
  /** Programs of this worker, those before a resumption included. */
  readonly programs: number;
  /** Findings that are reduced as they come: where all is wrong, there are too many. */
  readonly reductions: number;
  /** What stands in findings for the target. */
  readonly target: string;
  /** Where it may put what memory should not hold; without it, where all programs do. */
  readonly directory?: string;
}

/** A program of the corpus with its number. */
export interface PastEntry {
  readonly index: number;
  readonly program: Program;
  readonly isInFocus: boolean;
}

/** Where a worker begins: at the start, or where it was when its campaign ended. */
export interface WorkerPast {
  readonly stats: WorkerStats;
  /** The programs of its corpus, in the order of their numbers. */
  readonly entries: AsyncIterable<PastEntry> | Iterable<PastEntry>;
  /** Programs to run before all others, each time: regressions, and what the corpus begins with. */
  readonly first: readonly Program[];
  /** Titles of findings that are known. */
  readonly titles: readonly string[];
  /** Programs of other campaigns that have come since it was asked, at most so many; without it, there are no others. */
  readonly visitors?: (count: number) => Promise<readonly Program[]>;
}

/** After so many batches it is time to look for programs of other campaigns. */
const VISITS_EVERY = 16;

/** So many of them at a time, that there is time left for others. */
const VISITORS_MAX = 4 * BATCH_PROGRAMS;

/** Programs under way. */
interface Batch {
  /** Number of the first of its programs. */
  readonly first: number;
  readonly drawn: readonly Drawn[];
  /** None where the target is what judges. */
  readonly assembled: readonly AssembledProgram[];
  readonly outcomes: Promise<ProgramOutcome[]>;
}

/** A program that has been run. */
interface Ran {
  readonly index: number;
  readonly program: Program;
  readonly console: string;
}

/** What a reduction may cost a campaign; the command `reduce` takes its time. */
const REDUCTION = { budget: 1000, times: 5 } as const;

/** Sentences of a kernel that has no memory left. */
const KILLED_FOR_MEMORY = /Out of memory|invoked oom-killer|oom-kill:/;

const OUT_OF_MEMORY = 'the guest had no memory left';

/** One stream of programs on one target. */
export class Worker {
  readonly #novelty = new Novelty();
  readonly #focus: FocusFeatures;
  readonly #pool: Pool;
  readonly #stats: WorkerStats;
  readonly #titles: Set<string>;
  readonly #restartsBefore: number;
  #reductions = 0;
  /** Reports of the batch under way that are not known to be taken. */
  #reports: Promise<void>[] = [];
  readonly #again = new Map<string, number>();

  constructor(
    private readonly workplace: Workplace,
    private readonly options: WorkerOptions,
    private readonly past: WorkerPast,
    private readonly report: Report,
    private readonly mutate: Mutate | undefined,
    /** What answers are judged by. */
    private readonly judge = workplace.place.behaviour,
  ) {
    this.#stats = past.stats;
    this.#pool = new Pool(options.directory);
    this.#focus = new FocusFeatures(options);
    this.#restartsBefore = past.stats.restarts;
    this.#titles = new Set(past.titles);
  }

  /** Runs programs until there are as many as asked for, or it is told to stop: then those under way are the last. */
  async run(stopped: AbortSignal): Promise<void> {
    await this.#remember();
    await this.#runFirst(stopped);
    const { behaviour } = this.workplace.place;
    const isJudgedOnTheWay = this.#isOwnJudge && this.judge === behaviour;
    const newWalk = () => (isJudgedOnTheWay ? new JudgedWalk(behaviour) : undefined);
    const stream = new ProgramStream(behaviour, this.options, this.#pool, this.mutate, newWalk);
    const underWay: Batch[] = [];
    let number = Math.floor(this.#stats.next / BATCH_PROGRAMS);
    const isOver = (): boolean => stopped.aborted || number * BATCH_PROGRAMS >= this.options.programs;
    let visited: number | undefined;
    const isVisited = (): boolean =>
      this.past.visitors === undefined || number % VISITS_EVERY !== 0 || visited === number;
    for (;;) {
      while (underWay.length < BATCHES_IN_FLIGHT && !isOver() && isVisited()) {
        underWay.push(this.#start(number * BATCH_PROGRAMS, stream.batch(number)));
        number += 1;
      }
      const batch = underWay.shift();
      if (batch !== undefined) await this.#finish(batch);
      else if (isOver()) break;
      else await this.#receive((visited = number) * BATCH_PROGRAMS);
    }
  }

  /** Runs programs of other campaigns, with the numbers of the last ones that were its own. */
  async #receive(next: number): Promise<void> {
    const programs = (await this.past.visitors?.(VISITORS_MAX)) ?? [];
    this.#stats.visitors += programs.length;
    for (let at = 0; at < programs.length; at += BATCH_PROGRAMS) {
      const drawn = programs
        .slice(at, at + BATCH_PROGRAMS)
        .map((program) => ({ program, judged: undefined }));
      await this.#finish(this.#send(next - drawn.length, drawn));
    }
  }

  /** What is in the corpus has been seen. */
  async #remember(): Promise<void> {
    for await (const { index, program, isInFocus } of this.past.entries) {
      this.#pool.add(index, program, isInFocus);
      this.#novelty.add(featuresOnModel(program, this.workplace.place.behaviour));
    }
  }

  /** Programs that come before all others have negative numbers. */
  async #runFirst(stopped: AbortSignal): Promise<void> {
    const { first } = this.past;
    for (let at = 0; at < first.length && !stopped.aborted; at += BATCH_PROGRAMS) {
      const programs = first.slice(at, at + BATCH_PROGRAMS);
      const drawn = programs.map((program) => ({ program, judged: undefined }));
      await this.#finish(this.#send(at - first.length, drawn));
    }
  }

  /** Whether the target is what answers are judged by: its answers need not be held against themselves. */
  get #isOwnJudge(): boolean {
    return this.workplace.place.answersBy === this.judge;
  }

  /** Starts what is left of a batch: an earlier run may have ended in the middle of it. */
  #start(first: number, drawn: readonly Drawn[]): Batch {
    const from = Math.max(first, this.#stats.next);
    return this.#send(from, drawn.slice(from - first, this.options.programs - first));
  }

  #send(first: number, drawn: readonly Drawn[]): Batch {
    const assembled = this.#isOwnJudge ? [] : drawn.map(({ program }) => assemble(program));
    const outcomes = this.#isOwnJudge ? pause() : this.workplace.run(assembled);
    // Whoever waits for them hears of a failure; nobody does if the batch before fails.
    outcomes.catch(() => undefined);
    return { first, drawn, assembled, outcomes };
  }

  async #finish({ first, drawn, assembled, outcomes: pending }: Batch): Promise<void> {
    const outcomes = await pending;
    const judged = this.#isOwnJudge
      ? drawn.map((one) => one.judged ?? judgeOnModel(assemble(one.program), this.judge))
      : assembled.map((program, at) => this.#judge(program, outcomes[at]));
    const repeated = await this.#repeat(assembled, judged);
    for (const [at, { program }] of drawn.entries()) {
      this.#stats.next = Math.max(this.#stats.next, first + at + 1);
      const one = judged[at];
      if (one === undefined) this.#lose(program, outcomes[at]);
      else {
        const console = consoleOf(outcomes[at]);
        await this.#take({ index: first + at, program, console }, one, repeated.get(at));
      }
    }
    this.#stats.restarts = this.#restartsBefore + this.workplace.restarts;
    this.#reportAgain();
    this.#tell({ kind: 'progress', stats: this.#copyOfStats() });
    await Promise.all(this.#reports);
    this.#reports = [];
  }

  /** What is frequent is taken in its order: it is enough to wait for what a batch has of it. */
  #tell(event: CampaignEvent): void {
    this.#reports.push(this.report(event));
  }

  #lose(program: Program, outcome: ProgramOutcome | undefined): void {
    const why = outcome === undefined ? 'the target gave no result' : lossOf(outcome);
    if (why === OUT_OF_MEMORY) this.#stats.outOfMemory += 1;
    else {
      this.#stats.lost += 1;
      this.#tell({ kind: 'trouble', what: `a program was lost: ${why ?? ''}`, program });
    }
  }

  /** Undefined for a program that the test bed lost. */
  #judge(program: AssembledProgram, outcome: ProgramOutcome | undefined): Judged | undefined {
    if (outcome === undefined || lossOf(outcome) !== undefined) return undefined;
    return judgeWithFeatures(program, outcome, this.judge, 'exact');
  }

  /**
   * Runs programs with news once more, by their place in the batch: on a kernel what comes once may be chance.
   * @returns what came the second time
   */
  async #repeat(
    assembled: readonly AssembledProgram[],
    judged: readonly (Judged | undefined)[],
  ): Promise<ReadonlyMap<number, ReadonlySet<Feature>>> {
    if (this.workplace.place.isDeterministic) return new Map();
    const places = [...judged.keys()].filter((at) => {
      const one = judged[at];
      return one !== undefined && isSound(one) && this.#novelty.newsIn(one.features).length > 0;
    });
    const programs = places.flatMap((at) => assembled[at] ?? []);
    const outcomes = await this.workplace.run(programs);
    const features = new Map<number, ReadonlySet<Feature>>();
    for (const [index, at] of places.entries()) {
      const program = programs[index];
      const again = program === undefined ? undefined : this.#judge(program, outcomes[index]);
      if (again !== undefined && isSound(again)) features.set(at, again.features);
    }
    return features;
  }

  async #take(
    ran: Ran,
    { verdict, features }: Judged,
    repeated: ReadonlySet<Feature> | undefined,
  ): Promise<void> {
    this.#count(verdict);
    if (this.#focus.areMetBy(features)) this.#stats.inFocus += 1;
    if (verdict.problems.length > 0) await this.#sight(ran, verdict);
    else {
      const news = this.#novelty.newsIn(features);
      const lasting = this.workplace.place.isDeterministic ? news : news.filter((one) => repeated?.has(one));
      if (news.length > 0 && lasting.length === 0) this.#stats.unrepeated += 1;
      if (lasting.length > 0) this.#keep(ran, lasting, this.#focus.areMetBy(repeated ?? features));
    }
  }

  #count({ verdicts, unspecified, findings, problems }: ProgramVerdict): void {
    const stats = this.#stats;
    stats.calls += countJudged(verdicts);
    stats.unspecified += unspecified.length;
    if (problems.length > 0) stats.problems += 1;
    for (const id of findings) stats.known[id] = (stats.known[id] ?? 0) + 1;
  }

  #keep({ index, program }: Ran, news: readonly Feature[], isInFocus: boolean): void {
    this.#novelty.add(news);
    this.#pool.add(index, program, isInFocus);
    const names = news.map(featureName);
    this.#tell({ kind: 'entry', index, program, news: names, isInFocus, stats: this.#copyOfStats() });
  }

  async #sight({ index, program, console }: Ran, verdict: ProgramVerdict): Promise<void> {
    const facts = factsOf(assemble(program), verdict);
    if (facts === undefined) return;
    const { title, kind, suspect, allowed, seen, invariant } = facts;
    if (this.#titles.has(title)) {
      this.#again.set(title, (this.#again.get(title) ?? 0) + 1);
      return;
    }
    this.#titles.add(title);
    const { seed, target } = this.options;
    const profile = this.judge.profile.id;
    const what = { title, kind, suspect, allowed, seen, ...(invariant === undefined ? {} : { invariant }) };
    const sighting = { ...what, program, profile, target, seed };
    await this.report({ kind: 'sighting', index, sighting, console, stats: this.#copyOfStats() });
    if (this.options.reductions > this.#reductions) await this.#reduce(program, { title, facts });
  }

  /** Looks for the smallest program that shows the same. A test bed that fails meanwhile has done so for the campaign too. */
  async #reduce(program: Program, goal: Goal): Promise<void> {
    this.#reductions += 1;
    const judge = { session: this.workplace.session, behaviour: this.judge, reading: 'exact' } as const;
    try {
      const found = await reduceOn(judge, program, goal, REDUCTION);
      const { program: reduced, reliability } = found;
      await this.report({ kind: 'reduced', title: goal.title, program: reduced, reliability });
    } catch (error) {
      if (!(error instanceof TestBedError)) throw error;
      await this.report({ kind: 'trouble', what: `"${goal.title}" could not be reduced: ${error.message}` });
    }
  }

  /** Findings that many programs show would cost a report each. */
  #reportAgain(): void {
    for (const [title, times] of this.#again) this.#tell({ kind: 'again', title, times });
    this.#again.clear();
  }

  #copyOfStats(): WorkerStats {
    return { ...this.#stats, known: { ...this.#stats.known } };
  }
}

/** Without a pause between batches, nobody would hear a Ctrl-C. */
async function pause(): Promise<[]> {
  await setImmediate();
  return [];
}

/** Whether a program did as the model says, and the model could tell all along. */
function isSound({ verdict }: Judged): boolean {
  return verdict.problems.length === 0;
}

/** What the kernel printed while a program ran. */
function consoleOf(outcome: ProgramOutcome | undefined): string {
  const crash = outcome?.steps.find(({ status }) => status === 'crashed');
  const texts = outcome?.splats.map(({ text }) => text) ?? [];
  return [...texts, ...(crash?.status === 'crashed' ? [crash.console] : [])].join('\n');
}

/** Why a program has no outcome of its own; undefined if it has. */
function lossOf({ steps }: ProgramOutcome): string | undefined {
  for (const step of steps) {
    if (step.status === 'infra') return step.error;
    if (step.status === 'crashed' && KILLED_FOR_MEMORY.test(step.console)) return OUT_OF_MEMORY;
  }
  return undefined;
}
