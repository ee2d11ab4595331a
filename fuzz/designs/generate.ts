import fc from 'fast-check';
import { present } from '../../models/base/assert.js';
import type { Argument } from '../../models/designs/framework/argument.js';
import type { DesignCall } from '../../models/designs/framework/call.js';
import type { Design } from '../../models/designs/framework/design.js';
import type { DesignOperand, DesignProgram, DesignStep } from '../../models/designs/framework/program.js';
import { DesignRun } from '../../models/designs/framework/run.js';
import { Picks } from '../generate/picks.js';
import { BIASES } from './biases.js';

/** More numbers than a step has decisions. */
const PICKS_PER_STEP = 24;

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
  const minLength = Math.min(BIASES.stepsMin.value, stepsMax);
  const intents = fc.noBias(fc.array(picks, { minLength, maxLength: stepsMax, size: 'max' }));
  return fc
    .sample(intents, { seed, numRuns: count })
    .map((numbers) => new DesignWriter(design, numbers).write());
}

/** A handle that some step has made. */
interface Product {
  readonly kind: string;
  readonly ref: string;
}

/** What one program does more or less often than others. */
interface Swarm {
  /** Each call as often as its weight. */
  readonly calls: readonly DesignCall[];
  /** Of so many steps that fail, one stays. */
  readonly failuresOneIn: number;
  /** Of so many steps whose behaviour is undefined, one stays, and ends the program. */
  readonly endsOneIn: number;
  /** Of so many steps, one has unusual arguments. */
  readonly oddOneIn: number;
  /** Of so many arguments that have come before under the same name, one does not come again. */
  readonly newOneIn: number;
}

/** Writes a program beside a run of it, so that it can use what was made. */
class DesignWriter {
  #run: DesignRun;
  readonly #steps: DesignStep[] = [];
  readonly #products: Product[] = [];
  /** What arguments of a name were, if they were not what is usual. */
  readonly #passed = new Map<string, DesignOperand[]>();
  readonly #swarm: Swarm;

  constructor(
    private readonly design: Design,
    private readonly numbers: readonly (readonly number[])[],
  ) {
    this.#run = new DesignRun(design);
    this.#swarm = drawSwarm(design, new Picks(numbers.flat()));
  }

  write(): DesignProgram {
    for (const drawn of this.numbers) {
      if (this.#run.isOver) break;
      this.#add(new Picks(drawn, 1));
    }
    return { steps: this.#steps };
  }

  #add(picks: Picks): void {
    const before = picks.rarely(BIASES.repeatedOneIn.value) ? picks.any(this.#steps) : undefined;
    const call = this.design.calls.find(({ name }) => name === before?.call) ?? this.#drawCall(picks);
    const label = `r${String(this.#steps.length)}`;
    const step: DesignStep = {
      call: call.name,
      args: before?.args ?? this.#drawArguments(call, picks),
      ...(call.makes.length === 0 ? {} : { as: label }),
    };
    const outcome = this.#run.perform(step, this.#steps.length);
    const isDone = outcome.is === 'value' || outcome.is === 'unset';
    const { endsOneIn, failuresOneIn } = this.#swarm;
    if (!isDone && !picks.rarely(outcome.is === 'undefined' ? endsOneIn : failuresOneIn)) {
      this.#run = rerun(this.design, this.#steps);
      return;
    }
    this.#steps.push(step);
    for (const [name, operand] of Object.entries(step.args ?? {})) this.#note(call, name, operand);
    if (outcome.is === 'value') this.#products.push(...call.makes.map((made) => productOf(made, label)));
  }

  #note({ args }: DesignCall, name: string, operand: DesignOperand): void {
    if (args[name]?.kind === 'handle') return;
    this.#passed.set(name, [...(this.#passed.get(name) ?? []), operand]);
  }

  /** Mostly a call for which there are handles. */
  #drawCall(picks: Picks): DesignCall {
    const { calls } = this.#swarm;
    const kinds = new Set(this.#products.map(({ kind }) => kind));
    const ready = calls.filter(({ args }) =>
      Object.values(args).every(
        (argument) =>
          argument.kind !== 'handle' ||
          argument.usual !== undefined ||
          argument.of.some((kind) => kinds.has(kind)),
      ),
    );
    const isReady = ready.length > 0 && !picks.rarely(BIASES.unreadyOneIn.value);
    return present(picks.any(isReady ? ready : calls), 'a call');
  }

  #drawArguments({ args }: DesignCall, picks: Picks): Record<string, DesignOperand> {
    const drawn: Record<string, DesignOperand> = {};
    const isOdd = picks.rarely(this.#swarm.oddOneIn);
    const unusualOneIn = (isOdd ? BIASES.unusualOfOddOneIn : BIASES.unusualOneIn).value;
    for (const [name, argument] of Object.entries(args)) {
      const oneIn = argument.kind === 'choice' ? BIASES.otherChoiceOneIn.value : unusualOneIn;
      const operand = this.#again(name, argument, picks) ?? this.#drawUnless(oneIn, argument, picks);
      if (operand !== undefined) drawn[name] = operand;
    }
    return drawn;
  }

  /** What was passed under the same name before: calls of one program are about the same things. */
  #again(name: string, argument: Argument, picks: Picks): DesignOperand | undefined {
    const before = argument.kind === 'handle' ? [] : (this.#passed.get(name) ?? []);
    const operand = before.length === 0 || picks.rarely(this.#swarm.newOneIn) ? undefined : picks.any(before);
    return operand === undefined || !fits(argument, operand) ? undefined : operand;
  }

  /** Undefined for what is usual. */
  #drawUnless(unusualOneIn: number, argument: Argument, picks: Picks): DesignOperand | undefined {
    const isUsual = argument.usual !== undefined && !picks.rarely(unusualOneIn);
    return isUsual ? undefined : this.#drawOperand(argument, picks);
  }

  /** A handle that was made, or an edge; undefined for what is usual. */
  #drawOperand(argument: Argument, picks: Picks): DesignOperand | undefined {
    if (argument.kind === 'handle' && !picks.rarely(BIASES.foreignOneIn.value)) {
      const made = this.#products.filter(({ kind }) => argument.of.includes(kind));
      const isNewest = picks.below(BIASES.newestOneIn.value) === 0;
      const product = isNewest ? made.at(-1) : picks.any(made);
      if (product !== undefined) return { ref: product.ref };
    }
    return picks.any(argument.values) ?? argument.usual ?? 0;
  }
}

/** Whether an argument may be what another of its name was. */
function fits({ min, max, kind, values }: Argument, operand: DesignOperand): boolean {
  if (typeof operand !== 'number' && typeof operand !== 'bigint') return false;
  if (kind === 'choice' || kind === 'flags') return values.includes(operand);
  return BigInt(operand) >= min && BigInt(operand) <= max;
}

/** Programs of few calls, some of them often, get deeper than programs of all. */
function drawSwarm({ calls }: Design, picks: Picks): Swarm {
  const weights = BIASES.weights.value;
  const drawn = calls.flatMap((call) => new Array<DesignCall>(picks.any(weights) ?? 1).fill(call));
  return {
    calls: drawn.length === 0 ? calls : drawn,
    failuresOneIn: picks.any(BIASES.failuresOneIn.value) ?? 1,
    endsOneIn: picks.any(BIASES.endsOneIn.value) ?? 1,
    oddOneIn: picks.any(BIASES.oddOneIn.value) ?? 1,
    newOneIn: picks.any(BIASES.newOneIn.value) ?? 1,
  };
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
