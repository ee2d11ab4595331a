import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cached } from '../cached.js';
import { TestBedError } from '../target.js';
import { missingTool } from '../tools.js';
import { type CodePlaces, type KeptPlaces, packPlaces, parseSymbols, unpackPlaces } from './places.js';

/** What the compiler calls at each place. Source: Documentation/dev-tools/kcov.rst. */
export const TRACER = '__sanitizer_cov_trace_pc';

/** Changed whenever what is kept changes its form. */
const FORM = 'places 2';

/** Code that runs before anyone can ask for a trace, or never because nothing is unloaded. */
const UNTRACEABLE = /^Disassembly of section \.(?:init|exit)\.text:$/;

/**
 * The places of a kernel, with their lines. The first time takes as long as objdump and addr2line do for the whole kernel, half a
 * minute or more; then they are found in the cache.
 * @param vmlinux an image with debugging information
 * @throws TestBedError when a tool is missing, or the image has no such places or no lines
 */
export async function codePlacesOf(
  vmlinux: string,
  cache: string,
  notice: (what: string) => void,
): Promise<CodePlaces> {
  return keptPlaces(FORM, vmlinux, cache, async () => {
    notice(`looking for the places of ${vmlinux} that kcov tells of`);
    const addresses = await tracedAddresses(vmlinux);
    notice(`looking for the lines of ${String(addresses.length)} places`);
    return symbolize(vmlinux, addresses);
  });
}

/**
 * What the cache has of an image; it is looked for once.
 * @param what says what is looked for
 */
export async function keptPlaces(
  what: string,
  vmlinux: string,
  cache: string,
  look: () => Promise<CodePlaces>,
): Promise<CodePlaces> {
  const { size, mtimeMs } = await stat(vmlinux);
  const hash = createHash('sha256').update(`${what} ${vmlinux} ${String(size)} ${String(mtimeMs)}`);
  const path = join(cache, 'coverage', `${hash.digest('hex').slice(0, 16)}.json`);
  const file = await cached(path, async (work) => {
    await writeFile(join(work, 'places.json'), JSON.stringify(packPlaces(await look())));
    return join(work, 'places.json');
  });
  return unpackPlaces(JSON.parse(await readFile(file, 'utf8')) as KeptPlaces);
}

/** Addresses of the calls that the compiler has put in, in order; without those of code that nobody can trace. */
async function tracedAddresses(vmlinux: string): Promise<string[]> {
  const end = `<${TRACER}>`;
  const addresses: string[] = [];
  let isTraceable = true;
  for await (const line of linesOf('objdump', ['-d', '--no-show-raw-insn', vmlinux], '')) {
    if (line.startsWith('Disassembly')) isTraceable = !UNTRACEABLE.test(line);
    if (isTraceable && line.endsWith(end) && line.includes('\tcall'))
      addresses.push(line.slice(0, line.indexOf(':')).trim());
  }
  if (addresses.length > 0) return addresses.sort();
  throw new TestBedError(
    `${vmlinux} was not built for kcov: nothing in it calls ${TRACER}; "kernel build --flavour sanitize" builds one that does`,
  );
}

async function symbolize(vmlinux: string, addresses: readonly string[]): Promise<CodePlaces> {
  const found = parseSymbols(await symbolsOf(vmlinux, addresses));
  if (found.places.length > 0) return found;
  throw new TestBedError(
    `${vmlinux} has no debugging information, so that places have no lines; "kernel build --flavour sanitize" builds one that has`,
  );
}

/** What addr2line prints of addresses. */
export async function symbolsOf(vmlinux: string, addresses: readonly string[]): Promise<string[]> {
  const input = `${addresses.join('\n')}\n`;
  const lines: string[] = [];
  for await (const line of linesOf('addr2line', ['-e', vmlinux, '-a', '-f', '-i'], input)) lines.push(line);
  return lines;
}

/** What a tool prints, line by line: all of it would not fit in a string. */
export async function* linesOf(name: string, args: readonly string[], input: string): AsyncGenerator<string> {
  const running = execa(name, args, { input, reject: false, buffer: { stdout: false } });
  for await (const line of running.iterable()) yield line;
  const { failed, code, stderr } = await running;
  if (code === 'ENOENT') throw missingTool(name);
  if (failed) throw new TestBedError(`${name} failed: ${stderr.trim().split('\n').at(-1) ?? ''}`);
}
