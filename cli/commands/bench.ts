import { readdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import { measureAgent, measureDifferential, measureModel } from '../../fuzz/bench.js';
import { readProgramFile } from '../../fuzz/corpus/program_file.js';
import { Behaviour } from '../../models/behaviour.js';
import type { Profile } from '../../models/profiles/index.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import { environmentOf } from '../../suites/harness/environment.js';
import { KernelStore } from '../../targets/kernels/store.js';
import { QemuTarget } from '../../targets/qemu/index.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode } from '../errors.js';
import { type TargetArgs, addTargetOptions, chooseTarget } from '../target_options.js';

interface BenchArgs extends Omit<TargetArgs, 'target'> {
  readonly target: string | undefined;
  readonly json: boolean;
  readonly rounds: number;
  readonly seconds: number;
}

/** What is measured, in ioctls per second unless the name says otherwise. */
type Figures = Record<string, number>;

/** What a figure must reach. Source: docs/performance.md. */
const BARS: Readonly<Record<string, { readonly least?: number; readonly most?: number }>> = {
  model_per_agent: { least: 5 },
  differential_per_agent: { least: 0.85 },
  'boot.first_result_s': { most: 8 },
};

export function benchCommand(
  context: Context,
  finish: (code: ExitCode) => void,
): CommandModule<object, BenchArgs> {
  return {
    command: 'bench',
    describe: 'measure model, agent and differential loop in one run, as ratios',
    builder: (yargs) =>
      addTargetOptions(yargs)
        .default('target', undefined, 'qemu if there is a kernel in the cache')
        .option('json', { type: 'boolean', default: false, describe: 'print data' })
        .option('rounds', {
          type: 'number',
          default: 5,
          describe: 'how often each figure is taken; the median counts',
        })
        .option('seconds', { type: 'number', default: 2, describe: 'how long each of them takes' })
        .example('$0 bench', 'model, agent and loop on the newest cached kernel')
        .example('$0 bench --target sim', 'the model alone'),
    handler: async (args) => {
      const { figures, description, accel } = await measure(args, context);
      const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${String(cpus().length)} cores, node ${process.version}`;
      const data = {
        schema: 1,
        machine,
        description,
        accel,
        rounds: args.rounds,
        seconds: args.seconds,
        figures,
      };
      process.stdout.write(
        args.json ? `${JSON.stringify(data, null, 2)}\n` : render(description, machine, figures),
      );
      finish(EXIT.pass);
    },
  };
}

interface Measured {
  readonly figures: Figures;
  readonly description: string;
  readonly accel: string;
}

async function measure(args: BenchArgs, context: Context): Promise<Measured> {
  const programs = await benchPrograms(context);
  const { target, profile } = await chooseTarget({ ...args, target: await targetOf(args, context) }, context);
  if (!(target instanceof QemuTarget)) {
    const session = await target.start();
    const environment = await environmentOf(session, profile);
    const behaviour = new Behaviour(environment.profile);
    const figures = {
      'model.calls_per_s': median(repeat(args.rounds, () => measureModel(programs, behaviour, args.seconds))),
    };
    return { figures, description: environment.description, accel: 'none' };
  }
  return measureGuest(target, profile, programs, args);
}

/** Without a kernel, there is only the model to measure. */
async function targetOf({ target, kernel }: BenchArgs, { cache }: Context): Promise<string> {
  if (target !== undefined) return target;
  if (kernel !== undefined || (await new KernelStore(cache).list()).length > 0) return 'qemu';
  process.stderr.write('no kernel in the cache: only the model is measured\n');
  return 'sim';
}

async function measureGuest(
  target: QemuTarget,
  profile: Profile | undefined,
  programs: readonly AssembledProgram[],
  args: BenchArgs,
): Promise<Measured> {
  const start = performance.now();
  const session = await target.start();
  try {
    await session.run(programs.slice(0, 1));
    const firstResultSeconds = (performance.now() - start) / 1000;
    const environment = await environmentOf(session, profile);
    const behaviour = new Behaviour(environment.profile);
    const taken: Record<'model' | 'agent' | 'differential', number[]> = {
      model: [],
      agent: [],
      differential: [],
    };
    // In turn, so that a machine that is busy for a while is busy for all of them.
    for (let round = 0; round < args.rounds; round++) {
      taken.model.push(measureModel(programs, behaviour, args.seconds));
      taken.agent.push(await measureAgent(session, programs, args.seconds));
      taken.differential.push(await measureDifferential(session, programs, behaviour, args.seconds));
    }
    const ratio = (of: readonly number[]) => median(of.map((value, at) => value / (taken.agent[at] ?? NaN)));
    const figures = {
      'model.calls_per_s': median(taken.model),
      'agent.calls_per_s': median(taken.agent),
      'differential.calls_per_s': median(taken.differential),
      model_per_agent: ratio(taken.model),
      differential_per_agent: ratio(taken.differential),
      'boot.first_result_s': firstResultSeconds,
    };
    return {
      figures,
      description: environment.description,
      accel: session.info.accelerator ?? 'none',
    };
  } finally {
    await session.stop();
  }
}

async function benchPrograms({ corpus }: Context): Promise<AssembledProgram[]> {
  const directory = join(corpus, 'bench');
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
  const programs = await Promise.all(names.map((name) => readProgramFile(join(directory, name))));
  return programs.map(assemble);
}

function repeat(times: number, take: () => number): number[] {
  return Array.from({ length: times }, take);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, two) => one - two);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function render(description: string, machine: string, figures: Figures): string {
  const lines = Object.entries(figures).map(([name, value]) => {
    const text = value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
    return `  ${name.padEnd(28)} ${text.padStart(12)}  ${judge(name, value)}`;
  });
  return `${description}\n${machine}\n\n${lines.join('\n')}\n`;
}

function judge(name: string, value: number): string {
  const { least, most } = BARS[name] ?? {};
  if (least !== undefined) return `${value >= least ? 'good' : 'BELOW'}: at least ${String(least)}`;
  if (most !== undefined) return `${value <= most ? 'good' : 'ABOVE'}: at most ${String(most)}`;
  return '';
}
