import { ERRNO_NAMES } from '../../models/base/errno.js';
import { present } from '../../models/base/assert.js';
import type { Design } from '../../models/designs/framework/design.js';
import { type DesignResult, runDesign } from '../../models/designs/framework/execute.js';
import { type StepOutcome, describeOutcome } from '../../models/designs/framework/outcome.js';
import { type DesignProgram, describeDesignStep } from '../../models/designs/framework/program.js';
import { designByName } from '../../models/designs/index.js';
import type { Gives, PlacedPlay, Play } from './row.js';

/** What a play has come to. */
export interface PlayReport {
  readonly placed: PlacedPlay;
  readonly design: Design;
  readonly program: DesignProgram;
  readonly result: DesignResult;
  /** Everything that is not as expected, one line each. */
  readonly problems: readonly string[];
}

/** Runs a play and holds it against what was written beside it. */
export function judgePlay(
  placed: PlacedPlay,
  design: Design = present(designByName(placed.design), `design ${placed.design}`),
): PlayReport {
  const program = programOf(placed.play);
  const result = runDesign(design, program);
  const problems = [...wrongOutcomes(design, placed, result), ...wrongBreaches(placed, result)];
  return { placed, design, program, result, problems };
}

/** The program without its expectations. */
function programOf({ steps }: Play): DesignProgram {
  return {
    steps: steps.map(({ call, args = {}, as, lane }) => ({
      call,
      args,
      ...(as === undefined ? {} : { as }),
      ...(lane === undefined ? {} : { lane }),
    })),
  };
}

function wrongOutcomes(design: Design, { play }: PlacedPlay, { outcomes }: DesignResult): string[] {
  return play.steps.flatMap((step, at) => {
    const { gives = 'OK' } = step;
    const expected: readonly Gives[] = isList(gives) ? gives : [gives];
    const found = outcomes[at] ?? [];
    const missing = expected.filter((one) => !found.some((outcome) => isGiven(outcome, one)));
    const surplus = found.filter((outcome) => !expected.some((one) => isGiven(outcome, one)));
    if (missing.length === 0 && surplus.length === 0) return [];
    const place = `step ${String(at + 1)}, ${describeDesignStep(design, step)}`;
    const came =
      found.length === 0 ? 'it was not reached' : `it gives ${found.map(describeOutcome).join(' or ')}`;
    return [`${place}: ${came}, expected is ${expected.map(describeGives).join(' or ')}`];
  });
}

function isList(gives: Gives | readonly Gives[]): gives is readonly Gives[] {
  return Array.isArray(gives);
}

function isGiven(outcome: StepOutcome, gives: Gives): boolean {
  if (typeof gives === 'object') {
    return (
      outcome.is === 'value' &&
      Object.entries(gives).every(([name, value]) => sameNumber(outcome.outputs[name], value))
    );
  }
  if (typeof gives !== 'string') return outcome.is === 'value' && sameNumber(outcome.value, gives);
  if (gives === 'OK') return outcome.is === 'value';
  if (ERRNO_NAMES.some((name) => name === gives)) return outcome.is === 'errno' && outcome.errno === gives;
  if (gives === 'uninitialised value' && outcome.is === 'unset') return true;
  return outcome.is === 'undefined' && outcome.kind === gives;
}

function sameNumber(one: number | bigint | undefined, two: number | bigint): boolean {
  return one !== undefined && BigInt(one) === BigInt(two);
}

function describeGives(gives: Gives): string {
  if (typeof gives !== 'object') return String(gives);
  return Object.entries(gives)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

/** Each defect must be shown, and nothing else be broken but by bystanders. */
function wrongBreaches({ breaks, bystanders, play }: PlacedPlay, { breaches }: DesignResult): string[] {
  const found = new Set(breaches.flatMap(({ defects }) => defects));
  const expected = new Set<string>([...breaks, ...bystanders]);
  return [
    ...breaks.filter((id) => !found.has(id)).map((id) => `${id} is not shown`),
    ...breaches
      .filter(({ defects }) => !defects.some((id) => expected.has(id)))
      .map(({ invariant, what, step, defects }) => {
        const by = defects.length === 0 ? '' : ` (${defects.join(', ')})`;
        return `step ${String(step + 1)}, ${play.steps[step]?.call ?? ''}, breaks ${invariant}${by}: ${what}`;
      }),
  ];
}
