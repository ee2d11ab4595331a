/**
 * A program as people and files have it: named calls with named arguments. One format for scenarios, corpus, findings and
 * imported traces; `json.ts` writes it, `assemble.ts` turns it into bytes.
 */
import type { Access } from './arena.js';
import type { Capability } from './credentials.js';

/** The version of the format that this code writes. */
export const PROGRAM_SCHEMA = 1;

export interface Program {
  readonly schema: typeof PROGRAM_SCHEMA;
  /** What the program shows, for readers. */
  readonly about?: string;
  readonly steps: readonly Step[];
}

/** The value of a member of an earlier step's struct after its call, plus a constant. */
export interface Reference {
  /** `label.member` */
  readonly ref: string;
  readonly plus?: bigint;
}

export type Scalar = number | bigint | Reference;

/**
 * Memory of a region where an array lies: whole, before a hole with room for some elements (bytes, of driver data), or not
 * writable.
 */
export type ArrayPlace = 'args' | 'sealed' | { readonly edge: number };

/** What a pointer member leads to: ranges of IOVAs, words of driver data, or room for as many elements (bytes) of either. */
export type ArrayOperand =
  | { readonly words: readonly Scalar[]; readonly in?: ArrayPlace }
  | { readonly ranges: readonly (readonly [Scalar, Scalar])[]; readonly in?: ArrayPlace }
  | { readonly room: number; readonly in?: ArrayPlace };

export type Operand = Scalar | ArrayOperand;

/** Where the struct of a call lies; `edge` counts the bytes of it before a hole. */
export type StructPlace = 'args' | 'null' | 'hole' | 'sealed' | { readonly edge: number };

export interface IoctlStep {
  readonly do: 'ioctl';
  readonly file: string;
  /** The name that the kernel's headers give the call. */
  readonly call: string;
  readonly label?: string;
  /** Members that are not given are 0; `size` and `op` are what the call demands. */
  readonly args: Readonly<Record<string, Operand>>;
  /** Bytes beyond the struct, all of one value; they count into `size`. */
  readonly tail?: { readonly bytes: number; readonly value: number };
  readonly at?: StructPlace;
  /** Another ioctl number than the call's. */
  readonly command?: number;
}

export interface OpenStep {
  readonly do: 'open';
  readonly label: string;
}

export interface CloseStep {
  readonly do: 'close';
  readonly file: string;
}

export interface MmapStep {
  readonly do: 'mmap';
  readonly start: bigint;
  readonly bytes: bigint;
  readonly access: Access;
}

export interface MunmapStep {
  readonly do: 'munmap';
  readonly start: bigint;
  readonly bytes: bigint;
}

/** Changes credentials and limits until the program ends. */
export interface ProcessStep {
  readonly do: 'process';
  readonly drop?: readonly Capability[];
  /** RLIMIT_MEMLOCK in bytes. */
  readonly memlock?: bigint;
}

/** Reads VmPin and VmLck. */
export interface CountersStep {
  readonly do: 'counters';
}

export type Step = OpenStep | CloseStep | IoctlStep | MmapStep | MunmapStep | ProcessStep | CountersStep;

/** What is wrong with a program, in one sentence that names the step. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

export function isReference(operand: Operand): operand is Reference {
  return typeof operand === 'object' && 'ref' in operand;
}

export function isArray(operand: Operand): operand is ArrayOperand {
  return typeof operand === 'object' && !('ref' in operand);
}
