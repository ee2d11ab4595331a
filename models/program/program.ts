/**
 * A program as people and files have it: named calls with named arguments. One format for scenarios, corpus, findings and
 * imported traces; `json.ts` writes it, `assemble.ts` turns it into bytes.
 */
import type { Access } from './arena.js';
import type { Capability } from './credentials.js';
import type { VfioNode } from './vfio_nodes.js';

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

/** A descriptor: the number that the file of a label has in the calling process; closed files have -1. */
export interface FdOperand {
  readonly fd: string;
}

export type Scalar = number | bigint | Reference;

/**
 * Memory of a region where an array lies: whole, so many bytes from the start of a page, before a hole with room for some elements
 * (bytes, of driver data and bitmaps), or not writable.
 */
export type ArrayPlace = 'args' | 'sealed' | { readonly page_offset: number } | { readonly edge: number };

/** What a pointer member leads to: ranges of IOVAs, words of data or of a bitmap, or room for as many elements (bytes). */
export type ArrayOperand =
  | { readonly words: readonly Scalar[]; readonly in?: ArrayPlace }
  | { readonly ranges: readonly (readonly [Scalar, Scalar])[]; readonly in?: ArrayPlace }
  | { readonly room: number; readonly in?: ArrayPlace };

export type Operand = Scalar | FdOperand | ArrayOperand;

/** Where the struct of a call lies; `edge` counts the bytes of it before a hole. */
export type StructPlace = 'args' | 'null' | 'hole' | 'sealed' | { readonly edge: number };

export interface IoctlStep extends Injecting {
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
  /** Label of the file whose descriptor the call returns. */
  readonly fd?: string;
}

/** Opens /dev/iommu, or a node of VFIO. */
export interface OpenStep {
  readonly do: 'open';
  readonly label: string;
  readonly node?: VfioNode;
  /** O_RDONLY instead of O_RDWR. */
  readonly access?: 'ro';
}

/** memfd_create() and ftruncate(): a file of memory, all pages of which are there. */
export interface MemfdStep {
  readonly do: 'memfd';
  readonly label: string;
  readonly bytes: bigint;
  /** MFD_HUGETLB: of huge pages. */
  readonly huge?: boolean;
  /** Its pages are those that fallocate() makes; without it they are written, as are those that ftruncate() adds. */
  readonly fallocated?: boolean;
}

/** ftruncate() of a file of memory. */
export interface TruncateStep {
  readonly do: 'truncate';
  readonly file: string;
  readonly bytes: bigint;
}

/** Another descriptor of the same open file. */
export interface DupStep {
  readonly do: 'dup';
  readonly file: string;
  readonly label: string;
}

/** read(), or pread() with an offset. */
export interface ReadStep extends Injecting {
  readonly do: 'read';
  readonly file: string;
  /** How many bytes are asked for. */
  readonly bytes: number;
  readonly offset?: bigint;
  readonly at?: StructPlace;
}

/** write(), or pwrite() with an offset. */
export interface WriteStep extends Injecting {
  readonly do: 'write';
  readonly file: string;
  /** The data in words of 32 bits. */
  readonly words: readonly number[];
  /** How many bytes are written, if not all. */
  readonly bytes?: number;
  readonly offset?: bigint;
  readonly at?: StructPlace;
}

/** ppoll() for the shortest time that there is; returns the events that are there. */
export interface PollStep {
  readonly do: 'poll';
  readonly file: string;
}

export interface CloseStep {
  readonly do: 'close';
  readonly file: string;
}

/**
 * Maps memory at an address after unmapping what is there, so that a failing mmap() leaves a hole. Without a file the memory is
 * anonymous and shared.
 */
export interface MmapStep {
  readonly do: 'mmap';
  readonly start: bigint;
  readonly bytes: bigint;
  readonly access: MmapAccess;
  readonly file?: string;
  readonly offset?: bigint;
  /** MAP_PRIVATE. */
  readonly isPrivate?: boolean;
  /** MAP_HUGETLB and MAP_POPULATE: anonymous huge pages. */
  readonly huge?: boolean;
}

