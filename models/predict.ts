import { ERRNO } from './base/errno.js';
import { type Behaviour, hasCall } from './behaviour.js';
import { type FindingId, hasFinding } from './findings.js';
import type { Decision } from './decision.js';
import type { AnyArgs, AnyContext, CallDescription } from './ioctls/description.js';
import { type FailingWay, failingWays } from './injection.js';
import { type EnvelopeContext, openEnvelope } from './ioctls/envelope.js';
import { testOpByNumber } from './ioctls/index.js';
import { testCommand } from './ioctls/test/test_command.js';
import type { ArgsOf, FieldTable } from './layout/field.js';
import { readMember } from './layout/struct.js';
import { StructCopy } from './struct_copy.js';
import { viewOf } from './base/bytes.js';
import { maxU64, minU64 } from './base/u64.js';
import type { Returned } from './outcome.js';
import {
  type Branch,
  NO_FINDINGS,
  type Prediction,
  type Reading,
  findDecisions,
  refusal,
  refuse,
  returned,
} from './prediction.js';
import { type RawIoctl, handleOf } from './program/raw.js';
import { AssertionFailure, present } from './base/assert.js';
import { CallMemory } from './state/call_memory.js';
import type { IommufdFile } from './state/iommufd_file.js';
import type { OpenFile } from './state/open_file.js';
import type { World } from './state/world.js';

/** Predicts an ioctl. Pure: nothing changes until a branch is enacted. */
export function predictIoctl(
  world: World,
  behaviour: Behaviour,
  step: RawIoctl,
  reading: Reading,
): Prediction {
  const memory = new CallMemory(world.memory, step.buffers);
  const { profile } = behaviour;
  const file = world.fds.get(step.slot);
  const envelope = openEnvelope(file, step.command, step.arg, memory, profile);
  const refusals = findDecisions(behaviour.envelope, envelope, reading);
  if (refusals.length > 0) return refuse(refusals, envelope, (decision) => refusal(decision, envelope));
  const description = behaviour.callOf(selectOperation(envelope));
  if (description.newFd !== undefined && !hasSlotForNewFd(step)) {
    const why = 'the program says no slot for the descriptor that the call makes';
    return { kind: 'unspecified', because: `${description.name}/unspecified.slot`, why, findings: [] };
  }
  const call = new PreparedCall(world, behaviour, envelope, step, description);
  return step.failNth === undefined ? call.predict(reading) : call.predictInjected(reading, step.failNth);
}

/**
 * Carries out an ioctl that has succeeded although rules object, as far as that is possible: what they guard may be missing.
 * @returns whether the state is that of a kernel that did so
 */
export function enforceSuccess(world: World, behaviour: Behaviour, step: RawIoctl, seen: Returned): boolean {
  const memory = new CallMemory(world.memory, step.buffers);
  const envelope = openEnvelope(world.fds.get(step.slot), step.command, step.arg, memory, behaviour.profile);
  if (envelope.file === undefined || envelope.description === undefined) return false;
  try {
    const call = behaviour.callOf(selectOperation(envelope));
    new PreparedCall(world, behaviour, envelope, step, call).success().enact(seen);
    return true;
  } catch (error) {
    if (error instanceof AssertionFailure) return false;
    throw error;
  }
}

/** The operation of a multiplexed command that the struct asks for. */
function selectOperation(envelope: EnvelopeContext): CallDescription {
  const call = present(envelope.description, 'a described call');
  if (call !== testCommand) return call;
  const described = testOpByNumber(Number(kernelCopy(call, envelope).member('op')));
  return described !== undefined && hasCall(envelope.profile, described) ? described : call;
}

const NONE: readonly never[] = [];

/** A call that passed the envelope. */
class PreparedCall {
  readonly #bytes: number;
  readonly #copy: StructCopy;

  constructor(
    private readonly world: World,
    private readonly behaviour: Behaviour,
    private readonly envelope: EnvelopeContext,
    private readonly step: RawIoctl,
    private readonly call: CallDescription,
  ) {
    this.#bytes = Math.min(envelope.userBytes, call.layout.bytes);
    this.#copy = kernelCopy(call, envelope);
  }

