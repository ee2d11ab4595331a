/**
 * A program as a target runs it: system calls on bytes, without names. Assembled from a Program (`assemble.ts`); arguments
 * that come from earlier results are patches, so that the agent needs no knowledge of structs.
 */
import { type Width, readNumber, writeNumber } from '../base/bytes.js';
import type { Access } from './arena.js';
import type { Capability } from './credentials.js';

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

export interface RawIoctl {
  readonly do: 'ioctl';
  readonly slot: number;
  readonly command: number;
  /** The pointer argument. */
  readonly arg: bigint;
  readonly buffers: readonly RawBuffer[];
  readonly patches: readonly RawPatch[];
}

export interface RawMmap {
  readonly do: 'mmap';
  readonly start: bigint;
  readonly bytes: bigint;
  readonly access: Access;
}

export type RawStep =
  | { readonly do: 'open'; readonly slot: number }
  | { readonly do: 'close'; readonly slot: number }
  | RawIoctl
  | RawMmap
  | { readonly do: 'munmap'; readonly start: bigint; readonly bytes: bigint }
  | {
      readonly do: 'process';
      readonly drop: readonly Capability[];
      readonly memlockBytes: bigint | undefined;
    }
  | { readonly do: 'counters' };

/** Programs open at most this many files. */
export const SLOTS_MAX = 16;

/** Programs have at most this many steps. */
export const STEPS_MAX = 4096;

export interface RawProgram {
  readonly steps: readonly RawStep[];
}

/**
 * The step as it is carried out: its buffers with the patches applied.
 * @param sourceBytes the bytes of an earlier step's buffer after its call; undefined if that step has no such buffer
 */
export function applyPatches(
  step: RawIoctl,
  sourceBytes: (from: PatchSource) => Uint8Array | undefined,
): RawIoctl {
  if (step.patches.length === 0) return step;
  const buffers = step.buffers.map(({ address, bytes }) => ({ address, bytes: bytes.slice() }));
  for (const { buffer, offset, bytes, from, plus } of step.patches) {
    const target = buffers[buffer];
    const source = sourceBytes(from);
    if (target === undefined || source === undefined) continue;
    if (plus === 0n) {
      for (let at = 0; at < bytes; at++) target.bytes[offset + at] = source[from.offset + at] ?? 0;
    } else {
      writeNumber(target.bytes, offset, bytes, readNumber(source, from.offset, bytes) + plus);
    }
  }
  return { ...step, buffers };
}
