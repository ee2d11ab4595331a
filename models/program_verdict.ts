import { hex } from './base/u64.js';
import type { Behaviour } from './behaviour.js';
import { type FindingId, findingById } from './findings.js';
import { INVARIANTS, type Invariant } from './invariants/index.js';
import type { JudgedSteps } from './lanes/order_run.js';
import { judgeSteps } from './lanes/orders.js';
import { type Foreseen, ModelRun, type ModelWatcher, type StepVerdict } from './model_run.js';
import type { ProgramOutcome } from './outcome.js';
import type { Reading, Unspecified } from './prediction.js';
import type { AssembledProgram } from './program/assemble.js';
import { hasLanes } from './program/program.js';
import type { RawStep } from './program/raw.js';

/** Something wrong with what a program did on a target. */
export interface Problem {
  /** Which kind of check objects. */
  readonly kind: ProblemKind;
  /** Index of the step, if it is one step's. */
  readonly step?: number;
  /** In words; says what was expected and what was seen. */
  readonly what: string;
  /** The rules whose answers were allowed, as `call/rule`, where the model objects to another answer. */
  readonly rules?: readonly string[];
}

export type ProblemKind =
  'expectation' | 'model' | 'invariant' | 'metamorphic' | 'console' | 'stray_write' | 'leftover' | 'crash';

/** How many steps the model has judged, and found to be as it allows. */
export function countJudged(verdicts: readonly StepVerdict[]): number {
  return verdicts.filter(({ kind }) => kind === 'exact' || kind === 'legal').length;
}

/** What the model makes of a program's outcome. */
export interface ProgramVerdict {
  readonly verdicts: readonly StepVerdict[];
  /** The order of the steps that explains the answers, or that explains most of them. */
  readonly order: readonly number[];
  readonly problems: readonly Problem[];
  /** Kernel findings that answers and kernel messages have shown. */
  readonly findings: readonly FindingId[];
  /** Why steps could not be judged, where the model does not know what they do. */
  readonly unspecified: readonly string[];
  /** Trouble of the test bed. */
  readonly infra: string | undefined;
}

/** What else there is to judging. */
interface Judging {
  /** Titles of kernel messages that are known to come, beside those that the model predicts. */
  readonly expectedSplats?: readonly string[];
  /** Looks on; with lanes, at each order that is tried, the one that explains last. */
  readonly watcher?: ModelWatcher | undefined;
  /** All, unless something else is to be seen of them. */
  readonly invariants?: readonly Invariant[];
}

/**
 * Judges what a target made of a program: each answer and the invariants after it, then crashes, stray writes, kernel messages
 * and what was left behind.
 */
export function judgeByModel(
  program: AssembledProgram,
  outcome: ProgramOutcome,
  behaviour: Behaviour,
  reading: Reading,
  { expectedSplats = [], watcher, invariants = INVARIANTS }: Judging = {},
): ProgramVerdict {
  const judged = judgeSteps(program, outcome.steps, behaviour, reading, invariants, watcher);
  const { run, verdicts, order } = judged;
  const hang = knownHang(program, outcome, behaviour);
  const end = run.end();
  const infra = outcome.steps.find((step) => step.status === 'infra')?.error;
  const findings = new Set([...findingsSeen(outcome, verdicts, run), ...(hang?.findings ?? [])]);
  // What a kernel keeps that does nobody knows what is the finding too.
  const isUntold = [...findings].some((id) => findingById(id).spoilsKernel === 'untold');
  const problems = [
    ...(hang === undefined ? crashes(outcome) : []),
    ...objections(program.steps, judged),
    ...(infra === undefined ? consoleProblems(outcome, verdicts, expectedSplats, run.possibleSplats) : []),
    ...strayWrites(outcome),
    ...(isUntold ? [] : leftBehind(outcome)),
  ];
  const unspecified = [...verdicts, hang, end].flatMap(whyOf);
  return { verdicts, order, problems, findings: [...findings], unspecified, infra };
}

/** Whether the model's own answers to a program need no second look: lanes are carried out in one order, and judged by all. */
export function hasOneAnswer(program: AssembledProgram): boolean {
  return !hasLanes(program);
}

/** Judges a program that has one answer by the answers of the model itself: nothing but its invariants can object. */
export class OwnWalk {
  /** What carries the program out. */
  readonly run: ModelRun;
  readonly #verdicts: StepVerdict[] = [];
  #isAbandoned = false;

  /**
   * @param watcher looks on
   * @param invariants all, unless something else is to be seen of them
   */
  constructor(behaviour: Behaviour, watcher?: ModelWatcher, invariants = INVARIANTS) {
    this.run = new ModelRun(behaviour, 'exact', invariants, watcher);
  }

  /** Carries out the next step. */
  follow(step: RawStep): void {
    this.#verdicts.push(this.run.follow(step));
  }

  /** Whether it says nothing of the program, which goes on in another way. */
  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  abandon(): void {
    this.#isAbandoned = true;
  }

  /** Carries out the next step, which `run` has foreseen. One whose outcome the model cannot tell is the end of the walk. */
  take(foreseen: Foreseen): void {
    const verdict = this.run.followForeseen(foreseen);
    this.#verdicts.push(verdict);
    if (verdict.kind === 'unspecified') this.abandon();
  }

