import { findTool, runTool } from './tools.js';
import { exists } from './files.js';
import { TestBedError } from './target.js';
import { reasonOf } from '../models/base/reason.js';

/** Something of the machine that targets use. */
export interface Requirement {
  readonly what: string;
  /** The Debian package that has it. */
  readonly package: string;
  /** Running a guest, building its kernel, or building the kernel's own selftests. */
  readonly for: 'guest' | 'build' | 'selftests';
  /** @param path the value of PATH */
  isThere(path: string): Promise<boolean>;
}

function tool(name: string, packageName: string, purpose: Requirement['for']): Requirement {
  return {
    what: name,
    package: packageName,
    for: purpose,
    isThere: async (path) => (await findTool(name, path)) !== undefined,
  };
}

/** A file in one of the places where Debian releases and other distributions have it. */
function file(
  what: string,
  packageName: string,
  purpose: Requirement['for'],
  places: readonly string[],
): Requirement {
  return {
    what,
    package: packageName,
    for: purpose,
    isThere: async () => (await Promise.all(places.map(exists))).includes(true),
  };
}

/** Everything, in the order in which it is reported. */
export const REQUIREMENTS: readonly Requirement[] = [
  tool('qemu-system-x86_64', 'qemu-system-x86', 'guest'),
  tool('gcc', 'gcc', 'guest'),
  file('a static C library', 'libc6-dev', 'guest', [
    '/usr/lib/x86_64-linux-gnu/libc.a',
    '/usr/lib64/libc.a',
    '/usr/lib/libc.a',
  ]),
  tool('cpio', 'cpio', 'guest'),
  tool('make', 'make', 'build'),
  tool('bc', 'bc', 'build'),
  tool('flex', 'flex', 'build'),
  tool('bison', 'bison', 'build'),
  tool('xz', 'xz-utils', 'build'),
  tool('tar', 'tar', 'build'),
  tool('dpkg', 'dpkg', 'build'),
  tool('apt-get', 'apt', 'build'),
  file('the headers of libelf', 'libelf-dev', 'build', ['/usr/include/gelf.h']),
  file('the headers of OpenSSL', 'libssl-dev', 'build', ['/usr/include/openssl/opensslv.h']),
  file('the headers of libcap', 'libcap-dev', 'selftests', ['/usr/include/sys/capability.h']),
];

/** The requirements that a machine does not meet. */
export async function missingRequirements(path: string): Promise<Requirement[]> {
  const found = await Promise.all(REQUIREMENTS.map((requirement) => requirement.isThere(path)));
  return REQUIREMENTS.filter((_, index) => found[index] !== true);
}

/** One sentence that says what is missing and how to get it. */
export function describeMissing(missing: readonly Requirement[]): string {
  const packages = [...new Set(missing.map((requirement) => requirement.package))].join(' ');
  return `${missing.map(({ what }) => what).join(', ')} missing; install with "apt-get install ${packages}"`;
}

/**
 * Installs Debian packages.
 * @throws TestBedError when apt fails
 */
export async function installPackages(missing: readonly Requirement[]): Promise<void> {
  const packages = [...new Set(missing.map((requirement) => requirement.package))];
  try {
    await runTool('apt-get', ['update', '-qq']);
    await runTool('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...packages]);
  } catch (error) {
    const why = reasonOf(error);
    throw new TestBedError(`${packages.join(' ')} could not be installed: ${why}`);
  }
}
