import { present } from '../models/base/assert.js';
import type { Behaviour } from '../models/behaviour.js';
import { ModelRun } from '../models/model_run.js';
import { type AssembledProgram, assemble } from '../models/program/assemble.js';
import type { Program } from '../models/program/program.js';
import { OwnWalk } from '../models/program_verdict.js';
import { SimTarget } from '../targets/sim.js';
import type { Session } from '../targets/target.js';
import { type CampaignEvent, emptyStats } from './campaign/events.js';
import { Pool } from './campaign/pool.js';
import {
  BATCH_PROGRAMS,
  type Drawn,
  type Mutate,
  ProgramStream,
  type StreamOptions,
  type Walk,
} from './campaign/stream.js';
import { Worker } from './campaign/worker.js';
import { Workplace } from './campaign/workplace.js';
import { JudgedWalk, judgeOnModel } from './feedback/features.js';
import { Novelty } from './feedback/novelty.js';
import { mutateProgram } from './mutate/mutate.js';

const STREAM: StreamOptions = { seed: 1, worker: 0, stepsMax: 20, focus: [] };

const MUTATE: Mutate = (program, donors, behaviour, picks, { walk }) =>
  mutateProgram(program, donors, behaviour, picks, { canFail: true, walk });

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
  /** Programs are drawn, or made of others: what that takes beside `prediction`. */
  readonly generation: number;
  /** The model says what each step does, and does it. */
  readonly prediction: number;
  readonly invariants: number;
  /** What is new is looked for. */
  readonly features: number;
  /** Programs with lanes are carried out, and judged in all orders. */
  readonly lanes: number;
}

/** Follows a program, and finds nothing in it. */
class BareWalk extends OwnWalk {
  judged(): undefined {
    return undefined;
  }
}

/** The loop of a worker in parts, with a corpus that stays as it is. */
export class LoopBench {
  readonly #pool = new Pool();
  readonly #novelty = new Novelty();
  #batch = 0;

  /** @param size how many programs the corpus has: those that are given, again and again */
  constructor(
    private readonly behaviour: Behaviour,
    corpus: readonly Program[],
    size = corpus.length,
  ) {
    for (let at = 0; at < size; at++)
      this.#pool.add(at - size, present(corpus[at % corpus.length], 'a program'));
  }

  /** Seconds that a program takes from the corpus to its news. */
  measureProgram(): number {
    this.#batch += 1;
    const seconds = timeOf(() => {
      const drawn = this.#drawJudged();
      this.#lookAt(drawn);
      this.#judgeLanes(drawn);
    });
    return seconds / BATCH_PROGRAMS;
  }

  /** What each part adds to the parts before it, on one batch. */
  measureParts(): PartSeconds {
    this.#batch += 1;
    const { behaviour } = this;
    let drawn: readonly Drawn[] = [];
    const followed = timeOf(() => (drawn = this.#draw(() => new BareWalk(behaviour, undefined, []))));
    const checked = timeOf(() => this.#draw(() => new BareWalk(behaviour)));
    const whole = timeOf(() => {
      drawn = this.#drawJudged();
      this.#lookAt(drawn);
    });
    const lanes = timeOf(() => {
      this.#judgeLanes(drawn);
    });
    const programs = drawn.map(({ program }) => assemble(program));
    const prediction = timeOf(() => {
      this.#carryOut(programs);
    });
    return {
      generation: followed - prediction,
      prediction,
      invariants: checked - followed,
      features: whole - checked,
      lanes,
    };
  }

  #draw(newWalk: () => Walk): Drawn[] {
    return new ProgramStream(this.behaviour, STREAM, this.#pool, MUTATE, newWalk).batch(this.#batch);
  }

  #drawJudged(): Drawn[] {
    return this.#draw(() => new JudgedWalk(this.behaviour));
  }

  #carryOut(programs: readonly AssembledProgram[]): void {
    for (const { steps } of programs) {
      const run = new ModelRun(this.behaviour, 'exact', []);
      for (const step of steps) run.follow(step);
    }
  }

  #lookAt(drawn: readonly Drawn[]): void {
    for (const { judged } of drawn) {
      if (judged !== undefined) this.#novelty.add(this.#novelty.newsIn(judged.features));
    }
  }

  #judgeLanes(drawn: readonly Drawn[]): void {
    for (const { program, judged } of drawn) {
      if (judged !== undefined) continue;
      const { features } = judgeOnModel(assemble(program), this.behaviour);
      this.#novelty.add(this.#novelty.newsIn(features));
    }
  }
}

function timeOf(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}
