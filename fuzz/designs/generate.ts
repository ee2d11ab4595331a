import fc from 'fast-check';
import { present } from '../../models/base/assert.js';
import type { Argument } from '../../models/designs/framework/argument.js';
import type { DesignCall } from '../../models/designs/framework/call.js';
import type { Design } from '../../models/designs/framework/design.js';
import type { DesignOperand, DesignProgram, DesignStep } from '../../models/designs/framework/program.js';
import { DesignRun } from '../../models/designs/framework/run.js';
import { Picks } from '../generate/picks.js';

/** More numbers than a step has decisions. */
const PICKS_PER_STEP = 24;

/** Of so many steps, one has unusual arguments; the others mostly have what is usual. */
const ODD_ONE_IN = 3;

/** Of so many arguments of such a step, and of others, one is not what is usual. */
const UNUSUAL_ONE_IN = { odd: 3, other: 10, choice: 3 } as const;

/** Of so many handles, one is a number that no call has made. */
const FOREIGN_ONE_IN = 6;

/** Of so many steps that fail, one stays. */
const FAILURES_ONE_IN = 4;

/** Programs of a design, drawn from a seed: the same seed gives the same programs. */
export function sampleDesignPrograms(
  design: Design,
  options: { readonly seed: number; readonly count: number; readonly stepsMax: number },
): DesignProgram[] {
  const { seed, count, stepsMax } = options;
  const picks = fc.array(fc.nat(0xffff), {
    minLength: PICKS_PER_STEP,
    maxLength: PICKS_PER_STEP,
    size: 'max',
  });
  const intents = fc.noBias(fc.array(picks, { minLength: 1, maxLength: stepsMax, size: 'max' }));
  return fc.sample(intents, { seed, numRuns: count }).map((numbers) => writeProgram(design, numbers));
}

/** A handle that some step has made. */
interface Product {
  readonly kind: string;
  readonly ref: string;
}

/** Writes a program beside a run of it, so that it can use what was made. */
function writeProgram(design: Design, numbers: readonly (readonly number[])[]): DesignProgram {
  const calls = drawCalls(design, new Picks(numbers[0] ?? []));
  let run = new DesignRun(design);
  const steps: DesignStep[] = [];
  const products: Product[] = [];
  for (const drawn of numbers) {
    if (run.isOver) break;
    const picks = new Picks(drawn, 1);
    const call = drawCall(calls, products, picks);
    const label = `r${String(steps.length)}`;
    const step: DesignStep = {
      call: call.name,
      args: drawArguments(call, products, picks),
      ...(call.makes.length === 0 ? {} : { as: label }),
    };
    const outcome = run.perform(step, steps.length);
    const isKept = outcome.is === 'value' || outcome.is === 'unset' || picks.rarely(FAILURES_ONE_IN);
    if (!isKept) {
      run = rerun(design, steps);
      continue;
    }
    steps.push(step);
    if (outcome.is === 'value') products.push(...call.makes.map((made) => productOf(made, label)));
  }
  return { steps };
}

/** About half of the calls: programs of few calls get deeper than programs of all. */
function drawCalls({ calls }: Design, picks: Picks): readonly DesignCall[] {
  const drawn = calls.filter(() => picks.below(2) === 0);
  return drawn.length === 0 ? calls : drawn;
}

/** Mostly a call for which there are handles. */
function drawCall(calls: readonly DesignCall[], products: readonly Product[], picks: Picks): DesignCall {
  const kinds = new Set(products.map(({ kind }) => kind));
  const ready = calls.filter(({ args }) =>
    Object.values(args).every(
      (argument) =>
        argument.kind !== 'handle' ||
        argument.usual !== undefined ||
        argument.of.some((kind) => kinds.has(kind)),
    ),
  );
  const isReady = ready.length > 0 && !picks.rarely(FOREIGN_ONE_IN);
  return present(picks.any(isReady ? ready : calls), 'a call');
}

/** The state after some steps: that of a run cannot be taken back. */
function rerun(design: Design, steps: readonly DesignStep[]): DesignRun {
  const run = new DesignRun(design);
  for (const [at, step] of steps.entries()) run.perform(step, at);
  return run;
}

function productOf({ kind, output }: DesignCall['makes'][number], label: string): Product {
  return { kind, ref: output === undefined ? label : `${label}.${output}` };
}

function drawArguments(
  { args }: DesignCall,
  products: readonly Product[],
  picks: Picks,
): Record<string, DesignOperand> {
  const drawn: Record<string, DesignOperand> = {};
  const unusualOneIn = UNUSUAL_ONE_IN[picks.rarely(ODD_ONE_IN) ? 'odd' : 'other'];
  for (const [name, argument] of Object.entries(args)) {
    const oneIn = argument.kind === 'choice' ? UNUSUAL_ONE_IN.choice : unusualOneIn;
    const isUsual = argument.usual !== undefined && !picks.rarely(oneIn);
    const operand = isUsual ? undefined : drawOperand(argument, products, picks);
    if (operand !== undefined) drawn[name] = operand;
  }
  return drawn;
}

/** A handle that was made, or an edge; undefined for what is usual. */
function drawOperand(
  argument: Argument,
  products: readonly Product[],
  picks: Picks,
): DesignOperand | undefined {
  if (argument.kind === 'handle' && !picks.rarely(FOREIGN_ONE_IN)) {
    const made = picks.any(products.filter(({ kind }) => argument.of.includes(kind)));
    if (made !== undefined) return { ref: made.ref };
  }
  return picks.any(argument.values) ?? argument.usual ?? 0;
}
