import { basename } from 'node:path';
import { readProgramFile } from '../../fuzz/corpus/program_file.js';
import { exportC, loadRuntime } from '../../fuzz/export_c/export.js';
import { exportMarkdown } from '../../fuzz/export_c/markdown.js';
import { exportScript } from '../../fuzz/export_c/script.js';
import { exportProgram } from '../../fuzz/syzkaller/export.js';
import { Behaviour } from '../../models/behaviour.js';
import { programText } from '../../models/program/json.js';
import { type Program, ProgramError } from '../../models/program/program.js';
import { DEFAULT_PROFILE, PROFILES, profileById } from '../../models/profiles/index.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, UsageError } from '../errors.js';
import { writeTextFile } from '../text_file.js';

interface ExportArgs {
  readonly file: string[];
  readonly format: string;
  readonly profile: string;
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
  exportProgram(this: void, program: Program, behaviour: Behaviour): Promise<Form> | Form;
}

function formats({ reproducerRuntime }: Context): Readonly<Record<string, Format>> {
  const c = async (program: Program, behaviour: Behaviour): Promise<string> =>
    exportC(program, behaviour, await loadRuntime(reproducerRuntime));
  return {
    c: { suffix: '.c', exportProgram: async (program, behaviour) => whole(await c(program, behaviour)) },
    syz: { suffix: '.syz', exportProgram },
    json: { suffix: '.json', exportProgram: (program) => whole(programText(program)) },
    script: {
      suffix: '.sh',
      exportProgram: async (program, behaviour) =>
        whole(exportScript(await c(program, behaviour), program.about, behaviour.profile)),
    },
    md: { suffix: '.md', exportProgram: (program, behaviour) => whole(exportMarkdown(program, behaviour)) },
  };
}

function whole(text: string): Form {
  return { text, shortcomings: [] };
}

export function exportCommand(finish: Finish, context: Context): Command<ExportArgs> {
  return {
    builder: (yargs) =>
      yargs
        .positional('file', { type: 'string', array: true, demandOption: true, describe: 'program files' })
        .option('format', {
          choices: Object.keys(formats(context)),
          demandOption: true,
          describe:
            'c: a program that says PASS or FAIL; script: a shell script that builds and boots a kernel and runs that; syz: of syzkaller; md: for readers; json: as stored',
        })
        .option('profile', {
          // Without the type, 6.12 would be taken for a number.
          type: 'string',
          choices: PROFILES.map(({ id }) => id),
          default: DEFAULT_PROFILE.id,
          describe: 'the kernel version whose answers c, script and md have',
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
        .example('$0 export --format c finding.json > finding.c', 'compile it with cc and run it as root')
        .example('$0 export --format syz corpus/findings/*.json -o syz', 'one file for each'),
    handler: async (args) => {
      const format = formats(context)[args.format];
      if (format === undefined) throw new UsageError(`there is no format ${args.format}`);
      const behaviour = new Behaviour(profileById(args.profile) ?? DEFAULT_PROFILE);
      for (const file of args.file) await exportFile(file, format, behaviour, args);
      finish(EXIT.pass);
    },
  };
}

async function exportFile(
  file: string,
  format: Format,
  behaviour: Behaviour,
  { strict, output }: ExportArgs,
): Promise<void> {
  const { text, shortcomings } = await formOf(file, format, behaviour);
  const lines = shortcomings.map(({ step, says }) => `${file}: step ${String(step)}: ${says}`);
  const [first] = lines;
  if (strict && first !== undefined) throw new UsageError(first);
  if (lines.length > 0) process.stderr.write(`${lines.join('\n')}\n`);
  if (output === undefined) process.stdout.write(text);
  else await writeTextFile(output, `${basename(file, '.json')}${format.suffix}`, text);
}

async function formOf(file: string, format: Format, behaviour: Behaviour): Promise<Form> {
  const program = await readProgramFile(file);
  try {
    return await format.exportProgram(program, behaviour);
  } catch (error) {
    if (error instanceof ProgramError) throw new ProgramError(`${file}: ${error.message}`);
    throw error;
  }
}
