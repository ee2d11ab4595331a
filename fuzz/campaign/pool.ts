import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { present } from '../../models/base/assert.js';
import { type Json, programFromJson, programText } from '../../models/program/json.js';
import type { Program } from '../../models/program/program.js';

/** A program of the pool, packed: a hundred thousand of them must not cost more than a hundred megabytes. */
interface Packed {
  /** Number of the program in its stream; what came before the stream has negative ones. */
  readonly index: number;
  readonly text: Uint8Array;
}

/** The programs that a worker mutates, in the order of their numbers. */
export class Pool {
  readonly #programs: Packed[] = [];

  add(index: number, program: Program): void {
    const packed = deflateRawSync(JSON.stringify(JSON.parse(programText(program))));
    // A copy: what zlib returns is a small part of a large buffer.
    this.#programs.push({ index, text: new Uint8Array(packed) });
  }

  get size(): number {
    return this.#programs.length;
  }

  /** How many programs have numbers below a limit: those are the first. */
  countBelow(limit: number): number {
    let [low, high] = [0, this.#programs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (present(this.#programs[middle], 'a program').index < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  at(place: number): Program {
    const { text } = present(this.#programs[place], 'a program of the pool');
    return programFromJson(JSON.parse(inflateRawSync(text).toString('utf8')) as Json);
  }
}