/** `rwx` adds PROT_EXEC. */
export type MmapAccess = Access | 'rwx';

/** mremap(): moves memory to another place (MREMAP_MAYMOVE | MREMAP_FIXED), or changes its size where it is. */
export interface MremapStep {
  readonly do: 'mremap';
  readonly start: bigint;
  readonly bytes: bigint;
  readonly newBytes: bigint;
  /** Where it goes; without it, it stays. */
  readonly to?: bigint;
}

/** mprotect(). */
export interface MprotectStep {
  readonly do: 'mprotect';
  readonly start: bigint;
  readonly bytes: bigint;
  readonly access: MmapAccess;
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

/** Makes a process: a copy of the one that the program starts in, with its memory and descriptors. */
export interface ForkStep {
  readonly do: 'fork';
  readonly label: string;
}

/**
 * A process that the program has made starts a program: its memory becomes that which a program begins with, and descriptors that
 * are marked so are closed.
 */
export interface ExecStep {
  readonly do: 'exec';
}

/** fcntl(F_SETFD): whether a descriptor closes on exec(). Those of steps do not, those of calls may. */
export interface CloexecStep {
  readonly do: 'cloexec';
  readonly file: string;
  readonly isSet: boolean;
}

/** Sends a descriptor to another process, which has another descriptor of the same open file then (SCM_RIGHTS). */
export interface PassStep {
  readonly do: 'pass';
  readonly file: string;
  /** The process that receives it; without it, the one that the program starts in. */
  readonly to?: string;
  readonly label: string;
}

/** Ends a process that the program has made. */
export interface ExitStep {
  readonly do: 'exit';
}

/**
 * A system call of which one allocation fails. `failNth` counts, from 1, the places that the kernel can make fail, of which a
 * call that comes to fewer is as without it.
 */
interface Injecting {
  readonly failNth?: number;
}

/**
 * Steps that go on at the same time: each lane is carried out by a thread of its own, in its order, and all lanes begin together. The
 * program goes on when all have ended.
 */
export interface LanesStep {
  readonly do: 'lanes';
  readonly lanes: readonly (readonly Step[])[];
}

/** Who carries a step out: the process of a label; without it the one that the program starts in. */
interface Performer {
  readonly by?: string;
}

export type Step = Performer & AnyStep;

type AnyStep =
  | OpenStep
  | MemfdStep
  | TruncateStep
  | DupStep
  | CloseStep
  | IoctlStep
  | ReadStep
  | WriteStep
  | PollStep
  | MmapStep
  | MprotectStep
  | MremapStep
  | MunmapStep
  | ProcessStep
  | CountersStep
  | ForkStep
  | ExecStep
  | CloexecStep
  | PassStep
  | ExitStep
  | LanesStep;

/** A step with the number of the lane that it is in, if it is. */
export interface PlacedStep {
  readonly step: Step;
  readonly lane: number | undefined;
}

/** All steps in the order in which results have them: those of lanes follow the step that starts them, lane by lane. */
export function placedSteps({ steps }: Pick<Program, 'steps'>): PlacedStep[] {
  return steps.flatMap((step): PlacedStep[] => {
    const first = { step, lane: undefined };
    if (step.do !== 'lanes') return [first];
    return [first, ...step.lanes.flatMap((inside, lane) => inside.map((one) => ({ step: one, lane })))];
  });
}

/** Whether steps of a program, as written or as a target runs it, go on at the same time. */
export function hasLanes({ steps }: { readonly steps: readonly { readonly do: string }[] }): boolean {
  return steps.some((step) => step.do === 'lanes');
}

/** What is wrong with a program, in one sentence that names the step. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

export function isReference(operand: Operand): operand is Reference {
  return typeof operand === 'object' && 'ref' in operand;
}

export function isFd(operand: Operand): operand is FdOperand {
  return typeof operand === 'object' && 'fd' in operand;
}

export function isArray(operand: Operand): operand is ArrayOperand {
  return typeof operand === 'object' && !('ref' in operand) && !('fd' in operand);
}
