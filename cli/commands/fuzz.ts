import { join } from 'node:path';
import type { Argv } from 'yargs';
import { Campaign } from '../../fuzz/campaign/campaign.js';
import { CAMPAIGN_SCHEMA, type CampaignConfig } from '../../fuzz/campaign/config.js';
import { type Trouble, readProgramsOf } from '../../fuzz/corpus/read_directory.js';
import { loadRuntime } from '../../fuzz/export_c/export.js';
import { tellOf } from '../../fuzz/findings/reproducers.js';
import { Behaviour } from '../../models/behaviour.js';
import type { Program } from '../../models/program/program.js';
import { DEFAULT_PROFILE, PROFILES, profileById } from '../../models/profiles/index.js';
import type { Design } from '../../models/designs/framework/design.js';
import { exists } from '../../targets/files.js';
import { FLAVOURS } from '../../targets/kernels/store.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, UsageError, worst } from '../errors.js';
import { designOfTarget } from '../designs/run_rows.js';
import { ordersOfWorkers } from '../fuzz/campaign_orders.js';
import { fuzzDesign, renderDesignResult } from '../fuzz/design.js';
import { runCrew } from '../fuzz/crew.js';
import { Display, type Goal } from '../fuzz/display.js';
import { parseDuration } from '../fuzz/duration.js';
import { focusOfCampaign } from '../fuzz/focus.js';
import { HttpServer, parseHttpAddress } from '../fuzz/http_server.js';
import type { FocusFiles } from '../patch/focus_files.js';
import { exitCodeOfCampaign, renderResult, resultOf } from '../fuzz/result.js';
import { mutantByName } from '../mutant_option.js';
import { findKernel } from '../target_options.js';
import { requireWhole } from '../whole_numbers.js';

interface FuzzArgs extends FocusFiles {
  readonly target: string | undefined;
  readonly kernel: string | undefined;
  readonly flavour: string | undefined;
  readonly profile: string | undefined;
  readonly accel: string | undefined;
  readonly append: string | undefined;
  readonly mutant: string | undefined;
  readonly seed: number | undefined;
  readonly steps: number | undefined;
  readonly workers: number | undefined;
  readonly focus: string[] | undefined;
  readonly metrics: string | undefined;
  readonly share: string | undefined;
  readonly corpus: string[] | undefined;
  readonly programs: number | undefined;
  readonly time: string | undefined;
  readonly out: string | undefined;
  readonly resume: string | undefined;
  readonly json: boolean;
}

/** How long a campaign lasts if nothing is said. */
const TIME_DEFAULT = '10m';

/** Programs within which a planted difference is to be found, if nothing is said. */
const MUTANT_PROGRAMS = 20_000;

const STEPS_DEFAULT = 20;

/** Programs on a design, if nothing is said. */
const DESIGN_PROGRAMS = 20_000;

/** Workers that one process may have: each kernel worker has a machine of its own. */
const WORKERS_MAX = 256;

/** What only a campaign that begins can be told. */
const OF_NEW = [
  ...['target', 'kernel', 'flavour', 'profile', 'accel', 'append', 'mutant'],
  ...['seed', 'steps', 'workers', 'focus', 'focusDiff', 'coverage', 'corpus', 'out'],
] as const;

export function fuzzCommand(finish: Finish, context: Context): Command<FuzzArgs> {
  return {
    builder: (yargs) => addOptions(yargs) as Argv<FuzzArgs>,
    handler: async (args) => {
      finish(await fuzz(args, context));
    },
  };
}

function addOptions(yargs: Argv): Argv {
  return yargs
    .option('target', {
      type: 'string',
      describe: 'sim, the embedded model; qemu, Linux in virtual machines; design:NAME',
    })
    .option('kernel', { type: 'string', describe: 'as for run; implies --target qemu' })
    .option('flavour', { choices: FLAVOURS, describe: 'as for run' })
    .option('profile', {
      type: 'string',
      choices: PROFILES.map(({ id }) => id),
      describe: 'the kernel version whose behaviour is expected; default: that of the target',
    })
    .option('accel', { choices: ['auto', 'kvm', 'tcg'], describe: 'as for run' })
    .option('append', { type: 'string', describe: 'more of the kernel command line' })
    .option('mutant', {
      type: 'string',
      describe: 'the target is the model with this difference planted; ends when it is found',
    })
    .option('seed', { type: 'number', describe: 'the same seed gives the same programs; default 1' })
    .option('steps', {
      type: 'number',
      describe: `the most that a fresh program has, before what the invariants ask at its end; default ${String(STEPS_DEFAULT)}`,
    })
    .option('workers', { type: 'number', describe: 'streams of programs side by side; default 1' })
    .option('focus', { type: 'string', array: true, describe: 'calls that programs should be about' })
    .option('focus-diff', {
      type: 'string',
      describe: 'a diff of the kernel: programs should be about calls that come to the functions it changes',
    })
    .option('coverage', {
      type: 'string',
      describe: 'what "coverage --json" wrote: tells of functions that no call cites, for --focus-diff',
    })
    .option('corpus', {
      type: 'string',
      array: true,
      describe: 'directories of programs that the corpus begins with',
    })
    .option('programs', {
      type: 'number',
      describe: 'programs of all workers, those before a resumption included',
    })
    .option('time', {
      type: 'string',
      describe: `how long this run may take, for example 90s, 10m, 8h; default ${TIME_DEFAULT}`,
    })
    .option('out', { type: 'string', describe: 'directory of the campaign; default runs/fuzz-N' })
    .option('resume', { type: 'string', describe: 'go on with the campaign of this directory' })
    .option('metrics', {
      type: 'string',
      describe:
        'serve the report as it stands, and figures for Prometheus, at this PORT or HOST:PORT; of this machine alone without HOST',
    })
    .option('share', {
      type: 'string',
      describe: 'a directory of campaigns, of other machines too: what is new in their corpora runs here',
    })
    .option('json', { type: 'boolean', default: false, describe: 'the last line is data' })
    .example('$0 fuzz --kernel 7.3.4-fast --time 8h --workers 2', 'overnight, with two virtual machines')
    .example('$0 fuzz --kernel 7.3.4-sanitize --focus-diff my.patch', 'what a change of the kernel comes to')
    .example('$0 fuzz --resume runs/fuzz-1 --time 8h', 'the next night')
    .example(
      '$0 fuzz --share /net/iommufd --out /net/iommufd/host-1 --seed 1',
      'on each machine another seed',
    )
    .example('$0 fuzz --mutant IOMMU_DESTROY/EBUSY.users:drop', 'does the fuzzer find a planted difference?');
}

