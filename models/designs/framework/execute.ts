import { present } from '../../base/assert.js';
import { ProgramError } from '../../program/program.js';
import type { ActiveCall } from './active_call.js';
import { checkDesignProgram } from './check_program.js';
import type { Design } from './design.js';
import type { StepOutcome } from './outcome.js';
import type { DesignProgram, DesignStep } from './program.js';
import { type Breach, DesignRun } from './run.js';

/** A breach, and the first order of the lanes that shows it, up to where it was noticed. */
export interface OrderedBreach extends Breach {
  /** One entry for each section that ran; undefined where none had. */
  readonly order?: readonly Section[];
}

/** A part of a call between two pauses. */
interface Section {
  readonly lane: string;
  readonly step: number;
}

/** The lanes in the order in which they ran, a word for each section: `A B A`. */
export function describeOrder(order: readonly Section[]): string {
  return order.map(({ lane }) => lane).join(' ');
}

/** What a program has come to, in every order of its lanes. */
export interface DesignResult {
  /** Different outcomes of each step; more than one only where the order decides. None where no order came to it. */
  readonly outcomes: readonly (readonly StepOutcome[])[];
  /** Each once. */
  readonly breaches: readonly OrderedBreach[];
  /** How many orders there are; 1 without lanes. */
  readonly orders: number;
}

/** Orders of a program's lanes that are tried; a program with more is refused. */
const ORDERS_MAX = 20_000;

/**
 * Runs a program on a design: lanes in all their orders.
 * @throws ProgramError when the program makes no sense, or has too many orders
 */
export function runDesign(design: Design, program: DesignProgram): DesignResult {
  checkDesignProgram(design, program);
  const collected = new Collected(program.steps.length);
  let choices: number[] | undefined = [];
  for (let orders = 1; ; orders++) {
    if (orders > ORDERS_MAX) {
      throw new ProgramError(`the lanes have more than ${String(ORDERS_MAX)} orders; make them shorter`);
    }
    const order = new OrderRun(design, program.steps, choices);
    order.execute();
    collected.add(order);
    choices = nextChoices(order.decisions);
    if (choices === undefined) return collected.result(orders);
  }
}

/** A choice between lanes: which of how many. */
interface Decision {
  readonly taken: number;
  readonly of: number;
}

/** The choices of the next order, depth first; undefined after the last. */
function nextChoices(decisions: readonly Decision[]): number[] | undefined {
  const at = decisions.findLastIndex(({ taken, of }) => taken + 1 < of);
  if (at === -1) return undefined;
  return [
    ...decisions.slice(0, at).map(({ taken }) => taken),
    present(decisions[at], 'a decision').taken + 1,
  ];
}

/** One thread: its steps, and the one it is in. */
interface Lane {
  readonly name: string;
  readonly steps: readonly number[];
  next: number;
  active: ActiveCall | undefined;
  /** Sections that others ran since the call entered. */
  isAlone: boolean;
}

/** A program in one order of its lanes. */
class OrderRun {
  readonly run: DesignRun;
  readonly decisions: Decision[] = [];
  readonly sections: Section[] = [];
  /** Of each breach, how many sections had run when it was noticed. */
  readonly noticedAfter: number[] = [];
  readonly #lanes: Lane[];

  constructor(
    design: Design,
    private readonly steps: readonly DesignStep[],
    private readonly choices: readonly number[],
  ) {
    this.run = new DesignRun(design);
    this.#lanes = lanesOf(steps);
  }

  execute(): void {
    const first = this.steps.findIndex(({ lane }) => lane !== undefined);
    const last = this.steps.findLastIndex(({ lane }) => lane !== undefined);
    const end = this.steps.length;
    this.#runAlone(0, first === -1 ? end : first);
    if (first === -1) return;
    this.#runLanes();
    this.#runAlone(last + 1, end);
  }

  #runAlone(from: number, to: number): void {
    for (let at = from; at < to && !this.run.isOver; at++) {
      this.run.perform(present(this.steps[at], 'a step'), at);
      this.#noteBreaches();
    }
  }

  #runLanes(): void {
    while (!this.run.isOver) {
      const unfinished = this.#lanes.filter(({ active, next, steps }) => active ?? next < steps.length);
      if (unfinished.length === 0) return;
      const ready = unfinished.filter(({ active }) => active?.blockedOn === undefined);
      if (ready.length === 0) this.#starve(unfinished);
      else this.#advance(this.#choose(ready));
    }
  }

  #choose(ready: readonly Lane[]): Lane {
    const taken = this.choices[this.decisions.length] ?? 0;
    if (ready.length > 1) this.decisions.push({ taken, of: ready.length });
    return present(ready[ready.length > 1 ? taken : 0], 'a lane');
  }

  #advance(lane: Lane): void {
    if (lane.active === undefined) {
      const at = present(lane.steps[lane.next], 'a step of the lane');
      lane.active = this.run.start(present(this.steps[at], 'a step'), at);
      lane.isAlone = true;
      lane.next += 1;
    }
    const { active } = lane;
    this.sections.push({ lane: lane.name, step: active.step });
    active.advance();
    for (const other of this.#lanes) if (other !== lane) other.isAlone = false;
    if (active.outcome === undefined) this.run.settlePause(active.step);
    else this.#finish(lane, active);
    this.#noteBreaches();
  }

  #finish(lane: Lane, active: ActiveCall): void {
    lane.active = undefined;
    this.run.settle(active, lane.isAlone);
  }

  /** Nobody can go on. */
  #starve(blocked: readonly Lane[]): void {
    const lane = present(blocked[0], 'a lane');
    const active = present(lane.active, 'a blocked call');
    active.starve();
    this.#finish(lane, active);
    this.#noteBreaches();
  }

  #noteBreaches(): void {
    while (this.noticedAfter.length < this.run.breaches.length) this.noticedAfter.push(this.sections.length);
  }
}

function lanesOf(steps: readonly DesignStep[]): Lane[] {
  const names = new Set(steps.flatMap(({ lane }) => lane ?? []));
  return [...names].map((name) => ({
    name,
    steps: steps.flatMap(({ lane }, at) => (lane === name ? [at] : [])),
    next: 0,
    active: undefined,
    isAlone: true,
  }));
}

/** What the orders of a program have shown, each thing once. */
class Collected {
  readonly #outcomes: Map<string, StepOutcome>[];
  readonly #breaches = new Map<string, OrderedBreach>();

  constructor(steps: number) {
    this.#outcomes = Array.from({ length: steps }, () => new Map<string, StepOutcome>());
  }

  add({ run, sections, noticedAfter }: OrderRun): void {
    for (const [at, known] of this.#outcomes.entries()) {
      const outcome = run.outcomeOf(at);
      if (outcome !== undefined) known.set(keyOf(outcome), outcome);
    }
    for (const [at, breach] of run.breaches.entries()) {
      const order = sections.slice(0, noticedAfter[at]);
      const key = [breach.invariant, breach.what, ...breach.defects].join(' ');
      if (this.#breaches.has(key)) continue;
      this.#breaches.set(key, order.length === 0 ? breach : { ...breach, order });
    }
  }

  result(orders: number): DesignResult {
    return {
      outcomes: this.#outcomes.map((known) => [...known.values()]),
      breaches: [...this.#breaches.values()],
      orders,
    };
  }
}

function keyOf(outcome: StepOutcome): string {
  return JSON.stringify(outcome, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
