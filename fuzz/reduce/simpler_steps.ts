import { PAGE_SIZE } from '../../models/base/u64.js';
import { callByName } from '../../models/ioctls/index.js';
import { HUGE, SCRATCH } from '../../models/program/arena.js';
import type { IoctlStep, Program, Step } from '../../models/program/program.js';
import { withOneStepChanged } from './one_step.js';
import { fewerBytes, shorterLists, simplerOperands } from './simpler_values.js';

/** Programs with one step simpler than in this one, in the order of their steps. */
export function withSimplerSteps(program: Program): Program[] {
  return withOneStepChanged(program, simplerSteps);
}

/** Steps that are a little simpler, the greatest gains first. */
function simplerSteps(step: Step): Step[] {
  return [...withoutOptions(step), ...simplerFailure(step), ...simplerOfKind(step)];
}

/** Members of a step that it can do without. */
const OPTIONS = [
  ...['by', 'failNth', 'at', 'tail', 'command', 'offset', 'isPrivate', 'huge', 'fallocated'],
  ...['drop', 'memlock', 'access', 'to'],
];

function withoutOptions(step: Step): Step[] {
  const optional = Object.keys(step).filter((name) => OPTIONS.includes(name) && !isNeeded(step, name));
  return optional.map((name) => {
    const rest = Object.entries(step).filter(([other]) => other !== name);
    return Object.fromEntries(rest) as unknown as Step;
  });
}

/** Options of some steps are what others cannot be without. */
function isNeeded(step: Step, name: string): boolean {
  if (name === 'access') return step.do !== 'open';
  if (name === 'to') return step.do !== 'mremap';
  return name === 'by' && (step.do === 'exec' || step.do === 'exit');
}

function simplerFailure(step: Step): Step[] {
  if (!('failNth' in step)) return [];
  const { failNth } = step;
  return [1, Math.floor(failNth / 2), failNth - 1]
    .filter((nth, at, all) => nth > 0 && nth < failNth && all.indexOf(nth) === at)
    .map((nth) => ({ ...step, failNth: nth }));
}

function simplerOfKind(step: Step): Step[] {
  switch (step.do) {
    case 'ioctl':
      return simplerCalls(step);
    case 'read':
      return fewerBytes(BigInt(step.bytes)).map((bytes) => ({ ...step, bytes: Number(bytes) }));
    case 'write':
      return shorterLists(step.words).map((words) => ({ ...step, words }));
    case 'memfd':
    case 'truncate':
      return fewerBytes(step.bytes).map((bytes) => ({ ...step, bytes }));
    case 'mmap':
    case 'munmap':
    case 'mprotect':
    case 'mremap':
      return simplerMemory(step);
    case 'process':
      return shorterLists(step.drop ?? []).map((drop) => ({ ...step, drop }));
    default:
      return [];
  }
}

type MemoryStep = Extract<Step, { readonly do: 'mmap' | 'munmap' | 'mprotect' | 'mremap' }>;

/** Less of it, and at the start of where it may be. */
function simplerMemory(step: MemoryStep): Step[] {
  const region = step.start >= HUGE.start ? HUGE : SCRATCH;
  const unit = region === HUGE ? 0x20_0000n : PAGE_SIZE;
  const moved = step.start > region.start ? [{ ...step, start: region.start }] : [];
  const sizes = step.bytes > unit ? [unit, (step.bytes / 2n) & -unit] : [];
  return [...moved, ...sizes.map((bytes) => ({ ...step, bytes }))];
}

function simplerCalls(step: IoctlStep): IoctlStep[] {
  const names = Object.keys(step.args);
  const call = callByName(step.call);
  const bare = names.length > 1 ? [{ ...step, args: {} }] : [];
  const without = names.map((name) => {
    const rest = Object.entries(step.args).filter(([other]) => other !== name);
    return { ...step, args: Object.fromEntries(rest) };
  });
  const simpler = Object.entries(step.args).flatMap(([name, operand]) => {
    const field = call?.layout.memberOf(name)?.field;
    if (field === undefined) return [];
    return simplerOperands(operand, field).map((other) => ({
      ...step,
      args: { ...step.args, [name]: other },
    }));
  });
  return [...bare, ...without, ...simpler, ...simplerTails(step)];
}

function simplerTails(step: IoctlStep): IoctlStep[] {
  const { tail } = step;
  if (tail === undefined) return [];
  return fewerBytes(BigInt(tail.bytes)).map((bytes) => ({
    ...step,
    tail: { ...tail, bytes: Number(bytes) },
  }));
}
