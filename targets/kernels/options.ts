import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Flavour } from './store.js';

/** Options without which scenarios would be skipped: a build that loses one has failed. */
const REQUIRED_OPTIONS: readonly string[] = [
  'CONFIG_IOMMUFD',
  'CONFIG_IOMMUFD_TEST',
  'CONFIG_VIRTIO_CONSOLE',
];

/** Options of a kernel by name, with their values as .config spells them; what is not set is n. */
type Options = ReadonlyMap<string, string>;

/** The later of two lines about one option counts. */
function parseOptions(text: string): Options {
  const options = new Map<string, string>();
  for (const line of text.split('\n')) {
    const unset = /^# (CONFIG_\w+) is not set$/.exec(line)?.[1];
    if (unset !== undefined) options.set(unset, 'n');
    const [, name, value] = /^(CONFIG_\w+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) options.set(name, value);
  }
  return options;
}

function renderOptions(options: Options): string {
  return [...options].map(([name, value]) => `${name}=${value}\n`).join('');
}

/** What a flavour sets over tinyconfig, one option a line and nothing else: what was said about them makes no other kernel. */
export async function optionsOf(flavour: Flavour, directory: string): Promise<string> {
  const fragments = await Promise.all(
    ['base', flavour].map((name) => readFile(join(directory, `${name}.config`), 'utf8')),
  );
  return renderOptions(parseOptions(fragments.join('\n')));
}

/** A configuration in which some options are set differently. */
export function withOptions(config: string, options: string): string {
  return renderOptions(parseOptions(`${config}\n${options}`));
}

/** What came of options once the kernel had its say. */
export interface LostOptions {
  /** Options that are not as they were asked for: the source has none of that name, or others decide about them. */
  readonly lost: readonly string[];
  /** Those without which the kernel is of no use, asked for or not. */
  readonly required: readonly string[];
}

/** Which options of `asked` a final configuration does not have. */
export function lostOptions(asked: string, final: string): LostOptions {
  const has = parseOptions(final);
  const lost = [...parseOptions(asked)].filter(([name, value]) => (has.get(name) ?? 'n') !== value);
  return {
    lost: lost.map(([name, value]) => `${name}=${value}`),
    required: REQUIRED_OPTIONS.filter((name) => has.get(name) !== 'y'),
  };
}
