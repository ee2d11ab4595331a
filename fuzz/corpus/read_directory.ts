import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Program, ProgramError } from '../../models/program/program.js';
import { BadInputError } from '../../targets/target.js';
import { migrateProgram } from './migrate.js';
import { readProgramShape } from './program_file.js';
import { reasonOf } from '../../models/base/reason.js';

/** What became of a file that the present descriptions do not take as it is. */
export interface Trouble {
  readonly file: string;
  /** A sentence: what was changed, or why it was set aside. */
  readonly what: string;
}

/**
 * The programs of a directory that is somebody else's, in the order of their files' names: nothing is changed there.
 * @throws BadInputError if there is no such directory
 */
export async function* readProgramsOf(
  directory: string,
  onTrouble: (trouble: Trouble) => void,
): AsyncGenerator<Program> {
  for (const name of await programFilesIn(directory)) {
    const file = join(directory, name);
    try {
      const { program, change } = migrateProgram(await readProgramShape(file));
      if (change !== undefined) onTrouble({ file, what: change });
      yield program;
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      onTrouble({ file, what: `left out: ${error.message}` });
    }
  }
}

/**
 * Names of the files that have programs, in order.
 * @throws BadInputError if there is no such directory
 */
export async function programFilesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
  } catch (error) {
    const reason = reasonOf(error);
    throw new BadInputError(`${directory} is no directory of programs: ${reason}`);
  }
}
