import { present } from '../../models/base/assert.js';
import type { Behaviour } from '../../models/behaviour.js';
import { ModelRun } from '../../models/model_run.js';
import { assemble } from '../../models/program/assemble.js';
import type { IoctlStep, Program } from '../../models/program/program.js';
import type { World } from '../../models/state/world.js';

/** A call in a state, whose allocations are to fail one after another. */
export interface SweptCall {
  readonly program: Program;
  /** Index of the call's step in the program. */
  readonly at: number;
  /** What the call answers if nothing fails. */
  readonly because: string;
}

/** Picks calls to sweep from programs: of each answer of each call so many, in states with different kinds of objects. */
export class CallPicker {
  readonly #states = new Map<string, Set<string>>();

  constructor(
    private readonly behaviour: Behaviour,
    private readonly statesMax: number,
  ) {}

  /** Answers of calls that have been picked. */
  get answers(): number {
    return this.#states.size;
  }

  /** The calls of a program that are worth a sweep. One with lanes has none: which of its calls fails is not certain. */
  pick(program: Program): SweptCall[] {
    if (program.steps.some((step) => step.do === 'lanes')) return [];
    const { steps } = assemble(program);
    const run = new ModelRun(this.behaviour, 'exact', []);
    const picked: SweptCall[] = [];
    for (const [at, raw] of steps.entries()) {
      const state = stateOf(run.world);
      const step = present(program.steps[at], 'a step');
      const because = run.execute(raw)?.because;
      if (because === undefined) break;
      if (step.do !== 'ioctl' || step.failNth !== undefined || !this.#isNew(because, state)) continue;
      picked.push({ program, at, because });
    }
    return picked;
  }

  #isNew(because: string, state: string): boolean {
    const states = this.#states.get(because) ?? new Set();
    this.#states.set(because, states);
    if (states.has(state) || states.size >= this.statesMax) return false;
    states.add(state);
    return true;
  }
}

/**
 * The program of a sweep in which one allocation of the call fails. Then the call is made as it was, in whose way would be what the
 * failed one had left; what follows in the program goes on from there.
 */
export function failing({ program, at }: SweptCall, failNth: number): Program {
  const step = program.steps[at] as IoctlStep;
  const first: IoctlStep = {
    ...step,
    ...(step.label === undefined ? {} : { label: `${step.label}_failed` }),
    ...(step.fd === undefined ? {} : { fd: `${step.fd}_failed` }),
    failNth,
  };
  return { ...program, steps: program.steps.toSpliced(at, 0, first) };
}

/** The kinds of objects that each file has. */
function stateOf({ contexts }: World): string {
  return contexts
    .map(({ objects }) => [...new Set(objects.objects.map(({ type }) => type))].sort().join())
    .join(';');
}