  predict(reading: Reading): Prediction {
    const c = this.#context(this.envelope.memory, PREDICTING);
    const decisions = findDecisions(this.behaviour.rulesOf(this.call), c, reading);
    if (decisions.length === 0 && reading === 'exact') {
      return { kind: 'allowed', branches: [this.#success(c, reading)] };
    }
    const prediction = refuse(decisions, c, (decision) => this.#failure(decision, c));
    if (reading === 'exact' || prediction.kind === 'unspecified') return prediction;
    const freedom = [
      ...(decisions.length === 0 ? [this.#success(c, reading)] : []),
      ...(this.call.allocates ? [this.#exhaustion()] : []),
    ];
    return { kind: 'allowed', branches: [...prediction.branches, ...freedom] };
  }

  /** The model as a target makes one allocation, in calls that succeed. */
  predictInjected(reading: Reading, nth: number): Prediction {
    const plain = this.predict(reading);
    if (plain.kind === 'unspecified') return plain;
    const c = this.#context(this.envelope.memory, PREDICTING);
    const ways = failingWays(this.call, this.behaviour.profile, c, nth);
    const fails = this.#untoldAfterFailing(c);
    const refuses = plain.branches[0]?.errno !== 0;
    const failing = ways.map((way) => {
      // A success where the call would be refused leaves no doubt that it took another way.
      const untold = way.errno !== 'OK' ? fails : refuses ? way.doubt : undefined;
      return { ...this.#failing(way, nth, reading), ...(untold !== undefined && { untold }) };
    });
    const runsOut = nth === 1 && this.call.allocates && plain.branches[0]?.errno === 0;
    const own = runsOut ? failing[0] : plain.branches[0];
    return { kind: 'allowed', branches: [...failing, ...plain.branches], ...(own && { own }) };
  }

  #failing(way: FailingWay, nth: number, reading: Reading): Branch {
    const { of, does, isResponding, doubt, maySplat, injections } = way;
    const errno = way.errno === 'OK' ? 0 : ERRNO[way.errno];
    return {
      because: `${this.call.name}/failing.${of}`,
      errno,
      mayLeave: does === undefined ? 'nothing' : 'anything',
      findings: NO_FINDINGS,
      injections,
      ...(doubt !== undefined && { doubt }),
      ...(maySplat !== undefined && { maySplat }),
      enact: (seen) => {
        const illegal: string[] = [];
        const adopted: string[] = [];
        const c =
          reading === 'exact' || seen === undefined
            ? this.#context(this.envelope.memory, PREDICTING)
            : this.#contextAdopting(seen, illegal, adopted);
        does?.(c, nth);
        if (isResponding === true) this.#respond(c);
        const [injected] = injections;
        return {
          returned: { ...returned(errno, c.memory), ...(injected && { injected }) },
          illegal,
          adopted,
        };
      },
    };
  }

  /** Why nobody can say what a call has left that was made to fail, if so. */
  #untoldAfterFailing(c: AnyContext): string | undefined {
    if (this.call.isPartial(c)) return 'how much the call did before something in it was made to fail';
    const mayPin =
      this.call.allocates && this.world.everyProcess.some(({ memory }) => memory.changesWhenPinned);
    return mayPin ? 'which pages were copied or cleared before something was made to fail' : undefined;
  }

  /** What success is, whatever the rules say. */
  success(): Branch {
    return this.#success(this.#context(this.envelope.memory, PREDICTING), 'contract');
  }

  #failure(decision: Decision<AnyContext>, c: AnyContext): Branch {
    const base = refusal(decision, c);
    const { leaves } = decision.rule;
    if (leaves === undefined) return base;
    return {
      ...base,
      enact: (seen) => {
        const adopted: string[] = [];
        const left = seen === undefined || !this.#isMemoryHidden ? c : this.#contextObserving(seen, adopted);
        leaves.does(left);
        if (leaves.isResponding === true) this.#respond(left);
        return { returned: returned(base.errno, left.memory), illegal: [], adopted };
      },
    };
  }

  #success(c: AnyContext, reading: Reading): Branch {
    return {
      because: `${this.call.name}/OK`,
      errno: 0,
      mayLeave: 'anything',
      findings: this.#findings(c),
      enact: (seen) => {
        if (reading === 'exact' || seen === undefined) return { returned: this.#carryOut(c), illegal: NONE };
        const illegal: string[] = [];
        const adopted: string[] = [];
        return { returned: this.#carryOut(this.#contextAdopting(seen, illegal, adopted)), illegal, adopted };
      },
    };
  }

  #carryOut(c: AnyContext): Returned {
    const value = this.call.returns(c);
    this.call.effect(c);
    this.#respond(c);
    return returned(0, c.memory, value);
  }

  /** What success shows that is a finding of this kernel. */
  #findings(c: AnyContext): readonly FindingId[] {
    const { findings } = this.call;
    if (findings.length === 0) return NO_FINDINGS;
    const { profile } = this.behaviour;
    return findings.filter(({ id, isShown }) => hasFinding(profile, id) && isShown(c)).map(({ id }) => id);
  }

  #exhaustion(): Branch {
    return {
      because: `${this.call.name}/ENOMEM.memory`,
      errno: ERRNO.ENOMEM,
      mayLeave: 'nothing',
      findings: NO_FINDINGS,
      enact: () => ({ returned: returned(ERRNO.ENOMEM, this.envelope.memory), illegal: [] }),
    };
  }

  /** Whether what an answer says of user memory is all that is known of it. */
  get #isMemoryHidden(): boolean {
    return this.world.memory.physical.contents.isHidden;
  }

  /** A context in which the kernel's free choices are those of an observed answer. */
  #contextAdopting(seen: Returned, illegal: string[], adopted: string[]): AnyContext {
    const bytes = seen.out[0];
    const view = bytes === null || bytes === undefined ? undefined : viewOf(bytes);
    const memory = new CallMemory(this.world.memory, this.step.buffers);
    const choose: Choices['choose'] = (field, exact, isLegal) => {
      const member = this.call.layout.memberOf(field);
      const isVisible =
        view !== undefined && member !== undefined && member.offset + member.field.bytes <= view.byteLength;
      const value = isVisible ? (readMember(member, view) as typeof exact) : exact;
      if (isLegal(value)) {
        if (value !== exact) adopted.push(field);
        return value;
      }
      illegal.push(`${field} is ${String(value)}, which the uAPI does not allow here`);
      return exact;
    };
    return this.#context(memory, { choose, observe: this.#observing(seen, adopted) });
  }

  /** A context in which the kernel chooses as it does, and user memory is what it was seen to be. */
  #contextObserving(seen: Returned, adopted: string[]): AnyContext {
    const { choose } = PREDICTING;
    return this.#context(this.envelope.memory, { choose, observe: this.#observing(seen, adopted) });
  }

