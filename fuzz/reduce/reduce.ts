import { assemble } from '../../models/program/assemble.js';
import { programText, storedProgram } from '../../models/program/json.js';
import { type Program, ProgramError, hasLanes, placedSteps } from '../../models/program/program.js';
import { withEarlierObjects } from './earlier_objects.js';
import { POLICIES, withoutLanes, withoutSteps, withoutUnusedLabels } from './removal.js';
import { withSimplerSteps } from './simpler_steps.js';

/**
 * Which of some programs show what is looked for. Asked of several at a time, so that they can be run together; none of them need
 * be run after one that does.
 */
export type Shows = (candidates: readonly Program[]) => Promise<readonly boolean[]>;

export interface ReduceOptions {
  /** Programs that may be tried. */
  readonly budget: number;
  /** Programs that are asked about at a time. */
  readonly batch: number;
  /** Ends it with the best so far. */
  readonly stopped?: AbortSignal;
}

export interface Reduction {
  readonly program: Program;
  /** Programs that were tried. */
  readonly tried: number;
  /** Whether nothing that the reducer knows makes it smaller; not so when the budget ran out. */
  readonly isMinimal: boolean;
}

/** Of programs with at most so many steps, all pairs of steps are tried. */
const PAIRS_STEPS_MAX = 16;

/** Programs that are smaller than one, in the order in which they are to be tried. */
type Pass = (program: Program) => Program[];

/**
 * The smallest program that shows the same: steps go, with those that depend on them or in such a way that others take their part;
 * then arguments become simpler, and earlier objects take the part of later ones, until none of it helps. The same answers give the
 * same program.
 * @param program one that shows it
 */
export async function reduceProgram(
  program: Program,
  shows: Shows,
  options: ReduceOptions,
): Promise<Reduction> {
  const reducer = new Reducer(program, shows, options);
  await reducer.run();
  const { best, tried, isExhausted } = reducer;
  return { program: best, tried, isMinimal: !isExhausted };
}

class Reducer {
  best: Program;
  tried = 0;
  /** Texts of programs that are not to be tried again. */
  readonly #known = new Set<string>();
  /** Answers about programs that were asked about with others, before their turn: what is found must not depend on how many those were. */
  readonly #early = new Map<string, boolean>();

  constructor(
    program: Program,
    private readonly shows: Shows,
    private readonly options: ReduceOptions,
  ) {
    // Members are tried in their order, which a program keeps from how it was made, and loses in its file.
    this.best = storedProgram(program);
    this.#known.add(programText(program));
  }

  get isExhausted(): boolean {
    return this.tried >= this.options.budget || this.options.stopped?.aborted === true;
  }

  async run(): Promise<void> {
    for (let size = placedSteps(this.best).length; size > 1; size = Math.floor(size / 2))
      await this.#exhaust((program) => removals(program, size));
    for (let isSmaller = true; isSmaller && !this.isExhausted;) {
      isSmaller = false;
      for (const pass of [singleRemovals, withSimplerSteps, withEarlierObjects, pairRemovals])
        isSmaller = (await this.#exhaust(pass)) || isSmaller;
    }
    await this.#exhaust((program) => [withoutUnusedLabels(program)]);
  }

  /** Takes what a pass offers until it has been through all of it without finding anything; whether it found something. */
  async #exhaust(pass: Pass): Promise<boolean> {
    let hasFound = false;
    let offers = pass(this.best);
    let [next, missed] = [0, 0];
    while (missed < offers.length && !this.isExhausted) {
      const count = Math.min(this.options.batch, offers.length - missed);
      const places = Array.from({ length: count }, (_, index) => (next + index) % offers.length);
      const found = await this.#firstThatShows(places.map((place) => offers[place] as Program));
      if (found === undefined) {
        missed += count;
        next += count;
        continue;
      }
      hasFound = true;
      next = places[found] ?? 0;
      this.best = offers[next] as Program;
      offers = pass(this.best);
      missed = 0;
    }
    return hasFound;
  }

  /** The index of the first candidate that shows it. */
  async #firstThatShows(candidates: readonly Program[]): Promise<number | undefined> {
    const texts = candidates.map(programText);
    await this.#ask(new Map(candidates.map((candidate, at) => [texts[at] ?? '', candidate])));
    for (const [at, text] of texts.entries()) {
      if (this.#known.has(text)) continue;
      this.#known.add(text);
      if (this.#early.get(text) === true) return at;
    }
    return undefined;
  }

  /** Asks about those of some programs, by their texts, that nothing is known of and that make sense. */
  async #ask(programs: ReadonlyMap<string, Program>): Promise<void> {
    const fresh = [...programs].filter(
      ([text, program]) => !this.#known.has(text) && !this.#early.has(text) && makesSense(program),
    );
    if (fresh.length === 0) return;
    this.tried += fresh.length;
    const answers = await this.shows(fresh.map(([, program]) => program));
    for (const [index, [text]] of fresh.entries()) this.#early.set(text, answers[index] === true);
  }
}

function makesSense(program: Program): boolean {
  try {
    assemble(program);
    return true;
  } catch (error) {
    if (error instanceof ProgramError) return false;
    throw error;
  }
}

/** Programs without so many steps in a row, the last ones first. */
function removals(program: Program, size: number): Program[] {
  const count = placedSteps(program).length;
  const starts = Array.from({ length: Math.ceil(count / size) }, (_, at) =>
    Math.max(0, count - (at + 1) * size),
  );
  return starts.flatMap((start) => {
    const dropped = new Set(Array.from({ length: size }, (_, at) => start + at));
    return POLICIES.map((policy) => withoutSteps(program, dropped, policy));
  });
}

function singleRemovals(program: Program): Program[] {
  const flat = hasLanes(program) ? [withoutLanes(program)] : [];
  return [...flat, ...removals(program, 1)];
}

/** Two steps may be necessary to each other, and to nothing else. */
function pairRemovals(program: Program): Program[] {
  const count = placedSteps(program).length;
  if (count > PAIRS_STEPS_MAX) return [];
  const pairs = Array.from({ length: count }, (_, one) =>
    Array.from({ length: one }, (__, two) => new Set([one, two])),
  ).flat();
  return pairs.map((pair) => withoutSteps(program, pair, 'cascade'));
}
