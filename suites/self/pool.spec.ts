import { join } from 'node:path';
import { readdir } from 'node:fs/promises';
import { assert } from 'chai';
import { Pool } from '../../fuzz/campaign/pool.js';
import { Shelf } from '../../fuzz/campaign/shelf.js';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { Behaviour } from '../../models/behaviour.js';
import { type Json, programFromJson, programText } from '../../models/program/json.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { makeDirectory, removeDirectory } from './temporary.js';

/** Lengths that divide no block. */
const LENGTHS = [1, 5000, 777_777, 0, 3_000_001];

/** Puts more on a shelf than stays in memory, each piece with bytes of its own, and says where it is. */
function fill(shelf: Shelf): { readonly start: number; readonly bytes: Uint8Array }[] {
  return Array.from({ length: 60 }, (_, at) => {
    const bytes = new Uint8Array(LENGTHS[at % LENGTHS.length] ?? 0).fill(at + 1);
    return { start: shelf.put(bytes), bytes };
  });
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

describe('the shelf of a worker', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await makeDirectory();
  });

  afterEach(() => removeDirectory(directory));

  it('gives back what was put down, and leaves no file behind', async () => {
    const shelf = new Shelf(directory);
    const put = fill(shelf);
    for (const { start, bytes } of put) assert.isTrue(isSame(shelf.get(start, bytes.length), bytes));
    assert.isAbove(shelf.bytesOnDisk, 10_000_000);
    assert.isEmpty(await readdir(directory));
  });

  it('keeps in memory what cannot be written', () => {
    const shelf = new Shelf(join(directory, 'nowhere'));
    const put = fill(shelf);
    for (const { start, bytes } of put) assert.isTrue(isSame(shelf.get(start, bytes.length), bytes));
    assert.strictEqual(shelf.bytesOnDisk, 0);
  });
});

describe('the programs that a worker mutates', () => {
  it('are as they would come from their files', () => {
    const behaviour = new Behaviour(DEFAULT_PROFILE);
    const programs = samplePrograms(behaviour, { seed: 1, count: 200, stepsMax: 20 });
    const pool = new Pool();
    for (const [index, program] of programs.entries()) pool.add(index * 2, program);
    for (const [place, program] of programs.entries()) {
      const read = programFromJson(JSON.parse(programText(program)) as Json);
      // The order of members decides what mutations do.
      assert.strictEqual(textOf(pool.at(place)), textOf(read));
    }
  });

  it('are counted by their numbers', () => {
    const behaviour = new Behaviour(DEFAULT_PROFILE);
    const pool = new Pool();
    for (const [index, program] of samplePrograms(behaviour, { seed: 1, count: 3, stepsMax: 4 }).entries())
      pool.add(index * 10 - 10, program);
    assert.deepStrictEqual(
      [-11, -10, -9, 0, 1, 10, 11].map((limit) => pool.countBelow(limit)),
      [0, 0, 1, 1, 2, 2, 3],
    );
  });
});

/** With members in their order. */
function textOf(program: object): string {
  return JSON.stringify(program, (_, value: unknown) =>
    typeof value === 'bigint' ? `${String(value)}n` : value,
  );
}
