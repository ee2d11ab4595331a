import { CALL_BYTES, type CodePlaces, KNOWN_FILE, type Place, parseFrames } from './places.js';
import { TRACER, keptPlaces, linesOf, symbolsOf } from './symbols.js';

/** Changed whenever what is kept changes its form. */
const FORM = 'lines in blocks 1';

/** Code between places that are wanted is looked at too, unless there is more of it. */
const GAP_BYTES_MAX = 4096;

/** As objdump prints the beginning of a function, or where it was told to begin in one. */
const LABEL = /^[0-9a-f]+ <([^>+]+)(\+0x[0-9a-f]+)?>:$/;

/** What is behind such an instruction is not reached from it. */
const LEAVES = /^(?:(?:notrack|bnd|repz?|cs|ds) +)*(?:jmp|ret|ud2|hlt|int3)/;

const JUMPS = /^(?:(?:notrack|bnd|repz?|cs|ds) +)*j/;

/**
 * The lines of code that runs whenever a place is reached, by the offset of that place: what goes straight on from it up to the next
 * place or to where the code leaves, and what leads straight to it from the beginning of a function. Where the compiler has added a branch of its own,
 * the code goes on behind it.
 * @param isWanted which files
 * @throws TestBedError when a tool is missing
 */
export async function linesInBlocks(
  vmlinux: string,
  code: CodePlaces,
  isWanted: (file: string) => boolean,
  cache: string,
): Promise<readonly Place[]> {
  const spans = spansOf(code, isWanted);
  const kept = await keptPlaces(`${FORM} ${spans.join(' ')}`, vmlinux, cache, () =>
    look(vmlinux, code, spans),
  );
  return kept.places.filter(({ file }) => isWanted(file));
}

/** Addresses from and up to which code is to be looked at, as `0x1-0x2`. */
function spansOf({ base, places }: CodePlaces, isWanted: (file: string) => boolean): string[] {
  const spans: { start: number; end: number }[] = [];
  for (const [at, { file, offset }] of places.entries()) {
    if (!isWanted(file)) continue;
    const start = Math.max(places[at - 1]?.offset ?? 0, offset - GAP_BYTES_MAX);
    const end = Math.min((places[at + 1]?.offset ?? Infinity) - CALL_BYTES, offset + GAP_BYTES_MAX);
    const last = spans.at(-1);
    if (last !== undefined && start - last.end <= GAP_BYTES_MAX) last.end = end;
    else spans.push({ start, end });
  }
  const address = (offset: number): string => `0x${(base + BigInt(offset)).toString(16)}`;
  return spans.map(({ start, end }) => `${address(start)}-${address(end)}`);
}

async function look(
  vmlinux: string,
  { base, places }: CodePlaces,
  spans: readonly string[],
): Promise<CodePlaces> {
  const placeOf = new Map<string, bigint>();
  for (const span of spans) {
    const [start = '', end = ''] = span.split('-');
    const limits = [`--start-address=${start}`, `--stop-address=${end}`];
    const printed: string[] = [];
    for await (const line of linesOf('objdump', ['-d', '--no-show-raw-insn', ...limits, vmlinux], ''))
      printed.push(line);
    for (const [address, place] of straightCode(printed)) placeOf.set(address, place);
  }
  // By this one the top of the tree is known.
  const known = places.find(({ file }) => file === KNOWN_FILE);
  const anchor = known === undefined ? [] : [(base + BigInt(known.offset - CALL_BYTES)).toString(16)];
  const frames = parseFrames(await symbolsOf(vmlinux, [...anchor, ...placeOf.keys()]));
  const lines = new Map<string, Place>();
  for (const { address, file, line, function: name } of frames) {
    const place = placeOf.get(address.toString(16));
    if (place === undefined) continue;
    const offset = Number(place - base) + CALL_BYTES;
    lines.set(`${String(offset)} ${file}:${String(line)}`, { offset, file, line, function: name });
  }
  return { base, places: [...lines.values()].sort((one, two) => one.offset - two.offset) };
}

/** Instructions by the address of the place from which they are reached. */
export function straightCode(printed: readonly string[]): Map<string, bigint> {
  const placeOf = new Map<string, bigint>();
  let place: bigint | undefined;
  /** What has come since the beginning of a function; undefined behind a jump. */
  let opening: string[] | undefined;
  for (const line of printed) {
    const [, , inside] = LABEL.exec(line) ?? [];
    if (LABEL.test(line)) {
      place = undefined;
      opening = inside === undefined ? [] : undefined;
      continue;
    }
    const [, address, instruction = ''] = /^ *([0-9a-f]+):\t(.*)$/.exec(line) ?? [];
    if (address === undefined) continue;
    if (instruction.startsWith('call') && instruction.endsWith(`<${TRACER}>`)) {
      place = BigInt(`0x${address}`);
      for (const before of opening ?? []) placeOf.set(before, place);
      opening = undefined;
    } else if (place === undefined) opening?.push(address);
    if (place !== undefined) placeOf.set(address, place);
    if (JUMPS.test(instruction)) opening = undefined;
    if (LEAVES.test(instruction)) place = opening = undefined;
  }
  return placeOf;
}
