import { AsyncLocalStorage } from 'node:async_hooks';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { assert } from 'chai';
import { runCommandLine } from '../../cli/command_line.js';
import { makeContext } from '../../cli/context.js';
import { Interruption } from '../../cli/interruption.js';

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Settles when it first says how far it is, something being done by then; false: it ended without. */
  readonly underWay: Promise<boolean>;
}

/** What is printed where nobody watches. */
const PROGRESS = /^\S.*: \d+ of \d+ .*\n/m;

/** Says how far it is after every step. */
export const TALKATIVE = { IOMMUFD_CTS_PROGRESS: '0' };

const MAIN = join(import.meta.dirname, '../../cli/main.js');

/** Starts the built command line in a process of its own. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCli {
  const running = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  running.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  running.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve) => {
    running.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
  const underWay = new Promise<boolean>((resolve) => {
    running.stderr.on('data', () => {
      if (PROGRESS.test(stderr)) resolve(true);
    });
    running.once('close', () => {
      resolve(false);
    });
  });
  return { process: running, ended, underWay };
}

/** Runs the built command line to its end, in a process of its own. */
export function runCliProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return startCli(args, env).ended;
}

/** Where what a command prints goes, as long as it runs in this process. */
const printing = new AsyncLocalStorage<Record<'stdout' | 'stderr', string>>();

/** Lets what is printed on behalf of a command come to it, and everything else to where it went before. */
function divert(name: 'stdout' | 'stderr'): void {
  const stream = process[name];
  const write = stream.write.bind(stream) as (...args: readonly unknown[]) => boolean;
  stream.write = (chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
    const printed = printing.getStore();
    if (printed === undefined) return write(chunk, ...rest);
    printed[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    return true;
  };
}

divert('stdout');
divert('stderr');

/**
 * Runs a command to its end, in this process: a process of its own costs two seconds of loading and of writing down what it covered.
 * What is about processes (their signals, pipes, exits and children) starts one.
 */
export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const printed = { stdout: '', stderr: '' };
  const context = makeContext({ ...process.env, ...env }, new Interruption());
  const code = await printing.run(printed, () => runCommandLine(args, context));
  return { code, ...printed };
}

/** One clear sentence, the right exit code, and nothing of our own insides. */
export function assertRefused({ code, stderr }: Ended, expected: number, says: RegExp): void {
  assert.match(stderr, says);
  assert.equal(code, expected, stderr);
  assert.match(stderr, /^iommufd-cts: [^\n]+\n$/);
  assert.notMatch(stderr, /\.js:\d+|defect of iommufd-cts/);
}
