import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../../models/base/reason.js';
import { type Program, ProgramError } from '../../models/program/program.js';
import { migrateProgram } from './migrate.js';
import { readProgramShape } from './program_file.js';
import type { Trouble } from './read_directory.js';

/** Where a campaign has its corpus. */
const CORPUS = 'corpus';

/**
 * Programs from the corpora of other campaigns, as they come. All have their directories in one, which machines may have in common. Nothing
 * is changed there.
 */
export class Visitors {
  /** Names of files, which are hashes of what is in them. */
  readonly #seen = new Set<string>();

  /**
   * @param shared the directory of the directories of campaigns
   * @param own that of the campaign which asks
   */
  constructor(
    private readonly shared: string,
    private readonly own: string,
    private readonly onTrouble: (trouble: Trouble) => void,
  ) {}

  /** At most so many that have not come yet, in the order of their campaigns and names. */
  async next(count: number): Promise<Program[]> {
    const programs: Program[] = [];
    for (const directory of await this.#corpora()) {
      for (const name of await this.#newIn(directory)) {
        if (programs.length === count) return programs;
        this.#seen.add(name);
        const program = await this.#read(join(directory, name));
        if (program !== undefined) programs.push(program);
      }
    }
    return programs;
  }

  async #corpora(): Promise<string[]> {
    const own = await realpath(this.own);
    const names = await this.#list(this.shared);
    const campaigns = await Promise.all(
      names.map((name) => realpath(join(this.shared, name)).catch(() => undefined)),
    );
    return campaigns.flatMap((campaign) =>
      campaign === undefined || campaign === own ? [] : [join(campaign, CORPUS)],
    );
  }

  async #newIn(corpus: string): Promise<string[]> {
    // Not every neighbour is a campaign.
    const names = await readdir(corpus).catch(() => []);
    return names.filter((name) => name.endsWith('.json') && !this.#seen.has(name)).sort();
  }

  /** What cannot be reached now may come back: the campaign goes on without it. */
  async #list(directory: string): Promise<string[]> {
    try {
      return (await readdir(directory)).sort();
    } catch (error) {
      this.onTrouble({ file: directory, what: `cannot be read: ${reasonOf(error)}` });
      return [];
    }
  }

  async #read(file: string): Promise<Program | undefined> {
    try {
      return migrateProgram(await readProgramShape(file)).program;
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      this.onTrouble({ file, what: `left out: ${error.message}` });
      return undefined;
    }
  }
}
