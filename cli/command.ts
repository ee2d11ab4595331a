import type { ArgumentsCamelCase, Argv } from 'yargs';
import type { Context } from './context.js';

/** Says how a command ended: an exit code. */
export type Finish = (code: number) => void;

/** The options of a command, and what it does. */
export interface Command<T> {
  readonly builder: (yargs: Argv) => Argv<T>;
  readonly handler: (args: ArgumentsCamelCase<T>) => void | Promise<void>;
}

/** Makes a command; its name, and what help says of it, stand in cli/commands/index.ts. */
export type MakeCommand<T> = (finish: Finish, context: Context) => Command<T>;

/** Makes a command known to a parser, without its code. */
export type AddCommand = (yargs: Argv, finish: Finish, context: Context) => Argv;

/**
 * A command whose code is loaded when it is called for: that of all takes longer than what most of them do.
 *
 * @param usage its name and positional arguments, as yargs writes them
 */
export function command<T>(usage: string, describe: string, load: () => Promise<MakeCommand<T>>): AddCommand {
  return (yargs, finish, context) => {
    let making: Promise<Command<T>> | undefined;
    const made = (): Promise<Command<T>> => (making ??= load().then((make) => make(finish, context)));
    return yargs.command<T>(
      usage,
      describe,
      async (parser) => (await made()).builder(parser),
      async (args) => (await made()).handler(args),
    );
  };
}
