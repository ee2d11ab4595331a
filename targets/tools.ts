import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { TestBedError } from './target.js';

/** Debian packages of the programs that targets use. */
const PACKAGES: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  gcc: 'gcc libc6-dev',
  cc: 'gcc libc6-dev',
  cpio: 'cpio',
  objdump: 'binutils',
  addr2line: 'binutils',
  make: 'make',
  bc: 'bc',
  flex: 'flex',
  bison: 'bison',
  dpkg: 'dpkg',
  'apt-get': 'apt',
  xz: 'xz-utils',
  tar: 'tar',
  ldd: 'libc-bin',
};

/** Where a program is, or undefined. `path` is the value of PATH. */
export async function findTool(name: string, path: string): Promise<string | undefined> {
  for (const directory of path.split(delimiter)) {
    const candidate = join(directory, name);
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return candidate;
  }
  return undefined;
}

/** One sentence that says how to get a program. */
export function missingTool(name: string): TestBedError {
  const packages = PACKAGES[name];
  const advice = packages === undefined ? '' : `; install it with "apt-get install ${packages}"`;
  return new TestBedError(`${name} is not installed${advice}`);
}

/**
 * Runs a program to its end.
 * @returns what it wrote to its standard output
 * @throws TestBedError when it is missing or fails, with the line that tells of an error, or the last one
 */
export async function runTool(
  name: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly input?: string } = {},
): Promise<Buffer> {
  const result = await execa(name, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined ? {} : { input: options.input }),
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
  });
  if (result.code === 'ENOENT') throw missingTool(name);
  if (result.failed) {
    const lines = Buffer.from(result.stderr).toString('utf8').trim().split('\n');
    const told = lines.find((line) => /\berror\b/i.test(line)) ?? lines.at(-1) ?? '';
    throw new TestBedError(
      `${name} ${args.slice(0, 2).join(' ')} failed: ${told === '' ? `code ${String(result.exitCode)}` : told}`,
    );
  }
  return Buffer.from(result.stdout);
}
