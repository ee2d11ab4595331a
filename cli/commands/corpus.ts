import { join } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { mergePrograms, minimizeCorpus, featuresOnModel } from '../../fuzz/corpus/minimize.js';
import { type Trouble, readProgramsOf } from '../../fuzz/corpus/read_directory.js';
import { CorpusStore } from '../../fuzz/corpus/store.js';
import { Novelty } from '../../fuzz/feedback/novelty.js';
import { Behaviour } from '../../models/behaviour.js';
import { DEFAULT_PROFILE, PROFILES, profileById } from '../../models/profiles/index.js';
import type { Program } from '../../models/program/program.js';
import { exists } from '../../targets/files.js';
import type { Command, Finish } from '../command.js';
import { EXIT } from '../errors.js';

interface CorpusArgs {
  readonly profile: string;
  readonly json: boolean;
}

interface DirectoryArgs extends CorpusArgs {
  readonly dir: string;
}

interface MergeArgs extends CorpusArgs {
  readonly into: string;
  readonly from: string[];
}

export function corpusCommand(finish: Finish): Command<object> {
  return {
    builder: (yargs) =>
      yargs
        .command(showCommand(finish))
        .command(minimizeCommand(finish))
        .command(mergeCommand(finish))
        .demandCommand(1, 'say what to do: show, minimize or merge'),
    handler: () => undefined,
  };
}

function showCommand(finish: Finish): CommandModule<object, DirectoryArgs> {
  return {
    command: 'show <dir>',
    describe: 'count programs, and what they show on the model; changes nothing',
    builder: (yargs) =>
      addOptions(yargs)
        .positional('dir', { type: 'string', demandOption: true, describe: DIRECTORY })
        .example('$0 corpus show runs/fuzz-1', ''),
    handler: async (args) => {
      await show(args);
      finish(EXIT.pass);
    },
  };
}

function minimizeCommand(finish: Finish): CommandModule<object, DirectoryArgs> {
  return {
    command: 'minimize <dir>',
    describe: 'remove programs that show nothing which shorter ones do not show',
    builder: (yargs) =>
      addOptions(yargs)
        .positional('dir', { type: 'string', demandOption: true, describe: DIRECTORY })
        .example('$0 corpus minimize runs/fuzz-1', ''),
    handler: async (args) => {
      await minimize(args);
      finish(EXIT.pass);
    },
  };
}

function mergeCommand(finish: Finish): CommandModule<object, MergeArgs> {
  return {
    command: 'merge <into> <from..>',
    describe: 'add the programs of other directories that show something new',
    builder: (yargs) =>
      addOptions(yargs)
        .positional('into', { type: 'string', demandOption: true, describe: 'made if need be' })
        .positional('from', { type: 'string', array: true, demandOption: true, describe: DIRECTORY })
        .example('$0 corpus merge all runs/fuzz-1 runs/fuzz-2', 'one corpus of two campaigns'),
    handler: async (args) => {
      await merge(args);
      finish(EXIT.pass);
    },
  };
}

const DIRECTORY = 'a directory of programs, or that of a campaign';

function addOptions<T>(yargs: Argv<T>): Argv<T & CorpusArgs> {
  return yargs
    .option('profile', {
      type: 'string',
      choices: PROFILES.map(({ id }) => id),
      default: DEFAULT_PROFILE.id,
      describe: 'the kernel version whose behaviour tells what programs show',
    })
    .option('json', { type: 'boolean', default: false, describe: 'print data' });
}

async function show({ dir, profile, json }: DirectoryArgs): Promise<void> {
  const directory = await corpusOf(dir);
  const behaviour = behaviourOf(profile);
  const troubles: Trouble[] = [];
  const novelty = new Novelty();
  let [programs, steps] = [0, 0];
  for await (const program of readProgramsOf(directory, (trouble) => troubles.push(trouble))) {
    programs += 1;
    steps += program.steps.length;
    novelty.add(featuresOnModel(program, behaviour));
  }
  const data = { schema: 1, directory, programs, steps, coverage: novelty.size, rules: novelty.places };
  const text = `${directory}: ${String(programs)} programs of ${String(steps)} steps, which show ${String(novelty.size)} features, ${String(novelty.places)} of them rules that decided`;
  print(json, { ...data, troubles }, text, troubles);
}

async function minimize({ dir, profile, json }: DirectoryArgs): Promise<void> {
  const store = await CorpusStore.openExisting(await corpusOf(dir));
  const { before, after, coverage } = await minimizeCorpus(store, behaviourOf(profile));
  const text = `${store.directory}: ${String(after)} of ${String(before)} programs show the same ${String(coverage)} features`;
  print(json, { schema: 1, before, after, coverage, troubles: store.troubles }, text, store.troubles);
}

async function merge({ into, from, profile, json }: MergeArgs): Promise<void> {
  const sources = await Promise.all(from.map(corpusOf));
  const store = await CorpusStore.open(await corpusOf(into));
  const troubles: Trouble[] = [];
  const { added, known } = await mergePrograms(store, programsOf(sources, troubles), behaviourOf(profile));
  const all = [...store.troubles, ...troubles];
  const text = `${store.directory}: ${String(added)} programs added, ${String(known)} show nothing new; it has ${String(store.size)} now`;
  print(json, { schema: 1, added, known, programs: store.size, troubles: all }, text, all);
}

async function* programsOf(directories: readonly string[], troubles: Trouble[]): AsyncGenerator<Program> {
  for (const directory of directories) yield* readProgramsOf(directory, (trouble) => troubles.push(trouble));
}

/** A directory of programs, or that of a campaign. */
async function corpusOf(directory: string): Promise<string> {
  const isCampaign = await exists(join(directory, 'campaign.json'));
  return isCampaign ? join(directory, 'corpus') : directory;
}

function behaviourOf(profile: string): Behaviour {
  return new Behaviour(profileById(profile) ?? DEFAULT_PROFILE);
}

function print(json: boolean, data: unknown, text: string, troubles: readonly Trouble[]): void {
  const lines = troubles.map(({ file, what }) => `${file}: ${what}\n`);
  process.stdout.write(json ? `${JSON.stringify(data, null, 2)}\n` : `${text}\n${lines.join('')}`);
}
