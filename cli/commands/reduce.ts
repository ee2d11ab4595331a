import { readProgramFile, writeProgramFile } from '../../fuzz/corpus/program_file.js';
import { type ReducedFinding, reduceOn } from '../../fuzz/reduce/on_target.js';
import { type Goal, type Judge, goalOf } from '../../fuzz/reduce/shows.js';
import { Behaviour } from '../../models/behaviour.js';
import { describePlacedStep } from '../../models/program/describe.js';
import { type Program, placedSteps } from '../../models/program/program.js';
import { DEFAULT_PROFILE, type Profile, profileById } from '../../models/profiles/index.js';
import { environmentOf } from '../../suites/harness/environment.js';
import { SimTarget } from '../../targets/sim.js';
import type { Target } from '../../targets/target.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, UsageError } from '../errors.js';
import { mutantByName } from '../mutant_option.js';
import { type TargetArgs, addTargetOptions, chooseTarget } from '../target_options.js';
import { requireWhole } from '../whole_numbers.js';

interface ReduceArgs extends TargetArgs {
  readonly file: string;
  readonly mutant: string | undefined;
  readonly out: string | undefined;
  readonly budget: number;
  readonly times: number;
}

export function reduceCommand(finish: Finish, context: Context): Command<ReduceArgs> {
  return {
    builder: (yargs) =>
      addTargetOptions(yargs)
        .positional('file', {
          type: 'string',
          demandOption: true,
          describe: 'a program that shows something',
        })
        .option('mutant', {
          type: 'string',
          describe: 'the model with this difference planted runs the program',
        })
        .option('out', {
          type: 'string',
          describe: 'where the result is written, else beside the file, as NAME.reduced.json',
        })
        .option('budget', { type: 'number', default: 3000, describe: 'programs that may be tried' })
        .option('times', {
          type: 'number',
          default: 5,
          describe: 'how often the result is run again to see how reliable it is',
        })
        .conflicts('mutant', 'kernel')
        .example('$0 reduce finding.json --kernel 7.3.4-fast', 'what a kernel shows')
        .example('$0 reduce finding.json --mutant IOMMU_DESTROY/EBUSY.users:drop', 'what a mutant shows'),
    handler: async (args) => {
      finish(await reduce(args, context));
    },
  };
}

async function reduce(args: ReduceArgs, context: Context): Promise<ExitCode> {
  requireWhole({ budget: args.budget, times: args.times }, 1);
  const program = await readProgramFile(args.file);
  const { target, profile } = await targetOf(args, context);
  const session = await target.start();
  try {
    const environment = await environmentOf(session, profile);
    const behaviour = new Behaviour(environment.profile);
    const judge: Judge = { session, behaviour, reading: 'exact' };
    process.stdout.write(`${environment.description} · expectations of ${environment.profile.id}\n`);
    const goal = await goalOf(judge, program);
    if (goal === undefined) {
      process.stdout.write(`${args.file} does here what the model says, and shows no finding\n`);
      return EXIT.unknown;
    }
    process.stdout.write(`${args.file} shows: ${goal.title}\n`);
    const model: Judge = { ...judge, session: await new SimTarget(behaviour).start() };
    const { budget, times } = args;
    const result = await reduceOn(judge, program, goal, {
      budget,
      times,
      model,
      stopped: context.interrupted,
    });
    const file = args.out ?? `${args.file.replace(/\.json$/, '')}.reduced.json`;
    await writeProgramFile(file, { ...result.program, about: goal.title });
    process.stdout.write(render(program, goal, result, file));
    return result.reliability.shown > 0 ? EXIT.pass : EXIT.unknown;
  } finally {
    await session.stop();
  }
}

async function targetOf(
  args: ReduceArgs,
  context: Context,
): Promise<{ readonly target: Target; readonly profile: Profile | undefined }> {
  if (args.mutant === undefined) return chooseTarget(args, context);
  if (args.target !== 'sim') throw new UsageError('--mutant is of the model, which is --target sim');
  const profile = (args.profile === undefined ? undefined : profileById(args.profile)) ?? DEFAULT_PROFILE;
  return { target: new SimTarget(new Behaviour(profile, mutantByName(args.mutant, profile))), profile };
}

function render(
  before: Program,
  goal: Goal,
  { program, tried, isMinimal, reliability }: ReducedFinding,
  file: string,
): string {
  const steps = placedSteps(program).map(
    (placed, at) => `${String(at + 1).padStart(3)}  ${describePlacedStep(placed)}\n`,
  );
  const counts = `${String(placedSteps(before).length)} steps became ${String(steps.length)} in ${String(tried)} tries`;
  const shown = `shown by ${String(reliability.shown)} of ${String(reliability.tried)} runs`;
  const end = isMinimal ? '' : '; there was no time to try all that might make it smaller';
  const facts = goal.facts === undefined ? '' : `suspect: ${goal.facts.suspect}\n`;
  return `${steps.join('')}${counts}, ${shown}${end}\n${facts}written to ${file}\n`;
}