  #observing(seen: Returned, adopted: string[]): Choices['observe'] {
    return (field, address, count) => {
      adopted.push(field);
      return bytesSeen(this.step, seen, address, count);
    };
  }

  #context(memory: CallMemory, choices: Choices): AnyContext {
    const { pointer, profile, file } = this.envelope;
    const { world, step } = this;
    const opened = present(file, 'a file');
    const args = this.#decode();
    const facts = { world, opened, profile, args, pointer, memory };
    return this.call.resolve(new Context(this, step, facts, choices));
  }

  #decode(): AnyArgs {
    const { argument, layout } = this.call;
    if (argument === 'struct') return this.#copy.decode();
    return Object.fromEntries(layout.members.map(({ name }) => [name, this.envelope.pointer]));
  }

  /** Whether the kernel can write its answer. */
  canRespond(args: AnyArgs, memory: CallMemory): boolean {
    const { layout } = this.call;
    const { pointer } = this.envelope;
    const respond = this.call.responseTo(args);
    if (respond === 'nothing') return true;
    if (respond === 'struct') return memory.isWritable(pointer, this.#bytes);
    const { offset, field } = present(layout.memberOf(respond.member), respond.member);
    return memory.isWritable(pointer + BigInt(offset), field.bytes);
  }

  /** Writes the kernel's copy of the struct, or one member of it, back to user space. */
  #respond({ args, memory }: AnyContext): void {
    const { layout } = this.call;
    const { pointer } = this.envelope;
    const respond = this.call.responseTo(args);
    if (respond === 'nothing') return;
    const copy = this.#copy.encode(args as ArgsOf<FieldTable>);
    if (respond === 'struct') {
      memory.write(pointer, this.#bytes === copy.length ? copy : copy.subarray(0, this.#bytes));
      return;
    }
    const { offset, field } = present(layout.memberOf(respond.member), respond.member);
    memory.write(pointer + BigInt(offset), copy.subarray(offset, offset + field.bytes));
  }
}