async function fuzz(args: FuzzArgs, context: Context): Promise<ExitCode> {
  checkNumbers(args);
  const design = args.target === undefined ? undefined : designOfTarget(args.target);
  if (design !== undefined) return huntDesign(design, args, context);
  if (args.target !== undefined && args.target !== 'sim' && args.target !== 'qemu') {
    throw new UsageError(`there is no target ${args.target} here; there are sim, qemu and design:NAME`);
  }
  const seconds = args.time === undefined ? undefined : parseDuration(args.time, '--time');
  if (args.share !== undefined && !(await exists(join(args.share, '.'))))
    throw new UsageError(`--share: there is no directory ${args.share}`);
  const server =
    args.metrics === undefined ? undefined : await HttpServer.listen(parseHttpAddress(args.metrics));
  try {
    return await search(args, seconds, server, context);
  } finally {
    await server?.stop();
  }
}

/** Begins a campaign or goes on with one. */
async function search(
  args: FuzzArgs,
  seconds: number | undefined,
  server: HttpServer | undefined,
  context: Context,
): Promise<ExitCode> {
  const { campaign, troubles } =
    args.resume === undefined ? await begin(args, context) : await goOn(args, args.resume);
  campaign.reproduce = await reproducers(context);
  for (const trouble of troubles) process.stderr.write(`iommufd-cts: ${trouble}\n`);
  const goal = goalOf(args, seconds, campaign.config);
  const { seed, workers, kernel, target } = campaign.config;
  process.stderr.write(
    `fuzz: seed ${String(seed)}, ${String(workers)} ${workers === 1 ? 'worker' : 'workers'} on ${kernel ?? target}, in ${campaign.directory}\n`,
  );
  if (server !== undefined) {
    server.show(campaign, `iommufd-cts ${context.version}`);
    process.stderr.write(
      `fuzz: report at ${server.url('report')}\nfuzz: figures at ${server.url('figures')}\n`,
    );
  }
  const ending = new Ending(goal, context.interrupted);
  const display = new Display(campaign, goal, context);
  try {
    const ordersOf = await ordersOfWorkers(campaign, goal, args.share, context);
    await runCrew(
      workers,
      ordersOf,
      async (worker, event) => {
        const isNew = event.kind === 'sighting' && campaign.directoryOf(event.sighting.title) === undefined;
        await campaign.take(worker, event);
        if (isNew && campaign.config.mutant !== undefined) ending.end();
      },
      ending.signal,
    );
  } finally {
    ending.release();
    display.stop();
    await campaign.close();
  }
  process.stdout.write(renderResult(campaign));
  if (args.json) process.stdout.write(`${JSON.stringify(resultOf(campaign))}\n`);
  return exitCodeOfCampaign(campaign, context.interrupted.aborted);
}

/** Files by which others hear of a finding and see it. */
async function reproducers({ reproducerRuntime }: Context): Promise<NonNullable<Campaign['reproduce']>> {
  const runtime = await loadRuntime(reproducerRuntime);
  return (finding, program, console) => {
    const behaviour = new Behaviour(profileById(finding.profile) ?? DEFAULT_PROFILE);
    return tellOf(finding, program, console, behaviour, runtime);
  };
}

/** What designs have no use for. */
const NOT_OF_DESIGNS = [
  ...['kernel', 'flavour', 'profile', 'accel', 'append', 'mutant'],
  ...['steps', 'workers', 'focus', 'focusDiff', 'coverage', 'corpus', 'resume'],
  ...['metrics', 'share'],
] as const;

