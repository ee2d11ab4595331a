import { normalize } from 'node:path/posix';

/** Where the code of iommufd is. */
export const IOMMUFD_DIRECTORY = 'drivers/iommu/iommufd/';

/** A place in a kernel's code that kcov tells of: the beginning of a basic block. */
export interface Place {
  /** The address that kcov tells, from the base of the code on. */
  readonly offset: number;
  /** Of the source, from the top of the tree; that of an inlined function is where that function is written. */
  readonly file: string;
  readonly line: number;
  readonly function: string;
}

/** All places of a kernel. */
export interface CodePlaces {
  /** The address that offsets count from. */
  readonly base: bigint;
  /** In the order of their offsets. */
  readonly places: readonly Place[];
}

/** kcov tells the address after the call at a place. */
export const CALL_BYTES = 5;

/** A file that every kernel has, by which the top of the tree is known in paths of debugging information. */
export const KNOWN_FILE = 'init/main.c';

/** A constructor that the compiler adds to each file for sanitizers: it is written nowhere. */
const MADE_UP = /^_sub_[ID]_/;

/** The code of x86-64 is mapped at whole megabytes. */
const MEGABYTE_BITS = 20n;

/** Where an address of code is in the source. */
interface Symbol extends Omit<Place, 'offset'> {
  readonly address: bigint;
}

/**
 * Reads what `addr2line -a -f -i` prints: for each address the function and the place in the source, then those of the functions
 * that this one is inlined in. Addresses without a known place are left out.
 */
export function parseSymbols(lines: readonly string[]): CodePlaces {
  const found = lines.flatMap((line, at) =>
    line.startsWith('0x') ? (parseSymbol(line, lines[at + 1], lines[at + 2]) ?? []) : [],
  );
  const top = topOf(found);
  const base = ((found[0]?.address ?? 0n) >> MEGABYTE_BITS) << MEGABYTE_BITS;
  const places = found.map(({ address, file, ...rest }) => ({
    ...rest,
    offset: Number(address - base) + CALL_BYTES,
    file: relativePath(file, top),
  }));
  return { base, places };
}

function parseSymbol(address: string, name = '', place = ''): Symbol | undefined {
  const [, file, line] = /^(.*):(\d+)(?: \(discriminator \d+\))?$/.exec(place) ?? [];
  if (file === undefined || file === '??' || line === '0' || MADE_UP.test(name)) return undefined;
  return { address: BigInt(address), function: plainName(name), file, line: Number(line) };
}

/**
 * The same of any code: each line that an address belongs to, that of the inlined function first and then those that it is inlined at.
 * What it prints must have an address in a file by which the top of the tree is known.
 */
export function parseFrames(lines: readonly string[]): Symbol[] {
  let address = '';
  const found = lines.flatMap((line, at) => {
    if (line.startsWith('0x')) address = line;
    const isName = !line.startsWith('0x') && !PLACE_IN_SOURCE.test(line);
    return isName ? (parseSymbol(address, line, lines[at + 1]) ?? []) : [];
  });
  const top = topOf(found);
  return found.map((symbol) => ({ ...symbol, file: relativePath(symbol.file, top) }));
}

/** As addr2line prints where something is in the source. */
const PLACE_IN_SOURCE = /:(?:\d+|\?)(?: \(discriminator \d+\))?$/;

/** What the compiler calls a part or a copy of a function, without what it has added. */
function plainName(name: string): string {
  return name.replace(/\.(?:part|constprop|isra|cold)\b.*$/, '');
}

function topOf(symbols: readonly Symbol[]): string {
  const known = symbols.find(({ file }) => file.endsWith(`/${KNOWN_FILE}`));
  return known === undefined ? '' : known.file.slice(0, -KNOWN_FILE.length);
}

function relativePath(file: string, top: string): string {
  return normalize(top !== '' && file.startsWith(top) ? file.slice(top.length) : file);
}

/** What is kept of places: names once, and of each place the distance from the one before, file, line and function. */
export interface KeptPlaces {
  readonly base: string;
  readonly files: readonly string[];
  readonly functions: readonly string[];
  readonly places: readonly number[];
}

const NUMBERS_OF_PLACE = 4;

export function packPlaces({ base, places }: CodePlaces): KeptPlaces {
  const files = new Map<string, number>();
  const functions = new Map<string, number>();
  let last = 0;
  const numbers = places.flatMap((place) => {
    const distance = place.offset - last;
    last = place.offset;
    return [distance, numberOf(place.file, files), place.line, numberOf(place.function, functions)];
  });
  return {
    base: `0x${base.toString(16)}`,
    files: [...files.keys()],
    functions: [...functions.keys()],
    places: numbers,
  };
}

function numberOf(name: string, known: Map<string, number>): number {
  const number = known.get(name) ?? known.size;
  known.set(name, number);
  return number;
}

export function unpackPlaces({ base, files, functions, places: numbers }: KeptPlaces): CodePlaces {
  const places: Place[] = [];
  let offset = 0;
  for (let at = 0; at < numbers.length; at += NUMBERS_OF_PLACE) {
    offset += numbers[at] ?? 0;
    places.push({
      offset,
      file: files[numbers[at + 1] ?? -1] ?? '',
      line: numbers[at + 2] ?? 0,
      function: functions[numbers[at + 3] ?? -1] ?? '',
    });
  }
  return { base: BigInt(base), places };
}