  /** What is to be said when all steps are over. */
  verdict(): ProgramVerdict {
    const verdicts = this.#verdicts;
    const end = this.run.end();
    const judged = { run: this.run, verdicts, order: [...verdicts.keys()] };
    const findings = new Set(verdicts.flatMap((one) => ('findings' in one ? one.findings : [])));
    return {
      verdicts,
      order: judged.order,
      problems: objections([], judged),
      findings: [...findings],
      unspecified: [...verdicts, end].flatMap(whyOf),
      infra: undefined,
    };
  }
}

/**
 * A call that did not return, where it is known that it may not. Nothing is known of the answers before it, which went with the
 * machine: the model's own stand in for them.
 */
function knownHang(
  { steps }: AssembledProgram,
  outcome: ProgramOutcome,
  behaviour: Behaviour,
): Unspecified | undefined {
  const at = outcome.steps.findIndex(({ status }) => status === 'hung');
  const step = steps[at];
  if (step === undefined) return undefined;
  const run = new ModelRun(behaviour, 'exact', []);
  if (steps.slice(0, at).some((before) => run.execute(before) === undefined)) return undefined;
  const untold = run.untold(step);
  return untold?.findings.some((id) => findingById(id).hangs) === true ? untold : undefined;
}

function whyOf(verdict: StepVerdict | undefined): string[] {
  return verdict?.kind === 'unspecified' ? [verdict.why] : [];
}

/** Each once: those that the answers are, and those whose kernel message came. */
function findingsSeen(
  { splats }: ProgramOutcome,
  verdicts: readonly StepVerdict[],
  { possibleSplats }: ModelRun,
): FindingId[] {
  const shown = verdicts.flatMap((verdict) => ('findings' in verdict ? verdict.findings : []));
  const printed = splats.flatMap(({ title }) => possibleSplats.get(title) ?? []);
  return [...new Set([...shown, ...printed])];
}

function crashes({ steps }: ProgramOutcome): Problem[] {
  return steps.flatMap((outcome, step): Problem[] => {
    if (outcome.status === 'hung') return [{ kind: 'crash', step, what: 'the call did not return' }];
    if (outcome.status !== 'crashed') return [];
    return [{ kind: 'crash', step, what: `the kernel crashed: ${outcome.title}` }];
  });
}

function objections(steps: readonly RawStep[], { verdicts, order }: JudgedSteps): Problem[] {
  const lanes = laneOrder(steps, order);
  return verdicts.flatMap((verdict, step): Problem[] => {
    if (verdict.kind === 'violation') {
      const { invariant, what } = verdict.violation;
      return [{ kind: 'invariant', step, what: `${invariant} does not hold: ${what}` }];
    }
    if (verdict.kind !== 'mismatch') return [];
    const { allowed, rules, seen, differences } = verdict.mismatch;
    const places = differences.map(
      ({ where, expected, seen: got }) => `; ${where}: allowed ${expected}, seen ${got}`,
    );
    return [
      {
        kind: 'model',
        step,
        rules,
        what: `${lanes}allowed is ${allowed.join(' or ')}, seen ${seen}${places.join('')}`,
      },
    ];
  });
}

/** Says of a program with lanes which order of their steps comes closest to what was seen. */
function laneOrder(steps: readonly RawStep[], order: readonly number[]): string {
  if (!hasLanes({ steps })) return '';
  const numbers = order.map((at) => String(at + 1)).join(' ');
  return `no order of the lanes explains the answers; after the steps ${numbers} `;
}

/** Kernel messages must be those that are known to come with the answers, and at most those beside that may. */
function consoleProblems(
  { splats, steps }: ProgramOutcome,
  verdicts: readonly StepVerdict[],
  byHand: readonly string[],
  possible: ReadonlyMap<string, FindingId>,
): Problem[] {
  const predicted = verdicts.flatMap((verdict) =>
    'splat' in verdict && verdict.kind !== 'unspecified' ? [verdict.splat] : [],
  );
  const expected = new Set([...predicted.map(({ title }) => title), ...byHand]);
  const mayBeMissing = new Set(predicted.filter(({ isOnce }) => isOnce).map(({ title }) => title));
  const seen = new Set(splats.map(({ title }) => title));
  const isWhole = steps.every(({ status }) => status === 'returned');
  const missing = isWhole
    ? [...expected].filter((title) => !seen.has(title) && !mayBeMissing.has(title))
    : [];
  return [
    ...[...seen]
      .filter((title) => !expected.has(title) && !possible.has(title))
      .map((title) => `the kernel printed "${title}"`),
    ...missing.map((title) => `the kernel did not print "${title}"`),
  ].map((what) => ({ kind: 'console', what }));
}

function strayWrites({ strayWrites: writes }: ProgramOutcome): Problem[] {
  return writes.map(({ step, address }) => ({
    kind: 'stray_write',
    step,
    what: `the kernel wrote to ${hex(address)}, outside of every buffer`,
  }));
}

function leftBehind({ leftovers }: ProgramOutcome): Problem[] {
  return leftovers.map((what) => ({ kind: 'leftover', what: `after the program ${what}` }));
}
