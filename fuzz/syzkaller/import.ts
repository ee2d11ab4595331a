import { readNumber } from '../../models/base/bytes.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import { callByCommand, testOpByNumber } from '../../models/ioctls/index.js';
import { TEST_COMMAND } from '../../models/ioctls/test/test_command.js';
import { ARGS, EDGE, HOLE, SEALED } from '../../models/program/arena.js';
import { GUARD_BYTES } from '../../models/program/buffers.js';
import {
  type IoctlStep,
  PROGRAM_SCHEMA,
  type Program,
  type Scalar,
  type Step,
  type StructPlace,
} from '../../models/program/program.js';
import { Cells, cellsOf } from './cells.js';
import { importedMemory, isLayout, layoutLength } from './import_memory.js';
import type { ImportedMemory } from './import_memory.js';
import { type StructContext, type Taken, callOfForm, cellsOfStruct, importStruct } from './import_struct.js';
import { SystemCallImporter } from './import_system_calls.js';
import { parseProgram } from './parse.js';
import { type Placed, type Position, type SyzCall, SyzError, type VariableValue } from './text.js';
import { Unsupported } from './unsupported.js';
import { RAW_CALL, type Variant, variantByName } from './variants.js';

/** Something of a text that the program does not do, or does otherwise. */
export interface ImportNote {
  readonly at: Position | undefined;
  readonly says: string;
}

export interface Imported {
  readonly program: Program;
  readonly notes: readonly ImportNote[];
}

export interface ImportOptions {
  /** Refuses calls that cannot be imported, instead of leaving them out. */
  readonly isStrict?: boolean;
  readonly about?: string;
}

/**
 * A program from text of syzkaller.
 * @throws SyzError naming line and column of what makes no sense
 */
export function importProgram(source: string, { isStrict = false, about }: ImportOptions = {}): Imported {
  const calls = parseProgram(source);
  const layout = layoutLength(calls);
  const importer = new Importer(calls.slice(layout), layout > 0, isStrict);
  const steps = importer.run();
  return {
    program: { schema: PROGRAM_SCHEMA, ...(about === undefined ? {} : { about }), steps },
    notes: importer.notes,
  };
}

/** What a variable holds. */
type Bound =
  | { readonly is: 'file'; readonly label: string }
  | { readonly is: 'member'; readonly ref: string }
  | { readonly is: 'status' };

class Importer {
  readonly notes: ImportNote[] = [];
  readonly #steps: Step[] = [];
  readonly #bound = new Map<string, Bound>();
  readonly #labels = new Set<string>();
  readonly #memory: ImportedMemory;
  readonly #systemCalls: SystemCallImporter;

