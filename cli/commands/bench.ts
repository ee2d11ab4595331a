import { readdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { type BareRunner, measureAgent, measureDifferential, measureModel } from '../../fuzz/bench.js';
import { CampaignBench, LoopBench } from '../../fuzz/bench_campaign.js';
import { callsToSweep, measureSweep } from '../../fuzz/bench_sweep.js';
import { readProgramFile } from '../../fuzz/corpus/program_file.js';
import { Behaviour } from '../../models/behaviour.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import type { Program } from '../../models/program/program.js';
import { environmentOf } from '../../suites/harness/environment.js';
import { KernelStore } from '../../targets/kernels/store.js';
import type { Session } from '../../targets/target.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { measureAgainst, renderHeld } from '../bench/against.js';
import { type Figures, Taken, figuresOf } from '../bench/figures.js';
import { EXIT, type ExitCode, UsageError } from '../errors.js';
import { requireWhole } from '../whole_numbers.js';
import { type TargetArgs, addTargetOptions, chooseTarget } from '../target_options.js';

interface BenchArgs extends Omit<TargetArgs, 'target'> {
  readonly target: string | undefined;
  readonly json: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly corpus: number;
  readonly against: string | undefined;
  readonly least: number | undefined;
}

/** What a figure must reach. Source: docs/performance.md. */
const BARS: Readonly<Record<string, { readonly least?: number; readonly most?: number }>> = {
  model_per_agent: { least: 5 },
  differential_per_agent: { least: 0.85 },
  'campaign.cost_of_corpus': { most: 1.2 },
  'boot.first_result_s': { most: 8 },
};

export function benchCommand(finish: Finish, context: Context): Command<BenchArgs> {
  return {
    builder: (yargs) =>
      addTargetOptions(yargs)
        .default('target', undefined, 'qemu if there is a kernel in the cache')
        .option('json', { type: 'boolean', default: false, describe: 'print data' })
        .option('rounds', {
          type: 'number',
          default: 10,
          describe: 'how often each figure is taken, in turn; the median counts',
        })
        .option('seconds', { type: 'number', default: 1, describe: 'how long each of them takes' })
        .option('corpus', {
          type: 'number',
          default: 100_000,
          describe: 'programs of the corpus whose cost is held against that of 100',
        })
        .option('against', {
          type: 'string',
          describe:
            'hold this build against another one, a checkout that has been built, in turn on this machine',
        })
        .option('least', {
          type: 'number',
          describe: 'what a rate here must be of that there at least, or the exit code is 1',
        })
        .example('$0 bench', 'model, campaign, agent and loop on the newest cached kernel')
        .example('$0 bench --target sim', 'the model and a campaign on it')
        .example('$0 bench --against ../base --least 0.9', 'whether a change has made anything slower'),
    handler: async (args) => {
      requireWhole({ rounds: args.rounds, corpus: args.corpus }, 1);
      if (!(args.seconds > 0)) throw new UsageError('--seconds takes a number above 0');
      if (args.least !== undefined && args.against === undefined)
        throw new UsageError('--least says what a rate must be of that of another build: --against names it');
      if (args.against !== undefined) {
        finish(await holdAgainst(args.against, args));
        return;
      }
      const { figures, description, accel } = await measure(args, context);
      const machine = describeMachine();
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

/** Says which rates the other build does not reach, and which it surpasses. */
async function holdAgainst(directory: string, args: BenchArgs): Promise<ExitCode> {
  const { rounds: turns, seconds, kernel, least } = args;
  const held = await measureAgainst(directory, { turns, seconds, kernel }, (done) => {
    process.stderr.write(`bench: ${String(done)} of ${String(turns)} turns\n`);
  });
  const data = { schema: 1, machine: describeMachine(), against: directory, rounds: turns, seconds, held };
  process.stdout.write(args.json ? `${JSON.stringify(data, null, 2)}\n` : renderHeld(held, directory, least));
  return least !== undefined && held.some(({ ratio }) => ratio < least) ? EXIT.finding : EXIT.pass;
}

function describeMachine(): string {
  return `${cpus()[0]?.model.trim() ?? 'unknown'}, ${String(cpus().length)} cores, node ${process.version}`;
}

interface Measured {
  readonly figures: Figures;
  readonly description: string;
  readonly accel: string;
}

async function measure(args: BenchArgs, context: Context): Promise<Measured> {
  const programs = await benchPrograms(context);
  const { target, profile } = await chooseTarget({ ...args, target: await targetOf(args, context) }, context);
  const start = performance.now();
  const session = await target.start();
  try {
    await session.run(programs.slice(0, 1));
    const firstResultSeconds = (performance.now() - start) / 1000;
    const environment = await environmentOf(session, profile);
    const behaviour = new Behaviour(environment.profile);
    const taken = new Taken();
    // In turn, so that a machine that is busy for a while is busy for all of them.
    for (let round = 0; round < args.rounds; round++) {
      taken.take('model', measureModel(programs, behaviour, args.seconds));
      if (isBareRunner(session)) await takeGuest(taken, session, programs, behaviour, args.seconds);
    }
    // Afterwards: programs of all kinds make the compiler take back what it has found out about those few.
    const campaign = await CampaignBench.start(behaviour);
    for (let round = 0; round < args.rounds; round++) {
      const { programs: looped, calls } = await campaign.measure(args.seconds);
      taken.take('campaign', calls).take('campaign_programs', looped);
      if (isBareRunner(session)) await takeSweep(taken, session, behaviour);
    }
    takeParts(taken, new LoopBench(behaviour, campaign.corpus), args.rounds);
    takeGrowth(taken, behaviour, campaign.corpus.slice(-SMALL_CORPUS), args);
    const boot = isBareRunner(session) ? { 'boot.first_result_s': firstResultSeconds } : {};
    return {
      figures: { ...figuresOf(taken), ...boot },
      description: environment.description,
      accel: session.info.accelerator ?? 'none',
    };
  } finally {
    await session.stop();
  }
}

/** Without a kernel, there is only the model to measure. */
async function targetOf({ target, kernel }: BenchArgs, { cache }: Context): Promise<string> {
  if (target !== undefined) return target;
  if (kernel !== undefined || (await new KernelStore(cache).list()).length > 0) return 'qemu';
  process.stderr.write('no kernel in the cache: only the model is measured\n');
  return 'sim';
}

function isBareRunner(session: Session | (Session & BareRunner)): session is Session & BareRunner {
  return 'bench' in session;
}

async function takeGuest(
  taken: Taken,
  session: Session & BareRunner,
  programs: readonly AssembledProgram[],
  behaviour: Behaviour,
  seconds: number,
): Promise<void> {
  taken.take('agent', await measureAgent(session, programs, seconds));
  taken.take('differential', await measureDifferential(session, programs, behaviour, seconds));
}

async function takeSweep(taken: Taken, session: Session, behaviour: Behaviour): Promise<void> {
  if (!session.info.capabilities.has('injection')) return;
  const { swept, plain } = await measureSweep(session, behaviour, callsToSweep(behaviour));
  taken.take('sweep', swept).take('unswept', plain);
}

/** Batches of programs that the parts of the loop are measured with in each round. */
const PART_BATCHES = 4;

function takeParts(taken: Taken, loop: LoopBench, rounds: number): void {
  for (let round = 0; round < rounds * PART_BATCHES; round++) {
    const parts = Object.entries<number>({ ...loop.measureParts() });
    const whole = parts.reduce((sum, [, seconds]) => sum + seconds, 0);
    for (const [part, seconds] of parts) taken.take(`share.${part}`, seconds / whole);
  }
}

/** The corpus of a campaign that has just begun. */
const SMALL_CORPUS = 100;

function takeGrowth(
  taken: Taken,
  behaviour: Behaviour,
  corpus: readonly Program[],
  { rounds, corpus: size }: BenchArgs,
): void {
  const small = new LoopBench(behaviour, corpus);
  const large = new LoopBench(behaviour, corpus, size);
  for (let round = 0; round < rounds * PART_BATCHES; round++) {
    taken.take('small_corpus', small.measureProgram()).take('large_corpus', large.measureProgram());
  }
}

async function benchPrograms({ corpus }: Context): Promise<AssembledProgram[]> {
  const directory = join(corpus, 'bench');
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
  const programs = await Promise.all(names.map((name) => readProgramFile(join(directory, name))));
  return programs.map(assemble);
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
