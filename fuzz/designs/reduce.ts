import { present } from '../../models/base/assert.js';
import type { Argument } from '../../models/designs/framework/argument.js';
import { type Design, callOf } from '../../models/designs/framework/design.js';
import { runDesign } from '../../models/designs/framework/execute.js';
import {
  type DesignOperand,
  type DesignProgram,
  type DesignStep,
  labelsUsed,
} from '../../models/designs/framework/program.js';

type Steps = readonly DesignStep[];

/** Whether a program shows a defect. */
export function showsDefect(design: Design, program: DesignProgram, defect: string): boolean {
  return runDesign(design, program).breaches.some(({ defects }) => defects.includes(defect));
}

/**
 * The shortest program that still shows a defect: steps are dropped with those that use their results, lanes are joined, and
 * arguments are made simpler, until nothing of that can be done any more. Steps that only go together are tried last: two at a time, and
 * one while an argument of another changes.
 */
export function reduceDesignProgram(design: Design, program: DesignProgram, defect: string): DesignProgram {
  return reduceWhile(design, program, (candidate) => showsDefect(design, candidate, defect));
}

/** The same for whatever a program is to show. */
export function reduceWhile(
  design: Design,
  program: DesignProgram,
  shows: (candidate: DesignProgram) => boolean,
): DesignProgram {
  let best = program.steps;
  for (;;) {
    const smaller = firstShowing(simpler(design, best), shows) ?? firstShowing(shorter(design, best), shows);
    if (smaller === undefined) return { steps: best };
    best = smaller;
  }
}

function firstShowing(
  candidates: Iterable<Steps>,
  shows: (candidate: DesignProgram) => boolean,
): Steps | undefined {
  for (const candidate of candidates) {
    if (candidate.length === 0 || laneCount(candidate) === 1) continue;
    const steps = withoutUnusedLabels(candidate);
    if (shows({ steps })) return steps;
  }
  return undefined;
}

/** Programs that are a little simpler, the greatest gains first; each is, so that reduction ends. */
function* simpler(design: Design, steps: Steps): Generator<Steps> {
  for (let at = steps.length - 1; at >= 0; at--) yield without(steps, at);
  yield* withoutLanes(steps);
  yield* withoutSharedOperands(design, steps);
  for (const [at, step] of steps.entries()) {
    for (const one of simplerSteps(design, step)) yield replaced(steps, at, one);
  }
}

/** Programs with fewer steps and something else changed. */
function* shorter(design: Design, steps: Steps): Generator<Steps> {
  for (let at = steps.length - 1; at >= 0; at--) {
    for (let other = at - 1; other >= 0; other--) yield without(without(steps, at), other);
  }
  if (steps.length > CHANGED_STEPS_MAX) return;
  for (let at = steps.length - 1; at >= 0; at--) {
    const kept = withAllLabels(
      design,
      steps.filter((_, index) => index !== at),
    );
    for (const [place, step] of kept.entries()) {
      for (const changed of otherSteps(design, kept.slice(0, place), step)) {
        yield* renewed(replaced(kept, place, changed));
      }
    }
  }
}

/** Longer programs have too many changes to try, and hardly need them. */
const CHANGED_STEPS_MAX = 8;

function replaced(steps: Steps, at: number, step: DesignStep): Steps {
  return [...steps.slice(0, at), step, ...steps.slice(at + 1)];
}

/** The steps if all that they use is there. */
function renewed(steps: Steps): Steps[] {
  const made = new Set<string>();
  for (const step of steps) {
    if (labelsUsed(step).some((label) => !made.has(label))) return [];
    if (step.as !== undefined) made.add(step.as);
  }
  return [steps];
}

/** A step with one argument of which it has another value, or the result of a step before it. */
function* otherSteps(design: Design, before: Steps, step: DesignStep): Generator<DesignStep> {
  const call = present(callOf(design, step.call), step.call);
  for (const [name, argument] of Object.entries(call.args)) {
    const { args = {} } = step;
    if (argument.usual !== undefined && args[name] !== undefined) yield { ...step, args: omit(args, name) };
    for (const operand of [...argument.values, ...resultsFor(design, argument, before)]) {
      yield { ...step, args: { ...args, [name]: operand } };
    }
  }
}

