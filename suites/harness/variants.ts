import { ERRNO, errnoName } from '../../models/base/errno.js';
import { sameBytes, viewOf } from '../../models/base/bytes.js';
import type { Behaviour } from '../../models/behaviour.js';
import { callByName } from '../../models/ioctls/index.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import { probesOf } from '../../models/invariants/probes.js';
import { readMember } from '../../models/layout/struct.js';
import { ModelRun } from '../../models/model_run.js';
import type { Outcome, Returned } from '../../models/outcome.js';
import { Assembler, assemble } from '../../models/program/assemble.js';
import {
  type IoctlStep,
  type Operand,
  type Program,
  type Step,
  hasLanes,
} from '../../models/program/program.js';
import type { Variant } from './scenario.js';

/** A program made from another, with what must be true of both their results. */
export interface VariedProgram {
  readonly program: Program;
  /** For each step of the original, the step of this program that corresponds to it. */
  readonly steps: readonly number[];
  /** How the results of corresponding steps relate; what is wrong, in words. */
  relate(step: Step, original: Outcome, varied: Outcome): string | undefined;
}

/** Ids that are taken before a shifted program starts. */
const IDS_SHIFTED = 3;

/** Ids that programs name by number lie below this. */
const NAMED_IDS_MAX = 0x1000;

/** A tail as long as two 64-bit members that a future header might add. */
const TAIL_BYTES = 16;

/**
 * Makes a variant of a program.
 * @returns a reason, where the program does not lend itself to it
 */
export function vary(program: Program, variant: Variant, behaviour: Behaviour): VariedProgram | string {
  if (hasLanes(program)) return 'its lanes need not come in the same order again';
  const varied = variantOf(program, variant, behaviour);
  const isInjected = program.steps.some((step) => 'failNth' in step);
  if (typeof varied === 'string' || !isInjected || variant === 'garbage_tail') return varied;
  // Which allocation is the n-th depends on what the kernel has in store.
  return { ...varied, relate: () => undefined };
}

function variantOf(program: Program, variant: Variant, behaviour: Behaviour): VariedProgram | string {
  switch (variant) {
    case 'zero_tail':
      return {
        program: withTails(program, 0),
        steps: program.steps.map((_, at) => at),
        relate: answersAlike,
      };
    case 'garbage_tail':
      return {
        program: withTails(program, 0xff),
        steps: program.steps.map((_, at) => at),
        relate: answersTooBig,
      };
    case 'shifted_ids':
      return namesIds(program) ? 'it names ids by number' : shiftIds(program);
    case 'probed':
      return insertProbes(program, behaviour);
  }
}

function withTails(program: Program, value: number): Program {
  const tail = { bytes: TAIL_BYTES, value };
  return { ...program, steps: program.steps.map((step) => (takesTail(step) ? { ...step, tail } : step)) };
}

/** Calls whose struct may grow, and that say nothing of their own about size, tail or place, can have a tail. */
function takesTail(step: Step): step is IoctlStep {
  if (step.do !== 'ioctl' || callByName(step.call)?.protocol !== 'iommufd') return false;
  if (step.tail !== undefined || step.command !== undefined || 'size' in step.args) return false;
  return step.at === undefined || step.at === 'sealed' || step.at === 'args';
}

function answersAlike(step: Step, original: Outcome, varied: Outcome): string | undefined {
  return compareAnswers(step, original, varied, () => 0);
}

/** Calls that cannot tell a tail answer as before as long as nothing has changed, which is not the tail's business. */
function answersTooBig(step: Step, original: Outcome, varied: Outcome): string | undefined {
  if (!takesTail(step) || original.status !== 'returned' || varied.status !== 'returned') return undefined;
  if (original.errno === ERRNO.EBADF || original.errno === ERRNO.ENOTTY) return undefined;
  return varied.errno === ERRNO.E2BIG ? undefined : `expected E2BIG, saw ${errnoName(varied.errno)}`;
}

function namesIds({ steps }: Program): boolean {
  return steps.some(
    (step) =>
      step.do === 'ioctl' &&
      Object.entries(step.args).some(([name, operand]) => isNamedId(step.call, name, operand)),
  );
}

