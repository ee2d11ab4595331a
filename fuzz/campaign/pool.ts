import { deserialize, serialize } from 'node:v8';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { present } from '../../models/base/assert.js';
import { programFromJson, programToJson } from '../../models/program/json.js';
import type { Program } from '../../models/program/program.js';

/** A program of the pool, packed: a hundred thousand of them must not cost more than a hundred megabytes. */
interface Packed {
  /** Number of the program in its stream; what came before the stream has negative ones. */
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** The programs that a worker mutates, in the order of their numbers. */
export class Pool {
  readonly #programs: Packed[] = [];

  add(index: number, program: Program): void {
    this.#programs.push({ index, bytes: pack(program) });
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
    const { bytes } = present(this.#programs[place], 'a program of the pool');
    return deserialize(inflateRawSync(bytes)) as Program;
  }
}

/** Programs are taken out far more often than put in: what is packed is fast to unpack. */
function pack(program: Program): Uint8Array {
  // As it would come from its file, so that a campaign that is taken up again has the same.
  const stored = programFromJson(programToJson(program));
  const packed = deflateRawSync(serialize(stored), { level: 1 });
  // A copy: what zlib returns is a small part of a large buffer.
  return new Uint8Array(packed);
}
