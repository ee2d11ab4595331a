import { writeFile } from 'node:fs/promises';
import { type Hunted, huntMutants } from '../../fuzz/campaign/hunt.js';
import { Behaviour } from '../../models/behaviour.js';
import { type Mutant, mutantName } from '../../models/mutants.js';
import { DEFAULT_PROFILE, profileById } from '../../models/profiles/index.js';
import { EQUIVALENT_MUTANTS } from '../../suites/harness/equivalent_mutants.js';
import { whyMissed } from '../../suites/harness/missed_mutants.js';
import { allMutants } from '../../suites/harness/mutation.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, UsageError } from '../errors.js';
import { type MutantsMeasured, mutantsPage } from '../mutants_page.js';
import { showProgress } from '../progress.js';
import { requireWhole } from '../whole_numbers.js';

interface MutantsArgs {
  readonly name: string[];
  readonly programs: number;
  readonly seed: number;
  readonly steps: number;
  readonly profile: string | undefined;
  readonly json: boolean;
  readonly write: string | undefined;
}

/** The share of mutants that a campaign has to find. */
const SHARE_LEAST = 0.95;

export function mutantsCommand(finish: Finish, context: Context): Command<MutantsArgs> {
  return {
    builder: (yargs) =>
      yargs
        .positional('name', {
          type: 'string',
          array: true,
          default: [],
          describe: 'mutants by their names or parts of them; all that scenarios kill without any',
        })
        .option('programs', { type: 'number', default: 20_000, describe: 'programs of the campaign' })
        .option('seed', { type: 'number', default: 1, describe: 'seed of the campaign' })
        .option('steps', { type: 'number', default: 20, describe: 'as of fuzz' })
        .option('profile', { type: 'string', describe: 'whose rules are altered' })
        .option('json', { type: 'boolean', default: false, describe: 'print data' })
        .option('write', { type: 'string', describe: 'a file for the page of what was measured' })
        .example('$0 mutants', 'all of them, a few minutes')
        .example('$0 mutants IOMMU_IOAS_UNMAP --seed 7', 'those of one call, with another seed')
        .example('$0 mutants --write docs/mutants.md', 'the page of the documentation'),
    handler: async (args) => {
      finish(await hunt(args, context));
    },
  };
}

async function hunt(args: MutantsArgs, context: Context): Promise<ExitCode> {
  const { programs, seed, steps, json, write } = args;
  requireWhole({ programs, steps }, 1);
  requireWhole({ seed });
  const profile = args.profile === undefined ? DEFAULT_PROFILE : profileById(args.profile);
  if (profile === undefined) throw new UsageError(`there is no profile ${args.profile ?? ''}`);
  const mutants = mutantsNamed(args.name, allMutants(profile));
  const progress = showProgress('mutants', context);
  const start = performance.now();
  const hunted = await huntMutants(
    new Behaviour(profile),
    mutants,
    { seed, programs, stepsMax: steps },
    (done, left) => {
      progress.update(done, programs, `programs, ${String(left)} of ${String(mutants.length)} not found yet`);
    },
    context.interrupted,
  );
  progress.stop();
  const seconds = (performance.now() - start) / 1000;
  const measured: MutantsMeasured = { profile: profile.id, seed, programs, seconds, hunted };
  if (write !== undefined) await writeFile(write, mutantsPage(measured));
  process.stdout.write(json ? `${JSON.stringify(dataOf(measured))}\n` : render(measured));
  return verdict(hunted, context.interrupted.aborted);
}

/** Those that no scenario kills are no measure of programs either. */
function mutantsNamed(names: readonly string[], all: readonly Mutant[]): readonly Mutant[] {
  const killed = all.filter((mutant) => !EQUIVALENT_MUTANTS.has(mutantName(mutant)));
  if (names.length === 0) return killed;
  const named = killed.filter((mutant) => names.some((name) => mutantName(mutant).includes(name)));
  if (named.length === 0) throw new UsageError(`no mutant is called like ${names.join(' or ')}`);
  return named;
}

function dataOf({ hunted, ...rest }: MutantsMeasured): object {
  const mutants = hunted.map(({ name, met, found, parted }) => ({ name, met, found, parted }));
  return { schema: 1, ...rest, mutants };
}

function render({ hunted, programs, seconds }: MutantsMeasured): string {
  const found = hunted.filter((one) => one.found !== undefined);
  const missed = hunted.filter((one) => one.found === undefined);
  const lines = [
    ...(hunted.length > NAMED_MAX ? [] : found.map(({ name, found: at }) => `${String(at)}  ${name}`)),
    ...missed.map(({ name }) => `missed  ${name}${reasonOf(name)}`),
    `${String(found.length)} of ${String(hunted.length)} found within ${programs.toLocaleString('en')} programs, ${seconds.toFixed(0)} s`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Found ones are listed if they are no more. */
const NAMED_MAX = 60;

function reasonOf(name: string): string {
  const reason = whyMissed(name);
  return reason === undefined ? '' : `: ${reason}`;
}

function verdict(hunted: readonly Hunted[], wasInterrupted: boolean): ExitCode {
  const found = hunted.filter((one) => one.found !== undefined).length;
  if (found >= hunted.length * SHARE_LEAST) return EXIT.pass;
  return wasInterrupted ? EXIT.unknown : EXIT.finding;
}