function isNamedId(call: string, name: string, operand: Operand): boolean {
  if (typeof operand !== 'number' || operand === 0 || operand >= NAMED_IDS_MAX) return false;
  return callByName(call)?.layout.memberOf(name)?.field.role.is === 'id';
}

function shiftIds(program: Program): VariedProgram {
  const steps: Step[] = [];
  const places: number[] = [];
  for (const step of program.steps) {
    places.push(steps.length);
    steps.push(step);
    if (step.do !== 'open') continue;
    for (let count = 0; count < IDS_SHIFTED; count++) {
      const by = step.by === undefined ? {} : { by: step.by };
      steps.push({ do: 'ioctl', file: step.label, call: 'IOMMU_IOAS_ALLOC', args: {}, ...by });
    }
  }
  const relate = (step: Step, original: Outcome, varied: Outcome) =>
    compareAnswers(step, original, varied, ({ is }) => (is === 'id' ? IDS_SHIFTED : 0));
  return { program: { ...program, steps }, steps: places, relate };
}

function insertProbes(program: Program, behaviour: Behaviour): VariedProgram | string {
  const raw = assemble(program);
  const run = new ModelRun(behaviour, 'exact', []);
  const labels = fileLabels(program);
  const steps: Step[] = [];
  const places: number[] = [];
  for (const [index, step] of program.steps.entries()) {
    places.push(steps.length);
    steps.push(step);
    const rawStep = raw.steps[index];
    if (rawStep === undefined || run.execute(rawStep) === undefined) return 'the model cannot follow it';
    steps.push(...probesOf(run.world, labels, behaviour.profile));
  }
  return { program: { ...program, steps }, steps: places, relate: answersAlike };
}

/** The names of a program's descriptors, by slot. */
function fileLabels({ steps }: Program): Map<number, string> {
  const assembler = new Assembler();
  const labels = new Map<number, string>();
  for (const step of steps) {
    assembler.add(step);
    const label = step.do === 'ioctl' ? step.fd : 'label' in step ? step.label : undefined;
    const slot = label === undefined ? undefined : assembler.slotOf(label);
    if (label !== undefined && slot !== undefined) labels.set(slot, label);
  }
  return labels;
}

type Role = CallDescription['layout']['members'][number]['field']['role'];

/** Two answers must be the same, but for `size` and for outputs that are shifted. */
function compareAnswers(
  step: Step,
  original: Outcome,
  varied: Outcome,
  shiftOf: (role: Role) => number,
): string | undefined {
  if (original.status !== 'returned' || varied.status !== 'returned') return undefined;
  if (original.errno !== varied.errno) {
    return `expected ${errnoName(original.errno)} as without the change, saw ${errnoName(varied.errno)}`;
  }
  const call = step.do === 'ioctl' ? callByName(step.call) : undefined;
  return call === undefined ? undefined : compareStructs(call, original, varied, shiftOf);
}

function compareStructs(
  call: CallDescription,
  { out: [original, ...arrays] }: Returned,
  { out: [varied, ...variedArrays] }: Returned,
  shiftOf: (role: Role) => number,
): string | undefined {
  if ((original ?? undefined) === undefined || (varied ?? undefined) === undefined) return undefined;
  const [one, two] = [viewOf(original as Uint8Array), viewOf(varied as Uint8Array)];
  for (const member of call.layout.members) {
    const { role, direction } = member.field;
    const isVisible = member.offset + member.field.bytes <= Math.min(one.byteLength, two.byteLength);
    if (!isVisible || role.is === 'size' || (role.is === 'id' && direction === 'in')) continue;
    const expected = BigInt(readMember(member, one)) + BigInt(shiftOf(role));
    const seen = BigInt(readMember(member, two));
    if (seen !== expected) return `expected ${member.name} ${String(expected)}, saw ${String(seen)}`;
  }
  const differs = arrays.some(
    (bytes, at) => bytes !== null && !sameBytes(bytes, variedArrays[at] ?? new Uint8Array()),
  );
  return differs ? 'the array differs from the one without the change' : undefined;
}
