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

/** Whether a program shows a defect. */
export function showsDefect(design: Design, program: DesignProgram, defect: string): boolean {
  return runDesign(design, program).breaches.some(({ defects }) => defects.includes(defect));
}

/**
 * The shortest program that still shows a defect: steps are dropped with those that use their results, lanes are joined, and
 * arguments are made simpler, until nothing of that can be done any more.
 */
export function reduceDesignProgram(design: Design, program: DesignProgram, defect: string): DesignProgram {
  let best = program;
  for (;;) {
    const smaller = candidates(design, best).find((candidate) => showsDefect(design, candidate, defect));
    if (smaller === undefined) return best;
    best = smaller;
  }
}

/** Programs that are a little simpler, the greatest gains first; each is, so that reduction ends. */
function candidates(design: Design, { steps }: DesignProgram): DesignProgram[] {
  return [
    ...steps.map((_, at) => without(steps, steps.length - 1 - at)),
    ...withoutLanes(steps),
    ...withoutSharedOperands(design, steps),
    ...steps.flatMap((step, at) =>
      simplerSteps(design, step).map((simpler) => [...steps.slice(0, at), simpler, ...steps.slice(at + 1)]),
    ),
  ]
    .filter((smaller) => smaller.length > 0 && laneCount(smaller) !== 1)
    .map((smaller) => ({ steps: withoutUnusedLabels(smaller) }));
}

/** The steps without one, and without those that use its result. */
function without(steps: readonly DesignStep[], dropped: number): DesignStep[] {
  const gone = new Set<string>();
  return steps.filter((step, at) => {
    const isKept = at !== dropped && !labelsUsed(step).some((label) => gone.has(label));
    if (!isKept && step.as !== undefined) gone.add(step.as);
    return isKept;
  });
}

/** What several steps pass alike, a descriptor for instance, given up by all of them at a time. */
function withoutSharedOperands(design: Design, steps: readonly DesignStep[]): DesignStep[][] {
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
function laneCount(steps: readonly DesignStep[]): number {
  return new Set(steps.flatMap(({ lane }) => lane ?? [])).size;
}

function withoutLanes(steps: readonly DesignStep[]): DesignStep[][] {
  if (steps.every(({ lane }) => lane === undefined)) return [];
  return [steps.map(({ call, args = {}, as }) => ({ call, args, ...(as === undefined ? {} : { as }) }))];
}

function withoutUnusedLabels(steps: readonly DesignStep[]): DesignStep[] {
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
    const rest = Object.fromEntries(Object.entries(args).filter(([other]) => other !== name));
    return [
      ...(argument.usual === undefined ? [] : [{ ...step, args: rest }]),
      ...simplerOperands(argument, operand).map((simpler) => ({
        ...step,
        args: { ...args, [name]: simpler },
      })),
    ];
  });
}

/** Values that stand before one in the list of its argument. */
function simplerOperands({ values }: Argument, operand: DesignOperand): DesignOperand[] {
  if (typeof operand === 'string') return [];
  if (typeof operand === 'object') return operand.plus === undefined ? [] : [{ ref: operand.ref }];
  const at = values.findIndex((value) => BigInt(value) === BigInt(operand));
  return values.slice(0, at === -1 ? values.length : at);
}
