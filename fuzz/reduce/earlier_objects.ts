import { callByName } from '../../models/ioctls/index.js';
import { type Program, type Step, isReference, placedSteps } from '../../models/program/program.js';
import { withOneStepChanged } from './one_step.js';

/**
 * Programs in which one id that a call passes is that of an object made before the one that it is of now, the first objects first:
 * what another object shows too does not need the later one, nor what leads to it.
 */
export function withEarlierObjects(program: Program): Program[] {
  const ids = idsMade(program);
  return withOneStepChanged(program, (step) => withEarlierIds(step, ids));
}

/** What programs call the ids that calls answer with, in their order. */
function idsMade(program: Program): string[] {
  return placedSteps(program).flatMap(({ step }) => {
    if (step.do !== 'ioctl' || step.label === undefined) return [];
    const { call, label } = step;
    const members = callByName(call)?.layout.members ?? [];
    return members
      .filter(({ field }) => field.role.is === 'id' && field.direction !== 'in')
      .map(({ name }) => `${label}.${name}`);
  });
}

function withEarlierIds(step: Step, ids: readonly string[]): Step[] {
  if (step.do !== 'ioctl') return [];
  return Object.entries(step.args).flatMap(([name, operand]) => {
    if (!isReference(operand)) return [];
    const earlier = ids.slice(0, Math.max(0, ids.indexOf(operand.ref)));
    return earlier.map((ref) => ({ ...step, args: { ...step.args, [name]: { ...operand, ref } } }));
  });
}
