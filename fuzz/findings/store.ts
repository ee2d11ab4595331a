import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { programText } from '../../models/program/json.js';
import type { Program } from '../../models/program/program.js';
import { BadInputError } from '../../targets/target.js';
import type { Finding, Reliability, Sighting } from './finding.js';
import { FILES, findingText, readFinding } from './finding_file.js';

/** Directories under construction; one that a dead process left is nobody's. */
const UNFINISHED = '.unfinished-';

/** The most characters of a title that the name of its directory has. */
const NAME_CHARACTERS_MAX = 60;

/** A finding with what is on its way to the disk. */
interface Entry {
  finding: Finding;
  readonly directory: string;
  /** The last write; one at a time. */
  written: Promise<void>;
  /** Whether a write is waiting that will take the newest state along. */
  isWaiting: boolean;
}

/**
 * Findings by title, each in a directory of its own. What is said to be stored survives the end of the process: a directory
 * comes into being whole, and files in it are replaced whole.
 */
export class FindingStore {
  readonly #entries = new Map<string, Entry>();

  private constructor(readonly directory: string) {}

  /**
   * Reads the findings of a directory, which is made if need be.
   * @throws BadInputError or ProgramError saying in one sentence what there is that is no finding
   */
  static async open(directory: string): Promise<FindingStore> {
    const store = new FindingStore(directory);
    await mkdir(directory, { recursive: true });
    const entries = await readdir(directory, { withFileTypes: true });
    for (const entry of entries.sort((one, two) => (one.name < two.name ? -1 : 1))) {
      const path = join(directory, entry.name);
      if (entry.name.startsWith(UNFINISHED)) await rm(path, { recursive: true });
      else if (entry.isDirectory()) store.#keep(await readFinding(path), path);
      else throw new BadInputError(`${path} is no finding: findings are directories`);
    }
    return store;
  }

  /** All findings, in the order of their titles. */
  get findings(): readonly Finding[] {
    const all = [...this.#entries.values()].map(({ finding }) => finding);
    return all.sort((one, two) => (one.title < two.title ? -1 : 1));
  }

  find(title: string): Finding | undefined {
    return this.#entries.get(title)?.finding;
  }

  /** Where a finding is kept. */
  directoryOf(title: string): string | undefined {
    return this.#entries.get(title)?.directory;
  }

  /**
   * Counts a sighting, and keeps the program if it is the first of its title.
   * @returns whether it is, when it is on the disk
   */
  async add(sighting: Sighting): Promise<boolean> {
    const known = this.#entries.get(sighting.title);
    if (known !== undefined) {
      await this.#change(known, { count: known.finding.count + 1 });
      return false;
    }
    const directory = join(this.directory, directoryName(sighting.title));
    const entry = this.#keep({ ...sighting, count: 1, shown: 0, tried: 0 }, directory);
    entry.written = this.#create(entry);
    try {
      await entry.written;
    } catch (error) {
      // So that the next sighting is the first again.
      this.#entries.delete(sighting.title);
      throw error;
    }
    return true;
  }

  /** Counts more sightings of a finding that is kept. */
  async countMore(title: string, times: number): Promise<void> {
    const entry = this.#entryOf(title);
    await this.#change(entry, { count: entry.finding.count + times });
  }

  /** Notes the smallest program that shows a finding, and how often it did. */
  async setReduced(title: string, reduced: Program, reliability: Reliability): Promise<void> {
    const entry = this.#entryOf(title);
    await entry.written;
    await writeFileAtomic(join(entry.directory, FILES.reduced), programText(reduced));
    await this.#change(entry, { reduced, ...reliability });
  }

  /** Adds files to the directory of a finding: forms that others can run. */
  async addFiles(title: string, files: Readonly<Record<string, string>>): Promise<void> {
    const entry = this.#entryOf(title);
    await entry.written;
    for (const [name, text] of Object.entries(files))
      await writeFileAtomic(join(entry.directory, name), text);
  }

  #entryOf(title: string): Entry {
    const entry = this.#entries.get(title);
    if (entry === undefined) throw new Error(`there is no finding "${title}" in ${this.directory}`);
    return entry;
  }

  #keep(finding: Finding, directory: string): Entry {
    const twin = this.#entries.get(finding.title);
    if (twin !== undefined)
      throw new BadInputError(`${directory} has the same finding as ${twin.directory}: remove one of them`);
    const entry: Entry = { finding, directory, written: Promise.resolve(), isWaiting: false };
    this.#entries.set(finding.title, entry);
    return entry;
  }

  async #create({ finding, directory }: Entry): Promise<void> {
    const unfinished = await mkdtemp(join(this.directory, UNFINISHED));
    await writeFile(join(unfinished, FILES.program), programText(finding.program), { flush: true });
    await writeFile(join(unfinished, FILES.finding), findingText(finding), { flush: true });
    await rename(unfinished, directory);
  }

  /** Sightings that come while a write is under way share the next one. */
  async #change(entry: Entry, change: Partial<Finding>): Promise<void> {
    entry.finding = { ...entry.finding, ...change };
    if (!entry.isWaiting) {
      entry.isWaiting = true;
      entry.written = entry.written.catch(ignore).then(() => {
        entry.isWaiting = false;
        return writeFileAtomic(join(entry.directory, FILES.finding), findingText(entry.finding));
      });
    }
    await entry.written;
  }
}

/** Who began a write hears of its failure; the next one is tried all the same. */
function ignore(): void {
  return undefined;
}

/** What the directory of a finding is called: words of the title, and a part of its hash, which tells titles apart. */
function directoryName(title: string): string {
  const words = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, NAME_CHARACTERS_MAX)
    .replace(/^-+|-+$/g, '');
  return `${words}-${createHash('sha256').update(title).digest('hex').slice(0, 8)}`;
}
