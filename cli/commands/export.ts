import { basename } from 'node:path';
import type { CommandModule } from 'yargs';
import { readProgramFile } from '../../fuzz/corpus/program_file.js';
import { exportProgram } from '../../fuzz/syzkaller/export.js';
import type { Program } from '../../models/program/program.js';
import { EXIT, type ExitCode, UsageError } from '../errors.js';
import { writeTextFile } from '../text_file.js';

interface ExportArgs {
  readonly file: string[];
  readonly format: string;
  readonly output: string | undefined;
  readonly strict: boolean;
}

/** A program in another form, and what that does not say. */
interface Form {
  readonly text: string;
  readonly shortcomings: readonly { readonly step: number; readonly says: string }[];
}

interface Format {
  /** What the names of its files end with. */
  readonly suffix: string;
  exportProgram(this: void, program: Program): Form;
}

const FORMATS: Readonly<Record<string, Format>> = {
  syz: { suffix: '.syz', exportProgram },
};

export function exportCommand(finish: (code: ExitCode) => void): CommandModule<object, ExportArgs> {
  return {
    command: 'export <file..>',
    describe: 'write stored programs in the form of other tools',
    builder: (yargs) =>
      yargs
        .positional('file', { type: 'string', array: true, demandOption: true, describe: 'program files' })
        .option('format', {
          choices: Object.keys(FORMATS),
          demandOption: true,
          describe: 'syz: of syzkaller',
        })
        .option('output', {
          alias: 'o',
          type: 'string',
          describe: 'directory to write to, else the standard output',
        })
        .option('strict', {
          type: 'boolean',
          default: false,
          describe: 'refuse programs that the format cannot say all of',
        })
        .example('$0 export --format syz finding.json', 'a program for syz-execprog')
        .example('$0 export --format syz corpus/findings/*.json -o syz', 'one file for each'),
    handler: async (args) => {
      const format = FORMATS[args.format];
      if (format === undefined) throw new UsageError(`there is no format ${args.format}`);
      for (const file of args.file) await exportFile(file, format, args);
      finish(EXIT.pass);
    },
  };
}

async function exportFile(file: string, format: Format, { strict, output }: ExportArgs): Promise<void> {
  const { text, shortcomings } = format.exportProgram(await readProgramFile(file));
  const lines = shortcomings.map(({ step, says }) => `${file}: step ${String(step)}: ${says}`);
  const [first] = lines;
  if (strict && first !== undefined) throw new UsageError(first);
  if (lines.length > 0) process.stderr.write(`${lines.join('\n')}\n`);
  if (output === undefined) process.stdout.write(text);
  else await writeTextFile(output, `${basename(file, '.json')}${format.suffix}`, text);
}
