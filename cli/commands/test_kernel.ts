import type { SourceRequest } from '../../targets/kernels/source.js';
import type { Kernel } from '../../targets/kernels/store.js';
import type { AcceleratorChoice } from '../../targets/qemu/accelerator.js';
import type { Command, Finish } from '../command.js';
import { type RandomRequest, checkKernel } from '../check_kernel.js';
import { checkSelftests } from '../check_selftests.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, worst } from '../errors.js';
import { buildWithProgress, provide } from '../kernel_build.js';
import { requireRandom } from '../whole_numbers.js';

interface TestKernelArgs extends RandomRequest {
  readonly selftests: boolean;
  readonly 'record-anew': boolean;
}

/** The kernels whose profiles the model has. */
const KERNELS: readonly SourceRequest[] = [
  { package: 'linux-source-7.3', suite: 'trixie-backports' },
  { package: 'linux-source-6.12' },
];

export function testKernelCommand(finish: Finish, context: Context): Command<TestKernelArgs> {
  return {
    builder: (yargs) =>
      yargs
        .option('programs', { type: 'number', default: 20_000, describe: 'random programs for each kernel' })
        .option('steps', {
          type: 'number',
          default: 20,
          describe: 'the most that a random program has, before what the invariants ask at its end',
        })
        .option('seed', { type: 'number', default: 1, describe: 'the same seed gives the same programs' })
        .option('accel', { choices: ['auto', 'kvm', 'tcg'], default: 'auto', describe: 'as for run' })
        .option('out', {
          type: 'string',
          default: 'runs/mismatches',
          describe: 'directory for programs that found a mismatch',
        })
        .option('selftests', {
          type: 'boolean',
          default: false,
          describe: "also record the kernel's own selftests and check what they saw",
        })
        .option('record-anew', {
          type: 'boolean',
          default: false,
          describe: 'run the selftests even if the cache has a recording of the same on the same kernel',
        })
        .example('$0 test-kernel --selftests', 'what "npm run test:kernel" does'),
    handler: async (args) => {
      finish(await testKernels(args, context));
    },
  };
}

async function testKernels(args: TestKernelArgs, context: Context): Promise<ExitCode> {
  requireRandom(args);
  await provide(() => true, context, true);
  const kernels: Kernel[] = [];
  for (const source of KERNELS) kernels.push(await buildWithProgress(source, 'fast', context, true));
  const ends = await Promise.allSettled(kernels.map((kernel) => testKernel(kernel, args, context)));
  const codes = ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
  return worst(...codes, ...(context.interrupted.aborted ? [EXIT.unknown] : []));
}

/** Kernels are tested side by side; what is said of one is printed in one piece. */
async function testKernel(kernel: Kernel, args: TestKernelArgs, context: Context): Promise<ExitCode> {
  const texts = [`\n=== ${kernel.id} (${kernel.source})\n`];
  const print = (text: string): void => {
    texts.push(text);
  };
  try {
    const code = await checkKernel(kernel, args, context, print);
    if (!args.selftests || context.interrupted.aborted) return code;
    const how = { accelerator: args.accel as AcceleratorChoice, isAnew: args['record-anew'] };
    return worst(code, await checkSelftests(kernel, how, context, print));
  } finally {
    process.stdout.write(texts.join(''));
  }
}
