import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { programText } from '../../models/program/json.js';
import { type Program, ProgramError } from '../../models/program/program.js';
import { BadInputError } from '../../targets/target.js';
import { migrateProgram } from './migrate.js';
import { readProgramShape } from './program_file.js';
import type { Trouble } from './read_directory.js';
import { reasonOf } from '../../models/base/reason.js';

/** Characters of the hash that names a program. */
const HASH_CHARACTERS = 40;

const STORED = new RegExp(`^[0-9a-f]{${String(HASH_CHARACTERS)}}[.]json$`);

/** What is left of a write that was cut short: write-file-atomic gives the file another name until it is whole. */
const UNFINISHED = new RegExp(`^[0-9a-f]{${String(HASH_CHARACTERS)}}[.]json[.]\\d+$`);

/** Where files go that hold no program any more, each with its reason beside it. */
const SET_ASIDE = 'set-aside';

/** The name of a program: the same for the same steps, whatever is said about them. */
export function hashOfProgram({ schema, steps }: Program): string {
  return hashOfText(programText({ schema, steps }));
}

function hashOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARACTERS);
}

/** A program as the store has it. */
export interface StoredProgram {
  readonly hash: string;
  readonly program: Program;
}

/** Programs by their contents, one in each file: whole, or not there. */
export class CorpusStore {
  readonly #hashes = new Set<string>();
  readonly #troubles: Trouble[] = [];

  private constructor(readonly directory: string) {}

  /** Opens a directory, which is made if need be; files of other names are nobody's business until `adopt`. */
  static async open(directory: string): Promise<CorpusStore> {
    await mkdir(directory, { recursive: true });
    return CorpusStore.#read(directory);
  }

  /**
   * Opens a directory that must be there.
   * @throws BadInputError
   */
  static async openExisting(directory: string): Promise<CorpusStore> {
    return CorpusStore.#read(directory).catch((error: unknown) => {
      const reason = reasonOf(error);
      throw new BadInputError(`${directory} is no directory of programs: ${reason}`);
    });
  }

  static async #read(directory: string): Promise<CorpusStore> {
    const store = new CorpusStore(directory);
    for (const name of (await readdir(directory)).sort()) {
      if (STORED.test(name)) store.#hashes.add(name.slice(0, HASH_CHARACTERS));
      else if (UNFINISHED.test(name)) await rm(join(directory, name));
    }
    return store;
  }

  get size(): number {
    return this.#hashes.size;
  }

  /** Ascending. */
  get hashes(): readonly string[] {
    return [...this.#hashes].sort();
  }

  /** What was migrated or set aside since the store was opened. */
  get troubles(): readonly Trouble[] {
    return this.#troubles;
  }

  has(hash: string): boolean {
    return this.#hashes.has(hash);
  }

  /** Keeps a program; one that is there already is not written again. */
  async add(program: Program): Promise<string> {
    const { schema, steps, ...said } = program;
    const bare = programText({ schema, steps });
    const hash = hashOfText(bare);
    if (this.#hashes.has(hash)) return hash;
    const text = Object.keys(said).length === 0 ? bare : programText(program);
    // Not synchronized: a process that dies loses nothing, and a machine that dies at most the newest programs.
    await writeFileAtomic(this.#pathOf(hash), text, { fsync: false });
    this.#hashes.add(hash);
    return hash;
  }

  async remove(hash: string): Promise<void> {
    await rm(this.#pathOf(hash));
    this.#hashes.delete(hash);
  }

  /** A program; undefined if its file is gone or holds none any more: it is set aside then. One that had to be changed has a new name. */
  async read(hash: string): Promise<StoredProgram | undefined> {
    const stored = await this.#readFile(`${hash}.json`);
    if (stored?.hash !== hash) this.#hashes.delete(hash);
    return stored;
  }

  /** All programs in the order of their names, also of files that somebody has put there under other names. */
  async *programs(): AsyncGenerator<StoredProgram> {
    for (const name of (await readdir(this.directory)).filter((file) => !STORED.test(file)).sort()) {
      if (name.endsWith('.json')) await this.#adopt(name);
    }
    for (const hash of this.hashes) {
      const stored = await this.read(hash);
      if (stored !== undefined) yield stored;
    }
  }

  /** Gives a file of any name its proper one. */
  async #adopt(name: string): Promise<void> {
    const stored = await this.#readFile(name);
    if (stored === undefined) return;
    this.#hashes.add(stored.hash);
    await rm(join(this.directory, name), { force: true });
  }

  async #readFile(name: string): Promise<StoredProgram | undefined> {
    const path = join(this.directory, name);
    try {
      const { program, change } = migrateProgram(await readProgramShape(path));
      const hash = hashOfProgram(program);
      if (`${hash}.json` === name) return { hash, program };
      await this.add(program);
      if (change !== undefined)
        this.#troubles.push({ file: path, what: `${change}; it is ${hash}.json now` });
      if (STORED.test(name)) await rm(path);
      return { hash, program };
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      await this.#setAside(name, error.message);
      return undefined;
    }
  }

  async #setAside(name: string, reason: string): Promise<void> {
    const path = join(this.directory, name);
    const isThere = await readFile(path).then(
      () => true,
      () => false,
    );
    if (!isThere) {
      this.#troubles.push({ file: path, what: reason });
      return;
    }
    const aside = join(this.directory, SET_ASIDE);
    await mkdir(aside, { recursive: true });
    await rename(path, join(aside, name));
    await writeFile(join(aside, `${name}.reason`), `${reason}\n`);
    this.#troubles.push({ file: path, what: `set aside in ${aside}: ${reason}` });
  }

  #pathOf(hash: string): string {
    return join(this.directory, `${hash}.json`);
  }
}
