import { type AnyContext, type CallDescription, changesNothing } from '../ioctls/description.js';
import { DRIVER_STRUCTS } from '../layout/driver_data.js';
import type { Role } from '../layout/field.js';
import { IOVA_RANGE } from '../layout/iova_range.js';
import type { Member } from '../layout/struct.js';
import type { OperationDescription } from '../operations/operation.js';
import type { CallMemory } from '../state/call_memory.js';
import type { EffectMutant } from './effect_mutant.js';

/**
 * The differences that every description of a call has: each thing that success answers is wrong (a member of the struct, or of
 * what a pointer leads to, or the value that is returned), and success does nothing. The latter is not made where success tells
 * something new, as the id of an object: that it is missing would show at once.
 */
export function effectMutantsOfCall({ name, layout, effect }: CallDescription): EffectMutant[] {
  const answers = layout.members.flatMap(answersOf).map((answer) => withWrongAnswer(name, answer));
  const value = wrong(
    name,
    'value',
    inCall(name, ({ returns }) => ({ returns: (c) => returns(c) + 1 })),
  );
  const isTelling = layout.members.some(({ field: { direction, role } }) =>
    [direction, role.is === 'array' ? role.direction : 'in'].includes('out'),
  );
  if (isTelling || effect === changesNothing) return [...answers, value];
  return [
    ...answers,
    value,
    idle(
      name,
      // What returns a descriptor has made it.
      inCall(name, ({ newFd }) => ({ effect: changesNothing, ...(newFd && { returns: () => 0 }) })),
    ),
  ];
}

/** The same of an operation on files: what it returns, what it reads, and that it does nothing where it tells nothing. */
export function effectMutantsOfOperation({ name, step }: OperationDescription): EffectMutant[] {
  const value = wrong(
    name,
    'value',
    inOperation(name, ({ effect }) => ({ effect: (c) => effect(c) + 1 })),
  );
  if (step === 'read') return [value, withWrongData(name)];
  if (step === 'write' || step === 'poll') return [value];
  return [
    value,
    idle(
      name,
      inOperation(name, () => ({ effect: () => 0 })),
    ),
  ];
}

/** Something that a call writes for user space. */
interface Answer {
  readonly name: string;
  addressIn(c: AnyContext): bigint;
}

function answersOf({ name, offset, field: { direction, role } }: Member): Answer[] {
  if (direction !== 'in') return [{ name, addressIn: ({ pointer }) => pointer + BigInt(offset) }];
  if (role.is !== 'array' || role.direction === 'in') return [];
  return answersBehind(role).map((behind) => ({
    name: [name, behind.name].filter((part) => part !== '').join('.'),
    addressIn: ({ args }) => BigInt(args[name] ?? 0) + BigInt(behind.offset),
  }));
}

/** What lies behind a pointer, where it is known; the first element stands for all. */
function answersBehind({ element, structs }: Role & { is: 'array' }): Pick<Member, 'name' | 'offset'>[] {
  if (element === 'iommu_iova_range') return [...IOVA_RANGE.members];
  const members = structs.flatMap((struct) => DRIVER_STRUCTS[struct].members);
  const written = members.filter(({ field }) => field.direction !== 'in');
  return written.length > 0 ? written : [{ name: '', offset: 0 }];
}

function withWrongAnswer(name: string, answer: Answer): EffectMutant {
  const alteration = inCall(name, ({ effect }) => ({
    effect: (c) => {
      spoil(c.memory, answer.addressIn(c));
      effect(c);
    },
  }));
  return wrong(name, answer.name, alteration);
}

function withWrongData(name: string): EffectMutant {
  const alteration = inOperation(name, ({ effect }) => ({
    effect: (c) => {
      if (c.step.do === 'read') spoil(c.memory, c.step.address);
      return effect(c);
    },
  }));
  return wrong(name, 'data', alteration);
}

/** Success that answers one thing wrong. */
function wrong(name: string, what: string, alteration: Alteration): EffectMutant {
  const says = `success answers ${what} one above what it is`;
  return { kind: 'answer', call: name, rule: 'OK', what: `${what}_wrong`, says, ...alteration };
}

/** Success that leaves everything as it was, what it answers too. */
function idle(name: string, alteration: Alteration): EffectMutant {
  return {
    kind: 'idle',
    call: name,
    rule: 'OK',
    what: 'does_nothing',
    says: 'success does nothing',
    ...alteration,
  };
}

type Alteration = Pick<EffectMutant, 'alterCall' | 'alterOperation'>;

/** A difference in one call. */
function inCall(name: string, change: (call: CallDescription) => Partial<CallDescription>): Alteration {
  return { alterCall: (call) => (call.name === name ? change(call) : undefined) };
}

/** A difference in one operation on files. */
function inOperation(
  name: string,
  change: (operation: OperationDescription) => Partial<OperationDescription>,
): Alteration {
  return { alterOperation: (operation) => (operation.name === name ? change(operation) : undefined) };
}

/** Makes what is written to an address from now on one too much, in its lowest byte. */
function spoil(memory: CallMemory, address: bigint): void {
  const write = memory.write.bind(memory);
  memory.write = (start, bytes) => {
    const at = address - start;
    if (at < 0n || at >= BigInt(bytes.length)) {
      write(start, bytes);
      return;
    }
    const spoilt = bytes.slice();
    spoilt[Number(at)] = (bytes[Number(at)] ?? 0) + 1;
    write(start, spoilt);
  };
}