async function huntDesign(design: Design, args: FuzzArgs, context: Context): Promise<ExitCode> {
  for (const name of NOT_OF_DESIGNS) {
    if (args[name] !== undefined) throw new UsageError(`--${optionOf(name)} is not for designs`);
  }
  const seconds = args.time === undefined ? undefined : parseDuration(args.time, '--time');
  const programs = args.programs ?? (seconds === undefined ? DESIGN_PROGRAMS : undefined);
  const directory = args.out ?? (await freeDirectory());
  const result = await fuzzDesign(
    design,
    args.seed ?? 1,
    { programs, seconds },
    directory,
    context.interrupted,
  );
  process.stdout.write(renderDesignResult(design, result));
  if (args.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  return worst(
    result.findings.length > 0 ? EXIT.finding : EXIT.pass,
    context.interrupted.aborted ? EXIT.unknown : EXIT.pass,
  );
}

/** When a run is over: in time, when somebody asks for it, or when there is nothing left to look for. */
class Ending {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #end = (): void => {
    this.end();
  };

  constructor(
    { seconds }: Goal,
    private readonly interrupted: AbortSignal,
  ) {
    // setTimeout takes no more than 2^31 - 1 ms.
    if (seconds !== undefined) this.#timer = setTimeout(this.#end, Math.min(seconds * 1000, 0x7fff_ffff));
    interrupted.addEventListener('abort', this.#end);
    if (interrupted.aborted) this.end();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#controller.abort();
  }

  release(): void {
    clearTimeout(this.#timer);
    this.interrupted.removeEventListener('abort', this.#end);
  }
}

interface Begun {
  readonly campaign: Campaign;
  readonly troubles: readonly string[];
}

async function begin(args: FuzzArgs, context: Context): Promise<Begun> {
  const config = await configOf(args, context);
  const directory = args.out ?? (await freeDirectory());
  const troubles: string[] = [];
  const seeds = programsOf(args.corpus ?? [], ({ file, what }) => troubles.push(`${file}: ${what}`));
  return { campaign: await Campaign.create(directory, config, seeds), troubles };
}

async function goOn(args: FuzzArgs, directory: string): Promise<Begun> {
  for (const name of OF_NEW) {
    if (args[name] !== undefined) {
      throw new UsageError(
        `--${optionOf(name)} is as the campaign in ${directory} began: leave it out with --resume`,
      );
    }
  }
  return { campaign: await Campaign.resume(directory), troubles: [] };
}

/** As the user writes it. */
function optionOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

async function configOf(args: FuzzArgs, context: Context): Promise<CampaignConfig> {
  const { mutant, kernel, profile, flavour, accel, append } = args;
  const about = await focusOfCampaign(args, (why) => process.stderr.write(`fuzz: ${why}\n`));
  const isKernel = args.target === 'qemu' || (args.target === undefined && kernel !== undefined);
  if (mutant !== undefined && isKernel)
    throw new UsageError('--mutant is of the model, which is --target sim');
  if (args.target === 'sim' && kernel !== undefined)
    throw new UsageError('--kernel names a kernel, and --target sim is the embedded model');
  if (mutant !== undefined) mutantByName(mutant, profileById(profile ?? '') ?? DEFAULT_PROFILE);
  const found = isKernel ? await findKernel({ kernel, flavour: flavour ?? 'fast' }, context) : undefined;
  return {
    schema: CAMPAIGN_SCHEMA,
    seed: args.seed ?? 1,
    workers: args.workers ?? 1,
    steps: args.steps ?? STEPS_DEFAULT,
    ...about,
    target: isKernel ? 'qemu' : 'sim',
    ...(found === undefined ? {} : { kernel: found.name, flavour: found.flavour, accel: accel ?? 'auto' }),
    ...(append === undefined ? {} : { append }),
    ...(profile === undefined ? {} : { profile }),
    ...(mutant === undefined ? {} : { mutant }),
  };
}

function checkNumbers({ seed, steps, workers, programs }: FuzzArgs): void {
  requireWhole({ seed });
  requireWhole({ steps, workers, programs }, 1);
  if (workers !== undefined && workers > WORKERS_MAX)
    throw new UsageError(`--workers takes at most ${String(WORKERS_MAX)}`);
}

function goalOf({ programs }: FuzzArgs, seconds: number | undefined, { mutant }: CampaignConfig): Goal {
  if (programs === undefined && mutant !== undefined) return { programs: MUTANT_PROGRAMS, seconds };
  const isEndless = programs === undefined && seconds === undefined;
  return { programs, seconds: isEndless ? parseDuration(TIME_DEFAULT, '--time') : seconds };
}

/** The first name that nothing has. */
async function freeDirectory(): Promise<string> {
  for (let number = 1; ; number++) {
    const directory = join('runs', `fuzz-${String(number)}`);
    if (!(await exists(directory))) return directory;
  }
}

async function* programsOf(
  directories: readonly string[],
  onTrouble: (trouble: Trouble) => void,
): AsyncGenerator<Program> {
  for (const directory of directories) yield* readProgramsOf(directory, onTrouble);
}
