import yargs from 'yargs';
import { COMMANDS } from './commands/index.js';
import type { Context } from './context.js';
import { EXIT, UsageError, describeError, exitCodeOfError } from './errors.js';

/** Help gets no wider than this, however wide the terminal is. */
const WIDTH_MAX = 120;

/** Does what the arguments say. What is wrong is said in one sentence; the exit code tells how it ended. */
export async function runCommandLine(args: readonly string[], context: Context): Promise<number> {
  try {
    return await parseAndRun(args, context);
  } catch (error) {
    process.stderr.write(`iommufd-cts: ${describeError(error)}\n`);
    return exitCodeOfError(error);
  }
}

async function parseAndRun(args: readonly string[], context: Context): Promise<number> {
  let exitCode: number = EXIT.pass;
  const finish = (code: number): void => {
    exitCode = code;
  };
  const parser = yargs(args)
    .scriptName('iommufd-cts')
    // The program to record keeps its own options.
    .parserConfiguration({ 'populate--': true })
    .usage('$0 <command>\n\nConformance test suite and reference model for Linux iommufd.');
  for (const add of COMMANDS) add(parser, finish, context);
  await parser
    .demandCommand(1, 'say what to do; "iommufd-cts run" is a good start')
    .strictCommands()
    .strictOptions()
    .recommendCommands()
    .version(context.version)
    .wrap(Math.min(WIDTH_MAX, process.stdout.isTTY ? process.stdout.columns : WIDTH_MAX))
    .epilogue('Exit codes: 0 pass, 1 finding or failed expectation, 2 could not tell, 64 usage.')
    // What has printed help returns like everything else.
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      throw error ?? new UsageError(inOneLine(message ?? 'the command line makes no sense'));
    })
    .parseAsync();
  return exitCode;
}

/** What yargs says of wrong values takes several lines. */
function inOneLine(message: string): string {
  return message.trim().replace(/\s*\n\s*/g, ' ');
}
