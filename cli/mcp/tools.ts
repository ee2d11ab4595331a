import yargs, { type Argv } from 'yargs';
import type { AddCommand } from '../command.js';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';

/** A command as an agent sees it. */
export interface Tool {
  /** Its words with hyphens between them. */
  readonly name: string;
  readonly description: string;
  /** What it takes, as JSON Schema: an object with a member for each option and positional argument. */
  readonly inputSchema: InputSchema;
  /**
   * The command line for what an agent asks for, which keeps to the schema.
   * @throws UsageError for a positional argument that would be taken for an option
   */
  argsFor(this: void, input: ToolInput): string[];
}

type Value = string | number | boolean | readonly (string | number)[];
export type ToolInput = Readonly<Record<string, Value>>;

export interface InputSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, object>>;
  readonly required: string[];
  readonly additionalProperties: false;
}

/** Starts any program that it is given: that is not for an agent who asks for a test. */
const NOT_FOR_AGENTS: ReadonlySet<string> = new Set(['record']);

/** What every parser has, and agents have no use for. */
const OF_ALL: ReadonlySet<string> = new Set(['help', 'version']);

/** What yargs knows of a parser; its types do not have it. */
interface KnownToYargs {
  getOptions(): {
    readonly key: Readonly<Record<string, unknown>>;
    /** Other names, by the one that is first. */
    readonly alias: Readonly<Record<string, readonly string[]>>;
    readonly array: readonly string[];
    readonly boolean: readonly string[];
    readonly number: readonly string[];
    readonly choices: Readonly<Record<string, readonly string[]>>;
    readonly default: Readonly<Record<string, unknown>>;
    readonly demandedOptions: Readonly<Record<string, unknown>>;
  };
  getInternalMethods(): {
    getUsageInstance(): { getDescriptions(): Readonly<Record<string, string | undefined>> };
    getCommandInstance(): { getCommandHandlers(): Readonly<Record<string, KnownCommand>> };
  };
}

interface KnownCommand {
  readonly description: string;
  readonly builder: (parser: Argv) => Argv | Promise<Argv>;
  readonly demanded: readonly KnownPositional[];
  readonly optional: readonly KnownPositional[];
}

interface KnownPositional {
  /** Its names. */
  readonly cmd: readonly string[];
  readonly variadic: boolean;
}

/** Tools of commands: what help says of them is what agents are told. */
export async function toolsOf(commands: readonly AddCommand[], context: Context): Promise<Tool[]> {
  const parser = yargs([]);
  for (const add of commands) add(parser, () => undefined, context);
  return toolsIn(parser, []);
}

/** @param path the words before the commands of the parser */
async function toolsIn(parser: Argv, path: readonly string[]): Promise<Tool[]> {
  const commands = Object.entries(
    knownTo(parser).getInternalMethods().getCommandInstance().getCommandHandlers(),
  );
  const tools = commands
    .filter(([name]) => !NOT_FOR_AGENTS.has(name))
    .map(async ([name, command]) => {
      const own = await command.builder(yargs([]));
      const parts = await toolsIn(own, [...path, name]);
      return parts.length > 0 ? parts : [toolOf([...path, name], command, own)];
    });
  return (await Promise.all(tools)).flat();
}

function knownTo(parser: Argv): KnownToYargs {
  return parser as unknown as KnownToYargs;
}

interface Positional {
  readonly name: string;
  readonly isRequired: boolean;
  readonly isList: boolean;
}

function toolOf(path: readonly string[], command: KnownCommand, parser: Argv): Tool {
  const positionals = [
    ...command.demanded.map((one) => positionalOf(one, true)),
    ...command.optional.map((one) => positionalOf(one, false)),
  ];
  const members = membersOf(parser, positionals);
  const options = Object.keys(members).filter((name) => !positionals.some((one) => one.name === name));
  const demanded = Object.keys(knownTo(parser).getOptions().demandedOptions);
  const required = [
    ...positionals.filter(({ isRequired }) => isRequired).map(({ name }) => name),
    ...demanded,
  ];
  return {
    name: path.join('-'),
    description: `${command.description}.`,
    inputSchema: {
      type: 'object',
      properties: members,
      required: [...new Set(required)],
      additionalProperties: false,
    },
    argsFor: (input) => [
      ...path,
      ...positionals.flatMap(({ name }) => positionalArgs(name, input[name])),
      ...options.flatMap((name) => optionArgs(name, input[name])),
    ],
  };
}

function positionalOf({ cmd: [name = ''], variadic }: KnownPositional, isRequired: boolean): Positional {
  return { name, isRequired, isList: variadic };
}

/** The schema of each option and positional argument, by name. */
function membersOf(parser: Argv, positionals: readonly Positional[]): Record<string, object> {
  const { key, alias, array, boolean, number, choices, default: defaults } = knownTo(parser).getOptions();
  const descriptions = knownTo(parser).getInternalMethods().getUsageInstance().getDescriptions();
  const others = new Set(Object.values(alias).flat());
  // Of a positional argument, yargs keeps until it parses to itself that it is a list.
  const lists = new Set([...array, ...positionals.filter(({ isList }) => isList).map(({ name }) => name)]);
  const names = Object.keys(key).filter((name) => !OF_ALL.has(name) && !others.has(name));
  return Object.fromEntries(
    names.map((name) => {
      const type = boolean.includes(name) ? 'boolean' : number.includes(name) ? 'number' : 'string';
      const one = { type, ...(choices[name] === undefined ? {} : { enum: choices[name] }) };
      const schema = {
        ...(lists.has(name) ? { type: 'array', items: one } : one),
        description: descriptions[name] ?? '',
        ...(defaults[name] === undefined ? {} : { default: defaults[name] }),
      };
      return [name, schema];
    }),
  );
}

function positionalArgs(name: string, value: Value | undefined): string[] {
  const texts = listOf(value).map(String);
  for (const text of texts)
    if (text.startsWith('-')) throw new UsageError(`${name} cannot begin with a hyphen: ${text}`);
  return texts;
}

/** With its value in the same word, so that nothing else can be taken for it. */
function optionArgs(name: string, value: Value | undefined): string[] {
  if (typeof value === 'boolean') return [value ? `--${name}` : `--no-${name}`];
  return listOf(value).map((one) => `--${name}=${String(one)}`);
}

function listOf(value: Value | undefined): readonly (string | number | boolean)[] {
  if (value === undefined) return [];
  return typeof value === 'object' ? value : [value];
}
