import type { AcceleratorChoice } from '../../targets/qemu/accelerator.js';
import type { ExecutionResult } from '../../targets/selftests/guest.js';
import { runInGuest } from '../../targets/selftests/run_programs.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, worst } from '../errors.js';
import { findCachedKernel } from '../target_options.js';

interface BootArgs {
  readonly program: string[];
  readonly kernel: string | undefined;
  readonly time: number;
  readonly accel: string;
  readonly console: string | undefined;
}

export function bootCommand(finish: Finish, context: Context): Command<BootArgs> {
  return {
    builder: (yargs) =>
      yargs
        .positional('program', {
          type: 'string',
          array: true,
          demandOption: true,
          describe: 'programs; what they link to is taken along',
        })
        .option('kernel', { type: 'string', describe: 'id of a cached kernel; default: the newest' })
        .option('time', { type: 'number', default: 60, describe: 'seconds that each may take' })
        .option('accel', { choices: ['auto', 'kvm', 'tcg'], default: 'auto', describe: 'as for run' })
        .option('console', { type: 'string', describe: 'as for run' })
        .example(
          '$0 boot ./reproducer --kernel 7.3.4-fast',
          'a program that "export --format c" wrote, compiled',
        ),
    handler: async (args) => {
      finish(await boot(args, context));
    },
  };
}

async function boot(args: BootArgs, context: Context): Promise<ExitCode> {
  const kernel = await findCachedKernel(args.kernel, context);
  const results = await runInGuest(
    {
      bzImage: kernel.bzImage,
      commands: args.program.map((program) => [program] as const),
      seconds: args.time,
      accelerator: args.accel as AcceleratorChoice,
      interrupted: context.interrupted,
      ...(args.console === undefined ? {} : { consoleFile: args.console }),
      onBoot: (machine) => process.stderr.write(`${machine}\n`),
    },
    context,
  );
  for (const [at, { output }] of results.entries()) {
    if (results.length > 1) process.stdout.write(`${args.program[at] ?? ''}: `);
    process.stdout.write(output.endsWith('\n') ? output : `${output}\n`);
  }
  return worst(...results.map(codeOf));
}

/** Programs say 0 for a pass and 1 for a finding; whatever else they say, nothing is known. */
function codeOf({ code, isTimeUp }: ExecutionResult): ExitCode {
  if (isTimeUp) return EXIT.unknown;
  return code === EXIT.pass || code === EXIT.finding ? code : EXIT.unknown;
}
