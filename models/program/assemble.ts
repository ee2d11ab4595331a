import { PAGE_SIZE, alignUp } from '../base/u64.js';
import { present } from '../base/assert.js';
import { writeWord } from '../base/bytes.js';
import type { CallDescription } from '../ioctls/description.js';
import { callByName } from '../ioctls/index.js';
import { GUARD_BYTE, SCRATCH } from './arena.js';
import type { Direction } from '../layout/field.js';
import type { Member } from '../layout/struct.js';
import {
  ArrayBuilder,
  type Fail,
  type PassedFd,
  StructBuilder,
  fdsIn,
  fitsField,
  liesInArena,
  patchesOf,
  placeBytes,
} from './buffers.js';
import {
  type ArrayPlace,
  type ForkStep,
  type IoctlStep,
  type MemfdStep,
  type MmapStep,
  type MremapStep,
  type OpenStep,
  type Operand,
  type PassStep,
  type Program,
  ProgramError,
  type ReadStep,
  type Scalar,
  type Step,
  type StructPlace,
  type WriteStep,
  isArray,
  isFd,
  isReference,
  placedSteps,
} from './program.js';
import { HugePages, liesInHuge } from './huge_pages.js';
import { LaneScope } from './lanes.js';
import {
  type HiddenFd,
  type MemoryFilePages,
  PROCESSES_MAX,
  type PatchSource,
  type RawFd,
  type RawMmap,
  type RawProgram,
  type RawStep,
  type RawTransfer,
  SLOTS_MAX,
  NTH_MAX,
  STEPS_MAX,
  handleOf,
} from './raw.js';

/** A program in bytes, with what is needed to read its results. */
export interface AssembledProgram extends RawProgram {
  /** The call of each ioctl step; undefined for other steps. */
  readonly calls: readonly (CallDescription | undefined)[];
  /** Steps by label. */
  readonly labels: ReadonlyMap<string, number>;
}

/**
 * Turns a program into system calls on bytes.
 * @throws ProgramError naming the first step that makes no sense
 */
export function assemble(program: Program): AssembledProgram {
  if (program.steps.length > STEPS_MAX) {
    throw new ProgramError(
      `the program has ${String(program.steps.length)} steps, the most is ${String(STEPS_MAX)}`,
    );
  }
  const assembler = new Assembler();
  const steps = placedSteps(program).map(({ step }) => assembler.add(step));
  return { steps, calls: assembler.calls, labels: assembler.labels };
}

/** Assembles a program step by step, for those who write it that way: the steps of lanes after the step that starts them. */
export class Assembler {
  readonly calls: (CallDescription | undefined)[] = [];
  readonly labels = new Map<string, number>();
  readonly #slots = new Map<string, number>();
  /** Numbers of the processes; undefined for those that have exited. */
  readonly #processes = new Map<string, number | undefined>();
  #slotsUsed = 0;
  readonly #complain: Fail = (problem) => this.#fail(problem);
  readonly #sourceOf = (scalar: Scalar): PatchSource | undefined => this.#source(scalar);
  readonly #hugePages = new HugePages(this.#complain);
  readonly #lanes = new LaneScope(this.#complain);

  /**
   * The next step in bytes.
   * @throws ProgramError when it makes no sense
   */
  add(step: Step): RawStep {
    const raw = this.preview(step);
    this.take(step);
    return raw;
  }