/** What rules and effects see of a call before they look anything up. */
class Context implements AnyContext {
  readonly world: World;
  readonly opened: OpenFile;
  readonly file: IommufdFile;
  readonly profile: AnyContext['profile'];
  readonly args: AnyArgs;
  readonly pointer: bigint;
  readonly memory: CallMemory;
  readonly choose: Choices['choose'];
  readonly observe: Choices['observe'];

  constructor(
    private readonly prepared: PreparedCall,
    private readonly step: RawIoctl,
    { world, opened, profile, args, pointer, memory }: Facts,
    { choose, observe }: Choices,
  ) {
    this.world = world;
    this.opened = opened;
    // Calls on files of VFIO, which do not ask for it, find none. An accessor would cost each call more than all of its rules.
    this.file = (opened.kind === 'iommufd' ? opened : undefined) as IommufdFile;
    this.profile = profile;
    this.args = args;
    this.pointer = pointer;
    this.memory = memory;
    this.choose = choose;
    this.observe = observe;
  }

  installFd(file: OpenFile, closesOnExec: boolean): number {
    return installFd(this.world, this.step, file, closesOnExec);
  }

  canRespond(): boolean {
    return this.prepared.canRespond(this.args, this.memory);
  }
}

type Facts = Pick<AnyContext, 'world' | 'opened' | 'profile' | 'args' | 'pointer' | 'memory'>;

/** What an answer tells of a context: what the kernel chose, and what the model cannot see. */
type Choices = Pick<AnyContext, 'choose' | 'observe'>;

/** The choices before there is an answer: those of the profile's kernel. */
const PREDICTING: Choices = { choose: (_field, exact) => exact, observe: () => undefined };

/** User memory after a step, as far as its buffers hold it; 0 where they do not. */
function bytesSeen({ buffers }: RawIoctl, { out }: Returned, address: bigint, count: number): Uint8Array {
  const seen = new Uint8Array(count);
  for (const [index, { address: start, bytes }] of buffers.entries()) {
    const from = maxU64(start, address);
    const end = minU64(start + BigInt(bytes.length), address + BigInt(count));
    if (from >= end) continue;
    const after = out[index] ?? bytes;
    seen.set(after.subarray(Number(from - start), Number(end - start)), Number(from - address));
  }
  return seen;
}

/** A call that is made under the name of another, as an operation by its number, may have none. */
function hasSlotForNewFd({ fds }: RawIoctl): boolean {
  return fds.some(({ direction }) => direction !== 'in');
}

/** Gives a file the slot that the step has for the descriptor that the call makes. */
function installFd({ fds }: World, step: RawIoctl, file: OpenFile, closesOnExec: boolean): number {
  const place = present(
    step.fds.find(({ direction }) => direction !== 'in'),
    'a slot for the new descriptor',
  );
  fds.install(place.slot, file, closesOnExec);
  return handleOf(place.slot);
}

function kernelCopy(
  { layout, bytesMin }: CallDescription,
  { memory, pointer, userBytes, protocol }: EnvelopeContext,
): StructCopy {
  return new StructCopy(layout, memory, pointer, protocol === 'iommufd' ? userBytes : bytesMin);
}
