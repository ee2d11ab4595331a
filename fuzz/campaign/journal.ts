import { appendFile, readFile, truncate } from 'node:fs/promises';
import type { WorkerStats } from './events.js';

/** One line of the journal: something that happened, in the order of happening. */
export type JournalLine =
  | {
      readonly kind: 'entry';
      readonly worker: number;
      readonly index: number;
      /** Hash of the program in the corpus. */
      readonly program: string;
      /** Names of the features that nothing had shown before. */
      readonly news: readonly string[];
      /** Whether it came to what the campaign is about. */
      readonly isInFocus?: true;
      readonly stats: WorkerStats;
    }
  | {
      readonly kind: 'finding';
      readonly worker: number;
      readonly index: number;
      readonly title: string;
      readonly stats: WorkerStats;
    }
  /** @property seconds of all runs of the campaign so far */
  | {
      readonly kind: 'progress';
      readonly worker: number;
      readonly stats: WorkerStats;
      readonly seconds: number;
    }
  | { readonly kind: 'trouble'; readonly worker: number; readonly what: string };

/** What a campaign has done, line by line: lines are added, and never changed. */
export class Journal {
  /** Whether the last line may be there in part. */
  #isTorn = false;

  constructor(readonly path: string) {}

  async append(line: JournalLine): Promise<void> {
    const text = `${this.#isTorn ? '\n' : ''}${JSON.stringify(line)}\n`;
    this.#isTorn = true;
    await appendFile(this.path, text);
    this.#isTorn = false;
  }

  /**
   * All lines. What a process that died has left of its last one is cut off.
   * @param onTrouble hears of lines that are damaged, and left out
   */
  async read(onTrouble: (what: string) => void): Promise<JournalLine[]> {
    const text = await readFile(this.path, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    });
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) await truncate(this.path, Buffer.byteLength(whole));
    return parseJournal(whole, (at) => {
      onTrouble(`line ${String(at)} of ${this.path} is damaged and left out`);
    });
  }
}

/**
 * The lines of a journal that can be read.
 * @param onDamaged hears the numbers, from 1, of those that cannot
 */
export function parseJournal(text: string, onDamaged: (at: number) => void): JournalLine[] {
  const lines: JournalLine[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const parsed = parse(line);
    if (parsed !== undefined) lines.push(parsed);
    else onDamaged(at + 1);
  }
  return lines;
}

function parse(line: string): JournalLine | undefined {
  try {
    return JSON.parse(line) as JournalLine;
  } catch {
    return undefined;
  }
}
