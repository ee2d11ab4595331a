#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { benchCommand } from './commands/bench.js';
import { bootCommand } from './commands/boot.js';
import { checkCommand } from './commands/check.js';
import { corpusCommand } from './commands/corpus.js';
import { coverageCommand } from './commands/coverage.js';
import { designsCommand } from './commands/designs.js';
import { diffCommand } from './commands/diff.js';
import { doctorCommand } from './commands/doctor.js';
import { exportCommand } from './commands/export.js';
import { explainCommand } from './commands/explain.js';
import { fuzzCommand } from './commands/fuzz.js';
import { gateCommand } from './commands/gate.js';
import { importCommand } from './commands/import.js';
import { kernelCommand } from './commands/kernel.js';
import { listCommand } from './commands/list.js';
import { mutantsCommand } from './commands/mutants.js';
import { patchCommand } from './commands/patch.js';
import { recordCommand } from './commands/record.js';
import { recordSelftestsCommand } from './commands/record_selftests.js';
import { reduceCommand } from './commands/reduce.js';
import { replayCommand } from './commands/replay.js';
import { reportCommand } from './commands/report.js';
import { runCommand } from './commands/run.js';
import { sweepCommand } from './commands/sweep.js';
import { testKernelCommand } from './commands/test_kernel.js';
import { type Context, makeContext } from './context.js';
import { Interruption } from './interruption.js';
import { EXIT, UsageError, describeError, exitCodeOfError } from './errors.js';

/** Help gets no wider than this, however wide the terminal is. */
const WIDTH_MAX = 120;

async function main(args: readonly string[], context: Context): Promise<number> {
  let exitCode: number = EXIT.pass;
  const finish = (code: number): void => {
    exitCode = code;
  };
  await yargs(args)
    .scriptName('iommufd-cts')
    // The program to record keeps its own options.
    .parserConfiguration({ 'populate--': true })
    .usage('$0 <command>\n\nConformance test suite and reference model for Linux iommufd.')
    .command(runCommand(context, finish))
    .command(listCommand(finish))
    .command(designsCommand(finish))
    .command(explainCommand(context, finish))
    .command(replayCommand(context, finish))
    .command(reportCommand(context, finish))
    .command(reduceCommand(context, finish))
    .command(exportCommand(context, finish))
    .command(importCommand(finish))
    .command(fuzzCommand(context, finish))
    .command(corpusCommand(finish))
    .command(mutantsCommand(context, finish))
    .command(gateCommand(context, finish))
    .command(diffCommand(context, finish))
    .command(kernelCommand(context, finish))
    .command(sweepCommand(context, finish))
    .command(bootCommand(context, finish))
    .command(testKernelCommand(context, finish))
    .command(coverageCommand(context, finish))
    .command(patchCommand(context, finish))
    .command(recordCommand(context, finish))
    .command(checkCommand(finish))
    .command(recordSelftestsCommand(context, finish))
    .command(benchCommand(context, finish))
    .command(doctorCommand(context, finish))
    .demandCommand(1, 'say what to do; "iommufd-cts run" is a good start')
    .strictCommands()
    .strictOptions()
    .recommendCommands()
    .version(context.version)
    .wrap(Math.min(WIDTH_MAX, process.stdout.isTTY ? process.stdout.columns : WIDTH_MAX))
    .epilogue('Exit codes: 0 pass, 1 finding or failed expectation, 2 could not tell, 64 usage.')
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

function versionOfPackage(): string {
  const text = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

// A reader that has seen enough, as in "list | head", is no trouble.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.pass : EXIT.unknown);
});

try {
  process.exitCode = await main(hideBin(process.argv), makeContext(versionOfPackage(), new Interruption()));
} catch (error) {
  process.stderr.write(`iommufd-cts: ${describeError(error)}\n`);
  process.exitCode = exitCodeOfError(error);
}