  /** The next step, which has been previewed. */
  take(step: Step): void {
    this.#hugePages.take(step);
    const newFile = this.#newFileOf(step);
    if (newFile !== undefined) this.#addSlot(newFile.label);
    if (step.do === 'ioctl' && step.label !== undefined) this.#addLabel(step.label);
    if (step.do === 'fork') this.#processes.set(step.label, this.#processes.size + 1);
    if (step.do === 'exit' && step.by !== undefined) this.#processes.set(step.by, undefined);
    this.#lanes.take(step);
    this.calls.push(step.do === 'ioctl' ? this.#call(step.call) : undefined);
  }

  /** The slot that a step puts a descriptor in, if it does. */
  slotOf(label: string): number | undefined {
    return this.#slots.get(label);
  }

  /**
   * What a step would be in bytes if it came next.
   * @throws ProgramError when it makes no sense
   */
  preview(step: Step): RawStep {
    this.#hugePages.check(step);
    this.#lanes.check(step);
    const raw = this.#raw(step, step.do === 'ioctl' ? this.#call(step.call) : undefined);
    const failing = 'failNth' in step ? { ...raw, failNth: this.#nth(step.failNth) } : raw;
    return step.by === undefined ? failing : { ...failing, by: this.#process(step.by) };
  }

  #raw(step: Step, call: CallDescription | undefined): RawStep {
    switch (step.do) {
      case 'open':
        return this.#open(step);
      case 'memfd':
        return { do: 'memfd', slot: this.#slotsUsed, bytes: step.bytes, ...pagesOf(step) };
      case 'truncate':
        return { do: 'truncate', slot: this.#slot(step.file), bytes: step.bytes };
      case 'dup':
        return { do: 'dup', slot: this.#slot(step.file), as: this.#slotsUsed };
      case 'close':
      case 'poll':
        return { do: step.do, slot: this.#slot(step.file) };
      case 'ioctl':
        return this.#ioctl(step, present(call, 'call'));
      case 'read':
      case 'write':
        return this.#transfer(step);
      case 'mmap':
        return this.#mmap(step);
      case 'mprotect':
        this.#checkMemory(step);
        return { do: 'mprotect', start: step.start, bytes: step.bytes, access: step.access };
      case 'mremap':
        return this.#mremap(step);
      case 'munmap':
        this.#checkMemory(step);
        return { do: 'munmap', start: step.start, bytes: step.bytes };
      case 'process':
        return { do: 'process', drop: step.drop ?? [], memlockBytes: step.memlock };
      case 'counters':
        return { do: 'counters' };
      case 'fork':
        return this.#fork(step);
      case 'cloexec':
        return { do: 'cloexec', slot: this.#slot(step.file), isSet: step.isSet };
      case 'pass':
        return { do: 'pass', slot: this.#slot(step.file), ...this.#receiver(step) };
      case 'exec':
      case 'exit':
        if (step.by === undefined) this.#fail(`the process that the program starts in does not ${step.do}`);
        return { do: step.do };
      case 'lanes':
        return { do: 'lanes', counts: step.lanes.map(({ length }) => length) };
    }
  }

  /** A call whose argument is a number: no memory goes with it. */
  #valueIoctl({ args, at, command, file, tail }: IoctlStep, call: CallDescription): RawStep {
    if (at !== undefined || tail !== undefined) this.#fail(`${call.name} takes a number and no struct`);
    let arg = 0n;
    for (const [name, operand] of Object.entries(args)) {
      const member = call.layout.memberOf(name) ?? this.#fail(`${call.name} has no member ${name}`);
      if (typeof operand === 'object') this.#fail(`${name} is the argument itself, and takes a number only`);
      if (!fitsField(operand, member.field))
        this.#fail(`${name} is ${String(operand)}, which does not fit it`);
      arg = BigInt(operand);
    }
    if (command !== undefined && liesInArena(arg))
      this.#fail('the argument leads into memory whose contents the program does not state');
    return {
      do: 'ioctl',
      slot: this.#slot(file),
      command: command ?? call.command,
      arg,
      buffers: [],
      patches: [],
      fds: [],
    };
  }

  #fork({ label, by }: ForkStep & { readonly by?: string }): RawStep {
    if (by !== undefined) this.#fail('only the process that the program starts in makes others');
    if (this.#processes.has(label)) this.#fail(`the process ${label} is there already`);
    const process = this.#processes.size + 1;
    if (process >= PROCESSES_MAX) this.#fail(`the program has more than ${String(PROCESSES_MAX)} processes`);
    return { do: 'fork', process };
  }

  #nth(failNth: number): number {
    if (!Number.isInteger(failNth) || failNth < 1 || failNth > NTH_MAX)
      this.#fail(`failNth is a number from 1 to ${String(NTH_MAX)}`);
    return failNth;
  }

  /** Who gets a descriptor, and where it keeps it. */
  #receiver({ to }: PassStep): { readonly to: number; readonly as: number } {
    return { to: to === undefined ? 0 : this.#process(to), as: this.#slotsUsed };
  }

  #process(label: string): number {
    return this.#processes.get(label) ?? this.#fail(`there is no process ${label}`);
  }

  /** What a step opens: a file with or without a label. */
  #newFileOf(step: Step): { readonly label: string | undefined } | undefined {
    if (step.do === 'open' || step.do === 'memfd' || step.do === 'dup' || step.do === 'pass') {
      return { label: step.label };
    }
    if (step.do !== 'ioctl' || this.#call(step.call).newFd === undefined) return undefined;
    return { label: step.fd };
  }

  #open({ access, node }: OpenStep): RawStep {
    if (node !== undefined && access !== undefined) this.#fail('nodes of VFIO are opened to read and write');
    return { do: 'open', slot: this.#slotsUsed, isReadOnly: access === 'ro', node };
  }

  #transfer(step: ReadStep | WriteStep): RawTransfer {
    const data = step.do === 'read' ? guards(step.bytes, this.#complain) : wordBytes(step.words);
    const { address, bytes } = placeBytes(step.at ?? 'args', data, this.#lanes.room, this.#complain);
    return {
      do: step.do,
      slot: this.#slot(step.file),
      address,
      bytes: step.bytes ?? data.length,
      offset: step.offset,
      buffers: bytes.length === 0 ? [] : [{ address, bytes }],
    };
  }

  #mmap(step: MmapStep): RawMmap {
    const { start, bytes, access, file, offset, isPrivate, huge } = step;
    // The system call rounds the length; only for files does it matter who does.
    this.#checkMemory({ start, bytes: file === undefined ? bytes : alignUp(bytes, PAGE_SIZE) });
    return {
      do: 'mmap',
      start,
      bytes,
      access,
      isPrivate: isPrivate ?? false,
      isHuge: huge ?? false,
      file: file === undefined ? undefined : { slot: this.#slot(file), offset: offset ?? 0n },
    };
  }

  #mremap({ start, bytes, newBytes, to }: MremapStep): RawStep {
    if (liesInHuge(start, bytes)) this.#fail('huge pages are not moved');
    // Of no bytes, it asks for the memory of the mapping once more.
    this.#checkMemory({ start, bytes: bytes === 0n ? PAGE_SIZE : bytes });
    this.#checkMemory({ start: to ?? start, bytes: newBytes });
    const areApart = to === undefined || to + newBytes <= start || to >= start + bytes;
    if (!areApart) this.#fail('memory is moved to a place apart from where it is');
    return { do: 'mremap', start, bytes, newBytes, to };
  }

  #ioctl(step: IoctlStep, call: CallDescription): RawStep {
    if (call.argument === 'value') return this.#valueIoctl(step, call);
    const { args } = step;
    const usesEdgeTwice =
      isAtEdge(step.at) && Object.values(args).some((operand) => isArray(operand) && isAtEdge(operand.in));
    if (usesEdgeTwice) this.#fail('only one buffer of a call can lie before the hole');
    const { room } = this.#lanes;
    const builders: Builders = {
      struct: new StructBuilder(call, step.tail, this.#complain),
      arrays: new ArrayBuilder(room.arrays, this.#complain),
      fds: [],
    };
    for (const name of Object.keys(args)) {
      const member = call.layout.memberOf(name) ?? this.#fail(`${call.name} has no member ${name}`);
      this.#setMember(member, present(args[name], 'an operand'), builders);
    }
    const { struct, arrays, fds } = builders;
    const { address, bytes } = struct.place(step.at ?? 'args', room);
    const structs = bytes.length === 0 ? 0 : 1;
    return {
      do: 'ioctl',
      slot: this.#slot(step.file),
      command: step.command ?? call.command,
      arg: address,
      buffers: structs === 0 ? arrays.buffers : [{ address, bytes }, ...arrays.buffers],
      patches: patchesOf(struct.patches, bytes.length, arrays.patches, structs),
      fds: [...fdsIn(fds, bytes.length), ...this.#fdsOut(step, call, bytes.length)],
    };
  }

  #setMember(member: Member, operand: Operand, { struct, arrays, fds }: Builders): void {
    const { name, field } = member;
    if (typeof operand === 'object') {
      if (isArray(operand)) struct.set(member, arrays.add(member, operand, this.#sourceOf));
      else if (isFd(operand)) {
        const slot = this.#slot(operand.fd);
        if (field.role.is !== 'fd') this.#fail(`${name} takes no descriptor`);
        struct.set(member, handleOf(slot));
        fds.push({ member, slot });
      } else struct.set(member, operand, this.#source(operand));
      return;
    }
    const { role } = field;
    if (role.is === 'array' && !canLeadTo(role.direction, BigInt(operand)))
      this.#fail(`${name} leads into memory whose contents the program does not state`);
    struct.set(member, operand);
  }

  /** Where a call puts a new descriptor. */
  #fdsOut({ fd }: IoctlStep, call: CallDescription, visibleBytes: number): (RawFd | HiddenFd)[] {
    const slot = this.#slotsUsed;
    if (call.newFd !== undefined && this.#lanes.lane !== undefined) this.#fail('a lane makes no descriptors');
    if (call.newFd === undefined) {
      if (fd !== undefined) this.#fail(`${call.name} returns no descriptor`);
      return [];
    }
    if ('hidden' in call.newFd) return [{ direction: 'hidden', slot }];
    const { offset, field } = call.newFd;
    return offset + field.bytes > visibleBytes ? [] : [{ direction: 'out', buffer: 0, offset, slot }];
  }

  /** Where a reference reads from. */
  #source(operand: Scalar): PatchSource | undefined {
    if (!isReference(operand)) return undefined;
    const [label = '', name = ''] = operand.ref.split('.');
    const step = this.labels.get(label) ?? this.#fail(`no step before it has the label ${label}`);
    if (!this.#lanes.sees(label)) this.#fail(`the label ${label} is of another lane`);
    const call = present(this.calls[step], 'call of a labelled step');
    const member = call.layout.memberOf(name) ?? this.#fail(`${call.name} has no member ${name}`);
    return { step, buffer: 0, offset: member.offset };
  }

  #call(name: string): CallDescription {
    return callByName(name) ?? this.#fail(`there is no call ${name}`);
  }

  #addLabel(label: string): void {
    if (this.labels.has(label)) this.#fail(`the label ${label} is taken`);
    this.labels.set(label, this.calls.length);
  }

  #addSlot(label: string | undefined): void {
    if (this.#slotsUsed >= SLOTS_MAX) this.#fail(`the program opens more than ${String(SLOTS_MAX)} files`);
    if (label !== undefined) {
      if (this.#slots.has(label)) this.#fail(`the file ${label} is already open`);
      this.#slots.set(label, this.#slotsUsed);
    }
    this.#slotsUsed += 1;
  }

  #slot(label: string): number {
    return this.#slots.get(label) ?? this.#fail(`no step before it opens the file ${label}`);
  }

  #checkMemory({ start, bytes }: { readonly start: bigint; readonly bytes: bigint }): void {
    if (liesInHuge(start, bytes)) return;
    const isInside = start >= SCRATCH.start && start + bytes <= SCRATCH.start + SCRATCH.bytes;
    const isWhole = start % 4096n === 0n && bytes % 4096n === 0n && bytes > 0n;
    if (!isInside || !isWhole)
      this.#fail('memory is mapped, protected and unmapped in whole pages of the scratch region');
  }

  #fail(problem: string): never {
    throw new ProgramError(`step ${String(this.calls.length + 1)}: ${problem}`);
  }
}

/** What the parts of a call are put into. */
interface Builders {
  readonly struct: StructBuilder;
  readonly arrays: ArrayBuilder;
  readonly fds: PassedFd[];
}

/** Whether a pointer may lead there: memory of the arena that is not scratch is compared, what is read must be known. */
function canLeadTo(direction: Direction, address: bigint): boolean {
  const isScratch = address >= SCRATCH.start && address < SCRATCH.start + SCRATCH.bytes;
  return !liesInArena(address) || (direction === 'out' && isScratch);
}

/** What lies where data is read to. */
function guards(bytes: number, fail: (problem: string) => never): Uint8Array {
  if (bytes > READ_BYTES_MAX) fail(`a read asks for more than ${String(READ_BYTES_MAX)} bytes`);
  return new Uint8Array(bytes).fill(GUARD_BYTE);
}

/** The most bytes that a program can ask of a read. */
const READ_BYTES_MAX = 8192;

function pagesOf({ huge = false, fallocated = false }: MemfdStep): MemoryFilePages {
  return { isHuge: huge, isFallocated: fallocated };
}

function wordBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  for (const [index, word] of words.entries()) writeWord(bytes, index * 4, word);
  return bytes;
}

function isAtEdge(place: StructPlace | ArrayPlace | undefined): boolean {
  return typeof place === 'object' && 'edge' in place;
}
