import { readFile } from 'node:fs/promises';
import type { Argv } from 'yargs';
import { searchDesign } from '../../fuzz/designs/search.js';
import { parseDesignProgram } from '../../models/designs/framework/check_program.js';
import type { Design } from '../../models/designs/framework/design.js';
import { describeOrder, runDesign } from '../../models/designs/framework/execute.js';
import { describeOutcome } from '../../models/designs/framework/outcome.js';
import { describeDesignStep } from '../../models/designs/framework/program.js';
import { DESIGNS } from '../../models/designs/index.js';
import { ProgramError } from '../../models/program/program.js';
import type { PlayReport } from '../../suites/designs/judge.js';
import type { Command, Finish } from '../command.js';
import { judgeAll, standingsOf } from '../designs/comparison.js';
import { renderComparison, renderDesign } from '../designs/render.js';
import { renderSearch, reportSearch } from '../designs/search_report.js';
import { findDesign } from '../designs/run_rows.js';
import { EXIT, type ExitCode, UsageError } from '../errors.js';
import { requireWhole } from '../whole_numbers.js';

interface DesignsArgs {
  readonly name: string | undefined;
  readonly json: boolean;
  readonly search: number | undefined;
  readonly seed: number;
  readonly program: string | undefined;
}

export function designsCommand(finish: Finish): Command<DesignsArgs> {
  return {
    builder: (yargs) => addOptions(yargs) as Argv<DesignsArgs>,
    handler: async (args) => {
      finish(await designs(args));
    },
  };
}

function addOptions(yargs: Argv): Argv {
  return yargs
    .positional('name', { type: 'string', describe: 'a design; without it, all of them' })
    .option('json', { type: 'boolean', default: false, describe: 'print data' })
    .option('search', { type: 'number', describe: 'also run so many random programs' })
    .option('seed', { type: 'number', default: 1, describe: 'where the random programs come from' })
    .option('program', { type: 'string', describe: 'run the program of this file on the design' })
    .example('$0 designs', 'the table, and the shortest program for every defect')
    .example('$0 designs ioasid-rfc', 'calls, rules and defects of a proposal')
    .example('$0 designs ioasid-rfc --search 5000 --seed 7', 'what random programs find')
    .example('$0 designs ioasid-rfc --program mine.json', 'a program of your own');
}

async function designs({ name, json, search, seed, program }: DesignsArgs): Promise<ExitCode> {
  const chosen = name === undefined ? DESIGNS : [findDesign(name)];
  const [only] = chosen;
  if (program !== undefined) {
    if (name === undefined || only === undefined)
      throw new UsageError('--program needs the name of a design');
    return runFile(only, program);
  }
  requireWhole({ search }, 1);
  requireWhole({ seed });
  const reports = judgeAll(chosen);
  const standings = standingsOf(chosen, reports);
  if (json) process.stdout.write(`${JSON.stringify(standings, null, 2)}\n`);
  else if (name !== undefined && only !== undefined)
    process.stdout.write(renderDesign(only, reports, standings));
  else process.stdout.write(renderComparison(chosen, reports, standings));
  // Behind data there is nothing but data.
  const output = json ? process.stderr : process.stdout;
  const isSearchWrong = search !== undefined && searchAll(chosen, search, seed, reports, output);
  const isWrong = isSearchWrong || reports.some(({ problems }) => problems.length > 0);
  return isWrong ? EXIT.finding : EXIT.pass;
}

/** Searches designs at random; whether that shows less than it should, or more. */
function searchAll(
  chosen: readonly Design[],
  programs: number,
  seed: number,
  reports: readonly PlayReport[],
  output: NodeJS.WritableStream,
): boolean {
  let isWrong = false;
  for (const design of chosen) {
    const report = reportSearch(design, searchDesign(design, seed, programs), reports);
    output.write(renderSearch(report));
    isWrong ||= report.problems.length > 0;
  }
  return isWrong;
}

async function runFile(design: Design, file: string): Promise<ExitCode> {
  const program = parseDesignProgram(parseJson(await readFile(file, 'utf8'), file), design);
  const { outcomes, breaches, orders } = runDesign(design, program);
  for (const [at, step] of program.steps.entries()) {
    const came = outcomes[at]?.map(describeOutcome).join(' or ') ?? '';
    process.stdout.write(`${describeDesignStep(design, step)}: ${came === '' ? 'not reached' : came}\n`);
    for (const breach of breaches.filter((one) => one.step === at)) {
      const by = breach.defects.length === 0 ? '' : ` (${breach.defects.join(', ')})`;
      const order = breach.order === undefined ? '' : `, in the order ${describeOrder(breach.order)}`;
      process.stdout.write(`  breaks ${breach.invariant}${by}: ${breach.what}${order}\n`);
    }
  }
  if (orders > 1) process.stdout.write(`${String(orders)} orders\n`);
  return breaches.length > 0 ? EXIT.finding : EXIT.pass;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ProgramError(`${file} is no JSON`);
  }
}
