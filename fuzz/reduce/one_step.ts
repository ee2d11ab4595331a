import type { Program, Step } from '../../models/program/program.js';

/** Programs that differ from one in a single step, which is one of the others that it may be; in the order of the steps. */
export function withOneStepChanged(program: Program, othersOf: (step: Step) => Step[]): Program[] {
  return listsWithOneChanged(program.steps, (step) =>
    step.do === 'lanes' ? lanesWithOneChanged(step, othersOf) : othersOf(step),
  ).map((steps) => ({ ...program, steps }));
}

type LanesStep = Extract<Step, { readonly do: 'lanes' }>;

function lanesWithOneChanged(step: LanesStep, othersOf: (step: Step) => Step[]): LanesStep[] {
  return listsWithOneChanged(step.lanes, (lane) => listsWithOneChanged(lane, othersOf)).map((lanes) => ({
    ...step,
    lanes,
  }));
}

/** Lists that differ from one in a single element. */
export function listsWithOneChanged<T>(list: readonly T[], othersOf: (element: T) => T[]): T[][] {
  return list.flatMap((element, at) =>
    othersOf(element).map((other) => list.map((kept, index) => (index === at ? other : kept))),
  );
}
