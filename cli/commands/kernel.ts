import type { Argv, CommandModule } from 'yargs';
import { adoptBzImage } from '../../targets/kernels/build.js';
import type { SourceRequest } from '../../targets/kernels/source.js';
import { FLAVOURS, type Flavour, type Kernel, KernelStore } from '../../targets/kernels/store.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, UsageError } from '../errors.js';
import { buildWithProgress } from '../kernel_build.js';

interface BuildArgs {
  readonly package: string | undefined;
  readonly suite: string | undefined;
  readonly source: string | undefined;
  readonly bzimage: string | undefined;
  readonly flavour: string[];
  readonly installDeps: boolean;
}

const ID = 'as "kernel list" has it';

export function kernelCommand(finish: Finish, context: Context): Command<object> {
  return {
    builder: (yargs) =>
      yargs
        .command(buildCommand(finish, context))
        .command(listCommand(finish, context))
        .command(infoCommand(finish, context))
        .command(removeCommand(finish, context))
        .demandCommand(1, 'say what to do: build, list, info or remove'),
    handler: () => undefined,
  };
}

function buildCommand(finish: Finish, context: Context): CommandModule<object, BuildArgs> {
  return {
    command: 'build',
    describe: 'build a kernel, or find it in the cache',
    builder: (yargs) =>
      yargs
        .option('package', { type: 'string', describe: 'a Debian source package' })
        .option('suite', {
          type: 'string',
          describe: 'the Debian suite that has it, if it is not the system’s own',
        })
        .option('source', { type: 'string', describe: 'a kernel source tree' })
        .option('bzimage', { type: 'string', describe: 'a kernel that is built already' })
        .option('flavour', {
          choices: FLAVOURS,
          array: true,
          default: ['fast'],
          describe: 'fast has lockdep; sanitize has KASAN, KCOV and kmemleak too',
        })
        .option('install-deps', {
          type: 'boolean',
          default: false,
          describe: 'install what is missing with apt, as root',
        })
        .example('$0 kernel build --package linux-source-6.12', '')
        .example(
          '$0 kernel build --package linux-source-7.3 --suite trixie-backports --flavour fast sanitize',
          '',
        )
        .example('$0 kernel build --source ~/linux', '') as unknown as Argv<BuildArgs>,
    handler: async (args) => {
      for (const flavour of args.flavour as Flavour[])
        process.stdout.write(describe(await build(args, flavour, context)));
      finish(EXIT.pass);
    },
  };
}

async function build(args: BuildArgs, flavour: Flavour, context: Context): Promise<Kernel> {
  const given = [args.package, args.source, args.bzimage].filter((value) => value !== undefined);
  if (given.length !== 1) throw new UsageError('name one of --package, --source and --bzimage');
  if (args.bzimage !== undefined) return adoptBzImage(args.bzimage, flavour, context.cache);
  return buildWithProgress(requestOf(args), flavour, context, args.installDeps);
}

function requestOf({ package: name, suite, source }: BuildArgs): SourceRequest {
  if (name === undefined) return { directory: source ?? '' };
  return { package: name, ...(suite === undefined ? {} : { suite }) };
}

function listCommand(finish: Finish, { cache }: Context): CommandModule<object, { readonly json: boolean }> {
  return {
    command: 'list',
    describe: 'the kernels in the cache',
    builder: (yargs) => yargs.option('json', { type: 'boolean', default: false, describe: 'print data' }),
    handler: async ({ json }) => {
      const kernels = await new KernelStore(cache).list();
      if (json) process.stdout.write(`${JSON.stringify(kernels, null, 2)}\n`);
      else if (kernels.length === 0)
        process.stdout.write('no kernel in the cache; "kernel build" makes one\n');
      else for (const kernel of kernels) process.stdout.write(describe(kernel));
      finish(EXIT.pass);
    },
  };
}

function infoCommand(finish: Finish, { cache }: Context): CommandModule<object, { readonly id: string }> {
  return {
    command: 'info <id>',
    describe: 'everything known of a kernel in the cache',
    builder: (yargs) => yargs.positional('id', { type: 'string', demandOption: true, describe: ID }),
    handler: async ({ id }) => {
      const kernel = await new KernelStore(cache).find(id);
      if (kernel === undefined) throw new UsageError(`there is no kernel ${id} in the cache`);
      process.stdout.write(`${JSON.stringify(kernel, null, 2)}\n`);
      finish(EXIT.pass);
    },
  };
}

function removeCommand(finish: Finish, { cache }: Context): CommandModule<object, { readonly id: string[] }> {
  return {
    command: 'remove <id..>',
    describe: 'remove kernels from the cache',
    builder: (yargs) =>
      yargs.positional('id', { type: 'string', array: true, demandOption: true, describe: ID }),
    handler: async ({ id: ids }) => {
      const store = new KernelStore(cache);
      for (const id of ids) {
        if ((await store.find(id)) === undefined)
          throw new UsageError(`there is no kernel ${id} in the cache`);
        await store.remove(id);
        process.stdout.write(`removed ${id}\n`);
      }
      finish(EXIT.pass);
    },
  };
}

function describe({ id, source, built, buildSeconds }: Kernel): string {
  const time = buildSeconds === undefined ? '' : ` in ${String(Math.round(buildSeconds / 60))} min`;
  return `${id.padEnd(24)} ${source}, built ${built.slice(0, 10)}${time}\n`;
}