  constructor(
    private readonly calls: readonly SyzCall[],
    isArena: boolean,
    private readonly isStrict: boolean,
  ) {
    this.#memory = importedMemory(calls, isArena);
    this.#systemCalls = new SystemCallImporter({
      memory: this.#memory,
      fileOf: (value) => this.#fileOf(value),
      newFile: (call) => this.#newFile(call.result),
      isStatus: (value) => this.#boundOf(value)?.is === 'status',
      newStatus: ({ result }) => {
        if (result !== undefined) this.#bound.set(result, { is: 'status' });
      },
      placeOf: (value) => this.#placeOf(value),
      last: () => this.#steps.at(-1),
      replaceLast: (step) => {
        this.#steps.pop();
        this.#steps.push(step);
      },
    });
  }

  run(): Step[] {
    for (const call of this.calls) {
      try {
        this.#add(call);
      } catch (error) {
        if (!(error instanceof Unsupported)) throw error;
        if (this.isStrict) throw new SyzError(`${call.name}: ${error.says}`, error.at ?? call.at);
        this.#note(`${call.name} is left out: ${error.says}`, error.at ?? call.at);
        // What it would have opened or made is no longer what an earlier call did.
        if (call.result !== undefined) this.#bound.delete(call.result);
      }
    }
    return this.#steps;
  }

  #add(call: SyzCall): void {
    if (isLayout(call)) return;
    if (call.annotations !== undefined)
      this.#note(`${call.annotations.join(', ')}: calls run one after another, and once`, call.at);
    const step = this.#isIoctl(call) ? this.#ioctl(call) : this.#systemCalls.stepOf(call);
    if (step === undefined) return;
    const canFail = step.do === 'ioctl' || step.do === 'read' || step.do === 'write';
    this.#steps.push(canFail && call.failNth !== undefined ? { ...step, failNth: call.failNth } : step);
    if (!canFail && call.failNth !== undefined) this.#note(`${call.name} is not made to fail`, call.at);
  }

  #isIoctl({ name }: SyzCall): boolean {
    return name === RAW_CALL || name === 'ioctl' || variantByName(name) !== undefined;
  }

  #ioctl(call: SyzCall): IoctlStep {
    const [fileValue, commandValue, argument] = call.args;
    const file = this.#fileOf(fileValue);
    const command = numberOf(commandValue);
    const variant = variantByName(call.name);
    if (variant?.call.argument === 'value') {
      return this.#valueIoctl(call, variant, file, command, argument);
    }
    const context = this.#structContext(call);
    const place = this.#placeOf(argument);
    const cells = this.#cellsOf(call, variant, argument, context);
    const described = this.#describedBy(call, variant, command, cells);
    const isThere = place !== 'null' && place !== 'hole';
    if (typeof place === 'object') cells.cut(place.edge);
    const { args, tail, taken } = isThere
      ? importStruct(described, variant, cells, context)
      : { args: {}, tail: undefined, taken: [] };
    const { label, fd } = this.#bind(described, taken, call);
    return {
      do: 'ioctl',
      file,
      call: described.name,
      args,
      ...(label === undefined ? {} : { label }),
      ...(fd === undefined ? {} : { fd }),
      ...(tail === undefined ? {} : { tail }),
      ...(place === 'args' ? {} : { at: place }),
      ...(command === undefined || command === described.command ? {} : { command }),
    };
  }

  #valueIoctl(
    call: SyzCall,
    { call: { name, command: usual, layout } }: Variant,
    file: string,
    command: number | undefined,
    argument: Placed | undefined,
  ): IoctlStep {
    const [member] = layout.members;
    if (argument !== undefined && argument.is !== 'number')
      throw new Unsupported('its argument is no number', argument.at);
    const value = argument?.value ?? 0n;
    if (member === undefined && value !== 0n) this.#note(`${call.name} takes no argument`, argument?.at);
    return {
      do: 'ioctl',
      file,
      call: name,
      args: member === undefined || value === 0n ? {} : { [member.name]: value },
      ...(command === undefined || command === usual ? {} : { command }),
    };
  }

  #cellsOf(
    call: SyzCall,
    variant: Variant | undefined,
    argument: Placed | undefined,
    context: StructContext,
  ): Cells {
    if (argument?.is !== 'pointer' || argument.to === undefined) return new Cells();
    if (variant !== undefined) return cellsOfStruct(variant, argument.to, context);
    if (argument.to.is !== 'array' && argument.to.is !== 'data') {
      throw new SyzError(`${call.name} takes bytes`, argument.to.at);
    }
    return cellsOf(argument.to, undefined);
  }

  /** The call that a struct is of. */
  #describedBy(
    { name, at }: SyzCall,
    variant: Variant | undefined,
    command: number | undefined,
    cells: Cells,
  ): CallDescription {
    const op = cells.bytes.length >= 8 ? Number(readNumber(cells.bytes, 4, 4)) : 0;
    if (variant !== undefined) {
      const isOther = !this.#memory.isArena && variant.call.op !== undefined && op !== variant.call.op;
      return (isOther ? testOpByNumber(op) : undefined) ?? variant.call;
    }
    const described =
      (command === TEST_COMMAND ? testOpByNumber(op) : undefined) ??
      callByCommand(command ?? 0) ??
      callOfForm(cells, (file) => this.#bound.get(file)?.is === 'file');
    if (described === undefined || described.argument === 'value') {
      throw new Unsupported(`no call of iommufd has the number of this ${name}`, at);
    }
    return described;
  }

  /** Gives variables the values that a call writes. */
  #bind(
    { newFd }: CallDescription,
    taken: readonly Taken[],
    { result }: SyzCall,
  ): { readonly label: string | undefined; readonly fd: string | undefined } {
    let label: string | undefined;
    let fd: string | undefined;
    for (const { variable, member } of taken) {
      if (newFd !== undefined && !('hidden' in newFd) && newFd.name === member.name) {
        fd = this.#newFile(variable);
        continue;
      }
      label ??= this.#uniqueLabel(variable);
      this.#bound.set(variable, { is: 'member', ref: `${label}.${member.name}` });
    }
    if (newFd !== undefined && 'hidden' in newFd && result !== undefined) fd = this.#newFile(result);
    return { label, fd };
  }

  #structContext({ at }: SyzCall): StructContext {
    return {
      memory: this.#memory,
      operandOf: (value, wantsFile) => this.#operandOf(value, wantsFile),
      note: (says, place) => {
        this.#note(says, place ?? at);
      },
    };
  }

  #operandOf(value: VariableValue & Placed, wantsFile: boolean): Scalar | { readonly fd: string } {
    const bound = this.#bound.get(value.name);
    if (bound === undefined || bound.is === 'status') {
      this.#note(`${value.name} has no value: ${wantsFile ? 'no descriptor' : '0'} is passed`, value.at);
      return wantsFile ? NO_DESCRIPTOR : 0;
    }
    if (bound.is === 'file') {
      if (wantsFile) return { fd: bound.label };
      throw new Unsupported(`${value.name} is a descriptor and no number`, value.at);
    }
    return value.plus === 0n ? { ref: bound.ref } : { ref: bound.ref, plus: value.plus };
  }

  #boundOf(value: Placed | undefined): Bound | undefined {
    return value?.is === 'variable' ? this.#bound.get(value.name) : undefined;
  }

  #fileOf(value: Placed | undefined): string {
    const bound = this.#boundOf(value);
    if (bound?.is !== 'file') throw new Unsupported('its file is none that the program opens', value?.at);
    return bound.label;
  }

  /** The label of a file that a variable takes. */
  #newFile(variable: string | undefined): string {
    const label = this.#uniqueLabel(variable ?? 'file');
    if (variable !== undefined) this.#bound.set(variable, { is: 'file', label });
    return label;
  }

  #uniqueLabel(wanted: string): string {
    let label = wanted;
    for (let count = 2; this.#labels.has(label); count++) label = `${wanted}_${String(count)}`;
    this.#labels.add(label);
    return label;
  }

  #placeOf(value: Placed | undefined): StructPlace {
    if (value?.is === 'number' && value.value === 0n) return 'null';
    if (value?.is !== 'pointer') throw new Unsupported('its argument leads to no memory', value?.at);
    if (!this.#memory.isArena || value.address === undefined) return 'args';
    const address = this.#memory.addressOf(value, 0n);
    if (address === HOLE) return 'hole';
    if (address === ARGS.start + GUARD_BYTES) return 'args';
    if (address === SEALED.start + GUARD_BYTES) return 'sealed';
    const edge = EDGE.start + EDGE.bytes - (address ?? 0n);
    if (edge >= 0n && edge <= EDGE.bytes) return { edge: Number(edge) };
    throw new Unsupported('its struct lies where none does', value.at);
  }

  #note(says: string, at: Position | undefined): void {
    this.notes.push({ says, at });
  }
}

/** -1 in 32 bits. */
const NO_DESCRIPTOR = -1;

function numberOf(value: Placed | undefined): number | undefined {
  return value?.is === 'number' ? Number(value.value & 0xffff_ffffn) : undefined;
}