function resultsFor(design: Design, argument: Argument, before: Steps): DesignOperand[] {
  if (argument.kind !== 'handle') return [];
  return before.flatMap(({ call, as }) =>
    present(callOf(design, call), call).makes.flatMap(({ kind, output }) =>
      as === undefined || !argument.of.includes(kind)
        ? []
        : [{ ref: output === undefined ? as : `${as}.${output}` }],
    ),
  );
}

/** The steps without one, and without those that use its result. */
function without(steps: Steps, dropped: number): Steps {
  const gone = new Set<string>();
  return steps.filter((step, at) => {
    const isKept = at !== dropped && !labelsUsed(step).some((label) => gone.has(label));
    if (!isKept && step.as !== undefined) gone.add(step.as);
    return isKept;
  });
}

/** What several steps pass alike, a descriptor for instance, given up by all of them at a time. */
function withoutSharedOperands(design: Design, steps: Steps): Steps[] {
  const all = steps.flatMap(({ args = {} }) => Object.values(args).map(textOf));
  const shared = [...new Set(all.filter((text, at) => all.indexOf(text) !== at))];
  return shared
    .map((text) => steps.map((step) => withoutOperand(design, step, text)))
    .filter((smaller) => smaller.some((step, at) => step !== steps[at]));
}

function withoutOperand(design: Design, step: DesignStep, text: string): DesignStep {
  const { args = {} } = step;
  const call = present(callOf(design, step.call), step.call);
  const kept = Object.entries(args).filter(
    ([name, operand]) => textOf(operand) !== text || call.args[name]?.usual === undefined,
  );
  return kept.length === Object.keys(args).length ? step : { ...step, args: Object.fromEntries(kept) };
}

function textOf(operand: DesignOperand): string {
  return typeof operand === 'object' ? `${operand.ref} + ${String(operand.plus ?? 0)}` : String(operand);
}

/** One lane alone is no race, and says nothing that a program without lanes does not. */
function laneCount(steps: Steps): number {
  return new Set(steps.flatMap(({ lane }) => lane ?? [])).size;
}

function withoutLanes(steps: Steps): Steps[] {
  if (steps.every(({ lane }) => lane === undefined)) return [];
  return [steps.map(({ call, args = {}, as }) => ({ call, args, ...(as === undefined ? {} : { as }) }))];
}

/** With a label for all that is made, so that others can use it. */
function withAllLabels(design: Design, steps: Steps): Steps {
  const used = new Set(steps.map(({ as }) => as));
  return steps.map((step, at) => {
    if (step.as !== undefined || present(callOf(design, step.call), step.call).makes.length === 0)
      return step;
    let label = `made${String(at)}`;
    while (used.has(label)) label += '_';
    used.add(label);
    return { ...step, as: label };
  });
}

function withoutUnusedLabels(steps: Steps): Steps {
  const used = new Set(steps.flatMap(labelsUsed));
  return steps.map((step) => {
    const { as, ...rest } = step;
    return as === undefined || used.has(as) ? step : rest;
  });
}

/** A step with one argument simpler. */
function simplerSteps(design: Design, step: DesignStep): DesignStep[] {
  const { args = {} } = step;
  const call = present(callOf(design, step.call), step.call);
  return Object.entries(args).flatMap(([name, operand]) => {
    const argument = present(call.args[name], name);
    return [
      ...(argument.usual === undefined ? [] : [{ ...step, args: omit(args, name) }]),
      ...simplerOperands(argument, operand).map((one) => ({ ...step, args: { ...args, [name]: one } })),
    ];
  });
}

function omit(
  args: Readonly<Record<string, DesignOperand>>,
  name: string,
): Readonly<Record<string, DesignOperand>> {
  return Object.fromEntries(Object.entries(args).filter(([other]) => other !== name));
}

/** Values that stand before one in the list of its argument. */
function simplerOperands({ values }: Argument, operand: DesignOperand): DesignOperand[] {
  if (typeof operand === 'string') return [];
  if (typeof operand === 'object') return operand.plus === undefined ? [] : [{ ref: operand.ref }];
  const at = values.findIndex((value) => BigInt(value) === BigInt(operand));
  return values.slice(0, at === -1 ? values.length : at);
}
