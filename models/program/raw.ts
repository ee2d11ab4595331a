/**
 * A program as a target runs it: system calls on bytes, without names. Assembled from a Program (`assemble.ts`); arguments
 * that come from earlier results are patches, so that the agent needs no knowledge of structs.
 */
import { type Width, readNumber, writeNumber } from '../base/bytes.js';
import type { Capability } from './credentials.js';
import type { MmapAccess } from './program.js';
import type { VfioNode } from './vfio_nodes.js';

/** Bytes that user space places at an address before the call and reads back after it. */
export interface RawBuffer {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/** Bytes of an earlier step's buffers after its call. */
export interface PatchSource {
  readonly step: number;
  readonly buffer: number;
  readonly offset: number;
}

/** Overwrites bytes of a buffer with a little-endian number from an earlier step, plus a constant. */
export interface RawPatch {
  readonly buffer: number;
  readonly offset: number;
  readonly bytes: Width;
  readonly from: PatchSource;
  readonly plus: bigint;
}

/**
 * A place in a buffer where the kernel reads or writes the number of a descriptor. Programs see handles there instead: numbers of
 * descriptors depend on what else the process has open.
 */
export interface RawFd {
  readonly direction: 'in' | 'out';
  readonly buffer: number;
  readonly offset: number;
  /** The slot whose descriptor is passed, or that takes the new one. */
  readonly slot: number;
}

/** A descriptor that a call makes and does not tell: the lowest free number. */
export interface HiddenFd {
  readonly direction: 'hidden';
  readonly slot: number;
}

/** What programs see instead of the number of the descriptor in a slot: above every number that a process has. */
export function handleOf(slot: number): number {
  return FD_HANDLE_BASE + slot;
}

/** The slot of a handle; undefined for a number that is none. */
export function slotOf(handle: number): number | undefined {
  const slot = handle - FD_HANDLE_BASE;
  return slot >= 0 && slot < SLOTS_MAX ? slot : undefined;
}

/** Whether a number that is no handle may be of a descriptor all the same: one of the agent, which no program knows of. */
export function mayBeForeign(number: number): boolean {
  return number >= 0 && number < DESCRIPTORS_MAX;
}

/** RLIMIT_NOFILE. */
const DESCRIPTORS_MAX = 1024;

/** Handles begin here. */
export const FD_HANDLE_BASE = 0x4000_0000;

export interface RawIoctl extends RawPerformer {
  readonly do: 'ioctl';
  readonly slot: number;
  readonly command: number;
  /** The pointer argument. */
  readonly arg: bigint;
  readonly buffers: readonly RawBuffer[];
  readonly patches: readonly RawPatch[];
  readonly fds: readonly (RawFd | HiddenFd)[];
}

/** read(), write(), and with an offset pread() and pwrite(). */
export interface RawTransfer extends RawPerformer {
  readonly do: 'read' | 'write';
  readonly slot: number;
  readonly address: bigint;
  /** How many bytes are asked for, which may be more than lie in memory. */
  readonly bytes: number;
  readonly offset: bigint | undefined;
  readonly buffers: readonly RawBuffer[];
}

export interface RawMmap extends RawPerformer {
  readonly do: 'mmap';
  readonly start: bigint;
  readonly bytes: bigint;
  readonly access: MmapAccess;
  readonly isPrivate: boolean;
  /** Anonymous huge pages. */
  readonly isHuge: boolean;
  /** Without it the memory is anonymous. */
  readonly file: { readonly slot: number; readonly offset: bigint } | undefined;
}

/** The steps that follow go on at the same time: so many are in the first lane, so many in the second, and so on. */
export interface RawLanes {
  readonly do: 'lanes';
  readonly counts: readonly number[];
}

/** What pages a file of memory has. */
export interface MemoryFilePages {
  /** Huge ones, which the kernel clears. */
  readonly isHuge: boolean;
  /** Those that fallocate() makes, at which nobody has looked; without it, they have been written. */
  readonly isFallocated: boolean;
}

/** Who carries a step out: a process by its number; without it, the one that the program starts in. */
interface RawPerformer {
  readonly by?: number | undefined;
  /** Which of its allocations fails; of ioctl(), read() and write() alone. */
  readonly failNth?: number | undefined;
}

export type RawStep = RawPerformer & AnyRawStep;

type AnyRawStep =
  | {
      readonly do: 'open';
      readonly slot: number;
      readonly isReadOnly: boolean;
      /** Without it, /dev/iommu. */
      readonly node: VfioNode | undefined;
    }
  | ({ readonly do: 'memfd'; readonly slot: number; readonly bytes: bigint } & MemoryFilePages)
  | { readonly do: 'truncate'; readonly slot: number; readonly bytes: bigint }
  | { readonly do: 'dup'; readonly slot: number; readonly as: number }
  | { readonly do: 'close'; readonly slot: number }
  | { readonly do: 'poll'; readonly slot: number }
  | RawIoctl
  | RawTransfer
  | RawMmap
  | {
      readonly do: 'mremap';
      readonly start: bigint;
      readonly bytes: bigint;
      readonly newBytes: bigint;
      readonly to: bigint | undefined;
    }
  | { readonly do: 'mprotect'; readonly start: bigint; readonly bytes: bigint; readonly access: MmapAccess }
  | { readonly do: 'munmap'; readonly start: bigint; readonly bytes: bigint }
  | {
      readonly do: 'process';
      readonly drop: readonly Capability[];
      readonly memlockBytes: bigint | undefined;
    }
  | { readonly do: 'counters' }
  | { readonly do: 'fork'; readonly process: number }
  | { readonly do: 'exec' }
  | { readonly do: 'cloexec'; readonly slot: number; readonly isSet: boolean }
  | { readonly do: 'pass'; readonly slot: number; readonly to: number; readonly as: number }
  | { readonly do: 'exit' }
  | RawLanes;

/** Programs have at most this many descriptors. */
export const SLOTS_MAX = 128;

/** Programs have at most this many processes. */
export const PROCESSES_MAX = 8;

/** The last allocation that can be made to fail. */
export const NTH_MAX = 0xffff;

/** Programs have at most this many lanes at a time. */
export const LANES_MAX = 3;

/** Lanes have at most this many steps. */
export const LANE_STEPS_MAX = 4;

/** Programs have at most this many steps. */
export const STEPS_MAX = 4096;

export interface RawProgram {
  readonly steps: readonly RawStep[];
}

/** The buffers of a step; most kinds have none. */
export function buffersOf(step: RawStep): readonly RawBuffer[] {
  return step.do === 'ioctl' || step.do === 'read' || step.do === 'write' ? step.buffers : NO_BUFFERS;
}

const NO_BUFFERS: readonly never[] = [];

/**
 * The step as it is carried out: its buffers with the patches applied.
 * @param sourceBytes the bytes of an earlier step's buffer after its call; undefined if that step has no such buffer
 */
export function applyPatches(
  step: RawIoctl,
  sourceBytes: (from: PatchSource) => Uint8Array | undefined,
): RawIoctl {
  if (step.patches.length === 0) return step;
  const buffers = [...step.buffers];
  for (const patch of step.patches) {
    const source = sourceBytes(patch.from);
    const target = buffers[patch.buffer];
    if (target === undefined || source === undefined) continue;
    const isCopy = target !== step.buffers[patch.buffer];
    const patched = isCopy ? target : { address: target.address, bytes: new Uint8Array(target.bytes) };
    buffers[patch.buffer] = patched;
    applyPatch(patch, source, patched.bytes);
  }
  // Member by member: to copy whatever a step has takes V8 longer than all the rest.
  const { slot, command, arg, patches, fds, by, failNth } = step;
  return { do: 'ioctl', slot, command, arg, buffers, patches, fds, by, failNth };
}

function applyPatch({ offset, bytes, from, plus }: RawPatch, source: Uint8Array, target: Uint8Array): void {
  if (plus === 0n) {
    for (let at = 0; at < bytes; at++) target[offset + at] = source[from.offset + at] ?? 0;
  } else {
    writeNumber(target, offset, bytes, readNumber(source, from.offset, bytes) + plus);
  }
}
