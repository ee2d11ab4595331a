import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestBedError } from '../target.js';
import { runTool } from '../tools.js';

/** Debian's own archive, as the system names it. */
interface Mirror {
  readonly uri: string;
  readonly suite: string;
  readonly keyring: string | undefined;
}

/** A package version that can be downloaded. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** Arguments that make apt see the archive it is in. */
  readonly aptOptions: readonly string[];
}

/** A suite of the archive proper, not of security updates or somebody else's packages. */
const ARCHIVE = /\/debian\/?$/;

/**
 * Looks a package up, in the system's suite and its updates or in another one, without touching the system's set-up: apt reads lists of our own.
 * @throws TestBedError when the archive cannot be read or does not have it
 */
export async function findPackage(name: string, suite: string | undefined, cache: string): Promise<Package> {
  const mirrors = await systemMirrors();
  const archive = mirrors.find(({ uri }) => ARCHIVE.test(uri));
  if (archive === undefined) throw new TestBedError('no Debian archive is configured in /etc/apt');
  const wanted = suite === undefined ? mirrors : [{ ...archive, suite }];
  const aptOptions = await writeAptSetup(wanted, join(cache, 'apt', suite ?? archive.suite));
  await runTool('apt-get', [...aptOptions, 'update', '-qq']);
  const policy = (await runTool('apt-cache', [...aptOptions, 'policy', name])).toString('utf8');
  const version = /Candidate: (\S+)/.exec(policy)?.[1];
  if (version === undefined || version === '(none)') {
    throw new TestBedError(`Debian has no package ${name} in ${suite ?? archive.suite}`);
  }
  return { name, version, aptOptions };
}

/** Downloads a package into a directory and returns the path of its file. */
export async function downloadPackage(
  { name, version, aptOptions }: Package,
  directory: string,
): Promise<string> {
  await mkdir(directory, { recursive: true });
  await runTool('apt-get', [...aptOptions, 'download', '-qq', `${name}=${version}`], { cwd: directory });
  const file = (await readdir(directory)).find(
    (entry) => entry.startsWith(`${name}_`) && entry.endsWith('.deb'),
  );
  if (file === undefined) throw new TestBedError(`apt did not leave a file of ${name} in ${directory}`);
  return join(directory, file);
}

async function writeAptSetup(mirrors: readonly Mirror[], directory: string): Promise<string[]> {
  await mkdir(join(directory, 'lists', 'partial'), { recursive: true });
  await mkdir(join(directory, 'cache', 'archives', 'partial'), { recursive: true });
  const list = join(directory, 'sources.list');
  const lines = mirrors.map(({ uri, suite, keyring }) => {
    const options = keyring === undefined ? '' : `[signed-by=${keyring}] `;
    return `deb ${options}${uri} ${suite} main\n`;
  });
  await writeFile(list, lines.join(''));
  return [
    ['-o', `Dir::Etc::sourcelist=${list}`],
    ['-o', 'Dir::Etc::sourceparts=/dev/null'],
    ['-o', `Dir::State::Lists=${join(directory, 'lists')}`],
    ['-o', `Dir::Cache=${join(directory, 'cache')}`],
    // As root, apt would give up its rights and then not reach a directory in root's home.
    ['-o', 'APT::Sandbox::User=root'],
  ].flat();
}

/** The Debian suites that the system's apt is set up for: one-line and deb822 files. */
async function systemMirrors(): Promise<Mirror[]> {
  const parts = '/etc/apt/sources.list.d';
  const names = (await readdir(parts).catch(() => [])).sort().map((name) => join(parts, name));
  const files = ['/etc/apt/sources.list', ...names];
  const mirrors = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, 'utf8').catch(() => '');
      return file.endsWith('.sources') ? parseDeb822(text) : parseOneLine(text);
    }),
  );
  return mirrors.flat().filter(({ uri }) => /\/debian(?:-security)?\/?$/.test(uri));
}

function parseOneLine(text: string): Mirror[] {
  return text.split('\n').flatMap((line) => {
    const found = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+.*\bmain\b/.exec(line);
    if (found?.[2] === undefined || found[3] === undefined) return [];
    return [{ uri: found[2], suite: found[3], keyring: /signed-by=(\S+)/.exec(found[1] ?? '')?.[1] }];
  });
}

function parseDeb822(text: string): Mirror[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.+)$`, 'm').exec(stanza)?.[1]?.trim();
    const [types, uris, suites] = [field('Types'), field('URIs'), field('Suites')];
    if (types?.split(/\s+/).includes('deb') !== true || uris === undefined || suites === undefined) return [];
    const keyring = field('Signed-By');
    return uris.split(/\s+/).flatMap((uri) => suites.split(/\s+/).map((suite) => ({ uri, suite, keyring })));
  });
}
