import { present } from '../models/base/assert.js';
import type { Behaviour } from '../models/behaviour.js';
import { INVARIANTS, type Invariant } from '../models/invariants/index.js';
import { ModelRun } from '../models/model_run.js';
import { type AssembledProgram, assemble } from '../models/program/assemble.js';
import type { Program } from '../models/program/program.js';
import { SimTarget } from '../targets/sim.js';
import type { Session } from '../targets/target.js';
import { type CampaignEvent, emptyStats } from './campaign/events.js';
import { Pool } from './campaign/pool.js';
import { BATCH_PROGRAMS, type Mutate, ProgramStream, type StreamOptions } from './campaign/stream.js';
import { Worker } from './campaign/worker.js';
import { Workplace } from './campaign/workplace.js';
import { judgeOnModel } from './feedback/features.js';
import { Novelty } from './feedback/novelty.js';
import { mutateProgram } from './mutate/mutate.js';

const STREAM: StreamOptions = { seed: 1, worker: 0, stepsMax: 20, focus: [] };

const MUTATE: Mutate = (program, donors, behaviour, picks) =>
  mutateProgram(program, donors, behaviour, picks, { canFail: true });

/** What a campaign gets done in a second. */
export interface CampaignRates {
  readonly programs: number;
  /** Steps that were judged. */
  readonly calls: number;
}

/** A worker of a campaign on the model, whose reports go nowhere: the disk is not what is measured. */
export class CampaignBench {
  readonly #stats = emptyStats();
  readonly #worker: Worker;
  readonly #corpus: Program[] = [];
  #over = new AbortController();
  #end = 0;

  private constructor(behaviour: Behaviour, target: SimTarget, session: Session) {
    const start = (): Promise<Session> => target.start();
    const place = { start, behaviour, isDeterministic: true, answersBy: behaviour };
    this.#worker = new Worker(
      new Workplace(place, session, () => Promise.resolve()),
      { ...STREAM, programs: Infinity, reductions: 0, target: 'sim' },
      { stats: this.#stats, entries: [], first: [], titles: [] },
      (event) => {
        this.#hear(event);
        return Promise.resolve();
      },
      MUTATE,
    );
  }

  static async start(behaviour: Behaviour): Promise<CampaignBench> {
    const target = new SimTarget(behaviour);
    return new CampaignBench(behaviour, target, await target.start());
  }

  /** The programs that it has kept. */
  get corpus(): readonly Program[] {
    return this.#corpus;
  }

  /** Goes on with the campaign. */
  async measure(seconds: number): Promise<CampaignRates> {
    const { next, calls } = this.#stats;
    const start = performance.now();
    this.#over = new AbortController();
    this.#end = start + seconds * 1000;
    await this.#worker.run(this.#over.signal);
    const took = (performance.now() - start) / 1000;
    return { programs: (this.#stats.next - next) / took, calls: (this.#stats.calls - calls) / took };
  }

  #hear(event: CampaignEvent): void {
    if (event.kind === 'entry') this.#corpus.push(event.program);
    if (performance.now() >= this.#end) this.#over.abort();
  }
}

/** Seconds that each part of the loop takes. */
export interface PartSeconds {
  /** Programs are drawn, or made of others, beside the model, and assembled. */
  readonly generation: number;
  /** The model says what each step does, and does it. */
  readonly prediction: number;
  readonly invariants: number;
  /** What is new is looked for. */
  readonly features: number;
}

/** The loop of a worker in parts, with a corpus that stays as it is. */
export class LoopBench {
  readonly #pool = new Pool();
  readonly #novelty = new Novelty();
  readonly #stream: ProgramStream;
  #batch = 0;

  /** @param size how many programs the corpus has: those that are given, again and again */
  constructor(
    private readonly behaviour: Behaviour,
    corpus: readonly Program[],
    size = corpus.length,
  ) {
    for (let at = 0; at < size; at++)
      this.#pool.add(at - size, present(corpus[at % corpus.length], 'a program'));
    this.#stream = new ProgramStream(behaviour, STREAM, this.#pool, MUTATE);
  }

  /** Seconds that a program takes from the corpus to its news. */
  measureProgram(): number {
    const seconds = timeOf(() => {
      this.#lookAt(this.#draw());
    });
    return seconds / BATCH_PROGRAMS;
  }

  /** What each part adds to the parts before it, on one batch. */
  measureParts(): PartSeconds {
    let programs: readonly AssembledProgram[] = [];
    const generation = timeOf(() => (programs = this.#draw()));
    const prediction = timeOf(() => {
      this.#carryOut(programs, []);
    });
    const checked = timeOf(() => {
      this.#carryOut(programs, INVARIANTS);
    });
    const whole = timeOf(() => {
      this.#lookAt(programs);
    });
    return { generation, prediction, invariants: checked - prediction, features: whole - checked };
  }

  #draw(): AssembledProgram[] {
    this.#batch += 1;
    return this.#stream.batch(this.#batch).map(assemble);
  }

  #carryOut(programs: readonly AssembledProgram[], invariants: readonly Invariant[]): void {
    for (const { steps } of programs) {
      const run = new ModelRun(this.behaviour, 'exact', invariants);
      for (const step of steps) run.follow(step);
    }
  }

  #lookAt(programs: readonly AssembledProgram[]): void {
    for (const program of programs) {
      const { features } = judgeOnModel(program, this.behaviour);
      this.#novelty.add(this.#novelty.newsIn(features));
    }
  }
}

function timeOf(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}
