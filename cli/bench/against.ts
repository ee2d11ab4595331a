import { join, resolve } from 'node:path';
import { exists } from '../../targets/files.js';
import { runTool } from '../../targets/tools.js';
import { UsageError } from '../errors.js';
import { type Figures, median } from './figures.js';

/** A figure of two builds of this project, taken in turn on one machine: absolute figures say nothing of each other. */
export interface Held {
  readonly name: string;
  /** Medians. */
  readonly own: number;
  readonly other: number;
  /** Of this build to the other one, turn by turn: the median, the least and the most. */
  readonly ratio: number;
  readonly least: number;
  readonly most: number;
}

/** What both builds measure in each turn. */
export interface TurnOptions {
  readonly turns: number;
  readonly seconds: number;
  /** Id of a cached kernel; without it, only the model is measured. */
  readonly kernel: string | undefined;
}

/** The command line of this build. */
const OWN = resolve(import.meta.dirname, '../main.js');

/** As small as it may be: what becomes of a large corpus is another question. */
const CORPUS = 110;

/**
 * Measures another build beside this one.
 * @param directory a checkout of this project that has been built
 * @param onTurn hears of each turn that is over
 * @throws UsageError if it is none
 */
export async function measureAgainst(
  directory: string,
  options: TurnOptions,
  onTurn: (done: number) => void,
): Promise<Held[]> {
  const other = join(resolve(directory), 'dist/cli/main.js');
  if (!(await exists(other)))
    throw new UsageError(
      `${directory} is no checkout of iommufd-cts that has been built: ${other} is missing`,
    );
  const taken: { readonly own: Figures; readonly other: Figures }[] = [];
  for (let turn = 0; turn < options.turns; turn++) {
    // Whoever comes second finds the machine warmer.
    const [first, second] = turn % 2 === 0 ? [OWN, other] : [other, OWN];
    const measured = new Map([[first, await measureOnce(first, options)]]);
    measured.set(second, await measureOnce(second, options));
    taken.push({ own: measured.get(OWN) ?? {}, other: measured.get(other) ?? {} });
    onTurn(turn + 1);
  }
  return compareTurns(taken);
}

async function measureOnce(main: string, { seconds, kernel }: TurnOptions): Promise<Figures> {
  const where = kernel === undefined ? ['--target', 'sim'] : ['--kernel', kernel];
  const how = ['--json', '--rounds', '1', '--seconds', String(seconds), '--corpus', String(CORPUS)];
  const output = await runTool(process.execPath, [main, 'bench', ...where, ...how]);
  return (JSON.parse(output.toString('utf8')) as { readonly figures: Figures }).figures;
}

/** Rates that both have; ratios of one run hold for themselves. */
export function compareTurns(taken: readonly { readonly own: Figures; readonly other: Figures }[]): Held[] {
  const names = Object.keys(taken[0]?.own ?? {}).filter((name) => name.endsWith('_per_s'));
  return names
    .filter((name) => taken.every(({ own, other }) => name in own && name in other))
    .map((name) => {
      const pairs = taken.map(({ own, other }) => [own[name] ?? NaN, other[name] ?? NaN] as const);
      const ratios = pairs.map(([own, other]) => own / other);
      return {
        name,
        own: median(pairs.map(([own]) => own)),
        other: median(pairs.map(([, other]) => other)),
        ratio: median(ratios),
        least: Math.min(...ratios),
        most: Math.max(...ratios),
      };
    });
}

/** A table for the terminal. */
export function renderHeld(held: readonly Held[], directory: string, bar: number | undefined): string {
  const rows = held.map(({ name, own, other, ratio, least, most }) => {
    const rates = `${whole(other).padStart(10)} ${whole(own).padStart(10)}`;
    const range = `${ratio.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
    const verdict = bar === undefined ? '' : ratio >= bar ? 'good' : `BELOW: at least ${String(bar)}`;
    return `  ${name.padEnd(26)} ${rates}  ${range}  ${verdict}`.trimEnd();
  });
  const head = `  ${'figure'.padEnd(26)} ${'there'.padStart(10)} ${'here'.padStart(10)}  here / there, turn by turn`;
  return `this build against ${directory}\n\n${head}\n${rows.join('\n')}\n`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
