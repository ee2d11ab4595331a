import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { importProgram } from '../../fuzz/syzkaller/import.js';
import { SyzError } from '../../fuzz/syzkaller/text.js';
import { assemble } from '../../models/program/assemble.js';
import { programText } from '../../models/program/json.js';
import { type Program, ProgramError } from '../../models/program/program.js';
import type { Command, Finish } from '../command.js';
import { EXIT, UsageError } from '../errors.js';
import { writeTextFile } from '../text_file.js';

interface ImportArgs {
  readonly file: string[];
  readonly output: string;
  readonly strict: boolean;
}

export function importCommand(finish: Finish): Command<ImportArgs> {
  return {
    builder: (yargs) =>
      yargs
        .positional('file', {
          type: 'string',
          array: true,
          demandOption: true,
          describe: 'programs of syzkaller',
        })
        .option('output', {
          alias: 'o',
          type: 'string',
          demandOption: true,
          describe: 'directory to write program files to',
        })
        .option('strict', {
          type: 'boolean',
          default: false,
          describe: 'refuse programs with calls that cannot be imported',
        })
        .example('$0 import sys/linux/test/dev_iommu* -o imported', 'what syzkaller tests itself with')
        .example('$0 import repro.syz -o . --strict', 'all of a program, or nothing'),
    handler: async ({ file, output, strict }) => {
      for (const one of file) await importFile(one, output, strict);
      finish(EXIT.pass);
    },
  };
}

async function importFile(file: string, directory: string, isStrict: boolean): Promise<void> {
  const source = await readFile(file, 'utf8');
  const name = basename(file).replace(/[.](syz|txt|prog)$/, '');
  try {
    const { program, notes } = importProgram(source, { isStrict, about: `imported from ${basename(file)}` });
    for (const { says, at } of notes) {
      process.stderr.write(
        `${file}${at === undefined ? '' : `:${String(at.line)}:${String(at.column)}`}: ${says}\n`,
      );
    }
    check(program);
    await writeTextFile(directory, `${name}.json`, programText(program));
  } catch (error) {
    if (error instanceof SyzError || error instanceof ProgramError)
      throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}

/** A program that would be refused when it is run is refused now. */
function check(program: Program): void {
  if (program.steps.length === 0) throw new ProgramError('it has no call that iommufd-cts knows');
  assemble(program);
}
