import { tmpdir } from 'node:os';
import { deserialize, serialize } from 'node:v8';
import { present } from '../../models/base/assert.js';
import { storedProgram } from '../../models/program/json.js';
import type { Program } from '../../models/program/program.js';
import { Shelf } from './shelf.js';

/** The programs that a worker mutates, in the order of their numbers. They lie on a shelf: only where is kept for each. */
export class Pool {
  /** Numbers of the programs in their stream; what came before the stream has negative ones. */
  readonly #indexes: number[] = [];
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];
  /** Places of the programs that came to what the campaign is about. */
  readonly #inFocus: number[] = [];
  readonly #shelf: Shelf;

  /** @param directory for what memory should not hold */
  constructor(directory = tmpdir()) {
    this.#shelf = new Shelf(directory);
  }

  /**
   * Takes a program as it would come from its file, so that a campaign that is taken up again has the same.
   * @param isInFocus whether it came to what the campaign is about
   */
  add(index: number, program: Program, isInFocus = false): void {
    const bytes = serialize(storedProgram(program));
    if (isInFocus) this.#inFocus.push(this.#indexes.length);
    // Programs of other campaigns come in between.
    this.#indexes.push(Math.max(index, this.#indexes.at(-1) ?? index));
    this.#starts.push(this.#shelf.put(bytes));
    this.#lengths.push(bytes.length);
  }

  get size(): number {
    return this.#indexes.length;
  }

  /** How many programs have numbers below a limit: those are the first. */
  countBelow(limit: number): number {
    return countBelow(this.#indexes, limit);
  }

  /** Of the programs before a place, how many came to what the campaign is about. */
  countInFocus(before: number): number {
    return countBelow(this.#inFocus, before);
  }

  /** One of those that came to it, by their order. */
  inFocus(number: number): Program {
    return this.at(present(this.#inFocus[number], 'a program in focus'));
  }

  at(place: number): Program {
    const start = present(this.#starts[place], 'a program of the pool');
    const length = present(this.#lengths[place], 'its length');
    return deserialize(this.#shelf.get(start, length)) as Program;
  }
}

/** How many of some numbers, which rise, are below a limit. */
function countBelow(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (present(numbers[middle], 'a number') < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
