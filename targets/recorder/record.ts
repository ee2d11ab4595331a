import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { traceHeader } from '../trace/format.js';
import { BadInputError } from '../target.js';
import { ENVIRONMENT } from './header.js';

/** What a shell adds to the number of the signal that ended a program. */
const SIGNAL_CODE_BASE = 128;

interface Recording {
  /** The recorder, built. */
  readonly library: string;
  readonly trace: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** Told the program once it runs. */
  onStart(this: void, running: ChildProcess): void;
}

/**
 * Runs a program with the recorder in it; its standard streams are ours.
 * @returns its exit code, or what a shell makes of the signal that ended it
 * @throws BadInputError when it cannot be started
 */
export async function record({ library, trace, command, environment, onStart }: Recording): Promise<number> {
  await writeFile(trace, traceHeader());
  const [program, ...args] = command;
  const others = environment.LD_PRELOAD;
  const running = spawn(program, args, {
    stdio: 'inherit',
    env: {
      ...environment,
      LD_PRELOAD: others === undefined || others === '' ? library : `${library}:${others}`,
      [ENVIRONMENT.TRACE]: resolve(trace),
      [ENVIRONMENT.LIBRARY]: library,
    },
  });
  onStart(running);
  try {
    const [code, signal] = (await once(running, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? SIGNAL_CODE_BASE + constants.signals[signal ?? 'SIGKILL'];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such program' : `it fails with ${String(code)}`;
    throw new BadInputError(`${program} cannot be started: ${why}`);
  }
}
