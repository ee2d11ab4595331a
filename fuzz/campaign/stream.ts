import type { Behaviour } from '../../models/behaviour.js';
import type { Program } from '../../models/program/program.js';
import type { OwnWalk } from '../../models/program_verdict.js';
import type { Judged } from '../feedback/features.js';
import type { Focus } from '../feedback/focus.js';
import type { Picks } from '../generate/picks.js';
import { samplePrograms } from '../generate/program.js';
import { mixSeeds, picksOf } from './chance.js';
import type { Pool } from './pool.js';

/** Programs that are drawn, run and judged together. */
export const BATCH_PROGRAMS = 64;

/** Batches under way at a time, so that the target has work while answers are judged. */
export const BATCHES_IN_FLIGHT = 3;

/** A program that parts may be taken of; few mutations take any. */
export type Donor = () => Program;

/** Makes another program of one, with parts of others. */
export type Mutate = (
  program: Program,
  donors: readonly Donor[],
  behaviour: Behaviour,
  picks: Picks,
  options: { readonly walk: OwnWalk | undefined },
) => Program;

/** Judges a program by the model's own answers while it is drawn. */
export type Walk = OwnWalk & { judged(): Judged | undefined };

/** A program that was drawn. */
export interface Drawn {
  readonly program: Program;
  /** What the model says of its own answers to it, if it was asked to and could say so on the way. */
  readonly judged: Judged | undefined;
}

export interface StreamOptions extends Focus {
  /** Of the campaign. */
  readonly seed: number;
  readonly worker: number;
  /** The most steps of a fresh program. */
  readonly stepsMax: number;
}

/** One in so many programs is fresh: a corpus alone goes round in circles. */
const FRESH_ONE_IN = 3;

/** One in so many is a mutation of one of the newest programs, which few have been made of yet. */
const NEWEST_ONE_IN = 2;

/** The newest programs are this share of the pool, one in so many. */
const NEWEST_SHARE = 8;

/** One mutation in so many is of a program that came to what the campaign is about, if any did. */
const FOCUS_ONE_IN = 2;

/** Programs that a mutation may take parts of. */
const DONORS = 2;

/** What the numbers of a seed are for, so that no two uses share them. */
const USE = { fresh: 1, choice: 2 } as const;

/**
 * The programs of one worker, by their numbers: the same for the same seed, worker and pool. A batch is made of what the pool had
 * when batches that were judged by then are counted, and not of what is in it by chance: so a run that is taken up again in the
 * middle goes on as if nothing had been.
 */
export class ProgramStream {
  constructor(
    private readonly behaviour: Behaviour,
    private readonly options: StreamOptions,
    private readonly pool: Pool,
    private readonly mutate: Mutate | undefined,
    /** Makes what judges a program by the model's own answers while it is drawn, if anything does. */
    private readonly newWalk: () => Walk | undefined = () => undefined,
  ) {}

  /** The programs of a batch; the first has the number `batch * BATCH_PROGRAMS`. */
  batch(batch: number): Drawn[] {
    const { seed, worker, stepsMax, focus } = this.options;
    const judged = (batch - BATCHES_IN_FLIGHT + 1) * BATCH_PROGRAMS;
    const visible = this.pool.countBelow(Math.max(0, judged));
    const choices = Array.from({ length: BATCH_PROGRAMS }, (_, at) =>
      picksOf(mixSeeds(seed, worker, USE.choice, batch, at)),
    );
    const mutated = choices.map((picks) => this.#mutated(visible, picks));
    const count = mutated.filter((program) => program === undefined).length;
    const walks = Array.from({ length: count }, this.newWalk);
    const fresh = samplePrograms(this.behaviour, {
      seed: mixSeeds(seed, worker, USE.fresh, batch),
      count,
      stepsMax,
      focus,
      walkOf: (index) => walks[index],
    }).map((program, index) => ({ program, judged: walks[index]?.judged() }));
    let next = 0;
    return mutated.flatMap((drawn) => drawn ?? fresh[next++] ?? []);
  }

  /** A mutation of one of the first programs of the pool; undefined where the program is to be fresh. */
  #mutated(visible: number, picks: Picks): Drawn | undefined {
    if (this.mutate === undefined || visible === 0 || picks.rarely(FRESH_ONE_IN)) return undefined;
    const parent = this.#parent(visible, picks);
    const donors = Array.from({ length: DONORS }, () => {
      const place = drawBelow(visible, picks);
      return () => this.pool.at(place);
    });
    const walk = this.newWalk();
    const program = this.mutate(parent, donors, this.behaviour, picks, { walk });
    return { program, judged: walk?.judged() };
  }

  #parent(visible: number, picks: Picks): Program {
    const inFocus = this.pool.countInFocus(visible);
    if (inFocus > 0 && picks.rarely(FOCUS_ONE_IN))
      return this.pool.inFocus(inFocus - 1 - drawNewest(inFocus, picks));
    return this.pool.at(visible - 1 - drawNewest(visible, picks));
  }
}

/** How far from the newest of so many programs. */
function drawNewest(count: number, picks: Picks): number {
  const newest = Math.max(1, Math.floor(count / NEWEST_SHARE));
  return drawBelow(picks.rarely(NEWEST_ONE_IN) ? newest : count, picks);
}

/** A number below a limit that may be more than picks have. */
function drawBelow(limit: number, picks: Picks): number {
  return (picks.below(0x1_0000) * 0x1_0000 + picks.below(0x1_0000)) % limit;
}
